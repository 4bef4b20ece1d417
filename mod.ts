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

export { type ErrorKind, SoakError, type SoakErrorOptions } from "./base/errors.ts";
export {
  atomicWriteJson,
  canonicalJson,
  computeJsonHash,
  type JsonObject,
  type JsonValue,
  parseJson,
  readJsonWithHash,
} from "./base/json.ts";
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
} from "./model/profile.ts";
export { checkProfile, parseProfile, type ProfileProblem } from "./model/profile_check.ts";
export { marketMaker, PARAM_KEYS } from "./model/market_maker.ts";
export {
  applyDeltas,
  type Deltas,
  getAllParams,
  getFromRuntime,
  type ParameterProblem,
  setInRuntime,
  validateDeltas,
} from "./model/params.ts";
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
} from "./model/guards.ts";
export type { ProposalContext, SkipReason } from "./model/skip_reason.ts";
export { applyDeltasWithTracking, type ApplyOptions, type ApplyResult } from "./run/apply.ts";
export type { IterationRecord, RecordedChange, RunRecord, TuningRecord } from "./record/records.ts";
export type { TuningCounts } from "./record/tuning_report.ts";
export { FAULT_KINDS, type MockFault } from "./model/mock_fault.ts";
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
} from "./model/system_spec.ts";
export { type RunOptions, type RunResult, runSoak, type RunStart } from "./run/run.ts";
export type { Finding, FindingCode } from "./proof/findings.ts";
export type { JudgedProposal, Outcome } from "./proof/outcome.ts";
export type { AuditedIteration, AuditSink, SeenIteration } from "./proof/auditor.ts";
export { type VerifyOptions, verifyRun } from "./proof/verify.ts";
export type { GateCheck, ProposalCounts, Verdict, VerifyResult } from "./proof/verify_result.ts";
export {
  type IterationFacts,
  type KpiStatistics,
  type Snapshot,
  takeSnapshot,
} from "./judgement/snapshot.ts";
export { type MetricsInput, renderMetrics } from "./report/metrics.ts";
export { type GateOptions, type GateResult, runGate } from "./gate.ts";
export {
  type ReplayDifference,
  type ReplayOptions,
  type ReplayResult,
  replayRun,
} from "./run/replay.ts";
