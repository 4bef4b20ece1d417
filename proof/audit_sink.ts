/**
 * What an audit tells, as it goes, to whoever listens: a tally, a report, a gate.
 *
 * @module
 */

import type { Guard, GuardEvaluation } from "../model/guards.ts";
import type { Incident } from "../model/incident.ts";
import type { KpiJudgement, KpiValues, Profile } from "../model/profile.ts";
import type { IterationRecord } from "../record/records.ts";
import type { Finding } from "./findings.ts";
import type { JudgedProposal } from "./outcome.ts";

/** What is told of every iteration that could be read. */
export interface IterationFacts {
  /** Number of the iteration. */
  readonly iteration: number;
  /** Its time, UTC. */
  readonly utc: string;
  /** KPI values by key. */
  readonly kpis: KpiValues;
  /** Whether every KPI was met. */
  readonly kpisMet: boolean;
  /** Which guards held. */
  readonly guards: Readonly<Record<Guard, boolean>>;
  /** State hash of the runtime that it ran under. */
  readonly ranUnder: string;
  /** State hash after the iteration. */
  readonly stateHash: string;
}

/** What was recomputed for one iteration. */
export interface AuditedIteration {
  /** The record as it was read. */
  readonly record: IterationRecord;
  /** The KPIs, judged again. */
  readonly judgement: KpiJudgement;
  /** The guards, evaluated again; `null` when a gap in the record leaves them unknown. */
  readonly guards: GuardEvaluation | null;
  /** The profile that it was judged by. */
  readonly profile: Profile;
}

/** Where the auditor reports to, as it goes. */
export interface AuditSink {
  /** Called for every finding. */
  finding(finding: Finding): void;
  /** Called for every proposal, once what came next is known. */
  proposal(proposal: JudgedProposal): void;
  /** Called for every incident, with the iteration whose measurement it came before. */
  incident(incident: Incident, iteration: number): void;
  /** Called for every iteration that could be audited in full. */
  iteration(audited: AuditedIteration): void;
  /** Called for every iteration that could be read. */
  seen(iteration: SeenIteration): void;
}

/** What was seen of an iteration, with the guards as recomputed. */
export interface SeenIteration extends IterationFacts {
  /** Whether a change was applied after it. */
  readonly applied: boolean;
  /** The profile that it was judged by. */
  readonly profile: Profile;
}
