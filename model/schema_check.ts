/**
 * Checks a JSON document against the schema of a profile and collects all that is wrong.
 *
 * @module
 */

import { closestMatch } from "leven";
import type { JsonValue } from "../base/json.ts";
import { PROFILE_SCHEMA, type SchemaNode, type SchemaType } from "./profile_schema.ts";
import { isJsonObject, Shape } from "../base/shape.ts";

/** One thing that is wrong with a profile, or looks it. */
export interface ProfileProblem {
  /** Whether the profile can't be used, or can but may not do what was meant. */
  readonly severity: "error" | "warning";
  /** Where it stands, for example `$.rules[2].when[0].kpi`. */
  readonly path: string;
  /** What is wrong, in one clause. */
  readonly message: string;
  /** What to do about it, where there is one thing to do. */
  readonly remedy?: string;
}

/**
 * Checks a document against the schema of a profile.
 *
 * @param value The document.
 * @param node The part of the schema that it must match; the whole one by default.
 * @returns One problem for each value that does not fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { KPI_SCHEMA } from "./profile_schema.ts";
 *
 * const kpi = { key: "p95", unit: "ms", better: "less", traget: 1, metric: "p", description: "" };
 * assertEquals(shapeProblems(kpi, KPI_SCHEMA).map(({ path, remedy }) => [path, remedy]), [
 *   ["$.target", undefined],
 *   ["$.traget", "did you mean target?"],
 *   ["$.better", undefined],
 * ]);
 * ```
 */
export function shapeProblems(
  value: JsonValue,
  node: SchemaNode = PROFILE_SCHEMA,
): ProfileProblem[] {
  const problems: ProfileProblem[] = [];
  visit(value, node, "$", problems);
  return problems;
}

/**
 * A name that was most likely meant.
 *
 * @param word What was written.
 * @param known What could have been meant.
 * @returns `{ remedy: "did you mean …?" }`, or nothing if no name is near.
 */
export function didYouMean(word: string, known: readonly string[]): { remedy?: string } {
  const [only, another] = known.filter((name) => word.length > 2 && name.startsWith(word));
  if (only !== undefined && another === undefined) return { remedy: `did you mean ${only}?` };
  const maxDistance = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  const near = word.length > 100 ? undefined : closestMatch(word, [...known], { maxDistance });
  return near === undefined ? {} : { remedy: `did you mean ${near}?` };
}

/**
 * Puts the fields of a document in the schema's order.
 *
 * @param value A document that fits the schema.
 * @param node The part of the schema that it fits; the whole one by default.
 * @returns A copy; fields that the schema does not name are left out.
 */
export function inSchemaOrder(value: JsonValue, node: SchemaNode = PROFILE_SCHEMA): JsonValue {
  if (Array.isArray(value)) {
    const { items } = node;
    return items === undefined ? value : value.map((item) => inSchemaOrder(item, items));
  }
  if (!isJsonObject(value)) return value;
  const ordered: [string, JsonValue][] = [];
  for (const [field, child] of Object.entries(node.properties ?? {})) {
    const part = Object.hasOwn(value, field) ? value[field] : undefined;
    if (part !== undefined) ordered.push([field, inSchemaOrder(part, child)]);
  }
  return Object.fromEntries(ordered);
}

function visit(value: JsonValue, node: SchemaNode, path: string, found: ProfileProblem[]): void {
  const expected = mismatch(value, node);
  if (expected !== null) {
    const { what } = new Shape(value, "").wrong(expected);
    const near = typeof value === "string" && node.enum !== undefined
      ? didYouMean(value, node.enum)
      : {};
    found.push({ severity: "error", path, message: what, ...near });
  } else if (Array.isArray(value)) {
    visitItems(value, node, path, found);
  } else if (isJsonObject(value)) {
    visitFields(value, node, path, found);
  }
}

function visitItems(
  value: readonly JsonValue[],
  { items, minItems = 0, maxItems = Infinity }: SchemaNode,
  path: string,
  found: ProfileProblem[],
): void {
  if (value.length < minItems || value.length > maxItems) {
    const message = `expected from ${minItems} to ${maxItems} elements, found ${value.length}`;
    found.push({ severity: "error", path, message });
  } else if (items !== undefined) {
    value.forEach((item, i) => visit(item, items, `${path}[${i}]`, found));
  }
}

