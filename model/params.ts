/**
 * Parameters in a runtime: get, set, apply, list, validate.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { nearestSpelling } from "../base/text.ts";
import { marketMaker } from "./market_maker.ts";
import type { NumberParameter, Parameter, ParameterValue, ParameterValues } from "./profile.ts";
import { isCounted, placeOf, roundToStep, type Scale, scaleOf, valueAt } from "./scale.ts";
import { allowedText, isOfKind, nearValue, quotedValue } from "./value.ts";

/** Target values by flat parameter key. */
export type Deltas = ParameterValues;

/** One reason why a target or a runtime value is not acceptable. */
export interface ParameterProblem {
  /** The flat key at fault. */
  readonly key: string;
  /** What kind of problem it is. */
  readonly code: "unknown_key" | "wrong_kind" | "out_of_bounds" | "missing";
  /** The problem in one clause, with what would be accepted. */
  readonly message: string;
}

/** A parameter with its path taken apart. */
interface Entry {
  readonly parameter: Parameter;
  readonly segments: readonly string[];
}

const indexes = new WeakMap<readonly Parameter[], ReadonlyMap<string, Entry>>();

function indexOf(parameters: readonly Parameter[]): ReadonlyMap<string, Entry> {
  let index = indexes.get(parameters);
  if (index === undefined) {
    index = new Map(parameters.map((parameter) => [
      parameter.key,
      { parameter, segments: parameter.path.split(".") },
    ]));
    indexes.set(parameters, index);
  }
  return index;
}

/** Finds a parameter by its flat key. */
export function findParameter(key: string): NumberParameter | undefined;
/** The same among the parameters of another profile. */
export function findParameter(
  key: string,
  parameters: readonly Parameter[],
): Parameter | undefined;
export function findParameter(
  key: string,
  parameters: readonly Parameter[] = marketMaker.parameters,
): Parameter | undefined {
  return indexOf(parameters).get(key)?.parameter;
}

function requireEntry(key: string, parameters: readonly Parameter[]): Entry {
  const entry = indexOf(parameters).get(key);
  if (entry === undefined) {
    throw new SoakError("usage", "no such parameter", {
      where: key,
      remedy: spellingHint(key, parameters),
    });
  }
  return entry;
}

/** What to do about a key that is no parameter's. */
export function spellingHint(key: string, parameters: readonly Parameter[]): string {
  const near = nearestSpelling(key, parameters.map((known) => known.key));
  return near === undefined
    ? "soak params list shows all there are"
    : `did you mean ${near}? soak params list shows all`;
}

/** What a mistaken key or value was meant to be, where that can be told. */
export function deltaHint(
  { key, code }: ParameterProblem,
  deltas: Readonly<Record<string, unknown>>,
  parameters: readonly Parameter[],
): string | undefined {
  if (code === "unknown_key") return spellingHint(key, parameters);
  const parameter = findParameter(key, parameters);
  const near = parameter === undefined ? undefined : nearValue(parameter, deltas[key]);
  return near === undefined ? undefined : `did you mean ${near}?`;
}

/**
 * Reads the value at a parameter's path.
 *
 * @param runtime The nested runtime object.
 * @param key The parameter's flat key.
 * @param parameters The parameters to look in; the market-maker profile's by default.
 * @returns The value at the path; `undefined` if there is none, or one of another kind.
 * @throws {SoakError} If there is no such parameter.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getFromRuntime({ engine: { tail_age_ms: 630 } }, "tail_age_ms"), 630);
 * assertEquals(getFromRuntime({}, "tail_age_ms"), undefined);
 * ```
 */
export function getFromRuntime(runtime: JsonObject, key: string): number | undefined;
/** The same with the parameters of another profile. */
export function getFromRuntime<P extends Parameter>(
  runtime: JsonObject,
  key: string,
  parameters: readonly P[],
): P["default"] | undefined;
export function getFromRuntime(
  runtime: JsonObject,
  key: string,
  parameters: readonly Parameter[] = marketMaker.parameters,
): ParameterValue | undefined {
  return valueIn(runtime, requireEntry(key, parameters));
}

/** The value at a parameter's path; `undefined` if there is none, or no such parameter. */
export function valueOf(
  runtime: JsonObject,
  key: string,
  parameters: readonly Parameter[],
): ParameterValue | undefined {
  const entry = indexOf(parameters).get(key);
  return entry === undefined ? undefined : valueIn(runtime, entry);
}

