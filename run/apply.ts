/**
 * Turns a proposal into the next runtime, all of it or none of it: load, validate, guards,
 * apply in memory, atomic write, barrier.
 *
 * @module
 */

import { dirname } from "@std/path/dirname";
import { removeStaleTemps } from "../base/atomic_file.ts";
import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { sameHash, sha256Hex } from "../base/hash.ts";
import { computeJsonHash } from "../base/json.ts";
import { atomicWriteJson, readJsonWithHash } from "../base/json_file.ts";
import type { JsonObject } from "../base/json_value.ts";
import { acquireLock, type Lock } from "../base/lock.ts";
import { settingProblems } from "../model/guard_settings.ts";
import { EMPTY_HISTORY, evaluateGuards, type GuardHistory } from "../model/guards.ts";
import { marketMaker } from "../model/market_maker.ts";
import { applyDeltas, blockade, type Deltas, getFromRuntime } from "../model/params.ts";
import type { Profile } from "../model/profile.ts";
import { nestRuntime } from "../model/runtime_keys.ts";
import { type ProposalContext, type SkipReason, skipReason } from "../model/skip_reason.ts";
import { readRuntime } from "../record/artifacts.ts";

/** Options for {@linkcode applyDeltasWithTracking}. */
export interface ApplyOptions {
  /** Path of the runtime file. */
  readonly runtimePath: string;
  /** Target values by flat key. */
  readonly proposedDeltas: Deltas;
  /**
   * The profile with parameters and guard settings.
   *
   * @default {marketMaker}
   */
  readonly profile?: Profile;
  /**
   * What happened before, the present iteration included.
   *
   * @default {EMPTY_HISTORY}
   */
  readonly history?: GuardHistory;
  /** What besides the guards explains that nothing was proposed. */
  readonly context?: ProposalContext;
  /**
   * Refuse to touch a runtime whose hash is another one. A runtime that is known so well is taken as
   * it stands: flat keys in it are no parameters, and stay where they are.
   */
  readonly expectedHash?: string;
  /** Called under the lock with what is about to happen, before anything is written. */
  readonly beforeWrite?: (plan: ApplyResult) => Promise<void>;
}

/** What became of a proposal. */
export interface ApplyResult {
  /** Whether the runtime changed. */
  readonly applied: boolean;
  /** Whether every target equalled the current value. */
  readonly noOp: boolean;
  /** State hash before. */
  readonly oldHash: string;
  /** State hash of the file as it now stands. */
  readonly stateHash: string;
  /** The targets that were applied, rounded to their steps; empty if none were. */
  readonly deltasApplied: Deltas;
  /** Keys whose value changed, sorted. */
  readonly changedKeys: readonly string[];
  /** Bytes written; 0 when nothing was. */
  readonly bytesWritten: number;
  /** Why nothing was applied; `null` if something was. */
  readonly skipReason: SkipReason | null;
}

/** The context of a proposal that comes from outside a run. */
const OUTSIDE_A_RUN: ProposalContext = {
  autoTune: true,
  last: false,
  kpisMet: false,
  failure: null,
};

/**
 * Applies a proposal to a runtime file, or says why not. Flat keys in it, which stand at the top in
 * place of their path, are read as the parameters that they name; a change that is applied puts them
 * in their places. (Not so with `expectedHash`.) An advisory lock on the file covers everything from
 * reading it to the barrier, so that two processes never lose an update.
 *
 * @param options The file, the targets and what the guards need to know.
 * @returns What became of the proposal.
 * @throws {SoakError} If the runtime can't be read or written, it has guard settings that the
 * profile does not allow or a target is not acceptable (nothing is written then), or the file does
 * not hold what was written.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const dir = await Deno.makeTempDir();
 * const runtimePath = `${dir}/runtime_overrides.json`;
 * await Deno.writeTextFile(runtimePath, `{"engine":{"tail_age_ms":600}}`);
 * const { applied, changedKeys } = await applyDeltasWithTracking({
 *   runtimePath,
 *   proposedDeltas: { tail_age_ms: 630 },
 * });
 * assertEquals({ applied, changedKeys }, { applied: true, changedKeys: ["tail_age_ms"] });
 * assertEquals(await Deno.readTextFile(runtimePath), `{"engine":{"tail_age_ms":630}}`);
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export async function applyDeltasWithTracking(options: ApplyOptions): Promise<ApplyResult> {
  const { runtimePath, expectedHash, profile = marketMaker } = options;
  using _lock = await lockRuntime(runtimePath);
  const { runtime: given, stateHash } = await readRuntime(runtimePath);
  if (expectedHash !== undefined && !sameHash(stateHash, expectedHash)) {
    throw foreignChange(runtimePath);
  }
  const { runtime, problems: [problem] } = expectedHash === undefined
    ? nestRuntime(given, profile)
    : { runtime: given, problems: [] };
  if (problem !== undefined) throw wrongRuntime(problem.message, runtimePath);
  refuseLoosened(runtime, profile, runtimePath);
  const { result, next } = await decide(runtime, stateHash, options);
  if (next === null) return result;
  await options.beforeWrite?.(result);
  await atomicWriteJson(runtimePath, next);
  await barrier(runtimePath, result.stateHash);
  return result;
}

/** Validates the targets and asks the guards; with what comes next, unless one holds. */
async function decide(
  runtime: JsonObject,
  oldHash: string,
  options: ApplyOptions,
): Promise<{ readonly result: ApplyResult; readonly next: JsonObject | null }> {
  const { proposedDeltas, profile = marketMaker } = options;
  const { history = EMPTY_HISTORY, context = OUTSIDE_A_RUN } = options;
  const { parameters } = profile;
  refuseBlocked(runtime, options);
  const next = applyDeltas(runtime, proposedDeltas, parameters).runtime;
  const targets = Object.fromEntries(
    Object.keys(proposedDeltas).map((key) => [key, getFromRuntime(next, key, parameters) ?? NaN]),
  );
  const evaluation = evaluateGuards(history, runtime, targets, profile, context.withheld);
  const skip = skipReason(evaluation, context);
  if (skip !== null) {
    const result = {
      applied: false,
      noOp: skip.no_op,
      oldHash,
      stateHash: oldHash,
      deltasApplied: {},
      changedKeys: [],
      bytesWritten: 0,
      skipReason: skip,
    };
    return { result, next: null };
  }
  const text = canonicalJson(next);
  const result = {
    applied: true,
    noOp: false,
    oldHash,
    stateHash: await sha256Hex(text),
    deltasApplied: targets,
    changedKeys: Object.keys(targets)
      .filter((key) => getFromRuntime(runtime, key, parameters) !== targets[key])
      .sort(),
    bytesWritten: text.length,
    skipReason: null,
  };
  return { result, next };
}

