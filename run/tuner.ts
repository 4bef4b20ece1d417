/**
 * The tuner: KPIs to a proposal, by the profile's rules.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import { guardSettings } from "../model/guard_settings.ts";
import {
  cooldownGuard,
  freezeGuard,
  type GuardHistory,
  NOTHING_WITHHELD,
  velocityBudget,
  type Withheld,
  wouldOscillate,
} from "../model/guards.ts";
import { type Deltas, findParameter, getFromRuntime } from "../model/params.ts";
import {
  type Action,
  type GuardSettings,
  type KpiValues,
  type Parameter,
  type ParameterValue,
  type Profile,
  type Rule,
  ruleFires,
} from "../model/profile.ts";
import {
  actionTarget,
  nearestPlace,
  placeOf,
  rangeOf,
  roundToStep,
  scaleOf,
  valueAt,
} from "../model/scale.ts";
import { valueText } from "../model/value.ts";
import type { RecordedChange } from "../record/records.ts";

/** What the tuner wants after an iteration. */
export interface Proposal {
  /** Target values by flat key; empty when nothing is proposed. */
  readonly deltas: Deltas;
  /** The same, with present values and rules. */
  readonly changes: readonly RecordedChange[];
  /** Why, in words a person can follow. */
  readonly rationale: string;
  /** What the guards kept from being proposed. */
  readonly withheld: Withheld;
}

/** What the tuner looks at. */
export interface TunerInput {
  /** The profile with the rules. */
  readonly profile: Profile;
  /** The runtime in force. */
  readonly runtime: JsonObject;
  /** The KPIs of the iteration. */
  readonly kpis: KpiValues;
  /** Guard history, the iteration's measurement included. */
  readonly history: GuardHistory;
}

/** Rounding noise, as a share of a parameter's range; less than the velocity guard tolerates. */
const TOLERANCE = 1e-10;

/**
 * Proposes changes for an iteration's KPIs.
 *
 * The first rule to name a parameter wins; where two rules pull in opposite directions, the
 * one with the higher protection does. Nothing is proposed while frozen or cooling down, steps
 * are shortened to what the velocity guard allows, and a step that would oscillate is left out.
 */
export function propose(input: TunerInput): Proposal {
  const { profile, runtime, history } = input;
  const settings = guardSettings(runtime, profile);
  const freeze = freezeGuard(history, settings);
  if (freeze.holds) return nothing(`frozen: ${freeze.detail}`);
  const cooldown = cooldownGuard(history, settings);
  if (cooldown.holds) return nothing(`cooling down: ${cooldown.detail}`);

  const { pulls, remarks } = collectPulls(input);
  const changes: RecordedChange[] = [];
  const withheld: Record<"oscillation" | "velocity", string[]> = { oscillation: [], velocity: [] };
  for (const pull of pulls) {
    const { change, guard, remark } = withinGuards(pull, history, settings, profile);
    if (change !== null) changes.push(change);
    if (guard !== null) withheld[guard].push(pull.parameter.key);
    if (remark !== null) remarks.push(remark);
  }
  const fired = profile.rules.some((rule) => ruleFires(rule, input.kpis));
  const reasons = profile.rules
    .map((rule) => explainRule(rule, changes, input.kpis))
    .filter((reason) => reason !== null);
  const rationale = [...reasons, ...remarks].join("; ");
  return {
    deltas: Object.fromEntries(changes.map(({ key, to }) => [key, to])),
    changes,
    rationale: rationale !== ""
      ? rationale
      : fired
      ? "the rules that fire have no step left to take"
      : "no rule fires",
    withheld: { fired, ...withheld },
  };
}

/** A proposal of nothing. */
export function nothing(rationale: string): Proposal {
  return { deltas: {}, changes: [], rationale, withheld: NOTHING_WITHHELD };
}

/**
 * What a rule asks of a parameter, in places of its scale. At the rule's limit, `to` equals `from`:
 * hold it there.
 */
interface Pull {
  readonly parameter: Parameter;
  readonly rule: Rule;
  readonly present: ParameterValue;
  readonly from: number;
  readonly to: number;
  /** Which way the rule pulls, even where it can't go further: 1 for up, −1 for down. */
  readonly direction: number;
}

function collectPulls(
  { profile, runtime, kpis }: TunerInput,
): { pulls: Pull[]; remarks: string[] } {
  const byKey = new Map<string, Pull[]>();
  for (const rule of profile.rules) {
    if (!ruleFires(rule, kpis)) continue;
    for (const action of rule.then) {
      const pull = pullOf(rule, action, profile, runtime);
      if (pull === null) continue;
      const others = byKey.get(action.param);
      if (others === undefined) byKey.set(action.param, [pull]);
      else others.push(pull);
    }
  }
  const pulls: Pull[] = [];
  const remarks: string[] = [];
  for (const rivals of byKey.values()) {
    const { winner, remark } = settle(rivals);
    if (remark !== null) remarks.push(remark);
    if (winner !== null && winner.to !== winner.from) pulls.push(winner);
  }
  return { pulls, remarks };
}

