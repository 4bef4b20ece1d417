/**
 * The tuner: KPIs to a proposal, by the profile's rules.
 *
 * @module
 */

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
import type { JsonObject } from "../base/json.ts";
import { type Deltas, findParameter, getFromRuntime, roundToStep } from "../model/params.ts";
import {
  type Action,
  actionTarget,
  type GuardSettings,
  type KpiValues,
  type Parameter,
  type Profile,
  type Rule,
  ruleFires,
} from "../model/profile.ts";

/** A change that the tuner wants, with the rule that asked for it. */
export interface ProposedChange {
  /** The parameter's flat key. */
  readonly key: string;
  /** Present value. */
  readonly from: number;
  /** Target value. */
  readonly to: number;
  /** Name of the rule. */
  readonly rule: string;
}

/** What the tuner wants after an iteration. */
export interface Proposal {
  /** Target values by flat key; empty when nothing is proposed. */
  readonly deltas: Deltas;
  /** The same, with present values and rules. */
  readonly changes: readonly ProposedChange[];
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
 *
 * @param input What the tuner looks at.
 * @returns The proposal; empty deltas when there is nothing to change.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { EMPTY_HISTORY, observeIteration } from "../model/guards.ts";
 * import { marketMaker } from "../model/market_maker.ts";
 *
 * const { deltas } = propose({
 *   profile: marketMaker,
 *   runtime: { engine: { min_interval_ms: 55, tail_age_ms: 600 } },
 *   kpis: { risk_ratio: 0.65 },
 *   history: observeIteration(EMPTY_HISTORY, { iteration: 1, timeMs: 0, kpisMet: false }),
 * });
 * assertEquals(deltas, { min_interval_ms: 60, tail_age_ms: 630 });
 * ```
 */
export function propose(input: TunerInput): Proposal {
  const { profile, runtime, history } = input;
  const settings = guardSettings(runtime, profile);
  const freeze = freezeGuard(history, settings);
  if (freeze.holds) return nothing(`frozen: ${freeze.detail}`);
  const cooldown = cooldownGuard(history, settings);
  if (cooldown.holds) return nothing(`cooling down: ${cooldown.detail}`);

  const { wishes, remarks } = collectWishes(input);
  const changes: ProposedChange[] = [];
  const withheld: Record<"oscillation" | "velocity", string[]> = { oscillation: [], velocity: [] };
  for (const wish of wishes) {
    const { change, guard, remark } = withinGuards(wish, history, settings, profile);
    if (change !== null) changes.push(change);
    if (guard !== null) withheld[guard].push(wish.parameter.key);
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

function nothing(rationale: string): Proposal {
  return { deltas: {}, changes: [], rationale, withheld: NOTHING_WITHHELD };
}

/** What a rule wants of a parameter. At the rule's limit, `to` equals `from`: hold it there. */
interface Wish {
  readonly parameter: Parameter;
  readonly rule: Rule;
  readonly from: number;
  readonly to: number;
  /** Which way the rule pulls, even where it can't go further: 1 for up, −1 for down. */
  readonly direction: number;
}

function collectWishes(
  { profile, runtime, kpis }: TunerInput,
): { wishes: Wish[]; remarks: string[] } {
  const byKey = new Map<string, Wish[]>();
  for (const rule of profile.rules) {
    if (!ruleFires(rule, kpis)) continue;
    for (const action of rule.then) {
      const wish = makeWish(rule, action, profile, runtime);
      if (wish === null) continue;
      const others = byKey.get(action.param);
      if (others === undefined) byKey.set(action.param, [wish]);
      else others.push(wish);
    }
  }
  const wishes: Wish[] = [];
  const remarks: string[] = [];
  for (const rivals of byKey.values()) {
    const { winner, remark } = settle(rivals);
    if (remark !== null) remarks.push(remark);
    if (winner !== null && winner.to !== winner.from) wishes.push(winner);
  }
  return { wishes, remarks };
}

/**
 * The wish that wins a parameter: the first one, unless rules pull both ways; then the most
 * protective one decides the direction. A rule at its limit holds against the other direction,
 * and leaves the step to the next rule of its own.
 */
function settle(rivals: readonly Wish[]): { winner: Wish | null; remark: string | null } {
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

function makeWish(
  rule: Rule,
  action: Action,
  profile: Profile,
  runtime: JsonObject,
): Wish | null {
  const parameter = findParameter(action.param, profile.parameters);
  if (parameter === undefined) return null;
  const from = getFromRuntime(runtime, action.param, profile.parameters);
  if (from === undefined || from < parameter.min || from > parameter.max) return null;
  const { limit: _, ...unlimited } = action;
  const direction = Math.sign(actionTarget(unlimited, from) - from);
  if (direction === 0) return null;
  const wanted = roundToStep(actionTarget(action, from), parameter);
  const to = Math.min(parameter.max, Math.max(parameter.min, wanted));
  // Rounding must not turn a small step round.
  return { parameter, rule, from, to: Math.sign(to - from) === direction ? to : from, direction };
}

function withinGuards(
  wish: Wish,
  history: GuardHistory,
  settings: GuardSettings,
  profile: Profile,
): {
  change: ProposedChange | null;
  guard: "oscillation" | "velocity" | null;
  remark: string | null;
} {
  const { parameter, rule, from } = wish;
  const { key } = parameter;
  const direction = wish.to > from ? 1 : -1;
  if (wouldOscillate(key, direction, history, settings)) {
    const remark = `${key}: left alone, it would oscillate`;
    return { change: null, guard: "oscillation", remark };
  }
  const budget = velocityBudget(key, history, settings, profile);
  const to = shorten(wish, Math.min(budget.step, budget.hour));
  if (to === from) {
    const remark = budget.hour < budget.step
      ? `${key}: left alone, its hourly allowance is used up`
      : `${key}: left alone, the velocity cap is below one step`;
    return { change: null, guard: "velocity", remark };
  }
  return {
    change: { key, from, to, rule: rule.name },
    guard: null,
    remark: to === wish.to ? null : `${key}: shortened, ${to} instead of ${wish.to}`,
  };
}

function shorten({ parameter, from, to }: Wish, allowance: number): number {
  const { min, max, step } = parameter;
  const reach = allowance + TOLERANCE * (max - min);
  if (Math.abs(to - from) <= reach) return to;
  const direction = to > from ? 1 : -1;
  for (let steps = Math.floor(reach / step); steps > 0; steps--) {
    const target = roundToStep(from + direction * steps * step, parameter);
    if (Math.abs(target - from) <= reach) return target;
  }
  return from;
}

function explainRule(
  rule: Rule,
  changes: readonly ProposedChange[],
  kpis: KpiValues,
): string | null {
  const own = changes.filter((change) => change.rule === rule.name);
  if (own.length === 0) return null;
  const because = rule.when
    .map(({ kpi, op, value }) => `${kpi} ${kpis[kpi]} ${op} ${value}`)
    .join(", ");
  return `${rule.name} (${because}): ` +
    own.map(({ key, from, to }) => `${key} ${from} → ${to}`).join(", ");
}
