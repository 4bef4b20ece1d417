/**
 * Judges a run iteration by iteration: every value that can be recomputed is recomputed.
 * It sees records only, and remembers no more than one iteration and the guards' history.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import {
  byGuard,
  EMPTY_HISTORY,
  evaluateGuards,
  type GuardEvaluation,
  type GuardHistory,
  observeIteration,
  rememberApplied,
  stepsTo,
} from "../model/guards.ts";
import {
  allows,
  changesMistake,
  changesToJson,
  type RunSettings,
  settingsAfter,
  type SettingsChange,
} from "../model/changed_settings.ts";
import {
  countIncidents,
  type Incident,
  type IncidentCounts,
  NO_INCIDENTS,
  type Pending,
  pendingAfter,
} from "../model/incident.ts";
import { judgeKpis, type KpiJudgement, type Profile } from "../model/profile.ts";
import { skipReason } from "../model/skip_reason.ts";
import { PROGRESS_FILE, type Recorded, RUNTIME_FILE, summaryFile } from "../record/artifacts.ts";
import type { IterationRecord, ProgressRecord, RunRecord } from "../record/records.ts";
import {
  auditHashes,
  auditRecordChain,
  auditRuntime,
  auditTime,
  auditVersion,
  differenceText,
  type Expectation,
  expectNext,
  sameRuntime,
  stateOf,
} from "./audit_chain.ts";
import { auditIncidents, auditPending, type InForceThen } from "./audit_incidents.ts";
import type { AuditSink, SeenIteration } from "./audit_sink.ts";
import { auditGuards, auditProposal, auditSettings, expectedProposal } from "./audit_tuning.ts";
import { auditChanges, auditEffective, auditKpis, auditValues } from "./audit_values.ts";
import { findingIn, found, type RecordFinding } from "./findings.ts";
import { InEffect, type SeenInEffect } from "./in_effect.ts";
import { type Aftermath, judgeProposal, type PendingProposal } from "./outcome.ts";

/** Judges the iterations of one run, in order. */
export class Auditor {
  readonly #run: RunRecord;
  readonly #sink: AuditSink;
  #iteration = 0;
  /** Hash of the last record's bytes; `null` after a gap. */
  #lastFileHash: string | null;
  /** What the last record followed and has taken in; `null` after a gap, too. */
  #last: Pending | null = null;
  #expected: Expectation | null = null;
  #pending: PendingProposal | null = null;
  /** `null` once a gap has made it unknown. */
  #history: GuardHistory | null = EMPTY_HISTORY;
  /** Keys that the next measurement has to report: those of the last one, and those applied since. */
  #dueKeys: readonly string[];
  readonly #inEffect: InEffect;
  /** What happened to the system so far; `null` once a gap has made it unknown. */
  #incidents: IncidentCounts | null = NO_INCIDENTS;
  /** The settings in force, as far as they are on record. */
  #settings: RunSettings;
  /** Whether they may have changed in a gap. */
  #mayDiffer = false;
  /** Whether summaries lie beyond the end, of which the first can't be read. */
  #isEndUnknown = false;
  /** Version that made the last record; `null` after a gap. */
  #maker: string | null;
  #lastTimeMs: number;

  /** Starts with the run's own record. */
  constructor(run: RunRecord, runHash: string, sink: AuditSink) {
    this.#run = run;
    this.#sink = sink;
    this.#lastFileHash = runHash;
    this.#settings = { iterations: run.iterations, system: run.system };
    this.#maker = run.toolVersion;
    this.#lastTimeMs = Date.parse(run.startedUtc);
    this.#inEffect = new InEffect(run.profile.parameters);
    this.#dueKeys = run.system.kind === "mock" ? run.profile.parameters.map(({ key }) => key) : [];
  }

  /** Which parameters were seen in effect so far. */
  get inEffect(): SeenInEffect {
    return this.#inEffect.seen;
  }

  /** Number of iterations asked for by now, as far as that is on record. */
  get iterations(): number {
    return this.#settings.iterations;
  }

  /** Whether an iteration is part of the run, by its number and what its record says. */
  expects(iteration: number, record: IterationRecord | null): boolean {
    return iteration <= this.#settings.iterations || this.#mayDiffer ||
      allows(record?.settings ?? [], iteration);
  }

  /** Takes note that what lies beyond the end can't be read, so that it may be part of the run. */
  endUnknown(): void {
    this.#isEndUnknown = true;
  }

