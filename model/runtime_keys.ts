/**
 * The keys of a runtime that comes from outside: flat ones stand for the parameters of their names,
 * and those that nothing uses are named.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { isJsonObject, type JsonObject, jsonPathStep, type JsonValue } from "../base/json_value.ts";
import { nearestSpelling, printable } from "../base/text.ts";
import { GUARD_SETTINGS } from "./guard_settings.ts";
import { blockade, jsonAt, type ParameterProblem, withValue } from "./params.ts";
import type { Profile } from "./profile.ts";

/** A key at the top of a runtime that stands for what belongs further in. */
export interface FlatKey {
  /** The key, a parameter's or that of a guard setting, or the whole way with dots. */
  readonly key: string;
  /** Dotted path of its place. */
  readonly path: string;
}

/** Why a flat key can't be taken for its place. */
export type FlatKeyProblem = Pick<ParameterProblem, "key" | "message">;

/** A runtime with everything in its place. */
export interface NestedRuntime {
  /** The runtime; the one that was given, if nothing had to be moved. */
  readonly runtime: JsonObject;
  /** What stood at the top and now stands in its place. */
  readonly flat: readonly FlatKey[];
  /** Why keys can't be taken for their places: they stay where they are. */
  readonly problems: readonly FlatKeyProblem[];
}

/** Puts flat keys in their places, unless something else stands there. */
export function nestRuntime(given: JsonObject, profile: Profile): NestedRuntime {
  let runtime = given;
  const flat: FlatKey[] = [];
  const problems: FlatKeyProblem[] = [];
  for (const { key, path } of flatKeys(given, profile)) {
    const problem = contradiction(runtime, { key, path }) ?? blockade(runtime, { key, path });
    if (problem !== null) {
      problems.push({ key, message: problem.message });
      continue;
    }
    runtime = withValue(runtime, path.split("."), given[key] ?? null);
    const { [key]: _, ...rest } = runtime;
    runtime = rest;
    flat.push({ key, path });
  }
  return { runtime, flat, problems };
}

/** Why a key at the top can't be taken for its place: another value stands there. */
function contradiction(runtime: JsonObject, { key, path }: FlatKey): FlatKeyProblem | null {
  const [top = null, there] = [runtime[key], jsonAt(runtime, path.split("."))];
  if (there === undefined || canonicalJson(there) === canonicalJson(top)) return null;
  const message = `${key} is ${shown(top)} at the top and ${shown(there)} at ${path}`;
  return { key, message };
}

/** Keys at the top that stand for another place, in the order of the document. */
function flatKeys(given: JsonObject, profile: Profile): FlatKey[] {
  const places = placesOf(profile);
  return Object.keys(given).flatMap((key) => {
    const path = places.get(key);
    const isInPlace = path === key && !path.includes(".");
    return path === undefined || isInPlace || isJsonObject(given[key]) ? [] : [{ key, path }];
  });
}

const placesByProfile = new WeakMap<Profile, ReadonlyMap<string, string>>();

/** The paths that a profile gives a meaning, by everything that a key at the top may call them. */
function placesOf(profile: Profile): ReadonlyMap<string, string> {
  const places = placesByProfile.get(profile) ?? listPlaces(profile);
  placesByProfile.set(profile, places);
  return places;
}

function listPlaces({ parameters }: Profile): ReadonlyMap<string, string> {
  const settings = GUARD_SETTINGS.map((name) => [name, `tuner.${name}`] as const);
  const keys = parameters.map(({ key, path }) => [key, path] as const);
  const ways = [...settings, ...keys].map(([, path]) => [path, path] as const);
  const own = parameters.map(({ path }) => [path, path] as const)
    .filter(([path]) => !path.includes("."));
  return new Map([...ways, ...settings, ...keys, ...own]);
}

/** A value that nothing uses. */
export interface UnknownKey {
  /** Its path, readable on a line. */
  readonly path: string;
  /** The path that was most likely meant. */
  readonly near?: string;
}

/**
 * Lists values of a runtime, flat keys in their places, that are neither parameters nor guard
 * settings. They are kept and recorded, for the system may need them.
 */
export function unknownKeys(runtime: JsonObject, profile: Profile): UnknownKey[] {
  const places = placesOf(profile);
  const paths = [...new Set(places.values())];
  const used = new Set(paths.map((path) => JSON.stringify(path.split("."))));
  const unknown: UnknownKey[] = [];
  const visit = (node: JsonObject, way: readonly string[]): void => {
    for (const [name, value] of Object.entries(node)) {
      const segments = [...way, name];
      if (used.has(JSON.stringify(segments))) continue;
      if (isJsonObject(value) && way.length < MAX_DEPTH) {
        visit(value, segments);
        continue;
      }
      const near = places.get(name) ?? nearestSpelling(segments.join("."), paths);
      const path = segments.map(jsonPathStep).join("").replace(/^\./, "");
      unknown.push({ path, ...(near === undefined ? {} : { near }) });
    }
  };
  visit(runtime, []);
  return unknown;
}

/** No parameter's path is longer. */
const MAX_DEPTH = 16;

function shown(value: JsonValue): string {
  return printable(JSON.stringify(value), 60);
}
