/**
 * Counts what a verification finds and draws the verdict from it.
 *
 * @module
 */

import {
  countIncidents,
  type Incident,
  type IncidentCounts,
  NO_INCIDENTS,
} from "../model/incident.ts";
import type { RunRecord } from "../record/records.ts";
import type { AuditedIteration, AuditSink, SeenIteration } from "./audit_sink.ts";
import {
  classOf,
  type Finding,
  type FindingClass,
  type FindingCode,
  findingIn,
  found,
} from "./findings.ts";
import type { SeenInEffect } from "./in_effect.ts";
import { type InForce, InForceWatch } from "./in_force.ts";
import type { JudgedProposal, Outcome } from "./outcome.ts";

/** How a verification ended. */
export type Verdict = "PASS" | "FAIL" | "INCONCLUSIVE";

/** How many proposals had which outcome. */
export type ProposalCounts = Readonly<Record<Outcome, number>> & {
  /** All proposals made. */
  readonly total: number;
};

/** What verification found. */
export interface VerifyResult {
  /** The answer. */
  readonly verdict: Verdict;
  /** Why, in one sentence. */
  readonly reason: string;
  /** Whether the verification was strict. */
  readonly strict: boolean;
  /** The full-apply ratio asked for, from 0 to 1. */
  readonly threshold: number;
  /** Full applications as a share of proposals made; `null` if none was made. */
  readonly ratio: number | null;
  /** Proposals by outcome. */
  readonly counts: ProposalCounts;
  /** Applied changes that left the state hash as it was. */
  readonly signatureStuck: number;
  /** Iterations read and judged. */
  readonly iterations: number;
  /** Iterations that did not meet every KPI. */
  readonly missed: number;
  /** What happened to the system, besides what was measured, over the whole run. */
  readonly incidents: IncidentCounts;
  /** The first iterations in which it died or an attempt to measure it failed, up to a limit. */
  readonly troubled: readonly number[];
  /** How the run was started; `null` if that can't be read. */
  readonly run: RunRecord | null;
  /** Number of iterations asked for by the end; `null` if that can't be read. */
  readonly iterationsAsked: number | null;
  /** SHA-256 of the recorded profile's canonical form; `null` if it can't be read. */
  readonly profileHash: string | null;
  /** Which parameters were seen in effect; `null` if the records can't tell. */
  readonly inEffect: SeenInEffect | null;
  /** The first findings, up to a limit. */
  readonly findings: readonly Finding[];
  /** How many findings there are of each code. */
  readonly findingCounts: Readonly<Partial<Record<FindingCode, number>>>;
  /** How many of them prove a falsehood, and how many leave a gap. */
  readonly findingClasses: Readonly<Record<FindingClass, number>>;
  /** Hash of the last record's bytes: it stands for the whole chain of records. */
  readonly lastHash: string | null;
  /** Where the run was made with something else than its start says. */
  readonly inForce: InForce;
  /** What can't be proven about this run, in sentences; empty for a complete record. */
  readonly unprovable: readonly string[];
  /** What there is to say of a run of the older scripts; left out for a run of `soak` itself. */
  readonly older?: OlderRun;
}

/** What there is to say of a run of the older scripts, besides findings and proposals. */
export interface OlderRun {
  /** What is at the bottom of its failure, in one clause; `null` if that is not known. */
  readonly cause: string | null;
  /** What was read and worked out, in sentences. */
  readonly notes: readonly string[];
}

/** Below the threshold by no more than this, a run still passes if no signature is stuck. */
export const LENIENCY = 0.05;

/** How many findings a result carries; an observer sees all of them. */
const MAX_FINDINGS = 200;

/** How many troubled iterations a result names. */
const MAX_TROUBLED = 20;

/** Sums of decimal shares carry rounding noise: a share of exactly the threshold must pass. */
const TOLERANCE = 1e-9;

/** How strict a verdict is to be. */
export interface TallyOptions {
  /** Whether any finding fails the run. */
  readonly strict: boolean;
  /** Smallest full-apply ratio, from 0 to 1. */
  readonly threshold: number;
  /** Whether a run without any proposal may pass. */
  readonly allowNoDeltas: boolean;
  /** Told of everything as it comes in. */
  readonly observer: Partial<AuditSink>;
}

/** What a verification knows of the run as a whole once it has gone through it. */
export type RunFacts = Pick<
  VerifyResult,
  "run" | "profileHash" | "lastHash" | "inEffect" | "iterationsAsked" | "unprovable" | "older"
>;

/** Counts what is found and keeps the first of it. */
export class Tally implements AuditSink {
  readonly #options: TallyOptions;
  readonly #outcomes: Record<Outcome, number> = { full: 0, partial_ok: 0, fail: 0, unproven: 0 };
  readonly #codes: Partial<Record<FindingCode, number>> = {};
  readonly #findings: Finding[] = [];
  readonly #classes = { proof: 0, gap: 0 };
  readonly #inForce = new InForceWatch();
  #iterations = 0;
  #missed = 0;
  #incidents = NO_INCIDENTS;
  readonly #troubled = new Set<number>();

