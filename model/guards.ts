/**
 * Guards: cooldown, velocity, oscillation and freeze, as pure functions of recorded history.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import { guardSettings } from "./guard_settings.ts";
import { type Deltas, findParameter, valueOf } from "./params.ts";
import type { GuardSettings, Parameter, ParameterValue, Profile } from "./profile.ts";
import { allowedShare, isCounted, placeOf, rangeOf, shareText } from "./scale.ts";

/** The guards, in the order in which a skip reason names them. */
export const GUARDS = ["freeze", "oscillation", "velocity", "cooldown", "no_op"] as const;

/** The name of a guard. */
export type Guard = typeof GUARDS[number];

/** A value for each guard. */
export function byGuard<T>(value: (guard: Guard) => T): Record<Guard, T> {
  return {
    freeze: value("freeze"),
    oscillation: value("oscillation"),
    velocity: value("velocity"),
    cooldown: value("cooldown"),
    no_op: value("no_op"),
  };
}

/** What one guard found, with the numbers it was computed from. */
export interface GuardFinding {
  /** Whether the guard holds the proposal back. */
  readonly holds: boolean;
  /** The numbers behind the answer, in one clause. */
  readonly detail: string;
}

/** A finding whose words are put together when they are asked for: most are never read. */
function finding(holds: boolean, words: () => string): GuardFinding {
  return {
    holds,
    get detail(): string {
      return words();
    },
  };
}

/** What every guard found for one proposal. */
export type GuardEvaluation = Readonly<Record<Guard, GuardFinding>>;

/** A change of one parameter in values, as it stands in records. */
export interface ValueChange {
  /** The parameter's flat key. */
  readonly key: string;
  /** Value before. */
  readonly from: ParameterValue;
  /** Value after. */
  readonly to: ParameterValue;
}

/**
 * An applied change of one parameter, in places of its scale: a number is its own place, `false` and
 * `true` are 0 and 1, and a value in a list has its index.
 */
export interface AppliedStep {
  /** The parameter's flat key. */
  readonly key: string;
  /** Place before. */
  readonly from: number;
  /** Place after. */
  readonly to: number;
}

/** Changes as steps; what is no parameter's value is left out. */
export function stepsOf(
  changes: readonly ValueChange[],
  parameters: readonly Parameter[],
): AppliedStep[] {
  return changes.flatMap(({ key, from, to }) => {
    const parameter = findParameter(key, parameters);
    if (parameter === undefined) return [];
    const [before, after] = [placeOf(parameter, from), placeOf(parameter, to)];
    return before === undefined || after === undefined ? [] : [{ key, from: before, to: after }];
  });
}

/** The steps that lead from a runtime to targets; keys without a value there are left out. */
export function stepsTo(
  targets: Deltas,
  runtime: JsonObject,
  parameters: readonly Parameter[],
): AppliedStep[] {
  const changes = Object.entries(targets).flatMap(([key, to]) => {
    const from = valueOf(runtime, key, parameters);
    return from === undefined ? [] : [{ key, from, to }];
  });
  return stepsOf(changes, parameters);
}

/** What guards need to remember of the iterations so far; its size does not grow with them. */
export interface GuardHistory {
  /** The last iteration observed; 0 before the first. */
  readonly iteration: number;
  /** Time of the last iteration observed, in ms since the epoch. */
  readonly timeMs: number;
  /** Iterations in a row, up to the last one observed, that met every KPI. */
  readonly kpiStreak: number;
  /** The last iteration after which a change was applied; `null` if none was. */
  readonly lastApplied: number | null;
  /** Directions of each key's latest changes, oldest first. */
  readonly directions: ReadonlyMap<string, readonly (1 | -1)[]>;
  /** Sizes of applied steps within the hour before the last iteration observed. */
  readonly steps: readonly {
    readonly key: string;
    readonly timeMs: number;
    readonly size: number;
  }[];
}

/** What the rules asked for and the guards kept from being proposed at all. */
export interface Withheld {
  /** Whether any rule fired. */
  readonly fired: boolean;
  /** Keys left out because they would have oscillated. */
  readonly oscillation: readonly string[];
  /** Keys left out because their allowance has no step left. */
  readonly velocity: readonly string[];
}

/** Nothing was asked for. */
export const NOTHING_WITHHELD: Withheld = { fired: false, oscillation: [], velocity: [] };

