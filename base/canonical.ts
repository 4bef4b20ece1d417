/**
 * The canonical form of JSON data: one text for each value.
 *
 * @module
 */

import { SoakError } from "./errors.ts";
import { jsonPath, MAX_JSON_DEPTH } from "./json_value.ts";
import { printable } from "./text.ts";

/**
 * Writes a value in canonical form: keys sorted by code point, no white space, ASCII only, numbers
 * as Python's `repr` writes them. Python's
 * `json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)` of
 * what it reads from it gives the same text.
 *
 * @param value Data: null, booleans, finite numbers, strings, and arrays and plain objects of them.
 * @returns The canonical form.
 * @throws {SoakError} of kind `"system"` when the value is not such data, has a cycle, or is nested
 * beyond 512 levels; it names the place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   canonicalJson({ "é": 1e-5, a: [1e16, 1.0, -0] }),
 *   '{"a":[1e+16,1,-0.0],"\\u00e9":1e-05}',
 * );
 * ```
 */
export function canonicalJson(value: unknown): string {
  if (isNative(value, 0)) {
    const text = JSON.stringify(value);
    if (isPlainText(text)) return text;
  }
  try {
    return write(value, 0);
  } catch (error) {
    if (!(error instanceof NotData)) throw error;
    throw new SoakError("system", describeFault(value, [], []) ?? "the value changed while read");
  }
}

/** Whether text consists of printable ASCII characters alone, as the canonical form does. */
export function isPlainText(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

/**
 * Whether `JSON.stringify`, several times as fast, writes the canonical form of a value or, by a
 * character beyond ASCII, shows that it does not: the keys are in order, and no number is written
 * another way.
 */
function isNative(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return hasPlainNotation(value) || Object.is(value, 0);
    case "object":
      if (value === null) return true;
      if (depth === MAX_JSON_DEPTH) return false;
      return Array.isArray(value)
        ? isNativeArray(value, depth + 1)
        : isNativeObject(value, depth + 1);
    default:
      return false;
  }
}

function isNativeArray(array: readonly unknown[], depth: number): boolean {
  for (let i = 0; i < array.length; i++) {
    if (!isNative(array[i], depth)) return false;
  }
  return true;
}

function isNativeObject(object: object, depth: number): boolean {
  if (!isPlainObject(object)) return false;
  let previous: string | undefined;
  for (const key of Object.keys(object)) {
    if (previous !== undefined && previous >= key) return false;
    if (!isNative(object[key], depth)) return false;
    previous = key;
  }
  return true;
}

/**
 * Thrown on the quick way through a value; the slow way then finds the words. Made only when it is
 * thrown: an error at load time has its stack looked up in all that has been loaded so far, which
 * costs a bundle a tenth of its start.
 */
class NotData extends Error {}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return writeNumber(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth === MAX_JSON_DEPTH) throw new NotData();
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
    default:
      throw new NotData();
  }
}

function writeNumber(number: number): string {
  if (hasPlainNotation(number)) return `${number}`;
  if (number === 0) return Object.is(number, -0) ? "-0.0" : "0";
  if (!Number.isFinite(number)) throw new NotData();
  // Both languages print the shortest digits that round-trip; only the notation differs.
  return number.toExponential().replace(/(?<=e[+-])\d$/, "0$&");
}

/** Whether JavaScript and Python write a number in the same way, without an exponent. */
function hasPlainNotation(number: number): boolean {
  const magnitude = Math.abs(number);
  return magnitude >= 1e-4 && magnitude < 1e16;
}

function writeArray(array: readonly unknown[], depth: number): string {
  let text = "[";
  for (let i = 0; i < array.length; i++) {
    if (i > 0) text += ",";
    text += write(array[i], depth);
  }
  return text + "]";
}

function writeObject(object: object, depth: number): string {
  if (!isPlainObject(object)) throw new NotData();
  const keys = sortedKeys(object);
  let text = "{";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? "";
    if (i > 0) text += ",";
    text += (plainName(key) ?? `${quote(key)}:`) + write(object[key], depth);
  }
  return text + "}";
}

function isPlainObject(object: object): object is Readonly<Record<string, unknown>> {
  const prototype = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

function sortedKeys(object: object): string[] {
  const keys = Object.keys(object).sort();
  // The order of UTF-16 units is that of code points, but for surrogates.
  return keys.every(isPlainName) ? keys : keys.sort(compareCodePoints);
}

function isPlainName(key: string): boolean {
  return plainName(key) !== undefined;
}

/** The names seen so far: a few hundred short ones recur in all documents. */
const plainNames = new Map<string, string>();

/** A key in quotes and its colon, if nothing in it needs an escape. */
function plainName(key: string): string | undefined {
  const seen = plainNames.get(key);
  if (seen !== undefined) return seen;
  if (!PLAIN.test(key)) return undefined;
  const name = `"${key}":`;
  if (key.length <= 64 && plainNames.size < 1000) plainNames.set(key, name);
  return name;
}

function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a, codePoint);
  const right = Array.from(b, codePoint);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

const PLAIN = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Says what in a value is not JSON data, and where. */
function describeFault(
  value: unknown,
  path: (string | number)[],
  ancestors: unknown[],
): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") {
    return Number.isFinite(value) ? undefined : `${value} at ${jsonPath(path)} is not JSON`;
  }
  if (typeof value !== "object") {
    const shown = value === undefined ? "undefined" : `a ${typeof value}`;
    return `${shown} at ${jsonPath(path)} is not JSON`;
  }
  if (ancestors.includes(value)) return `${jsonPath(path)} contains itself`;
  if (ancestors.length === MAX_JSON_DEPTH) {
    return `nesting deeper than ${MAX_JSON_DEPTH} levels at ${jsonPath(path)}`;
  }
  if (!Array.isArray(value) && !isPlainObject(value)) {
    const name = printable(String(value.constructor?.name ?? "object"), 40);
    return `${jsonPath(path)} is a ${name}, not a plain object`;
  }
  const keys = Array.isArray(value) ? value.keys() : sortedKeys(value);
  ancestors.push(value);
  for (const key of keys) {
    path.push(key);
    const fault = describeFault((value as Record<string | number, unknown>)[key], path, ancestors);
    if (fault !== undefined) return fault;
    path.pop();
  }
  ancestors.pop();
  return undefined;
}
