/**
 * Random parameters, runtimes and histories, for properties.
 *
 * @module
 */

import fc from "fast-check";
import type { JsonObject } from "../../base/json_value.ts";
import {
  EMPTY_HISTORY,
  type GuardHistory,
  observeIteration,
  rememberApplied,
  stepsOf,
  type ValueChange,
} from "../../model/guards.ts";
import { applyDeltas } from "../../model/params.ts";
import type { GuardSettings, Parameter, ParameterValue } from "../../model/profile.ts";
import { roundToStep } from "../../model/scale.ts";
import { MIXED } from "./mixed_profile.ts";
import type { PastIteration } from "./naive_guards.ts";

/** A value of a parameter that it may take; a number is on its step. */
export function parameterValue(parameter: Parameter): fc.Arbitrary<ParameterValue> {
  if (parameter.kind === "boolean") return fc.boolean();
  if (parameter.kind === "enum") return fc.constantFrom(...parameter.values);
  const { min, max, step } = parameter;
  return fc.integer({ min: 0, max: Math.round((max - min) / step) })
    .map((steps) => roundToStep(min + steps * step, parameter));
}

/** Acceptable values of some parameters, by key. */
export function acceptableTargets(
  parameters: readonly Parameter[],
): fc.Arbitrary<Record<string, ParameterValue>> {
  return fc.subarray([...parameters])
    .chain((some) =>
      fc.tuple(...some.map((p) => parameterValue(p).map((v) => [p.key, v] as const)))
    )
    .map((targets) => Object.fromEntries(targets));
}

/** Settings in `runtime.tuner`: any of the guards', or none. */
export const tunerSettings: fc.Arbitrary<Partial<GuardSettings>> = fc.record({
  freeze_after: fc.integer({ min: 1, max: 5 }),
  freeze_iters: fc.integer({ min: 1, max: 6 }),
  oscillation_window: fc.integer({ min: 2, max: 6 }),
  velocity_cap: fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100),
  max_delta_per_hour: fc.integer({ min: 1, max: 200 }).map((percent) => percent / 100),
  cooldown_iters: fc.integer({ min: 0, max: 4 }),
}, { requiredKeys: [] });

/** The state of a tuned system after some iterations. */
export interface Situation {
  /** What happened; nothing is applied after the last one yet. */
  readonly iterations: readonly PastIteration[];
  /** The runtime in force. */
  readonly runtime: JsonObject;
}

/** Parameters that random histories change. */
export const CHANGED = MIXED.parameters.filter(({ key }) =>
  ["tail_age_ms", "impact_cap_ratio", "min_interval_ms", "post_only", "quote_mode", "lot"]
    .includes(key)
);

const anyIteration = fc.record({
  /** Mostly evenly spaced, now and then at once, or right at and around an hour. */
  seconds: fc.oneof(
    fc.constant(300),
    fc.integer({ min: 0, max: 4000 }),
    fc.constantFrom(0, 1, 1200, 1800, 3599, 3600, 3601),
  ),
  kpisMet: fc.boolean(),
  targets: fc.oneof(fc.constant(null), acceptableTargets(CHANGED)),
});

/** A random past, under the profile with parameters of every kind, with the runtime it led to. */
export const situation: fc.Arbitrary<Situation> = fc.tuple(
  acceptableTargets(MIXED.parameters),
  tunerSettings,
  fc.array(anyIteration, { minLength: 1, maxLength: 14 }),
  fc.boolean(),
).map(([start, tuner, events, complete]) => {
  const values: Record<string, ParameterValue> = { ...start };
  if (complete) { for (const { key, default: value } of CHANGED) values[key] ??= value; }
  let timeMs = 1_735_689_600_000;
  const iterations = events.map(({ seconds, kpisMet, targets }, i) => {
    timeMs += seconds * 1000;
    const last = i === events.length - 1;
    if (targets === null || last) return { timeMs, kpisMet, applied: null };
    const applied: ValueChange[] = [];
    for (const [key, to] of Object.entries(targets)) {
      const from = values[key];
      if (from !== undefined) applied.push({ key, from, to });
      values[key] = to;
    }
    return { timeMs, kpisMet, applied };
  });
  const next = applyDeltas({}, values, MIXED.parameters).runtime;
  const section = next["tuner"];
  return {
    iterations,
    runtime: { ...next, tuner: { ...(typeof section === "object" ? section : {}), ...tuner } },
  };
});

/** What the guards remember of iterations. */
export function historyOf(iterations: readonly PastIteration[]): GuardHistory {
  return iterations.reduce((history, { timeMs, kpisMet, applied }, i) => {
    const observed = observeIteration(history, { iteration: i + 1, timeMs, kpisMet });
    return applied === null
      ? observed
      : rememberApplied(observed, stepsOf(applied, MIXED.parameters));
  }, EMPTY_HISTORY);
}
