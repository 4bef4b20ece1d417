/**
 * Counts what a verification finds and draws the verdict from it.
 *
 * @module
 */

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
  /** How the run was started; `null` if that can't be read. */
  readonly run: RunRecord | null;
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
}

/** Below the threshold by no more than this, a run still passes if no signature is stuck. */
export const LENIENCY = 0.05;

/** How many findings a result carries; an observer sees all of them. */
const MAX_FINDINGS = 200;

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

/** Counts what is found and keeps the first of it. */
export class Tally implements AuditSink {
  readonly #options: TallyOptions;
  readonly #outcomes: Record<Outcome, number> = { full: 0, partial_ok: 0, fail: 0, unproven: 0 };
  readonly #codes: Partial<Record<FindingCode, number>> = {};
  readonly #findings: Finding[] = [];
  readonly #classes = { proof: 0, gap: 0 };
  readonly #inForce = new InForceWatch();
  #iterations = 0;

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

  /** Takes in what an audited iteration ran with, and passes it on. */
  iteration(audited: AuditedIteration): void {
    this.#inForce.take(audited.record, audited.profile);
    this.#options.observer.iteration?.(audited);
  }

  /** Counts an iteration that could be read. */
  seen(iteration: SeenIteration): void {
    this.#iterations++;
    this.#options.observer.seen?.(iteration);
  }

  /** Takes note of something about a file. */
  note(code: FindingCode, file: string, message: string, iteration: number | null = null): void {
    this.finding(findingIn(file, iteration, found(code, message)));
  }

  /** Draws the verdict. */
  result(
    run: RunRecord | null,
    lastHash: string | null,
    unprovable: readonly string[] = [],
  ): VerifyResult {
    const { strict, threshold } = this.#options;
    const { full, partial_ok, fail, unproven } = this.#outcomes;
    const total = full + partial_ok + fail + unproven;
    return {
      ...this.#judge(total),
      strict,
      threshold,
      ratio: total === 0 ? null : full / total,
      counts: { ...this.#outcomes, total },
      signatureStuck: this.#codes.signature_stuck ?? 0,
      iterations: this.#iterations,
      run,
      findings: this.#findings,
      findingCounts: this.#codes,
      findingClasses: this.#classes,
      lastHash,
      inForce: this.#inForce.result,
      unprovable,
    };
  }

  #isEnough(applied: number, total: number): boolean {
    const { threshold } = this.#options;
    const stuck = this.#codes.signature_stuck ?? 0;
    const wanted = stuck === 0 ? threshold - LENIENCY : threshold;
    return total === 0 || applied / total >= wanted - TOLERANCE;
  }

  #judge(total: number): { verdict: Verdict; reason: string } {
    const { proof, gap } = this.#classes;
    const { full, unproven } = this.#outcomes;
    const applied = `${full} of ${total} proposals were applied in full`;
    if (this.#options.strict && proof > 0) {
      const what = proof === 1 ? "1 finding contradicts" : `${proof} findings contradict`;
      return { verdict: "FAIL", reason: `${what} what should have happened` };
    }
    if (!this.#isEnough(full + unproven, total)) return { verdict: "FAIL", reason: applied };
    if (gap > 0) {
      return { verdict: "INCONCLUSIVE", reason: "records are missing or unreadable" };
    }
    if (total === 0) {
      return this.#options.allowNoDeltas
        ? { verdict: "PASS", reason: "nothing was proposed, and that was accepted" }
        : { verdict: "INCONCLUSIVE", reason: "nothing was proposed, so nothing is proven" };
    }
    return this.#isEnough(full, total)
      ? { verdict: "PASS", reason: applied }
      : { verdict: "INCONCLUSIVE", reason: `${unproven} of ${total} proposals can't be proven` };
  }
}
