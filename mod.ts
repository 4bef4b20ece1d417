/**
 * `soak` as a library: parameters, canonical JSON, the apply pipeline, runs and their proof.
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

export * from "./errors.ts";
export * from "./jsonx.ts";
export * from "./profile.ts";
export * from "./profile_check.ts";
export * from "./market_maker.ts";
export * from "./params.ts";
export * from "./guards.ts";
export * from "./pipeline.ts";
export * from "./records.ts";
export * from "./artifacts.ts";
export * from "./tuning_report.ts";
export * from "./mock_fault.ts";
export * from "./findings.ts";
export * from "./judge.ts";
export * from "./audit.ts";
export * from "./verify_result.ts";
export * from "./verify.ts";
export * from "./snapshot.ts";
export * from "./metrics.ts";
export * from "./gate.ts";
export * from "./run.ts";
export type { OnError, RealRequest, SystemRequest } from "./system_spec.ts";
export * from "./replay.ts";