/** A change that was decided on, and that a crash may have kept from being written. */
export interface DecidedChange {
  /** State hash before. */
  readonly oldHash: string;
  /** State hash after. */
  readonly stateHash: string;
  /** The runtime after. */
  readonly next: JsonObject;
}

/**
 * Completes a change that an earlier process decided on: writes it, unless it is written already.
 */
export async function completeApply(runtimePath: string, change: DecidedChange): Promise<void> {
  using _lock = await lockRuntime(runtimePath);
  const { stateHash } = await readJsonWithHash(runtimePath);
  if (sameHash(stateHash, change.stateHash)) return;
  if (!sameHash(stateHash, change.oldHash)) throw foreignChange(runtimePath);
  if (!sameHash(await computeJsonHash(change.next), change.stateHash)) {
    throw new SoakError("artifact", "the step that was interrupted does not lead where it says", {
      where: runtimePath,
      remedy: "start a new run; `soak verify` tells more",
    });
  }
  await atomicWriteJson(runtimePath, change.next);
  await barrier(runtimePath, change.stateHash);
}

async function lockRuntime(runtimePath: string): Promise<Lock> {
  const lock = await acquireLock(`${runtimePath}.lock`, { wait: true });
  if (lock.takenOver) removeStaleTemps(dirname(runtimePath));
  return lock;
}

/** Refuses a runtime whose own guard settings are looser than the profile allows. */
export function refuseLoosened(
  runtime: JsonObject,
  profile: Profile,
  path: string,
  remedy = "correct the file or the profile",
): void {
  const [problem] = settingProblems(runtime, profile);
  if (problem !== undefined) throw wrongRuntime(problem.message, path, remedy);
}

function wrongRuntime(what: string, where: string, remedy = "correct the file"): SoakError {
  return new SoakError("artifact", what, { where, remedy });
}

/** Refuses a runtime in which something that is not an object stands in a target's way. */
function refuseBlocked(
  runtime: JsonObject,
  { proposedDeltas, runtimePath, profile = marketMaker }: ApplyOptions,
): void {
  for (const parameter of profile.parameters) {
    if (!Object.hasOwn(proposedDeltas, parameter.key)) continue;
    const problem = blockade(runtime, parameter);
    if (problem !== null) throw wrongRuntime(problem.message, runtimePath);
  }
}

/** The runtime is not in the state that it was left in. */
export class ForeignChange extends SoakError {}

/** Says that something else has changed a runtime. */
export function foreignChange(runtimePath: string): ForeignChange {
  return new ForeignChange("system", "the runtime was changed by something else", {
    where: runtimePath,
    remedy: "find out what else writes to it, then start a new run",
  });
}

/** Reads the file back: it must hold what was written. */
async function barrier(path: string, expected: string): Promise<void> {
  const { stateHash } = await readJsonWithHash(path);
  if (!sameHash(stateHash, expected)) {
    throw new SoakError("system", "the runtime does not hold what was written to it", {
      where: `${path}: expected ${expected}, found ${stateHash}`,
      remedy: "find out what else writes to it, and check the disk",
    });
  }
}
