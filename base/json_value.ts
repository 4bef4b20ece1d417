/**
 * JSON documents as values: their type and limits, the way to a place in one, and where two differ.
 *
 * @module
 */

import { printable } from "./text.ts";

/** What JSON text can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object: its own enumerable properties are its members, `__proto__` included. */
export interface JsonObject {
  /** The value of any property. */
  readonly [key: string]: JsonValue;
}

/** How many arrays and objects may stand within one another. */
export const MAX_JSON_DEPTH = 512;

/**
 * How many values a document may have. An empty array takes three bytes of text and some fifty of
 * memory: without a limit, a large enough file could take more memory than there is.
 */
export const MAX_JSON_VALUES = 4_000_000;

/** Tells whether a JSON value is an object (neither `null` nor an array). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The way to a value inside a document, from the outermost key or index, as JSONPath on one line.
 * The middle of a very long one is left out.
 */
export function jsonPath(segments: readonly (string | number)[]): string {
  const steps = segments.map(jsonPathStep);
  if (steps.length > 12) steps.splice(6, steps.length - 12, "…");
  return `$${steps.join("")}`;
}

/** One step of such a way. */
export function jsonPathStep(segment: string | number): string {
  if (typeof segment === "number") return `[${segment}]`;
  const key = segment.length > 60 ? `${segment.slice(0, 60)}…` : segment;
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${printable(JSON.stringify(key))}]`;
}

/** The first place where two documents differ. */
export interface JsonDifference {
  /** The whole way there, as JSONPath. */
  readonly path: string;
  /** What stands there in the first document, as JSON text; `nothing` if nothing does. */
  readonly left: string;
  /** What stands there in the second. */
  readonly right: string;
}

/** The first difference of two documents, keys in order; `null` if they are the same. */
export function firstDifference(
  left: JsonValue | undefined,
  right: JsonValue | undefined,
  way: readonly (string | number)[] = [],
): JsonDifference | null {
  const steps = stepsInto(left, right);
  if (steps === null) {
    const [a, b] = [JSON.stringify(left) ?? "nothing", JSON.stringify(right) ?? "nothing"];
    return a === b ? null : { path: `$${way.map(jsonPathStep).join("")}`, left: a, right: b };
  }
  for (const step of steps) {
    const difference = firstDifference(valueAt(left, step), valueAt(right, step), [...way, step]);
    if (difference !== null) return difference;
  }
  return null;
}

/** The keys or indices of two values that can be compared part by part; `null` if they can't. */
function stepsInto(
  left: JsonValue | undefined,
  right: JsonValue | undefined,
): readonly (string | number)[] | null {
  if (isJsonObject(left) && isJsonObject(right)) {
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  }
  return Array.isArray(left) && Array.isArray(right)
    ? Array.from({ length: Math.max(left.length, right.length) }, (_, i) => i)
    : null;
}

function valueAt(value: JsonValue | undefined, step: string | number): JsonValue | undefined {
  if (typeof step === "number") return Array.isArray(value) ? value[step] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}
