/**
 * `soak` as a library: the soak itself, and the doors to what it is made of.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runGate, runSoak } from "@soak/soak";
 *
 * const parent = await Deno.makeTempDir();
 * const dir = `${parent}/run`;
 * await runSoak({ dir, iterations: 24, autoTune: true });
 * const { verdict } = await runGate(dir, { strict: true });
 * assertEquals(verdict, "PASS");
 * await Deno.remove(parent, { recursive: true });
 * ```
 *
 * @module
 */

export * from "./jsonx.ts";
export * from "./params.ts";
export * from "./pipeline.ts";
export * from "./verify.ts";
export * from "./gate.ts";

export { runSoak } from "./run/run.ts";
export type { RunResult } from "./run/run.ts";
export type { RunOptions, RunStart } from "./run/state.ts";
export type { RealRequest, SystemRequest } from "./model/system_spec.ts";
export type { TuningCounts } from "./record/tuning_report.ts";
export {
  type ReplayDifference,
  type ReplayOptions,
  type ReplayResult,
  replayRun,
} from "./run/replay.ts";
