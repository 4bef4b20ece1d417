/**
 * `soak apply`, `soak params` and `soak hash`.
 *
 * @module
 */

import { type Console, EXIT } from "./console.ts";
import { SoakError } from "./errors.ts";
import { canonicalJson, readJsonWithHash, sha256Hex } from "./jsonx.ts";
import type { Command, ParamsCommand } from "./options.ts";
import { getFromRuntime, validateDeltas } from "./params.ts";
import { applyDeltasWithTracking } from "./pipeline.ts";
import { printable } from "./printable.ts";
import type { Parameter } from "./profile.ts";
import { loadProfile } from "./profile_file.ts";
import { readRegularFile } from "./readfile.ts";
import { isJsonObject } from "./shape.ts";
import { table } from "./terminal.ts";

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

/** Lists, reads or validates parameters. */
export async function commandParams(command: ParamsCommand, console: Console): Promise<number> {
  const { parameters } = await loadProfile(command.profile);
  switch (command.action) {
    case "list":
      return listParams(parameters, command.json, console);
    case "get":
      return await getParam(command, parameters, console);
    case "validate": {
      const problems = validateDeltas(command.deltas, parameters);
      if (command.json) {
        console.out(canonicalJson({ valid: problems.length === 0, problems }));
      } else {
        for (const { message } of problems) console.out(printable(message));
        if (problems.length === 0) console.out("valid");
      }
      return problems.length === 0 ? EXIT.passed : EXIT.failed;
    }
  }
}

function listParams(
  parameters: readonly Parameter[],
  json: boolean,
  console: Console,
): number {
  if (json) {
    console.out(canonicalJson(parameters));
    return EXIT.passed;
  }
  const { dim } = console.outStyle;
  console.out(table([
    ["parameter", "kind", "from", "to", "step", "unit", "default", "path"].map(dim),
    ...parameters.map((p) => [
      p.key,
      p.kind,
      String(p.min),
      String(p.max),
      String(p.step),
      p.unit,
      String(p.default),
      p.path,
    ]),
  ], { align: ["left", "left", "right", "right", "right", "left", "right", "left"] }));
  return EXIT.passed;
}

async function getParam(
  { key, runtimePath: path, json }: ParamsCommand & { readonly action: "get" },
  parameters: readonly Parameter[],
  console: Console,
): Promise<number> {
  const { data } = await readJsonWithHash(path);
  if (!isJsonObject(data)) {
    throw new SoakError("artifact", "the runtime is not a JSON object", {
      where: path,
      remedy: "restore the file",
    });
  }
  const value = getFromRuntime(data, key, parameters);
  if (value === undefined) {
    throw new SoakError("artifact", `the runtime has no value for ${key}`, {
      where: path,
      remedy: "set it with `soak apply`",
    });
  }
  console.out(json ? canonicalJson({ key, value }) : String(value));
  return EXIT.passed;
}

/** Prints state hashes as sha256sum does. */
export async function commandHash(
  command: Command & { readonly command: "hash" },
  console: Console,
): Promise<number> {
  let code: number = EXIT.passed;
  for (const file of command.files) {
    try {
      console.out(sha256Line(await sha256Hex(await readRegularFile(file)), file));
    } catch (error) {
      if (!(error instanceof SoakError)) throw error;
      console.err(`soak: ${error.message}`);
      code = error.kind === "system" ? EXIT.unable : EXIT.inconclusive;
    }
  }
  return code;
}

/** A line of `sha256sum`: names with a backslash or a line feed are escaped and marked. */
function sha256Line(hash: string, file: string): string {
  if (!/[\\\n\r]/.test(file)) return `${hash}  ${file}`;
  const escaped = file.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `\\${hash}  ${escaped}`;
}
