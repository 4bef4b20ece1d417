/**
 * Judges the iterations of an older run by what the record itself contradicts.
 *
 * @module
 */

import { summaryFile } from "../record/artifacts.ts";
import type { AuditSink } from "./auditor.ts";
import type { FindingCode } from "./findings.ts";
import type { Guard } from "../model/guards.ts";
import type { Outcome } from "./outcome.ts";
import type { LegacyIteration } from "./legacy_record.ts";
import { marketMaker } from "../model/market_maker.ts";
import { judgeKpis } from "../model/profile.ts";

/** A proposal whose end is not known yet. */
interface Waiting {
  readonly record: LegacyIteration;
  outcome: Outcome;
  reason: string;
}

const UNPROVEN_APPLIED = "said to be applied, but no runtime is recorded that shows it";

/** Judges the iterations of one older run, in order. */
export class LegacyAuditor {
  readonly #sink: AuditSink;
  readonly #waiting: Waiting[] = [];
  /** The last iteration that was read; `null` before the first and after a gap. */
  #before: LegacyIteration | null = null;
  /** The last state hash that is known to stand; `null` if none is. */
  #state: string | null = null;

  /** Starts with where to report to. */
  constructor(sink: AuditSink) {
    this.#sink = sink;
  }

  /** State hash after the last iteration; `null` if the record does not tell. */
  get stateHash(): string | null {
    return this.#state;
  }

  /** Takes note that iterations are missing. */
  gap(): void {
    this.#before = null;
    this.#state = null;
  }

