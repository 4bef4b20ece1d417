/**
 * Checks what is recorded of an iteration's step: the proposal against the one that rules and guards
 * give, worked out here once more so that it does not rest on the tuner, and skip reasons and
 * applies against guards that are evaluated again.
 *
 * @module
 */

import { guardSettings, type SettingProblem } from "../model/guard_settings.ts";
import {
  cooldownGuard,
  freezeGuard,
  type GuardEvaluation,
  type GuardHistory,
  GUARDS,
  NOTHING_WITHHELD,
  velocityBudget,
  type Withheld,
  wouldOscillate,
} from "../model/guards.ts";
import { findParameter, getFromRuntime } from "../model/params.ts";
import {
  type Parameter,
  type ParameterValue,
  type Profile,
  type Rule,
  ruleFires,
} from "../model/profile.ts";
import { actionTarget, placeOf, rangeOf, roundToStep, scaleOf, valueAt } from "../model/scale.ts";
import type { ProposalContext, SkipReason } from "../model/skip_reason.ts";
import type { IterationRecord, RecordedChange, TuningRecord } from "../record/records.ts";
import { found, type RecordFinding } from "./findings.ts";

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

/** Works out which changes the rules ask for and the guards leave. */
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
    else {
      const { parameter, present, rule } = chosen;
      changes.push({ key, from: present, to: valueAt(parameter, to), rule: rule.name });
    }
  }
  return { changes, withheld: { fired: fired.length > 0, oscillation, velocity } };
}

/** A step that a rule asks for, in places of the parameter's scale. */
interface Step {
  readonly parameter: Parameter;
  readonly rule: Rule;
  readonly present: ParameterValue;
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
    const scale = scaleOf(parameter);
    const { min, max } = scale;
    const present = getFromRuntime(runtime, action.param, profile.parameters);
    const from = placeOf(parameter, present);
    if (present === undefined || from === undefined || from < min || from > max) return [];
    const pull = "add" in action ? action.add : from * (action.multiply - 1);
    if (pull === 0) return [];
    const direction = pull > 0 ? 1 : -1;
    const aim = Math.max(
      min,
      Math.min(max, roundToStep(actionTarget(action, from, parameter), scale)),
    );
    const to = (aim - from) * direction > 0 ? aim : from;
    return [{ parameter, rule, present, from, to, direction }];
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
  const { step } = scaleOf(parameter);
  const reach = allowance + TOLERANCE * rangeOf(parameter);
  if (Math.abs(to - from) <= reach) return to;
  for (let steps = Math.floor(reach / step); steps > 0; steps--) {
    const value = roundToStep(from + direction * steps * step, { step });
    if (Math.abs(value - from) <= reach) return value;
  }
  return from;
}

/** Checks what is recorded as proposed against what the rules and guards give. */
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

/**
 * Checks the guard settings in the recorded runtime. Those that are parameters have bounds, which are
 * checked as all others are.
 */
export function auditSettings(
  problems: readonly SettingProblem[],
  { guards }: Profile,
): RecordFinding[] {
  return problems.filter(({ parameter }) => parameter === null)
    .map(({ name, value, message }) => found("guard_loosened", message, value, guards[name]));
}

/** Checks what is recorded of a step against the guards. */
export function auditGuards(
  tuning: TuningRecord,
  guards: GuardEvaluation,
  reason: SkipReason | null,
): RecordFinding[] {
  const findings: RecordFinding[] = [];
  const proposed = Object.keys(tuning.proposedDeltas).length > 0;
  const locked = guards.freeze.holds ? "freeze" : guards.cooldown.holds ? "cooldown" : null;
  if (proposed && locked !== null) {
    findings.push(found(
      "proposal_while_guarded",
      `a proposal was made while ${locked} held: ${guards[locked].detail}`,
      tuning.proposedDeltas,
    ));
  }
  return [
    ...findings,
    ...(tuning.applied ? auditApplied(tuning, guards) : auditSkipped(tuning, guards, reason)),
  ];
}

function auditApplied(tuning: TuningRecord, guards: GuardEvaluation): RecordFinding[] {
  const findings: RecordFinding[] = [];
  const held = GUARDS.filter((guard) => guards[guard].holds);
  if (held.length > 0) {
    const told = held.map((guard) => `${guard} held (${guards[guard].detail})`).join(" and ");
    findings.push(found("guard_ignored", `a change was applied although ${told}`, null, held));
  }
  if (tuning.skipReason !== null) {
    findings.push(found(
      "skip_reason_unneeded",
      "a change was applied, yet a skip reason is recorded",
      tuning.skipReason,
      null,
    ));
  }
  return findings;
}

function auditSkipped(
  { skipReason: recorded }: TuningRecord,
  guards: GuardEvaluation,
  reason: SkipReason | null,
): RecordFinding[] {
  if (recorded === null) {
    return [found(
      "skip_reason_missing",
      "nothing was applied and no skip reason says why",
      null,
      reason,
    )];
  }
  const detail = (guard: typeof GUARDS[number]): string => guards[guard].detail;
  const untrue = GUARDS.filter((guard) => recorded[guard] && !guards[guard].holds);
  const unsaid = GUARDS.filter((guard) => !recorded[guard] && guards[guard].holds);
  const findings: RecordFinding[] = [];
  if (untrue.length > 0) {
    const told = untrue.map((guard) => `${guard} did not hold: ${detail(guard)}`).join("; ");
    findings.push(found("skip_reason_false", told, recorded, reason));
  }
  if (unsaid.length > 0) {
    const told = unsaid.map((guard) => `${guard} held: ${detail(guard)}`).join("; ");
    findings.push(found("skip_reason_incomplete", `left out: ${told}`, recorded, reason));
  }
  if (findings.length > 0) return findings;
  if (reason === null) {
    return [found(
      "skip_reason_false",
      "no guard held, so nothing kept the proposal back",
      recorded,
      null,
    )];
  }
  return recorded.note === reason.note ? [] : [found(
    "skip_note_wrong",
    "the note is not the one that the record gives",
    recorded.note,
    reason.note,
  )];
}
