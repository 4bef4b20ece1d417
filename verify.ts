/**
 * Verification: proves a finished run from its artifacts alone, believing nothing that it can
 * recompute.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runSoak } from "@soak/soak";
 * import { verifyRun } from "@soak/soak/verify";
 *
 * const parent = await Deno.makeTempDir();
 * await runSoak({ dir: `${parent}/run`, iterations: 10, autoTune: true });
 * const { verdict, ratio, findings } = await verifyRun(`${parent}/run`, { strict: true });
 * assertEquals({ verdict, ratio, findings }, { verdict: "PASS", ratio: 1, findings: [] });
 * await Deno.remove(parent, { recursive: true });
 * ```
 *
 * @module
 */

export { type VerifyOptions, verifyRun } from "./proof/verify.ts";
export type { OlderRun, ProposalCounts, Verdict, VerifyResult } from "./proof/verdict.ts";
export type { Finding, FindingClass, FindingCode } from "./proof/findings.ts";
export type { JudgedProposal, Outcome } from "./proof/outcome.ts";
export type { Incident, IncidentCounts, IncidentKind } from "./model/incident.ts";
export type {
  AuditedIteration,
  AuditSink,
  IterationFacts,
  SeenIteration,
} from "./proof/audit_sink.ts";
export type { SeenInEffect } from "./proof/in_effect.ts";
export type { ChangedAt, InForce, OtherVersion, OwnSetting } from "./proof/in_force.ts";
export type { ChangedSettings, SettingsChange } from "./model/changed_settings.ts";
export type { GuardSetting } from "./model/guard_settings.ts";
export type { IterationRecord, RecordedChange, RunRecord, TuningRecord } from "./record/records.ts";
export {
  type ExecSystem,
  FAULT_KINDS,
  type MockFault,
  type MockSystem,
  type OnError,
  type OperationalSetting,
  type RealSettings,
  type RealSystem,
  type ReloadSignal,
  type ServiceSystem,
  type SystemSpec,
} from "./model/system_spec.ts";
