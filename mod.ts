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

export { type ErrorKind, SoakError, type SoakErrorOptions } from "./errors.ts";
export {
  atomicWriteJson,
  canonicalJson,
  computeJsonHash,
  type JsonObject,
  type JsonValue,
  parseJson,
  readJsonWithHash,
} from "./jsonx.ts";
export type {
  Action,
  Condition,
  GateSettings,
  GuardSettings,
  Kpi,
  KpiJudgement,
  KpiValues,
  Parameter,
  Profile,
  Rule,
} from "./profile.ts";
export { checkProfile, parseProfile, type ProfileProblem } from "./profile_check.ts";
export { marketMaker, PARAM_KEYS } from "./market_maker.ts";
export {
  applyDeltas,
  type Deltas,
  getAllParams,
  getFromRuntime,
  type ParameterProblem,
  setInRuntime,
  validateDeltas,
} from "./params.ts";
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
  type Withheld,
} from "./guards.ts";
export type { ProposalContext, SkipReason } from "./skip_reason.ts";
export { applyDeltasWithTracking, type ApplyOptions, type ApplyResult } from "./pipeline.ts";
export type { IterationRecord, RecordedChange, RunRecord, TuningRecord } from "./records.ts";
export type { TuningCounts } from "./tuning_report.ts";
export { FAULT_KINDS, type MockFault } from "./mock_fault.ts";
export type {
  ExecSystem,
  MockSystem,
  OnError,
  RealRequest,
  RealSettings,
  RealSystem,
  ReloadSignal,
  ServiceSystem,
  SystemRequest,
  SystemSpec,
} from "./system_spec.ts";
export { type RunOptions, type RunResult, runSoak, type RunStart } from "./run.ts";
export type { Finding, FindingCode } from "./findings.ts";
export type { JudgedProposal, Outcome } from "./judge.ts";
export type { AuditedIteration, AuditSink, SeenIteration } from "./audit.ts";
export { type VerifyOptions, verifyRun } from "./verify.ts";
export type { GateCheck, ProposalCounts, Verdict, VerifyResult } from "./verify_result.ts";
export {
  type IterationFacts,
  type KpiStatistics,
  type Snapshot,
  takeSnapshot,
} from "./snapshot.ts";
export { type MetricsInput, renderMetrics } from "./metrics.ts";
export { type GateOptions, type GateResult, runGate } from "./gate.ts";
export {
  type ReplayDifference,
  type ReplayOptions,
  type ReplayResult,
  replayRun,
} from "./replay.ts";