/** The history before the first iteration. */
export const EMPTY_HISTORY: GuardHistory = {
  iteration: 0,
  timeMs: 0,
  kpiStreak: 0,
  lastApplied: null,
  directions: new Map(),
  steps: [],
};

/** Length of the trailing window of the velocity guard, in ms. */
const HOUR_MS = 3_600_000;

/** Sums of decimal steps carry rounding noise: a step of exactly the cap must pass. */
const TOLERANCE = 1e-9;

/** The longest oscillation window that history is kept for. */
const MAX_DIRECTIONS = 64;

/**
 * Takes the outcome of an iteration's measurement into the history.
 *
 * @param history What was known before.
 * @param iteration The iteration's number, its time in ms, and whether it met every KPI.
 * @returns The history including this iteration's measurement.
 */
export function observeIteration(
  history: GuardHistory,
  iteration: {
    readonly iteration: number;
    readonly timeMs: number;
    readonly kpisMet: boolean;
  },
): GuardHistory {
  return {
    ...history,
    iteration: iteration.iteration,
    timeMs: iteration.timeMs,
    kpiStreak: iteration.kpisMet ? history.kpiStreak + 1 : 0,
    steps: history.steps.filter((step) => iteration.timeMs - step.timeMs < HOUR_MS),
  };
}

/**
 * Takes an applied change, made after the last observed iteration, into the history.
 *
 * @param history What was known before.
 * @param steps The changes; those with `from` equal to `to` are no changes.
 * @returns The history including the change.
 */
export function rememberApplied(
  history: GuardHistory,
  steps: readonly AppliedStep[],
): GuardHistory {
  const directions = new Map(history.directions);
  const sizes = [...history.steps];
  for (const { key, from, to } of steps) {
    if (from === to) continue;
    const earlier = directions.get(key) ?? [];
    directions.set(key, [...earlier.slice(1 - MAX_DIRECTIONS), to > from ? 1 : -1]);
    sizes.push({ key, timeMs: history.timeMs, size: Math.abs(to - from) });
  }
  return { ...history, lastApplied: history.iteration, directions, steps: sizes };
}

/** Tells whether the configuration is locked because KPIs hold. */
export function freezeGuard(history: GuardHistory, settings: GuardSettings): GuardFinding {
  const { freeze_after, freeze_iters } = settings;
  const { iteration, kpiStreak } = history;
  if (kpiStreak < freeze_after) {
    return finding(
      false,
      () => `${kpiStreak} of ${freeze_after} iterations in a row met every KPI`,
    );
  }
  const since = iteration - kpiStreak + Math.max(1, freeze_after);
  return finding(
    true,
    () =>
      `every KPI met ${kpiStreak} times in a row: locked since iteration ${since}, ` +
      `for ${freeze_iters} iterations and as long as KPIs hold`,
  );
}

/** Tells whether the last change is too recent for its effect to be visible. */
export function cooldownGuard(history: GuardHistory, settings: GuardSettings): GuardFinding {
  const { lastApplied, iteration } = history;
  if (lastApplied === null) return finding(false, () => "no change applied so far");
  const { cooldown_iters } = settings;
  const left = cooldown_iters - (iteration - lastApplied);
  return finding(
    left > 0,
    () =>
      `last change after iteration ${lastApplied}, cooldown of ${cooldown_iters} iterations: ` +
      (left > 0 ? `${left} left` : "over"),
  );
}

/** How far a parameter may still move, in places: for numbers that is the parameter's unit. */
export interface VelocityBudget {
  /** Largest step the cap allows. */
  readonly step: number;
  /** What is left of the hourly allowance; never negative. */
  readonly hour: number;
}

/** How far a parameter may still move now without holding the velocity guard. */
export function velocityBudget(
  key: string,
  history: GuardHistory,
  settings: GuardSettings,
  profile: Profile,
): VelocityBudget {
  const parameter = findParameter(key, profile.parameters);
  if (parameter === undefined) return { step: 0, hour: 0 };
  const range = rangeOf(parameter);
  const spent = spentWithinHour(history, key);
  return {
    step: allowedShare(parameter, settings.velocity_cap) * range,
    hour: Math.max(0, allowedShare(parameter, settings.max_delta_per_hour) * range - spent),
  };
}

