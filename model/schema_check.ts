/**
 * Checks a JSON document against the schema of a profile and collects all that is wrong.
 *
 * @module
 */

import { isJsonObject, type JsonObject, jsonPathStep, type JsonValue } from "../base/json_value.ts";
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
  for (const [field, child] of Object.entries(formOf(value, node).properties ?? {})) {
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
    visitFields(value, formOf(value, node), node.anyOf ?? [], path, found);
  }
}

/**
 * The form that an object is of. Where its `kind` names none, it is that in which least is wrong, with
 * the kinds of all to choose from.
 */
function formOf(value: JsonObject, node: SchemaNode): SchemaNode {
  const { anyOf: forms = [] } = node;
  const named = forms.find((form) => kindsOf(form).some((kind) => kind === value["kind"]));
  if (named !== undefined) return named;
  const [nearest] = forms
    .map((form) => ({ form, wrong: schemaProblems(value, form).length }))
    .toSorted((a, b) => a.wrong - b.wrong);
  const own = nearest?.form.properties?.["kind"];
  if (nearest === undefined || own === undefined) return node;
  const kind = { ...own, enum: forms.flatMap(kindsOf) };
  return { ...nearest.form, properties: { ...nearest.form.properties, kind } };
}

function kindsOf(form: SchemaNode): readonly string[] {
  return form.properties?.["kind"]?.enum ?? [];
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
  forms: readonly SchemaNode[],
  path: string,
  found: ProfileProblem[],
): void {
  const error = (where: string, message: string, more: { readonly remedy?: string } = {}) =>
    found.push({ severity: "error", path: where, message, ...more });
  for (const field of required) {
    if (!Object.hasOwn(value, field)) error(`${path}.${field}`, "the field is missing");
  }
  const unknown = Object.keys(value).filter((field) => !Object.hasOwn(properties, field));
  const open = Object.keys(properties).filter((field) => !Object.hasOwn(value, field));
  for (const field of unknown.slice(0, 100)) {
    error(path + jsonPathStep(field), "there is no such field", {
      ...didYouMean(field, open),
      ...foreign(field, forms),
    });
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

/** Says of a field whose it is, where another form has it. */
function foreign(field: string, forms: readonly SchemaNode[]): { readonly remedy?: string } {
  const owners = forms.filter(({ properties = {} }) => Object.hasOwn(properties, field))
    .flatMap((form) => kindsOf(form));
  return owners.length === 0 ? {} : { remedy: `it is for the kinds ${owners.join(", ")}` };
}

/** What was expected in place of a value; `null` if it fits, its parts aside. */
function mismatch(value: JsonValue, node: SchemaNode): string | null {
  const types = typeof node.type === "string" ? [node.type] : node.type;
  const fits = types.some((type) => type === "null" ? value === null : isOfType(value, type)) &&
    (typeof value !== "number" || inRange(value, node)) &&
    (typeof value !== "string" || textFits(value, node));
  return fits ? null : node.title ?? describe(node);
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
    case "boolean":
      return typeof value === "boolean";
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
  if (typeof type !== "string") {
    return type.map((one) => one === "null" ? one : describe({ ...node, type: one })).join(" or ");
  }
  if (node.enum !== undefined) return node.enum.map((word) => `"${word}"`).join(" or ");
  if (type === "object" || type === "array") return `an ${type}`;
  if (type === "boolean") return "true or false";
  if (type === "string") {
    return maxLength === undefined ? "a string" : `a string of at most ${maxLength} characters`;
  }
  const kind = type === "integer" ? "an integer" : "a number";
  if (exclusiveMinimum !== undefined) return `${kind} above ${exclusiveMinimum}`;
  const bounded = type === "integer" || minimum === undefined || minimum > -1e15;
  return bounded ? `${kind} from ${minimum} to ${maximum}` : kind;
}
