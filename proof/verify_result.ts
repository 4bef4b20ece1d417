/**
 * The shapes of what a verification found and what the gate makes of it.
 *
 * @module
 */

import type { RunRecord } from "../record/records.ts";
import type { Finding, FindingCode } from "./findings.ts";
import type { Outcome } from "./outcome.ts";

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
  /** Hash of the last record's bytes: it stands for the whole chain of records. */
  readonly lastHash: string | null;
  /** What can't be proven about this run, in sentences; empty for a complete record. */
  readonly unprovable: readonly string[];
}

/** One line of the gate's check list. */
export interface GateCheck {
  /** What is checked. */
  readonly name: string;
  /** `"unknown"`: the artifacts don't tell. */
  readonly status: "pass" | "warn" | "fail" | "unknown";
  /** What was found. */
  readonly found: string;
  /** What was wanted. */
  readonly wanted: string;
  /** What to look at if it did not pass; `null` if it did. */
  readonly look: string | null;
}

/** Below the threshold by no more than this, a run still passes if no signature is stuck. */
export const LENIENCY = 0.05;