  get #isComplete(): boolean {
    return this.#iteration === this.#settings.iterations && !this.#isEndUnknown;
  }

  /** Takes note that an iteration can't be judged. */
  gap(iteration: number): void {
    this.#iteration = iteration;
    this.#mayDiffer = true;
    this.#reach(iteration);
    this.#settle(null);
    this.#expected = null;
    this.#history = null;
    this.#incidents = null;
    this.#maker = null;
    this.#lastFileHash = null;
    this.#last = null;
  }

  /** Judges the next iteration. */
  async take(recorded: Recorded<IterationRecord>): Promise<void> {
    const { record, fileHash } = recorded;
    const { profile } = this.#run;
    const before = this.#expected?.next ?? null;
    const state = before !== null && sameRuntime(before.runtime, record.runtime)
      ? before
      : await stateOf(record.runtime, profile);
    const { hash } = state;
    const judgement = judgeKpis(profile, record.kpis);
    const expected = record.tuning.applied
      ? await expectNext(record, this.#run)
      : { record, next: state };

    this.#iteration = record.iteration;
    if (!this.#waits(record, hash)) {
      this.#settle({
        runtime: record.runtime,
        hash,
        effectiveParams: record.failure === null ? record.effectiveParams : null,
      });
    }
    this.#report(auditRecordChain(recorded, this.#lastFileHash));
    this.#report(auditVersion(record, this.#maker, this.#run));
    this.#report(auditRuntime(record, state, this.#expected, this.#run));
    if (record.failure === null) {
      this.#report(auditEffective(record, this.#dueKeys, state.values, profile));
      this.#inEffect.take(record.effectiveParams, state.values);
      this.#dueKeys = Object.keys(record.effectiveParams);
    }
    if (record.tuning.applied) {
      this.#dueKeys = [...new Set([...this.#dueKeys, ...Object.keys(record.tuning.deltas)])];
    }
    this.#report(auditKpis(record, judgement, this.#run));
    this.#takeSettings(record);
    this.#report(auditValues(record, state.problems, profile));
    this.#report(auditSettings(state.loosened, profile));
    this.#report(auditChanges(record, profile));
    this.#report(auditHashes(record, hash, expected));
    this.#report(auditTime(record, this.#lastTimeMs, this.#run));
    const guards = this.#auditStep(record, hash, judgement);
    this.#sink.iteration({ record, judgement, guards, profile });
    this.#sink.seen(seenOf(record, { hash, judgement, guards, profile }));

    this.#expected = expected;
    this.#lastFileHash = fileHash;
    this.#maker = record.toolVersion ?? this.#run.toolVersion;
    const { previousHash, incidents = [], settings = [] } = record;
    this.#last = { previousHash, incidents, settings };
    this.#lastTimeMs = Date.parse(record.utc);
  }

  /** Judges the end: the last proposal and the runtime file. */
  finish(
    final: { readonly runtime: JsonObject; readonly hash: string } | null,
    step: IterationRecord | null,
  ): void {
    const wanted = this.#iteration === 0
      ? this.#run.initialHash
      : this.#expected?.record.tuning.stateHash ?? null;
    const complete = this.#isComplete;
    const moved = final !== null && wanted !== null && final.hash !== wanted;
    this.#settle(
      final === null || (moved && !complete) ? null : { ...final, effectiveParams: null },
    );
    if (!moved || this.#isInterrupted(step, final.hash)) return;
    const next = this.#expected?.next ?? null;
    const where = next === null ? "" : differenceText(next.runtime, final.runtime);
    this.#sink.finding(findingIn(
      RUNTIME_FILE,
      null,
      found(
        complete ? "final_runtime_mismatch" : "runtime_unaccounted",
        `the runtime file is not the state after iteration ${this.#iteration}${where}`,
        wanted,
        final.hash,
      ),
    ));
  }

  /** Judges what has happened since the last record of a run that is not finished. */
  pending(progress: ProgressRecord): void {
    if (this.#lastFileHash === null) return;
    const then = this.#then();
    const { settings = [] } = progress;
    const incidents = pendingAfter(progress, this.#lastFileHash, this.#last);
    const changes = progress.previousHash === this.#lastFileHash ? settings : [];
    const findings = this.#changeSettings(changes, incidents ?? []);
    for (const finding of findings) this.#sink.finding(findingIn(PROGRESS_FILE, null, finding));
    if (incidents === null || this.#isComplete) {
      const message = this.#isComplete
        ? "the run is finished, and what happened after it is no part of it; remove the file"
        : "it does not follow the last record: how the run ended is not on record";
      const finding = found("progress_unexpected", message);
      return this.#sink.finding(findingIn(PROGRESS_FILE, null, finding));
    }
    for (const incident of incidents) this.#sink.incident(incident, this.#iteration + 1);
    const audited = auditPending(incidents, { ...then, settings: changes }, this.#incidents);
    for (const finding of audited) this.#sink.finding(findingIn(PROGRESS_FILE, null, finding));
  }

  /** What was in force at the last record. */
  #then(finished: number = this.#iteration): InForceThen {
    const { iterations, system } = this.#settings;
    return this.#mayDiffer
      ? { system, mayDiffer: true }
      : { system, wasFinished: finished === iterations };
  }

  /** Takes in which settings changed before an iteration, and what happened, under which of them. */
  #takeSettings(record: IterationRecord): void {
    const { incidents = [], settings = [], iteration } = record;
    const then = this.#then(iteration - 1);
    this.#report(this.#changeSettings(settings, incidents));
    if (this.#mayDiffer) this.#reach(iteration);
    for (const incident of incidents) this.#sink.incident(incident, iteration);
    this.#report(auditIncidents(record, { ...then, settings }, this.#incidents));
    if (this.#incidents !== null) this.#incidents = countIncidents(incidents, this.#incidents);
  }

  /** Takes note that the run has so many iterations at least. */
  #reach(iteration: number): void {
    const iterations = Math.max(this.#settings.iterations, iteration);
    this.#settings = { ...this.#settings, iterations };
  }

  #changeSettings(
    changes: readonly SettingsChange[],
    incidents: readonly Incident[],
  ): RecordFinding[] {
    const { system, startedUtc } = this.#run;
    const mistake = changesMistake(changes, {
      before: this.#mayDiffer ? null : this.#settings,
      system,
      startMs: Date.parse(startedUtc),
      resumes: countIncidents(incidents).resumed,
    });
    const { iterations } = this.#settings;
    this.#settings = changes.reduce(settingsAfter, this.#settings);
    if (mistake === null) return [];
    this.#reach(iterations); // no falsehood makes a run shorter
    return [found("settings_change_wrong", mistake, changesToJson(changes))];
  }

  #isInterrupted(step: IterationRecord | null, hash: string): boolean {
    return step !== null && step.iteration === this.#iteration + 1 &&
      step.previousHash === this.#lastFileHash && step.tuning.stateHash === hash;
  }

  #report(findings: readonly RecordFinding[]): void {
    const file = summaryFile(this.#iteration);
    for (const finding of findings) this.#sink.finding(findingIn(file, this.#iteration, finding));
  }

  /**
   * Whether a proposal goes on waiting: a failed measurement shows nothing of the change, and the
   * next one under the same runtime may.
   */
  #waits({ failure }: IterationRecord, hash: string): boolean {
    const tuning = this.#pending?.record.tuning;
    return failure !== null && tuning !== undefined && tuning.applied && tuning.stateHash === hash;
  }

  /** Keeps a proposal until the next iteration, or the end, shows what became of it. */
  #await(pending: PendingProposal): void {
    this.#settle(null);
    this.#pending = pending;
  }

  /** Judges the waiting proposal by what came next. */
  #settle(next: Aftermath | null): void {
    if (this.#pending === null) return;
    this.#sink.proposal(judgeProposal(this.#pending, next, this.#run.profile.parameters));
    this.#pending = null;
  }

  #auditStep(
    record: IterationRecord,
    hash: string,
    judgement: KpiJudgement,
  ): GuardEvaluation | null {
    const { tuning, iteration } = record;
    const { profile, autoTune } = this.#run;
    const proposed = Object.keys(tuning.proposedDeltas).length > 0;
    if (proposed && !autoTune) {
      this.#report([found("proposal_while_off", "a proposal is recorded, yet auto-tune is off")]);
    }
    if (this.#history === null) {
      if (proposed) this.#await({ record, hash, trueReason: undefined });
      return null;
    }
    const kpisMet = judgement.verdict === "PASS";
    const timeMs = Date.parse(record.utc);
    const history = observeIteration(this.#history, { iteration, timeMs, kpisMet });
    const last = iteration === this.#settings.iterations;
    const context = { autoTune, last, kpisMet, failure: record.failure };
    const expected = expectedProposal(record, { profile, history, context });
    const { proposedDeltas } = tuning;
    const { withheld } = expected;
    const guards = evaluateGuards(history, record.runtime, proposedDeltas, profile, withheld);
    const trueReason = skipReason(guards, { ...context, withheld });
    this.#report(auditGuards(tuning, guards, trueReason));
    this.#report(auditProposal(record, expected));
    if (proposed) this.#await({ record, hash, trueReason });
    this.#history = tuning.applied
      ? rememberApplied(
        history,
        stepsTo(tuning.deltas, record.runtime, profile.parameters),
      )
      : history;
    return guards;
  }
}

function seenOf(
  { iteration, utc, kpis, tuning }: IterationRecord,
  { hash, judgement, guards, profile }: {
    readonly hash: string;
    readonly judgement: KpiJudgement;
    readonly guards: GuardEvaluation | null;
    readonly profile: Profile;
  },
): SeenIteration {
  return {
    iteration,
    utc,
    kpis,
    kpisMet: judgement.verdict === "PASS",
    guards: byGuard((guard) => guards?.[guard].holds ?? false),
    ranUnder: hash,
    stateHash: tuning.stateHash,
    applied: tuning.applied,
    profile,
  };
}
