/**
 * The apply pipeline: turns a proposal into the next runtime, all of it or none of it, or holds it
 * back with a skip reason. And the guards that decide.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { applyDeltasWithTracking } from "@soak/soak/pipeline";
 *
 * const dir = await Deno.makeTempDir();
 * const runtimePath = `${dir}/runtime_overrides.json`;
 * await Deno.writeTextFile(runtimePath, '{"engine":{"tail_age_ms":600}}');
 * const { applied, skipReason } = await applyDeltasWithTracking({
 *   runtimePath,
 *   proposedDeltas: { tail_age_ms: 800 },
 * });
 * assertEquals([applied, skipReason?.velocity], [false, true]);
 * await Deno.remove(dir, { recursive: true });
 * ```
 *
 * @module
 */

export { applyDeltasWithTracking, type ApplyOptions, type ApplyResult } from "./run/apply.ts";
export {
  type AppliedStep,
  EMPTY_HISTORY,
  type Guard,
  type GuardEvaluation,
  type GuardFinding,
  type GuardHistory,
  GUARDS,
  observeIteration,
  rememberApplied,
  stepsOf,
  type ValueChange,
  type Withheld,
} from "./model/guards.ts";
export type { ProposalContext, SkipReason } from "./model/skip_reason.ts";
