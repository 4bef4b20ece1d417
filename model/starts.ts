/**
 * The first runtime of a run: a profile's defaults, changed by start values that it names.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import { nearestSpelling, printable } from "../base/text.ts";
import { applyDeltas, type Deltas } from "./params.ts";
import type { Profile } from "./profile.ts";

/** The names of a profile's starts, in its order. */
export function startNames({ starts = {} }: Profile): readonly string[] {
  return Object.keys(starts);
}

/** The value of every parameter at a start; `undefined` if the profile has none of that name. */
export function valuesAtStart(
  { parameters, starts = {} }: Profile,
  name?: string,
): Deltas | undefined {
  const named = name === undefined ? {} : Object.hasOwn(starts, name) ? starts[name] : undefined;
  if (named === undefined) return undefined;
  const defaults = parameters.map((parameter) => [parameter.key, parameter.default]);
  return { ...Object.fromEntries(defaults), ...named };
}

/** The first runtime under a start's name; `undefined` if the profile has none of that name. */
export function runtimeAtStart(profile: Profile, name: string): JsonObject | undefined {
  const values = valuesAtStart(profile, name);
  return values === undefined ? undefined : applyDeltas({}, values, profile.parameters).runtime;
}

/** What to do about a name that no start of the profile has. */
export function startRemedy(profile: Profile, name: string): string {
  const names = startNames(profile);
  if (names.length === 0) return "leave it out, or give the profile starts";
  const near = nearestSpelling(name, names);
  const all = `it has ${printable(names.join(", "), 200)}`;
  return near === undefined ? all : `did you mean ${near}? ${all}`;
}