function spentWithinHour(history: GuardHistory, key: string): number {
  let spent = 0;
  for (const step of history.steps) if (step.key === key) spent += step.size;
  return spent;
}

function velocityGuard(
  history: GuardHistory,
  settings: GuardSettings,
  steps: readonly AppliedStep[],
  profile: Profile,
): GuardFinding {
  const held: string[] = [];
  const seen: string[] = [];
  for (const { key, from, to } of steps) {
    const parameter = findParameter(key, profile.parameters);
    if (parameter === undefined) continue;
    const range = rangeOf(parameter);
    const text = (share: number): string => shareText(parameter, share);
    const ofRange = isCounted(parameter) ? "" : " of its range";
    const step = Math.abs(to - from) / range;
    const hour = (spentWithinHour(history, key) + Math.abs(to - from)) / range;
    const stepCap = allowedShare(parameter, settings.velocity_cap);
    const hourCap = allowedShare(parameter, settings.max_delta_per_hour);
    if (step > stepCap + TOLERANCE) {
      held.push(`${key} step ${text(step)}${ofRange}, cap ${text(stepCap)}`);
    } else if (hour > hourCap + TOLERANCE) {
      held.push(`${key} ${text(hour)}${ofRange} in an hour, cap ${text(hourCap)}`);
    } else {
      seen.push(
        `${key} step ${text(step)} of ${text(stepCap)}, hour ${text(hour)} of ${text(hourCap)}`,
      );
    }
  }
  if (held.length > 0) return { holds: true, detail: held.join("; ") };
  return { holds: false, detail: seen.length === 0 ? "nothing moves" : seen.join("; ") };
}

/** Tells whether moving a parameter in a direction would make its latest changes flip each time. */
export function wouldOscillate(
  key: string,
  direction: 1 | -1,
  history: GuardHistory,
  settings: GuardSettings,
): boolean {
  const window = settings.oscillation_window;
  const earlier = history.directions.get(key) ?? [];
  if (window < 2 || earlier.length < window - 1) return false;
  const moves = [...earlier.slice(1 - window), direction];
  return moves.every((move, i) => i === 0 || move !== moves[i - 1]);
}

function oscillationGuard(
  history: GuardHistory,
  settings: GuardSettings,
  steps: readonly AppliedStep[],
): GuardFinding {
  const held: string[] = [];
  for (const { key, from, to } of steps) {
    if (from === to) continue;
    const direction = to > from ? 1 : -1;
    if (!wouldOscillate(key, direction, history, settings)) continue;
    const earlier = (history.directions.get(key) ?? []).slice(1 - settings.oscillation_window);
    held.push(`${key} ${[...earlier, direction].map((d) => d === 1 ? "up" : "down").join(", ")}`);
  }
  return held.length > 0
    ? { holds: true, detail: held.join("; ") }
    : { holds: false, detail: `no key flips within ${settings.oscillation_window} changes` };
}

/**
 * Recomputes every guard for a proposal.
 *
 * With an empty proposal `no_op` holds, velocity and oscillation do not.
 */
export function evaluateGuards(
  history: GuardHistory,
  runtime: JsonObject,
  proposal: Deltas,
  profile: Profile,
  withheld: Withheld = NOTHING_WITHHELD,
): GuardEvaluation {
  const settings = guardSettings(runtime, profile);
  const steps = stepsTo(proposal, runtime, profile.parameters);
  const proposed = Object.keys(proposal).length;
  const moves = steps.length < proposed || steps.some(({ from, to }) => from !== to);
  return {
    freeze: freezeGuard(history, settings),
    oscillation: proposed === 0 && withheld.oscillation.length > 0
      ? finding(true, () => `${withheld.oscillation.join(", ")} would flip again`)
      : oscillationGuard(history, settings, steps),
    velocity: proposed === 0 && withheld.velocity.length > 0
      ? finding(true, () => `${withheld.velocity.join(", ")} has no step left in its allowance`)
      : velocityGuard(history, settings, steps, profile),
    cooldown: cooldownGuard(history, settings),
    no_op: moves
      ? { holds: false, detail: `${proposed} proposed, at least one differs from its value` }
      : {
        holds: true,
        detail: proposed === 0 ? "nothing is proposed" : "every target equals the current value",
      },
  };
}
