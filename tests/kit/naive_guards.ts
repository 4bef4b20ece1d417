/**
 * Every guard once more, from the words of the design, over the full list of iterations. Slow and
 * plain, and free of anything from `guards.ts` but its types: the oracle that the guards are
 * tested against.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../base/json_value.ts";
import type { Guard, ValueChange } from "../../model/guards.ts";
import type { GuardSettings, Parameter, ParameterValues, Profile } from "../../model/profile.ts";

/** One iteration, as the records tell it. */
export interface PastIteration {
  /** Its time, in ms since the epoch. */
  readonly timeMs: number;
  /** Whether it met every KPI. */
  readonly kpisMet: boolean;
  /** What was applied after it; `null` if nothing was. */
  readonly applied: readonly ValueChange[] | null;
}

/** Rounding noise that the velocity guard forgives, as a share of the range. */
const NOISE = 1e-9;

/** Tells which guards hold a proposal back. */
export function naiveGuards(
  iterations: readonly PastIteration[],
  runtime: JsonObject,
  proposal: ParameterValues,
  profile: Profile,
): Record<Guard, boolean> {
  const setting = (name: keyof GuardSettings): number =>
    numberAt(runtime, ["tuner", name]) ?? profile.guards[name];
  const present = iterations.length - 1;
  const now = iterations[present]?.timeMs ?? 0;

  const latest = iterations.slice(-setting("freeze_after"));
  const freeze = latest.length === setting("freeze_after") &&
    latest.every(({ kpisMet }) => kpisMet);

  const lastChange = iterations.findLastIndex(({ applied }) => applied !== null);
  const cooldown = lastChange >= 0 && present - lastChange < setting("cooldown_iters");

  let oscillation = false;
  let velocity = false;
  let no_op = true;
  for (const parameter of profile.parameters) {
    const { key, path } = parameter;
    if (proposal[key] === undefined) continue;
    const value = valueAt(runtime, path.split("."));
    if (value !== proposal[key]) no_op = false;
    const current = position(parameter, value);
    const target = position(parameter, proposal[key]);
    if (current === undefined || target === undefined) continue;

    const changes: { readonly timeMs: number; readonly by: number }[] = [];
    for (const { timeMs, applied } of iterations) {
      for (const step of applied ?? []) {
        if (step.key !== key || step.to === step.from) continue;
        const by = (position(parameter, step.to) ?? NaN) - (position(parameter, step.from) ?? NaN);
        changes.push({ timeMs, by });
      }
    }
    changes.push({ timeMs: now, by: target - current });

    const window = changes.slice(-setting("oscillation_window"));
    if (target !== current && window.length === setting("oscillation_window")) {
      let flips = 0;
      for (let i = 1; i < window.length; i++) {
        const before = window[i - 1]?.by ?? 0;
        const after = window[i]?.by ?? 0;
        if (before * after < 0) flips++;
      }
      if (flips === window.length - 1) oscillation = true;
    }

    const numeric = parameter.kind !== "boolean" && parameter.kind !== "enum";
    const range = parameter.kind === "boolean"
      ? 1
      : parameter.kind === "enum"
      ? parameter.values.length - 1
      : parameter.max - parameter.min;
    // Of a list or a switch, one place may always be moved.
    const cap = (name: "velocity_cap" | "max_delta_per_hour"): number =>
      numeric ? setting(name) : Math.max(setting(name), 1 / range);
    const hour = changes
      .filter(({ timeMs }) => now - timeMs < 3600 * 1000)
      .reduce((sum, { by }) => sum + Math.abs(by), 0);
    if (Math.abs(target - current) / range > cap("velocity_cap") + NOISE) velocity = true;
    if (hour / range > cap("max_delta_per_hour") + NOISE) velocity = true;
  }
  return { freeze, oscillation, velocity, cooldown, no_op };
}

/** How far up a value stands; a number is that itself. */
function position(parameter: Parameter, value: JsonValue | undefined): number | undefined {
  if (parameter.kind === "boolean") return value === true ? 1 : value === false ? 0 : undefined;
  if (parameter.kind !== "enum") return typeof value === "number" ? value : undefined;
  const at = parameter.values.map((known) => JSON.stringify(known)).indexOf(JSON.stringify(value));
  return at === -1 ? undefined : at;
}

function numberAt(value: JsonValue, path: readonly string[]): number | undefined {
  const at = valueAt(value, path);
  return typeof at === "number" ? at : undefined;
}

function valueAt(value: JsonValue, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || Array.isArray(at)) return undefined;
    at = Object.entries(at).find(([key]) => key === name)?.[1];
  }
  return at;
}
