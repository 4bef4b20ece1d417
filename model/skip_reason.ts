/**
 * Why a proposal was not applied, or why none was made: five flags and a sentence.
 *
 * @module
 */

import { byGuard, type Guard, type GuardEvaluation, GUARDS, type Withheld } from "./guards.ts";

/** Why a proposal was not applied, or why none was made. */
export interface SkipReason extends Readonly<Record<Guard, boolean>> {
  /** The first guard that holds, explained in one sentence. */
  readonly note: string;
}

/** What besides the guards explains that nothing was proposed. */
export interface ProposalContext {
  /** Whether the tuner was switched on. */
  readonly autoTune: boolean;
  /** Whether this is the run's last iteration, after which no change could be observed. */
  readonly last: boolean;
  /** Whether the iteration met every KPI. */
  readonly kpisMet: boolean;
  /** Why the iteration could not be measured; `null` if it was. */
  readonly failure: string | null;
  /**
   * What the guards kept from being proposed.
   *
   * @default {NOTHING_WITHHELD}
   */
  readonly withheld?: Withheld;
}

/** The skip reason that belongs to a guard evaluation; `null` when no guard holds. */
export function skipReason(
  evaluation: GuardEvaluation,
  context: ProposalContext,
): SkipReason | null {
  const first = GUARDS.find((guard) => evaluation[guard].holds);
  if (first === undefined) return null;
  const note = noteOf(first, evaluation, context);
  return { ...byGuard((guard) => evaluation[guard].holds), note };
}

function noteOf(first: Guard, evaluation: GuardEvaluation, context: ProposalContext): string {
  if (context.failure !== null) return `not measured: ${context.failure}`;
  if (!context.autoTune) return "auto-tune is off";
  if (first !== "no_op") return `${first}: ${evaluation[first].detail}`;
  if (evaluation.no_op.detail !== "nothing is proposed") return evaluation.no_op.detail;
  if (context.last) return "last iteration: a change could no longer be observed";
  if (context.kpisMet) return "all KPIs on target";
  return context.withheld?.fired
    ? "the rules that fire have no step left to take"
    : "no rule fires";
}

/** The guard that a skip reason counts under: the first that holds, by priority. */
export function primaryGuard(reason: Readonly<Record<Guard, boolean>>): Guard | null {
  return GUARDS.find((guard) => reason[guard]) ?? null;
}