/**
 * The pull that wins a parameter: the first one, unless rules pull both ways; then the most
 * protective one decides the direction. A rule at its limit holds against the other direction,
 * and leaves the step to the next rule of its own.
 */
function settle(rivals: readonly Pull[]): { winner: Pull | null; remark: string | null } {
  const contested = rivals.some(({ direction }) => direction !== rivals[0]?.direction);
  const ranked = contested
    ? rivals.toSorted((a, b) => b.rule.protection - a.rule.protection)
    : rivals;
  const [strongest] = ranked;
  if (strongest === undefined) return { winner: null, remark: null };
  const allies = ranked.filter(({ direction }) => direction === strongest.direction);
  const winner = allies.find(({ from, to }) => from !== to) ?? strongest;
  if (!contested) return { winner, remark: null };
  const losers = rivals.filter(({ direction }) => direction !== strongest.direction);
  const tied = losers.some(({ rule }) => rule.protection === strongest.rule.protection);
  return {
    winner,
    remark: `${strongest.parameter.key}: ${strongest.rule.name} overrules ` +
      `${losers.map(({ rule }) => rule.name).join(", ")}, ` +
      (tied ? "standing first" : "being more protective"),
  };
}

function pullOf(
  rule: Rule,
  action: Action,
  profile: Profile,
  runtime: JsonObject,
): Pull | null {
  const parameter = findParameter(action.param, profile.parameters);
  if (parameter === undefined) return null;
  const present = getFromRuntime(runtime, action.param, profile.parameters);
  const from = placeOf(parameter, present);
  const { min, max } = scaleOf(parameter);
  if (present === undefined || from === undefined || from < min || from > max) return null;
  const { limit: _, ...unlimited } = action;
  const direction = Math.sign(actionTarget(unlimited, from, parameter) - from);
  if (direction === 0) return null;
  const to = nearestPlace(parameter, actionTarget(action, from, parameter));
  // Rounding must not turn a small step round.
  const reached = Math.sign(to - from) === direction ? to : from;
  return { parameter, rule, present, from, to: reached, direction };
}

function withinGuards(
  pull: Pull,
  history: GuardHistory,
  settings: GuardSettings,
  profile: Profile,
): {
  change: RecordedChange | null;
  guard: "oscillation" | "velocity" | null;
  remark: string | null;
} {
  const { parameter, rule, from } = pull;
  const { key } = parameter;
  const direction = pull.to > from ? 1 : -1;
  if (wouldOscillate(key, direction, history, settings)) {
    const remark = `${key}: left alone, it would oscillate`;
    return { change: null, guard: "oscillation", remark };
  }
  const budget = velocityBudget(key, history, settings, profile);
  const to = withinReach(pull, Math.min(budget.step, budget.hour));
  if (to === from) {
    const remark = budget.hour < budget.step
      ? `${key}: left alone, its hourly allowance is used up`
      : `${key}: left alone, the velocity cap is below one step`;
    return { change: null, guard: "velocity", remark };
  }
  const [reached, wanted] = [valueAt(parameter, to), valueAt(parameter, pull.to)];
  return {
    change: { key, from: pull.present, to: reached, rule: rule.name },
    guard: null,
    remark: to === pull.to
      ? null
      : `${key}: shortened, ${valueText(reached)} instead of ${valueText(wanted)}`,
  };
}

function withinReach({ parameter, from, to }: Pull, allowance: number): number {
  const { step } = scaleOf(parameter);
  const reach = allowance + TOLERANCE * rangeOf(parameter);
  if (Math.abs(to - from) <= reach) return to;
  const direction = to > from ? 1 : -1;
  for (let steps = Math.floor(reach / step); steps > 0; steps--) {
    const target = roundToStep(from + direction * steps * step, { step });
    if (Math.abs(target - from) <= reach) return target;
  }
  return from;
}

function explainRule(
  rule: Rule,
  changes: readonly RecordedChange[],
  kpis: KpiValues,
): string | null {
  const own = changes.filter((change) => change.rule === rule.name);
  if (own.length === 0) return null;
  const because = rule.when
    .map(({ kpi, op, value }) => `${kpi} ${kpis[kpi]} ${op} ${value}`)
    .join(", ");
  return `${rule.name} (${because}): ` +
    own.map(({ key, from, to }) => `${key} ${valueText(from)} → ${valueText(to)}`).join(", ");
}
