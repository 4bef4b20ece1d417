/**
 * `soak apply`.
 *
 * @module
 */

import { type Console, EXIT } from "./console.ts";
import { canonicalJson } from "../base/json.ts";
import type { Command } from "./options.ts";
import { applyDeltasWithTracking } from "../run/apply.ts";
import { loadProfile } from "../model/profile_file.ts";

/** One pass of the pipeline; the exit code says whether the targets are now in the runtime. */
export async function commandApply(
  command: Command & { readonly command: "apply" },
  console: Console,
): Promise<number> {
  const result = await applyDeltasWithTracking({
    profile: await loadProfile(command.profile),
    runtimePath: command.runtimePath,
    proposedDeltas: command.deltas,
  });
  const { applied, noOp, oldHash, stateHash, deltasApplied, changedKeys, skipReason } = result;
  if (command.json) {
    console.out(canonicalJson({
      applied,
      no_op: noOp,
      old_hash: oldHash,
      state_hash: stateHash,
      deltas: deltasApplied,
      changed_keys: changedKeys,
      bytes_written: result.bytesWritten,
      skip_reason: skipReason,
    }));
  } else if (applied) {
    console.out(`applied ${changedKeys.map((key) => `${key} = ${deltasApplied[key]}`).join(", ")}`);
    console.out(`state ${oldHash} → ${stateHash}`);
  } else {
    console.out(`not applied: ${skipReason?.note ?? ""}`);
    console.out(`state ${stateHash}`);
  }
  return applied || noOp ? EXIT.passed : EXIT.failed;
}
