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
  velocityBudget,
  wouldOscillate,
} from "./guards.ts";
import type { JsonObject } from "./jsonx.ts";
import { type Deltas, findParameter, getFromRuntime, roundToStep } from "./params.ts";
import {
  type Action,
  actionTarget,
  type GuardSettings,
  type KpiValues,
  type Parameter,
  type Profile,
  type Rule,
  ruleFires,
} from "./profile.ts";

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

/** Guards against rounding noise when an allowance is counted in steps. */
const TOLERANCE = 1e-9;

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
 * import { EMPTY_HISTORY, observeIteration } from "./guards.ts";
 * import { marketMaker } from "./market_maker.ts";
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
  for (const wish of wishes.values()) {
    const { change, remark } = withinGuards(wish, history, settings, profile);
    if (change !== null) changes.push(change);
    if (remark !== null) remarks.push(remark);
  }
  const reasons = profile.rules
    .map((rule) => explainRule(rule, changes, input.kpis))
    .filter((reason) => reason !== null);
  const rationale = [...reasons, ...remarks].join("; ");
  return {
    deltas: Object.fromEntries(changes.map(({ key, to }) => [key, to])),
    changes,
    rationale: rationale === "" ? "no rule asks for a change" : rationale,
  };
}

function nothing(rationale: string): Proposal {
  return { deltas: {}, changes: [], rationale };
}

interface Wish {
  readonly parameter: Parameter;
  readonly rule: Rule;
  readonly from: number;
  readonly to: number;
}

function collectWishes(
  { profile, runtime, kpis }: TunerInput,
): { wishes: Map<string, Wish>; remarks: string[] } {
  const wishes = new Map<string, Wish>();
  const remarks: string[] = [];
  for (const rule of profile.rules) {
    if (!ruleFires(rule, kpis)) continue;
    for (const action of rule.then) {
      const wish = makeWish(rule, action, profile, runtime);
      if (wish === null) continue;
      const earlier = wishes.get(action.param);
      if (earlier === undefined) {
        wishes.set(action.param, wish);
        continue;
      }
      if (Math.sign(earlier.to - earlier.from) === Math.sign(wish.to - wish.from)) continue;
      const winner = rule.protection > earlier.rule.protection ? wish : earlier;
      const loser = winner === wish ? earlier : wish;
      wishes.set(action.param, winner);
      remarks.push(
        `${action.param}: ${winner.rule.name} overrules ${loser.rule.name}, ` +
          `${
            winner.rule.protection > loser.rule.protection
              ? "being more protective"
              : "standing first"
          }`,
      );
    }
  }
  return { wishes, remarks };
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
  if (from === undefined) return null;
  const wanted = roundToStep(actionTarget(action, from), parameter);
  const to = Math.min(parameter.max, Math.max(parameter.min, wanted));
  return to === from ? null : { parameter, rule, from, to };
}

function withinGuards(
  wish: Wish,
  history: GuardHistory,
  settings: GuardSettings,
  profile: Profile,
): { change: ProposedChange | null; remark: string | null } {
  const { parameter, rule, from } = wish;
  const { key } = parameter;
  const direction = wish.to > from ? 1 : -1;
  if (wouldOscillate(key, direction, history, settings)) {
    return { change: null, remark: `${key}: left alone, it would oscillate` };
  }
  const budget = velocityBudget(key, history, settings, profile);
  const to = shorten(wish, Math.min(budget.step, budget.hour));
  if (to === from) {
    return { change: null, remark: `${key}: left alone, its hourly allowance is used up` };
  }
  return {
    change: { key, from, to, rule: rule.name },
    remark: to === wish.to ? null : `${key}: step shortened from ${wish.to} to ${to}`,
  };
}

function shorten({ parameter, from, to }: Wish, allowance: number): number {
  if (Math.abs(to - from) <= allowance + TOLERANCE) return to;
  const direction = to > from ? 1 : -1;
  for (let steps = Math.floor((allowance + TOLERANCE) / parameter.step); steps > 0; steps--) {
    const target = roundToStep(from + direction * steps * parameter.step, parameter);
    if (Math.abs(target - from) <= allowance + TOLERANCE) return target;
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