function valueIn(
  runtime: JsonObject,
  { parameter, segments }: Entry,
): ParameterValue | undefined {
  const value = jsonAt(runtime, segments);
  return isOfKind(parameter, value) ? value : undefined;
}

/** What stands at a path; `undefined` if nothing does. */
export function jsonAt(runtime: JsonObject, segments: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = runtime;
  for (const segment of segments) {
    if (!isJsonObject(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}

/**
 * Sets the value at a parameter's path, in a copy of the runtime.
 *
 * @param runtime The nested runtime object; it is left as it is.
 * @param key The parameter's flat key.
 * @param value The new value; a number is rounded to the parameter's step.
 * @param parameters The parameters to look in; the market-maker profile's by default.
 * @returns The new runtime. What the change does not touch is shared with the old one.
 * @throws {SoakError} If the key is unknown, the value is not acceptable, or something that is
 * not an object stands in the path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const runtime = { engine: { tail_age_ms: 600 }, note: "kept" };
 * assertEquals(setInRuntime(runtime, "tail_age_ms", 630), {
 *   engine: { tail_age_ms: 630 },
 *   note: "kept",
 * });
 * assertEquals(runtime.engine.tail_age_ms, 600);
 * ```
 */
export function setInRuntime(
  runtime: JsonObject,
  key: string,
  value: ParameterValue,
  parameters: readonly Parameter[] = marketMaker.parameters,
): JsonObject {
  return applyDeltas(runtime, { [key]: value }, parameters).runtime;
}

/** A copy of an object with a value at a path, on which nothing but objects may stand. */
export function withValue(
  node: JsonObject,
  segments: readonly string[],
  value: JsonValue,
): JsonObject {
  const [head, ...rest] = segments;
  if (head === undefined) return node;
  if (rest.length === 0) return { ...node, [head]: value };
  const child = jsonAt(node, [head]) ?? {};
  return { ...node, [head]: isJsonObject(child) ? withValue(child, rest, value) : child };
}

/** Why nothing can stand at a parameter's path: something on the way there is not an object. */
export function blockade(
  runtime: JsonObject,
  { key, path }: Pick<Parameter, "key" | "path">,
): ParameterProblem | null {
  const segments = path.split(".");
  for (let i = 1; i < segments.length; i++) {
    const way = segments.slice(0, i);
    const value = jsonAt(runtime, way);
    if (value === undefined) return null;
    if (isJsonObject(value)) continue;
    const message = `${way.join(".")} is not an object, so that ${key} has no place in it`;
    return { key, code: "wrong_kind", message };
  }
  return null;
}

/** What {@linkcode applyDeltas} returns. */
export interface AppliedDeltas {
  /** The new runtime. What the change does not touch is shared with the old one. */
  readonly runtime: JsonObject;
  /** How many targets were applied: all of them, those that equal the present value too. */
  readonly count: number;
}

/**
 * Applies target values to a runtime: all of them, or none and an error.
 *
 * @param runtime The nested runtime object; it is left as it is.
 * @param deltas Target values by flat key; numbers are rounded to their parameters' steps.
 * @param parameters The parameters to look in; the market-maker profile's by default.
 * @returns The new runtime, and how many targets were applied.
 * @throws {SoakError} If a key is unknown, or a value is of the wrong kind or out of bounds.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const deltas = { impact_cap_ratio: 0.1 + 0.01, tail_age_ms: 660 };
 * const { runtime, count } = applyDeltas({}, deltas);
 * assertEquals(runtime, { risk: { impact_cap_ratio: 0.11 }, engine: { tail_age_ms: 660 } });
 * assertEquals(count, 2);
 * ```
 */
export function applyDeltas(
  runtime: JsonObject,
  deltas: Deltas,
  parameters: readonly Parameter[] = marketMaker.parameters,
): AppliedDeltas {
  const [problem, ...more] = validateDeltas(deltas, parameters);
  if (problem !== undefined) {
    const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
    const hint = deltaHint(problem, deltas, parameters);
    throw new SoakError("usage", `${problem.message}${others}`, {
      remedy: `nothing was changed${hint === undefined ? "" : `; ${hint}`}`,
    });
  }
  let next = runtime;
  const targets = Object.entries(deltas);
  for (const [key, value] of targets) {
    const { parameter, segments } = requireEntry(key, parameters);
    const blocked = blockade(next, parameter);
    if (blocked !== null) {
      throw new SoakError("artifact", blocked.message, {
        where: parameter.path,
        remedy: "make it an object, or remove it",
      });
    }
    const place = placeOf(parameter, value);
    if (place !== undefined) next = withValue(next, segments, valueAt(parameter, place));
  }
  return { runtime: next, count: targets.length };
}

/**
 * Lists all parameters that the runtime holds a value of their kind for.
 *
 * @param runtime The nested runtime object.
 * @param parameters The parameters to look for; the market-maker profile's by default.
 * @returns Values by flat key, in the profile's order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getAllParams({ engine: { tail_age_ms: 630 }, other: 1 }), { tail_age_ms: 630 });
 * ```
 */
export function getAllParams(runtime: JsonObject): Record<string, number>;
/** The same with the parameters of another profile. */
export function getAllParams<P extends Parameter>(
  runtime: JsonObject,
  parameters: readonly P[],
): Record<string, P["default"]>;
export function getAllParams(
  runtime: JsonObject,
  parameters: readonly Parameter[] = marketMaker.parameters,
): Record<string, ParameterValue> {
  const all: Record<string, ParameterValue> = {};
  for (const [key, entry] of indexOf(parameters)) {
    const value = valueIn(runtime, entry);
    if (value !== undefined) all[key] = value;
  }
  return all;
}

/**
 * Checks target values without applying them.
 *
 * @param deltas Target values by flat key, from anywhere.
 * @param parameters The parameters to look in; the market-maker profile's by default.
 * @returns One problem for each value that is not acceptable; empty if all are.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(validateDeltas({ tail_age_ms: 660 }), []);
 * assertEquals(validateDeltas({ tail_age_ms: 900 }).map(({ code }) => code), ["out_of_bounds"]);
 * assertEquals(validateDeltas({ tail_age: 660 }).map(({ code }) => code), ["unknown_key"]);
 * ```
 */
export function validateDeltas(
  deltas: Readonly<Record<string, unknown>>,
  parameters: readonly Parameter[] = marketMaker.parameters,
): ParameterProblem[] {
  const problems: ParameterProblem[] = [];
  for (const [key, value] of Object.entries(deltas)) {
    const parameter = findParameter(key, parameters);
    if (parameter === undefined) {
      problems.push({ key, code: "unknown_key", message: `${key} is not a parameter` });
    } else {
      const problem = valueProblem(parameter, value);
      if (problem !== null) problems.push(problem);
    }
  }
  return problems;
}

/** Checks that a runtime holds an acceptable value for every parameter. */
export function validateRuntime(
  runtime: JsonObject,
  parameters: readonly Parameter[] = marketMaker.parameters,
): ParameterProblem[] {
  const problems: ParameterProblem[] = [];
  for (const { parameter, segments } of indexOf(parameters).values()) {
    const value = jsonAt(runtime, segments);
    const problem = value === undefined
      ? blockade(runtime, parameter) ?? {
        key: parameter.key,
        code: "missing" as const,
        message: `${parameter.path} is not in the runtime`,
      }
      : valueProblem(parameter, value);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}

function valueProblem(parameter: Parameter, value: unknown): ParameterProblem | null {
  const { key, kind } = parameter;
  const counted = isCounted(parameter);
  if (!counted && !Number.isFinite(value)) {
    return { key, code: "wrong_kind", message: `${key} must be a finite number` };
  }
  if (kind === "integer" && !Number.isInteger(value)) {
    return { key, code: "wrong_kind", message: `${key} must be an integer, not ${value}` };
  }
  const place = placeOf(parameter, value);
  if (place !== undefined && isWithin(place, scaleOf(parameter))) return null;
  const found = counted ? quotedValue(value) : value;
  return {
    key,
    code: isOfKind(parameter, value) ? "out_of_bounds" : "wrong_kind",
    message: `${key} must be ${allowedText(parameter)}, not ${found}`,
  };
}

/** Rounding noise may carry a value just over its bound; what lies within can't leave by rounding. */
function isWithin(place: number, scale: Scale): boolean {
  const { min, max } = scale;
  const rounded = place >= min && place <= max ? place : roundToStep(place, scale);
  return rounded >= min && rounded <= max;
}