function visitFields(
  value: Readonly<Record<string, JsonValue>>,
  { properties = {}, required = [], oneOf = [] }: SchemaNode,
  path: string,
  found: ProfileProblem[],
): void {
  const error = (where: string, message: string, more: { remedy?: string } = {}) =>
    found.push({ severity: "error", path: where, message, ...more });
  for (const field of required) {
    if (!Object.hasOwn(value, field)) error(`${path}.${field}`, "the field is missing");
  }
  const unknown = Object.keys(value).filter((field) => !Object.hasOwn(properties, field));
  const open = Object.keys(properties).filter((field) => !Object.hasOwn(value, field));
  for (const field of unknown.slice(0, 100)) {
    error(fieldPath(path, field), "there is no such field", didYouMean(field, open));
  }
  if (unknown.length > 100) {
    error(path, `and ${unknown.length - 100} more fields that do not exist`);
  }
  const choices = oneOf.map(({ required: [field] }) => field);
  if (oneOf.length > 0 && choices.filter((field) => Object.hasOwn(value, field)).length !== 1) {
    error(path, `expected either ${choices.join(" or ")}`);
  }
  for (const [field, child] of Object.entries(properties)) {
    const part = Object.hasOwn(value, field) ? value[field] : undefined;
    if (part !== undefined) visit(part, child, `${path}.${field}`, found);
  }
}

function fieldPath(path: string, field: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(field)) return `${path}.${field}`;
  return `${path}[${JSON.stringify(field.length > 60 ? `${field.slice(0, 60)}…` : field)}]`;
}

/** What was expected in place of a value; `null` if it fits, its parts aside. */
function mismatch(value: JsonValue, node: SchemaNode): string | null {
  const { type } = node;
  const expected = (): string => node.title ?? describe(node);
  if (value === null) return Array.isArray(type) ? null : expected();
  const [only] = typeof type === "string" ? [type] : type;
  if (!isOfType(value, only)) return expected();
  if (typeof value === "number" && !inRange(value, node)) return expected();
  if (typeof value === "string" && !textFits(value, node)) return expected();
  return null;
}

function isOfType(value: JsonValue, type: SchemaType): boolean {
  switch (type) {
    case "object":
      return isJsonObject(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
  }
}

function inRange(value: number, node: SchemaNode): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = node;
  return value >= minimum && value <= maximum && value > exclusiveMinimum;
}

function textFits(value: string, node: SchemaNode): boolean {
  const { maxLength = Infinity } = node;
  // A schema counts characters, a string UTF-16 units: they differ only in longer texts.
  const long = value.length > maxLength && value.length <= 2 * maxLength;
  const length = long ? [...value].length : value.length;
  if (length > maxLength) return false;
  if (node.enum !== undefined) return node.enum.includes(value);
  return node.pattern === undefined || patternOf(node.pattern).test(value);
}

const patterns = new Map<string, RegExp>();

function patternOf(source: string): RegExp {
  let pattern = patterns.get(source);
  if (pattern === undefined) patterns.set(source, pattern = new RegExp(source, "u"));
  return pattern;
}

/** The expected value in words, from the constraints of its node. */
function describe(node: SchemaNode): string {
  const { type, minimum, maximum, exclusiveMinimum, maxLength } = node;
  if (typeof type !== "string") return `${describe({ ...node, type: type[0] })} or null`;
  if (node.enum !== undefined) return node.enum.map((word) => `"${word}"`).join(" or ");
  if (type === "object" || type === "array") return `an ${type}`;
  if (type === "string") {
    return maxLength === undefined ? "a string" : `a string of at most ${maxLength} characters`;
  }
  const kind = type === "integer" ? "an integer" : "a number";
  if (exclusiveMinimum !== undefined) return `${kind} above ${exclusiveMinimum}`;
  const bounded = type === "integer" || minimum === undefined || minimum > -1e15;
  return bounded ? `${kind} from ${minimum} to ${maximum}` : kind;
}
