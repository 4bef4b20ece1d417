/**
 * What is told of a runtime file that a command is given: keys that stand at the top, keys that
 * nothing uses, and values that are rounded.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import { printable } from "../base/text.ts";
import { type Deltas, findParameter } from "../model/params.ts";
import type { Parameter, Profile } from "../model/profile.ts";
import { nestRuntime, unknownKeys } from "../model/runtime_keys.ts";
import { placeOf, scaleOf, valueAt } from "../model/scale.ts";
import type { Io } from "./console.ts";

/**
 * Tells which keys of a runtime file are taken for their places, and which ones nothing uses. A file
 * whose keys contradict each other is left to whoever refuses it.
 */
export function noteKeys(file: string, given: JsonObject, profile: Profile, io: Io): void {
  const { runtime, flat, problems } = nestRuntime(given, profile);
  if (problems.length > 0) return;
  const told = (note: string): void => io.err(`soak: ${printable(file)}: ${printable(note)}`);
  if (flat.length > 0) {
    told(`at its top, ${some(flat.map(({ key, path }) => `${key} is taken as ${path}`))}`);
  }
  const unknown = unknownKeys(runtime, profile).map(({ path, near }) =>
    near === undefined ? path : `${path} (did you mean ${near}?)`
  );
  if (unknown.length > 0) {
    told(`kept, but neither a parameter of ${profile.name} nor a guard setting: ${some(unknown)}`);
  }
}

/** As many as a line can take. */
function some(words: readonly string[]): string {
  const shown = words.slice(0, 4).join(", ");
  return words.length <= 4 ? shown : `${shown} and ${words.length - 4} more`;
}

/** Says of each target that its parameter's step changes what it becomes. */
export function roundings(deltas: Deltas, parameters: readonly Parameter[]): string[] {
  return Object.entries(deltas).flatMap(([key, value]) => {
    const parameter = findParameter(key, parameters);
    const place = parameter === undefined ? undefined : placeOf(parameter, value);
    if (parameter === undefined || place === undefined) return [];
    const becomes = valueAt(parameter, place);
    const { step } = scaleOf(parameter);
    return becomes === value ? [] : [`${key} ${value} becomes ${becomes}, its step is ${step}`];
  });
}
