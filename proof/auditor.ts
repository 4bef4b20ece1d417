/**
 * Judges a run iteration by iteration: every value that can be recomputed is recomputed.
 * It sees records only, and remembers no more than one iteration and the guards' history.
 *
 * @module
 */

import { type Recorded, RUNTIME_FILE, summaryFile } from "../record/artifacts.ts";
import type { IterationRecord, RunRecord } from "../record/records.ts";
import {
  auditHashes,
  auditRecordChain,
  auditRuntime,
  auditTime,
  type Expectation,
  expectNext,
  firstDifference,
  sameRuntime,
  stateOf,
} from "./audit_chain.ts";
import { auditGuards } from "./audit_tuning.ts";
import { auditProposal, expectedProposal } from "./audit_proposal.ts";
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
} from "../model/guards.ts";
import { skipReason } from "../model/skip_reason.ts";
import {
  type Aftermath,
  type JudgedProposal,
  judgeProposal,
  type PendingProposal,
} from "./outcome.ts";
import type { JsonObject } from "../base/json.ts";
import { findParameter, getFromRuntime } from "../model/params.ts";
import { judgeKpis, type KpiJudgement, type Profile } from "../model/profile.ts";
import type { IterationFacts } from "../judgement/snapshot.ts";

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
  /** Called for every iteration that could be audited in full. */
  iteration(audited: AuditedIteration): void;
  /** Called for every iteration that could be read. */
  seen(iteration: SeenIteration): void;
}

/** What was seen of an iteration, with the guards as recomputed. */
export interface SeenIteration extends IterationFacts {
  /** Whether a change was applied after it. */
  readonly applied: boolean;
}

/** A finding says enough in so many characters; hostile records could make it say any number. */
const MAX_TEXT = 2000;

function shortened(text: string): string {
  return text.length <= MAX_TEXT
    ? text
    : `${text.slice(0, MAX_TEXT).replace(/[\ud800-\udbff]$/, "")}… (${text.length} characters)`;
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
    this.#report(auditRuntime(record, state, this.#expected, this.#run));
    if (record.failure === null) {
      this.#report(auditEffective(record, this.#reportedKeys, state.values, profile));
      this.#reportedKeys = Object.keys(record.effectiveParams);
    }
    this.#report(auditKpis(record, judgement, this.#run));
    this.#report(auditValues(record, state.problems, profile));
    this.#report(auditChanges(record, profile));
    this.#report(auditHashes(record, hash, expected));
    this.#report(auditTime(record, this.#lastTimeMs, this.#run));
    const guards = this.#auditStep(record, hash, judgement);
    this.#sink.iteration({ record, judgement, guards, profile });
    this.#sink.seen(seenOf(record, judgement, guards));

    this.#expected = expected;
    this.#lastFileHash = fileHash;
    this.#lastTimeMs = Date.parse(record.utc);
  }

  /**
   * Judges the end: the last proposal and the runtime file.
   *
   * @param final The runtime file's content and hash; `null` if it can't be read.
   * @param step The step that a crash interrupted, if its file is there: the runtime may already
   * be in the state that it leads to.
   */
  finish(
    final: { readonly runtime: JsonObject; readonly hash: string } | null,
    step: IterationRecord | null,
  ): void {
    const wanted = this.#iteration === 0
      ? this.#run.initialHash
      : this.#expected?.record.tuning.stateHash ?? null;
    const complete = this.#iteration === this.#run.iterations;
    const moved = final !== null && wanted !== null && final.hash !== wanted;
    this.#settle(
      final === null || (moved && !complete) ? null : { ...final, effectiveParams: null },
    );
    if (!moved || this.#isInterrupted(step, final.hash)) return;
    const next = this.#expected?.next ?? null;
    const where = next === null ? "" : firstDifference(next.runtime, final.runtime);
    this.#sink.finding({
      code: complete ? "final_runtime_mismatch" : "runtime_unaccounted",
      iteration: null,
      file: RUNTIME_FILE,
      recorded: JSON.stringify(wanted),
      recomputed: JSON.stringify(final.hash),
      message: `the runtime file is not the state after iteration ${this.#iteration}${where}`,
    });
  }

  #isInterrupted(step: IterationRecord | null, hash: string): boolean {
    return step !== null && step.iteration === this.#iteration + 1 &&
      step.previousHash === this.#lastFileHash && step.tuning.stateHash === hash;
  }

  #report(findings: readonly RecordFinding[]): void {
    for (const { code, message, recorded, recomputed } of findings) {
      this.#sink.finding({
        code,
        iteration: this.#iteration,
        file: summaryFile(this.#iteration),
        recorded: recorded === undefined ? null : shortened(JSON.stringify(recorded)),
        recomputed: recomputed === undefined ? null : shortened(JSON.stringify(recomputed)),
        message: shortened(message),
      });
    }
  }

  /** Whether an iteration shows nothing of an applied change: a later one under it may. */
  #waits({ failure }: IterationRecord, hash: string): boolean {
    const tuning = this.#pending?.record.tuning;
    return failure !== null && tuning !== undefined && tuning.applied && tuning.stateHash === hash;
  }

  /** Makes a proposal wait for what comes next. */
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
    const { profile, autoTune, iterations } = this.#run;
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
    const context = { autoTune, last: iteration === iterations, kpisMet, failure: record.failure };
    const expected = expectedProposal(record, { profile, history, context });
    const { proposedDeltas } = tuning;
    const { withheld } = expected;
    const guards = evaluateGuards(history, record.runtime, proposedDeltas, profile, withheld);
    const trueReason = skipReason(guards, { ...context, withheld });
    this.#report(auditGuards(tuning, guards, trueReason));
    this.#report(auditProposal(record, expected));
    if (proposed) this.#await({ record, hash, trueReason });
    this.#history = tuning.applied ? rememberApplied(history, stepsOf(record, profile)) : history;
    return guards;
  }
}

function seenOf(
  { iteration, utc, kpis, tuning }: IterationRecord,
  { verdict }: KpiJudgement,
  guards: GuardEvaluation | null,
): SeenIteration {
  return {
    iteration,
    utc,
    kpis,
    kpisMet: verdict === "PASS",
    guards: {
      freeze: guards?.freeze.holds ?? false,
      oscillation: guards?.oscillation.holds ?? false,
      velocity: guards?.velocity.holds ?? false,
      cooldown: guards?.cooldown.holds ?? false,
      no_op: guards?.no_op.holds ?? false,
    },
    stateHash: tuning.stateHash,
    applied: tuning.applied,
  };
}

/** The steps that an apply took, from the runtime and the deltas rather than from `changes`. */
function stepsOf({ runtime, tuning }: IterationRecord, profile: Profile): AppliedStep[] {
  return Object.entries(tuning.deltas).flatMap(([key, to]) => {
    const known = findParameter(key, profile.parameters) !== undefined;
    const from = known ? getFromRuntime(runtime, key, profile.parameters) : undefined;
    return from === undefined ? [] : [{ key, from, to }];
  });
}
