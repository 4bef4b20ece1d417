/**
 * Checks a JSON document against the schema of a profile and collects all that is wrong.
 *
 * @module
 */

import { isJsonObject, jsonPathStep, type JsonValue } from "../base/json_value.ts";
import { Shape } from "../base/shape.ts";
import { didYouMean } from "../base/text.ts";
import { PROFILE_SCHEMA, type SchemaNode, type SchemaType } from "./profile_schema.ts";

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

/** Checks a document against the schema of a profile. */
export function schemaProblems(
  value: JsonValue,
  node: SchemaNode = PROFILE_SCHEMA,
): ProfileProblem[] {
  const problems: ProfileProblem[] = [];
  visit(value, node, "$", problems);
  return problems;
}

/** Puts the fields of a document in the schema's order. */
export function inSchemaOrder(value: JsonValue, node: SchemaNode = PROFILE_SCHEMA): JsonValue {
  if (Array.isArray(value)) {
    const { items } = node;
    return items === undefined ? value : value.map((item) => inSchemaOrder(item, items));
  }
  if (!isJsonObject(value)) return value;
  const ordered: [string, JsonValue][] = [];
  const { properties = {}, additionalProperties: other = false } = node;
  for (const [field, child] of Object.entries(properties)) {
    const part = Object.hasOwn(value, field) ? value[field] : undefined;
    if (part !== undefined) ordered.push([field, inSchemaOrder(part, child)]);
  }
  for (const [field, part] of other === false ? [] : Object.entries(value)) {
    if (other !== false && !Object.hasOwn(properties, field)) {
      ordered.push([field, inSchemaOrder(part, other)]);
    }
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
  node: SchemaNode,
  path: string,
  found: ProfileProblem[],
): void {
  const { properties = {}, required = [], oneOf = [], additionalProperties = false } = node;
  if (additionalProperties !== false) {
    return visitNamed(value, node, additionalProperties, path, found);
  }
  const error = (where: string, message: string, more: { readonly remedy?: string } = {}) =>
    found.push({ severity: "error", path: where, message, ...more });
  for (const field of required) {
    if (!Object.hasOwn(value, field)) error(`${path}.${field}`, "the field is missing");
  }
  const unknown = Object.keys(value).filter((field) => !Object.hasOwn(properties, field));
  const open = Object.keys(properties).filter((field) => !Object.hasOwn(value, field));
  for (const field of unknown.slice(0, 100)) {
    error(path + jsonPathStep(field), "there is no such field", didYouMean(field, open));
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

/** The fields of an object whose names are the profile's own. */
function visitNamed(
  value: Readonly<Record<string, JsonValue>>,
  { propertyNames, maxProperties = Infinity }: SchemaNode,
  each: SchemaNode,
  path: string,
  found: ProfileProblem[],
): void {
  const fields = Object.entries(value);
  if (fields.length > maxProperties) {
    const message = `expected at most ${maxProperties} fields, found ${fields.length}`;
    found.push({ severity: "error", path, message });
    return;
  }
  for (const [field, part] of fields) {
    const place = path + jsonPathStep(field);
    const expected = propertyNames === undefined ? null : mismatch(field, propertyNames);
    if (expected !== null) {
      const message = `the field's name is not ${expected}`;
      found.push({ severity: "error", path: place, message });
    }
    visit(part, each, place, found);
  }
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
