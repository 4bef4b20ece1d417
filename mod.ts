/**
 * `soak` as a library. {@linkcode runSoak} measures a system, lets the tuner propose parameter
 * changes, applies each one whole or not at all, and records every iteration in a run directory.
 * {@linkcode verifyRun} proves a finished run from these records alone, {@linkcode runGate} judges
 * it, and {@linkcode replayRun} runs a simulated one again and compares the bytes. All of them throw
 * {@linkcode SoakError}, whose kind tells a wrong request from records and from the machine.
 *
 * This entry has everything; each part has one of its own:
 *
 * - `@soak/soak/jsonx`: canonical JSON, its hash, files of it, the error class;
 * - `@soak/soak/params`: parameters in a runtime, and the profile that defines them;
 * - `@soak/soak/pipeline`: one pass of the apply pipeline, and the guards;
 * - `@soak/soak/verify`: the verification and what it finds;
 * - `@soak/soak/gate`: the gate, the snapshot of the last iterations, metrics.
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
export type { Contradiction, RunResult } from "./run/run.ts";
export type { RunOptions, RunStart } from "./run/state.ts";
export type { Difference } from "./model/effective.ts";
export type { Phase, PhaseName } from "./model/phase.ts";
export type { RealRequest, SystemRequest } from "./model/system_spec.ts";
export type { TuningCounts } from "./record/tuning_report.ts";
export {
  type ReplayDifference,
  type ReplayOptions,
  type ReplayResult,
  replayRun,
} from "./run/replay.ts";
