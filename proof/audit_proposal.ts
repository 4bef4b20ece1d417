/**
 * Checks a proposal against the one that the profile's rules and the guards give. It is worked
 * out here once more, parameter by parameter, so that it does not rest on the tuner.
 *
 * @module
 */

import type { IterationRecord, RecordedChange } from "../record/records.ts";
import { found, type RecordFinding } from "./findings.ts";
import {
  cooldownGuard,
  freezeGuard,
  type GuardHistory,
  guardSettings,
  NOTHING_WITHHELD,
  velocityBudget,
  type Withheld,
  wouldOscillate,
} from "../model/guards.ts";
import type { ProposalContext } from "../model/skip_reason.ts";
import { findParameter, getFromRuntime, roundToStep } from "../model/params.ts";
import {
  actionTarget,
  type Parameter,
  type Profile,
  type Rule,
  ruleFires,
} from "../model/profile.ts";

/** Rounding noise between an allowance and a step, as a share of the parameter's range. */
const TOLERANCE = 1e-10;

/** What a proposal is worked out from, besides the record. */
export interface ProposalBasis {
  /** The profile with rules and parameters. */
  readonly profile: Profile;
  /** Guard history, the iteration's measurement included. */
  readonly history: GuardHistory;
  /** Whether the tuner was on, and whether there was a next iteration. */
  readonly context: ProposalContext;
}

/** The changes that the rules ask for and the guards leave, and what the guards keep back. */
export interface ExpectedProposal {
  /** The changes, in the order in which the rules name their parameters. */
  readonly changes: readonly RecordedChange[];
  /** What the guards keep from being proposed. */
  readonly withheld: Withheld;
}

/**
 * Works out which changes the rules ask for and the guards leave.
 *
 * @param record The iteration.
 * @param basis What else it follows from.
 * @returns The changes and what is kept back.
 */
export function expectedProposal(
  record: IterationRecord,
  { profile, history, context }: ProposalBasis,
): ExpectedProposal {
  const none: ExpectedProposal = { changes: [], withheld: NOTHING_WITHHELD };
  if (!context.autoTune || context.last || context.failure !== null) return none;
  const fired = profile.rules.filter((rule) => ruleFires(rule, record.kpis));
  const steps = fired.flatMap((rule) => stepsOf(rule, record, profile));
  const settings = guardSettings(record.runtime, profile);
  if (freezeGuard(history, settings).holds || cooldownGuard(history, settings).holds) return none;
  const changes: RecordedChange[] = [];
  const oscillation: string[] = [];
  const velocity: string[] = [];
  for (const key of new Set(steps.map(({ parameter }) => parameter.key))) {
    const chosen = choose(steps.filter((step) => step.parameter.key === key));
    if (chosen === null) continue;
    if (wouldOscillate(key, chosen.direction, history, settings)) {
      oscillation.push(key);
      continue;
    }
    const { step, hour } = velocityBudget(key, history, settings, profile);
    const to = reachable(chosen, Math.min(step, hour));
    if (to === chosen.from) velocity.push(key);
    else changes.push({ key, from: chosen.from, to, rule: chosen.rule.name });
  }
  return { changes, withheld: { fired: fired.length > 0, oscillation, velocity } };
}

interface Step {
  readonly parameter: Parameter;
  readonly rule: Rule;
  readonly from: number;
  /** Where the rule wants it; the same as `from` where the rule has reached its limit. */
  readonly to: number;
  /** Which way the rule pulls. */
  readonly direction: 1 | -1;
}

function stepsOf(rule: Rule, { runtime }: IterationRecord, profile: Profile): Step[] {
  return rule.then.flatMap((action) => {
    const parameter = findParameter(action.param, profile.parameters);
    if (parameter === undefined) return [];
    const { min, max } = parameter;
    const from = getFromRuntime(runtime, action.param, profile.parameters);
    if (from === undefined || from < min || from > max) return [];
    const pull = "add" in action ? action.add : from * (action.multiply - 1);
    if (pull === 0) return [];
    const direction = pull > 0 ? 1 : -1;
    const aim = Math.max(min, Math.min(max, roundToStep(actionTarget(action, from), parameter)));
    return [{ parameter, rule, from, to: (aim - from) * direction > 0 ? aim : from, direction }];
  });
}

/**
 * Of the steps of one parameter, the one that counts: the first that moves it, in the direction
 * of the most protective rule if they disagree; `null` if none moves it that way.
 */
function choose(steps: readonly Step[]): Step | null {
  const ups = steps.filter(({ direction }) => direction === 1);
  const downs = steps.filter(({ direction }) => direction === -1);
  const disagree = ups.length > 0 && downs.length > 0;
  const byProtection = (a: Step, b: Step): number => b.rule.protection - a.rule.protection;
  const ordered = disagree ? steps.toSorted(byProtection) : steps;
  return ordered.find(({ from, to, direction }) =>
    to !== from && direction === ordered[0]?.direction
  ) ?? null;
}

/** How far towards its target an allowance lets a step go, in whole steps of the parameter. */
function reachable({ parameter, from, to, direction }: Step, allowance: number): number {
  const { min, max, step } = parameter;
  const reach = allowance + TOLERANCE * (max - min);
  if (Math.abs(to - from) <= reach) return to;
  for (let steps = Math.floor(reach / step); steps > 0; steps--) {
    const value = roundToStep(from + direction * steps * step, parameter);
    if (Math.abs(value - from) <= reach) return value;
  }
  return from;
}

/**
 * Checks what is recorded as proposed against what the rules and guards give.
 *
 * @param record The iteration.
 * @param expected The changes that the rules and guards give.
 * @returns What is wrong.
 */
export function auditProposal(
  record: IterationRecord,
  { changes: expected }: ExpectedProposal,
): RecordFinding[] {
  const { proposedDeltas, applied, changes } = record.tuning;
  const proposed = Object.keys(proposedDeltas);
  if (
    expected.length === proposed.length && expected.every((c) => proposedDeltas[c.key] === c.to)
  ) {
    return applied && !sameChanges(changes, expected)
      ? [found("changes_wrong", "changes are not those that the rules give", changes, expected)]
      : [];
  }
  const targets = Object.fromEntries(expected.map(({ key, to }) => [key, to]));
  if (proposed.length === 0) {
    const rules = [...new Set(expected.map(({ rule }) => rule))].join(", ");
    const message = `nothing is proposed, yet the rules ask for a change: ${rules}`;
    return [found("proposal_missing", message, {}, targets)];
  }
  const message = expected.length === 0
    ? "a change is proposed that no rule asks for"
    : "the proposal is not the one that the rules and guards give";
  return [found("proposal_wrong", message, proposedDeltas, targets)];
}

function sameChanges(a: readonly RecordedChange[], b: readonly RecordedChange[]): boolean {
  return a.length === b.length && a.every((change, i) => {
    const other = b[i];
    return change.key === other?.key && change.from === other.from && change.to === other.to &&
      change.rule === other.rule;
  });
}
