/**
 * What became of each proposal, as far as the artifacts prove it.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import { GUARDS } from "../model/guards.ts";
import { type Deltas, valueOf } from "../model/params.ts";
import type { Parameter, ParameterValues } from "../model/profile.ts";
import type { SkipReason } from "../model/skip_reason.ts";
import { quotedValue } from "../model/value.ts";
import type { IterationRecord } from "../record/records.ts";

/**
 * What became of a proposal:
 * - `full`: every target is in the next runtime and in the effective parameters with it;
 * - `partial_ok`: held back, for a reason that holds up;
 * - `unproven`: what would prove it is missing, unreadable or not recorded;
 * - `fail`: anything else.
 */
export type Outcome = "full" | "partial_ok" | "fail" | "unproven";

/** A proposal with its verdict. */
export interface JudgedProposal {
  /** The iteration that made it. */
  readonly iteration: number;
  /** The targets. */
  readonly proposedDeltas: Deltas;
  /** Whether it is recorded as applied. */
  readonly applied: boolean;
  /** What became of it. */
  readonly outcome: Outcome;
  /** Why, in one clause. */
  readonly reason: string;
}

/** A proposal that waits for what comes next to show what became of it. */
export interface PendingProposal {
  /** The iteration that made it. */
  readonly record: IterationRecord;
  /** Hash of the runtime that the iteration ran under, recomputed. */
  readonly hash: string;
  /** The skip reason that the guards give; `undefined` when they are unknown after a gap. */
  readonly trueReason: SkipReason | null | undefined;
}

/** What comes after a proposal: the next iteration, or the runtime file at the end. */
export interface Aftermath {
  /** The next runtime. */
  readonly runtime: JsonObject;
  /** Its hash, recomputed. */
  readonly hash: string;
  /** What the system ran with under it; `null` at the end of the run or if nothing was measured. */
  readonly effectiveParams: ParameterValues | null;
}

/** Judges a proposal by what came next. */
export function judgeProposal(
  pending: PendingProposal,
  next: Aftermath | null,
  parameters: readonly Parameter[],
): JudgedProposal {
  const { iteration, tuning } = pending.record;
  const { proposedDeltas, applied } = tuning;
  const judged = (outcome: Outcome, reason: string): JudgedProposal => {
    return { iteration, proposedDeltas, applied, outcome, reason };
  };
  if (next === null) return judged("unproven", "what came next is missing or unreadable");
  if (applied) {
    const shortfall = findShortfall(pending.record, next, parameters);
    if (shortfall !== null) return judged("fail", shortfall);
    return next.effectiveParams === null
      ? judged("unproven", "it is in the runtime, but no measurement shows it in effect")
      : judged("full", "every target is in the next runtime and in effect");
  }
  if (next.hash !== pending.hash) {
    return judged("fail", "recorded as not applied, yet the runtime changed");
  }
  if (pending.trueReason === undefined) {
    return judged("unproven", "not applied; guards can't be recomputed after a gap");
  }
  return reasonHolds(tuning.skipReason, pending.trueReason)
    ? judged("partial_ok", `held back: ${pending.trueReason?.note ?? ""}`)
    : judged("fail", "not applied, and the skip reason does not hold up");
}

function findShortfall(
  { tuning }: IterationRecord,
  next: Aftermath,
  parameters: readonly Parameter[],
): string | null {
  const { proposedDeltas, deltas } = tuning;
  const keys = Object.keys(proposedDeltas);
  if (
    Object.keys(deltas).length !== keys.length ||
    keys.some((key) => !Object.hasOwn(deltas, key) || deltas[key] !== proposedDeltas[key])
  ) return "the applied deltas are not the proposed ones";
  if (next.hash !== tuning.stateHash) return "the next runtime is not the recorded state";
  for (const [key, target] of Object.entries(proposedDeltas)) {
    const value = valueOf(next.runtime, key, parameters);
    const wanted = quotedValue(target);
    if (value !== target) {
      const found = value === undefined ? "not" : quotedValue(value);
      return `${key} is ${found} in the next runtime, not ${wanted}`;
    }
    if (next.effectiveParams === null) continue;
    const effective = Object.hasOwn(next.effectiveParams, key)
      ? next.effectiveParams[key]
      : undefined;
    if (effective === undefined) return `the system did not say what ${key} it ran with`;
    if (effective !== target) {
      return `the system ran with ${key} ${quotedValue(effective)}, not ${wanted}`;
    }
  }
  return null;
}

function reasonHolds(recorded: SkipReason | null, trueReason: SkipReason | null): boolean {
  return recorded !== null && trueReason !== null &&
    GUARDS.every((guard) => recorded[guard] === trueReason[guard]);
}
