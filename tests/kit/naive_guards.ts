/**
 * Every guard once more, from the words of the design, over the full list of iterations. Slow and
 * plain, and free of anything from `guards.ts` but its types: the oracle that the guards are
 * tested against.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../base/json_value.ts";
import type { AppliedStep, Guard } from "../../model/guards.ts";
import type { GuardSettings, Profile } from "../../model/profile.ts";

/** One iteration, as the records tell it. */
export interface PastIteration {
  /** Its time, in ms since the epoch. */
  readonly timeMs: number;
  /** Whether it met every KPI. */
  readonly kpisMet: boolean;
  /** What was applied after it; `null` if nothing was. */
  readonly applied: readonly AppliedStep[] | null;
}

/** Rounding noise that the velocity guard forgives, as a share of the range. */
const NOISE = 1e-9;

/** Tells which guards hold a proposal back. */
export function naiveGuards(
  iterations: readonly PastIteration[],
  runtime: JsonObject,
  proposal: Readonly<Record<string, number>>,
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
  for (const { key, path, min, max } of profile.parameters) {
    const target = proposal[key];
    if (target === undefined) continue;
    const current = numberAt(runtime, path.split("."));
    if (current !== target) no_op = false;
    if (current === undefined) continue;

    const changes: { readonly timeMs: number; readonly by: number }[] = [];
    for (const { timeMs, applied } of iterations) {
      for (const step of applied ?? []) {
        if (step.key === key && step.to !== step.from) {
          changes.push({ timeMs, by: step.to - step.from });
        }
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

    const range = max - min;
    const hour = changes
      .filter(({ timeMs }) => now - timeMs < 3600 * 1000)
      .reduce((sum, { by }) => sum + Math.abs(by), 0);
    if (Math.abs(target - current) / range > setting("velocity_cap") + NOISE) velocity = true;
    if (hour / range > setting("max_delta_per_hour") + NOISE) velocity = true;
  }
  return { freeze, oscillation, velocity, cooldown, no_op };
}

function numberAt(value: JsonValue, path: readonly string[]): number | undefined {
  let at: JsonValue | undefined = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || Array.isArray(at)) return undefined;
    at = Object.entries(at).find(([key]) => key === name)?.[1];
  }
  return typeof at === "number" ? at : undefined;
}