  /** Starts with nothing found. */
  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** Counts a finding. */
  finding(finding: Finding): void {
    this.#codes[finding.code] = (this.#codes[finding.code] ?? 0) + 1;
    this.#classes[classOf(finding)]++;
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
    this.#options.observer.finding?.(finding);
  }

  /** Counts a judged proposal. */
  proposal(proposal: JudgedProposal): void {
    this.#outcomes[proposal.outcome]++;
    this.#options.observer.proposal?.(proposal);
  }

  /** Counts an incident. */
  incident(incident: Incident, iteration: number): void {
    this.#incidents = countIncidents([incident], this.#incidents);
    const isTrouble = incident.kind === "died" || incident.kind === "failed";
    if (isTrouble && this.#troubled.size < MAX_TROUBLED) this.#troubled.add(iteration);
    this.#options.observer.incident?.(incident, iteration);
  }

  /** Takes in what an audited iteration ran with, and passes it on. */
  iteration(audited: AuditedIteration): void {
    this.#inForce.take(audited.record, audited.profile);
    this.#options.observer.iteration?.(audited);
  }

  /** Counts an iteration that could be read. */
  seen(iteration: SeenIteration): void {
    this.#iterations++;
    if (!iteration.kpisMet) this.#missed++;
    this.#options.observer.seen?.(iteration);
  }

  /** Takes note of something about a file. */
  note(code: FindingCode, file: string, message: string, iteration: number | null = null): void {
    this.finding(findingIn(file, iteration, found(code, message)));
  }

  /** Draws the verdict. */
  result(facts: RunFacts): VerifyResult {
    const { strict, threshold } = this.#options;
    const { full, partial_ok, fail, unproven } = this.#outcomes;
    const total = full + partial_ok + fail + unproven;
    return {
      ...this.#judge(total, facts),
      ...facts,
      strict,
      threshold,
      ratio: total === 0 ? null : full / total,
      counts: { ...this.#outcomes, total },
      signatureStuck: this.#codes.signature_stuck ?? 0,
      iterations: this.#iterations,
      missed: this.#missed,
      incidents: this.#incidents,
      troubled: [...this.#troubled],
      findings: this.#findings,
      findingCounts: this.#codes,
      findingClasses: this.#classes,
      inForce: this.#inForce.result,
    };
  }

  #isEnough(applied: number, total: number): boolean {
    const { threshold } = this.#options;
    const stuck = this.#codes.signature_stuck ?? 0;
    const wanted = stuck === 0 ? threshold - LENIENCY : threshold;
    return total === 0 || applied / total >= wanted - TOLERANCE;
  }

  #judge(total: number, facts: RunFacts): { verdict: Verdict; reason: string } {
    const { proof, gap } = this.#classes;
    const { strict, allowNoDeltas } = this.#options;
    const { full, unproven } = this.#outcomes;
    const applied = `${full} of ${total} proposals were applied in full`;
    if (this.#codes.profile_unexpected !== undefined) {
      return { verdict: "FAIL", reason: "the run was made under another profile" };
    }
    const cause = facts.older?.cause ?? null;
    if (cause !== null) return { verdict: "FAIL", reason: cause };
    if (strict && proof > 0) {
      const what = proof === 1 ? "1 finding contradicts" : `${proof} findings contradict`;
      return { verdict: "FAIL", reason: `${what} what should have happened` };
    }
    if (!this.#isEnough(full + unproven, total)) return { verdict: "FAIL", reason: applied };
    if (gap > 0) {
      const reason = facts.older === undefined
        ? "records are missing or unreadable"
        : "an older run does not record what would prove its changes";
      return { verdict: "INCONCLUSIVE", reason };
    }
    if (total === 0) {
      const reason = this.#nothingProposed(facts);
      return allowNoDeltas && (facts.inEffect?.fewest ?? 0) > 0
        ? { verdict: "PASS", reason }
        : { verdict: "INCONCLUSIVE", reason: `${reason}; no change was proven` };
    }
    return this.#isEnough(full, total) && !(strict && unproven > 0)
      ? { verdict: "PASS", reason: applied }
      : { verdict: "INCONCLUSIVE", reason: `${unproven} of ${total} proposals can't be proven` };
  }
  #nothingProposed({ run, inEffect }: RunFacts): string {
    const what = this.#missed === 0
      ? "nothing needed changing"
      : run?.autoTune === false
      ? "nothing was proposed, for auto-tune was off"
      : "nothing was proposed";
    return `${what}; ${seenWords(inEffect?.fewest ?? 0)}`;
  }
}

function seenWords(fewest: number): string {
  if (fewest === 0) return "no value was seen in effect";
  return `${fewest} ${fewest === 1 ? "value" : "values"} seen in effect in each iteration`;
}