  /** Judges the next iteration. */
  take(record: LegacyIteration): void {
    const { verdict } = judgeKpis(marketMaker, record.kpis);
    this.#auditKpis(record, verdict);
    this.#auditState(record);
    const reasonHolds = this.#auditReason(record);
    if (Object.keys(record.proposed).length > 0) {
      this.#waiting.push({ record, ...judged(record, reasonHolds) });
    }
    const held = record.reason?.guards ?? [];
    this.#sink.seen({
      iteration: record.iteration,
      utc: record.utc,
      kpis: record.kpis,
      kpisMet: verdict === "PASS",
      guards: {
        freeze: held.includes("freeze"),
        oscillation: held.includes("oscillation"),
        velocity: held.includes("velocity"),
        cooldown: held.includes("cooldown"),
        no_op: held.includes("no_op"),
      },
      stateHash: record.stateHash ?? "",
      applied: record.applied,
    });
    this.#before = record;
    if (record.stateHash !== null || record.applied) this.#state = record.stateHash;
  }

  /**
   * Judges the end.
   *
   * @param outOfBounds Parameters that the final runtime holds an impossible value for, with that
   * value: the last change of each can't have been right.
   */
  finish(outOfBounds: ReadonlyMap<string, number>): void {
    const settled = new Set<string>();
    for (const waiting of this.#waiting.toReversed()) {
      if (!waiting.record.applied) continue;
      for (const key of Object.keys(waiting.record.proposed)) {
        const value = outOfBounds.get(key);
        if (value !== undefined && !settled.has(key) && waiting.outcome !== "fail") {
          waiting.outcome = "fail";
          waiting.reason = `${key} is ${value} in the final runtime, which is out of its bounds`;
        }
        settled.add(key);
      }
    }
    for (const { record, outcome, reason } of this.#waiting) {
      const { iteration, applied, proposed } = record;
      this.#sink.proposal({ iteration, proposedDeltas: proposed, applied, outcome, reason });
    }
  }

  #auditKpis({ iteration, kpis, kpiVerdict }: LegacyIteration, verdict: "PASS" | "FAIL"): void {
    const measured = marketMaker.kpis.every(({ key, target }) =>
      target === null || Object.hasOwn(kpis, key)
    );
    if (kpiVerdict === null || kpiVerdict === verdict || !measured) return;
    const { reasons } = judgeKpis(marketMaker, kpis);
    const why = reasons.length === 0 ? "" : `: ${reasons.join(", ")}`;
    const message = `by the market-maker targets the KPI values give ${verdict}${why}`;
    this.#report(iteration, "kpi_verdict_wrong", message, kpiVerdict, verdict);
  }

  #auditState({ iteration, oldHash, stateHash, applied, deltas }: LegacyIteration): void {
    if (oldHash === null || stateHash === null) {
      this.#report(iteration, "hash_missing", "old_hash or state_hash is not recorded");
    }
    if (oldHash !== null && this.#state !== null && oldHash !== this.#state) {
      const message = "old_hash is not the last state_hash before it, though nothing lies between";
      this.#report(iteration, "state_chain_broken", message, oldHash, this.#state);
      const before = this.#waiting.at(-1);
      if (before?.record === this.#before && before.record.applied) {
        before.outcome = "fail";
        before.reason = `iteration ${iteration} does not start from the state that it left`;
      }
    }
    if (applied && stateHash !== null && stateHash === oldHash) {
      const message = "a change is recorded as applied, yet state_hash equals old_hash";
      this.#report(iteration, "signature_stuck", message, stateHash);
    }
    if (!applied && oldHash !== null && stateHash !== null && stateHash !== oldHash) {
      const message = "nothing was applied, yet state_hash differs from old_hash";
      this.#report(iteration, "hash_changed_unapplied", message, stateHash, oldHash);
    }
    if (!applied && Object.keys(deltas).length > 0) {
      const message = "nothing was applied, yet deltas are recorded";
      this.#report(iteration, "deltas_without_apply", message, deltas);
    }
  }

  /** Whether the skip reason could be true. */
  #auditReason(record: LegacyIteration): boolean {
    const { iteration, applied, reason, proposed } = record;
    if (applied) {
      if (reason === null) return true;
      const message = "a change was applied, yet a skip reason is recorded";
      this.#report(iteration, "skip_reason_unneeded", message, reason.note);
      return false;
    }
    if (reason === null) {
      this.#report(iteration, "skip_reason_missing", "nothing was applied and no reason says why");
      return false;
    }
    const untrue = falsehood(reason.guards, proposed);
    if (untrue === null) return true;
    this.#report(iteration, "skip_reason_false", untrue, reason.note, proposed);
    return false;
  }

  #report(
    iteration: number,
    code: FindingCode,
    message: string,
    recorded?: unknown,
    recomputed?: unknown,
  ): void {
    this.#sink.finding({
      code,
      iteration,
      file: summaryFile(iteration),
      recorded: recorded === undefined ? null : JSON.stringify(recorded),
      recomputed: recomputed === undefined ? null : JSON.stringify(recomputed),
      message,
    });
  }
}

/** Why a skip reason can't be true whatever happened before; `null` if it could be. */
function falsehood(
  guards: readonly Guard[],
  proposed: Readonly<Record<string, number>>,
): string | null {
  const moves = Object.values(proposed).some((increment) => increment !== 0);
  if (guards.length === 0) return "the reason names no guard";
  if (moves && guards.includes("no_op")) return "no_op is named, yet increments are not zero";
  const idle = guards.find((guard) => guard === "velocity" || guard === "oscillation");
  return !moves && idle !== undefined ? `${idle} is named, yet nothing was to move` : null;
}

function judged(
  { applied, oldHash, stateHash }: LegacyIteration,
  reasonHolds: boolean,
): { outcome: Outcome; reason: string } {
  if (!applied) {
    return reasonHolds
      ? { outcome: "unproven", reason: "held back, and the guard can't be recomputed" }
      : { outcome: "fail", reason: "not applied, and the skip reason does not hold up" };
  }
  return stateHash !== null && stateHash === oldHash
    ? { outcome: "fail", reason: "said to be applied, yet the state hash did not change" }
    : { outcome: "unproven", reason: UNPROVEN_APPLIED };
}
