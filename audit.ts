/**
 * Judges a run iteration by iteration: every value that can be recomputed is recomputed.
 * It sees records only, and remembers no more than one iteration and the guards' history.
 *
 * @module
 */

import {
  type IterationRecord,
  type Recorded,
  type RunRecord,
  RUNTIME_FILE,
  summaryFile,
} from "./artifacts.ts";
import {
  auditHashes,
  auditRecordChain,
  auditRuntime,
  auditTime,
  type Expectation,
  expectNext,
  firstDifference,
} from "./audit_chain.ts";
import { auditGuards } from "./audit_guards.ts";
import { auditChanges, auditEffective, auditKpis, auditValues } from "./audit_values.ts";
import { type Finding, found, type RecordFinding } from "./findings.ts";
import {
  type AppliedStep,
  EMPTY_HISTORY,
  evaluateGuards,
  type GuardEvaluation,
  type GuardHistory,
  observeIteration,
  rememberApplied,
  skipReason,
} from "./guards.ts";
import {
  type Aftermath,
  type JudgedProposal,
  judgeProposal,
  type PendingProposal,
} from "./judge.ts";
import { canonicalJson, type JsonObject, sha256Hex } from "./jsonx.ts";
import { findParameter, getFromRuntime } from "./params.ts";
import { judgeKpis, type KpiJudgement, type Profile } from "./profile.ts";

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
  /** Called for every iteration that could be read. */
  iteration(audited: AuditedIteration): void;
}

/** Judges the iterations of one run, in order. */
export class Auditor {
  readonly #run: RunRecord;
  readonly #sink: AuditSink;
  #iteration = 0;
  /** Hash of the last record's bytes; `null` after a gap. */
  #lastFileHash: string | null;
  #expected: Expectation | null = null;
  #pending: PendingProposal | null = null;
  /** `null` once a gap has made it unknown. */
  #history: GuardHistory | null = EMPTY_HISTORY;
  #reportedKeys: readonly string[];
  #lastTimeMs: number;

  /**
   * Starts with the run's own record.
   *
   * @param run How the run was started.
   * @param runHash Hash of that record's bytes.
   * @param sink Where to report to.
   */
  constructor(run: RunRecord, runHash: string, sink: AuditSink) {
    this.#run = run;
    this.#sink = sink;
    this.#lastFileHash = runHash;
    this.#lastTimeMs = Date.parse(run.startedUtc);
    this.#reportedKeys = run.system.kind === "mock"
      ? run.profile.parameters.map(({ key }) => key)
      : [];
  }

  /** Takes note that an iteration can't be judged. */
  gap(iteration: number): void {
    this.#iteration = iteration;
    this.#settle(null);
    this.#expected = null;
    this.#history = null;
    this.#lastFileHash = null;
  }

  /** Judges the next iteration. */
  take(recorded: Recorded<IterationRecord>): void {
    const { record, fileHash } = recorded;
    const { profile } = this.#run;
    const text = canonicalJson(record.runtime);
    const before = this.#expected?.next ?? null;
    const hash = before !== null && before.text === text ? before.hash : sha256Hex(text);
    const judgement = judgeKpis(profile, record.kpis);
    const expected = expectNext(record, text, hash, this.#run);

    this.#iteration = record.iteration;
    this.#settle({ runtime: record.runtime, hash, effectiveParams: record.effectiveParams });
    this.#report(auditRecordChain(recorded, this.#lastFileHash));
    this.#report(auditRuntime(record, text, hash, this.#expected, this.#run));
    this.#report(auditEffective(record, this.#reportedKeys, profile));
    this.#report(auditKpis(record, judgement, profile));
    this.#report(auditValues(record, profile));
    this.#report(auditChanges(record, profile));
    this.#report(auditHashes(record, hash, expected));
    this.#report(auditTime(record, this.#lastTimeMs, this.#run));
    const guards = this.#auditStep(record, judgement);
    this.#sink.iteration({ record, judgement, guards, profile });

    this.#reportedKeys = Object.keys(record.effectiveParams);
    this.#expected = expected;
    this.#lastFileHash = fileHash;
    this.#lastTimeMs = Date.parse(record.utc);
  }

  /**
   * Judges the end: the last proposal and the runtime file.
   *
   * @param final The runtime file's content and hash; `null` if it can't be read.
   */
  finish(final: { readonly runtime: JsonObject; readonly hash: string } | null): void {
    this.#settle(final === null ? null : { ...final, effectiveParams: null });
    const wanted = this.#iteration === 0
      ? this.#run.initialHash
      : this.#expected?.record.tuning.stateHash ?? null;
    if (final === null || wanted === null || final.hash === wanted) return;
    const next = this.#expected?.next ?? null;
    const where = next === null ? "" : firstDifference(next.runtime, final.runtime);
    this.#sink.finding({
      code: "final_runtime_mismatch",
      iteration: null,
      file: RUNTIME_FILE,
      recorded: wanted,
      recomputed: final.hash,
      message: `the runtime file is not the state after iteration ${this.#iteration}${where}`,
    });
  }

  #report(findings: readonly RecordFinding[]): void {
    for (const { code, message, recorded, recomputed } of findings) {
      this.#sink.finding({
        code,
        iteration: this.#iteration,
        file: summaryFile(this.#iteration),
        recorded: recorded === undefined ? null : JSON.stringify(recorded),
        recomputed: recomputed === undefined ? null : JSON.stringify(recomputed),
        message,
      });
    }
  }

  /** Judges the waiting proposal by what came next. */
  #settle(next: Aftermath | null): void {
    if (this.#pending === null) return;
    this.#sink.proposal(judgeProposal(this.#pending, next, this.#run.profile.parameters));
    this.#pending = null;
  }

  #auditStep(record: IterationRecord, judgement: KpiJudgement): GuardEvaluation | null {
    const { tuning, iteration } = record;
    const { profile, autoTune, iterations } = this.#run;
    const proposed = Object.keys(tuning.proposedDeltas).length > 0;
    if (proposed && !autoTune) {
      this.#report([found("proposal_while_off", "a proposal is recorded, yet auto-tune is off")]);
    }
    if (this.#history === null) {
      this.#pending = proposed ? { record, trueReason: undefined } : null;
      return null;
    }
    const kpisMet = judgement.verdict === "PASS";
    const timeMs = Date.parse(record.utc);
    const history = observeIteration(this.#history, { iteration, timeMs, kpisMet });
    const guards = evaluateGuards(history, record.runtime, tuning.proposedDeltas, profile);
    const context = { autoTune, last: iteration === iterations, kpisMet, failure: record.failure };
    const trueReason = skipReason(guards, context);
    this.#report(auditGuards(tuning, guards, trueReason));
    this.#pending = proposed ? { record, trueReason } : null;
    this.#history = tuning.applied ? rememberApplied(history, stepsOf(record, profile)) : history;
    return guards;
  }
}

/** The steps that an apply took, from the runtime and the deltas rather than from `changes`. */
function stepsOf({ runtime, tuning }: IterationRecord, profile: Profile): AppliedStep[] {
  return Object.entries(tuning.deltas).flatMap(([key, to]) => {
    const known = findParameter(key, profile.parameters) !== undefined;
    const from = known ? getFromRuntime(runtime, key, profile.parameters) : undefined;
    return from === undefined ? [] : [{ key, from, to }];
  });
}
