/**
 * Checks a JSON document against the schema of a profile and collects all that is wrong.
 *
 * @module
 */

import { isJsonObject, type JsonObject, jsonPathStep, type JsonValue } from "../base/json_value.ts";
import { Shape } from "../base/shape.ts";
import { fieldMeant, valueRemedy, whatBelongs } from "./profile_hints.ts";
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
  /** The line in the file, from 1, where there is one. */
  readonly line?: number;
  /** The column in that line, from 1. */
  readonly column?: number;
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
  const { properties = {}, additionalProperties: other = false } = formOf(value, node);
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

/** Where a value stands: the field that has it, and whether that may be left out. */
interface Holder {
  readonly field: string;
  readonly isOptional: boolean;
}

const ELEMENT: Holder = { field: "", isOptional: false };

function visit(
  value: JsonValue,
  node: SchemaNode,
  path: string,
  found: ProfileProblem[],
  holder: Holder = ELEMENT,
): void {
  const expected = mismatch(value, node);
  if (expected !== null) {
    const { what } = new Shape(value, "").wrong(expected);
    found.push({ severity: "error", path, message: what, ...remedyOf(value, node, holder) });
  } else if (Array.isArray(value)) {
    visitItems(value, node, path, found);
  } else if (isJsonObject(value)) {
    const problems: ProfileProblem[] = [];
    visitFields(value, formOf(value, node), node.anyOf ?? [], path, problems);
    const kind = problems.length > 1 ? kindMeant(value, node) : null;
    if (kind === null) return void found.push(...problems);
    const { what } = new Shape(value["kind"], "").wrong(`${kind} with the fields that are there`);
    found.push({ severity: "error", path: `${path}.kind`, message: what });
  }
}

/** The kinds of the form that an object has but for its `kind`, which names another one. */
function kindMeant(value: JsonObject, { anyOf: forms = [] }: SchemaNode): string | null {
  for (const form of forms) {
    const kinds = kindsOf(form);
    const [kind] = kinds;
    if (kind === undefined || schemaProblems({ ...value, kind }, form).length > 0) continue;
    return kinds.map((word) => `"${word}"`).join(" or ");
  }
  return null;
}

/** What to do about a value that does not fit. */
function remedyOf(
  value: JsonValue,
  node: SchemaNode,
  { field, isOptional }: Holder,
): { readonly remedy?: string } {
  if (value === null && field !== "") {
    return {
      remedy: isOptional ? "leave the field out" : `it needs a value: ${whatBelongs(node)}`,
    };
  }
  if (node.items !== undefined && isJsonObject(value)) {
    const isElement = schemaProblems(value, node.items).length === 0;
    return isElement ? { remedy: "put it in a list, between [ and ]" } : {};
  }
  const fits = (other: JsonValue): boolean => mismatch(other, node) === null;
  const remedy = valueRemedy(value, node, field, fits);
  return remedy === undefined ? {} : { remedy };
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
  const kind = { ...own, description: "Which values it has.", enum: forms.flatMap(kindsOf) };
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
  node: SchemaNode,
  forms: readonly SchemaNode[],
  path: string,
  found: ProfileProblem[],
): void {
  const { properties = {}, required = [], oneOf = [], additionalProperties = false } = node;
  if (additionalProperties !== false) {
    return visitNamed(value, node, additionalProperties, path, found);
  }
  const error = (where: string, message: string, more: { readonly remedy?: string } = {}) =>
    found.push({ severity: "error", path: where, message, ...more });
  const has = (field: string): boolean => Object.hasOwn(value, field);
  const unknown = Object.keys(value).filter((field) => !Object.hasOwn(properties, field));
  const open = Object.keys(properties).filter((field) => !has(field));
  const meant = new Map(unknown.slice(0, 100).map((field) => [field, fieldMeant(field, open)]));
  // What is there under another name is not missing as well.
  const isMeant = new Set(meant.values());
  for (const field of required) {
    const node = properties[field];
    if (has(field) || isMeant.has(field) || node === undefined) continue;
    error(path, `lacks "${field}": ${whatBelongs(node)}`);
  }
  for (const [field, near] of meant) {
    const remedy = near === undefined ? foreign(field, forms) : { remedy: `did you mean ${near}?` };
    error(path + jsonPathStep(field), "there is no such field", remedy);
  }
  if (unknown.length > 100) {
    error(path, `and ${unknown.length - 100} more fields that do not exist`);
  }
  const choices = oneOf.map(({ required: [field] }) => field);
  const chosen = choices.filter(has);
  if (chosen.length > 1) {
    const all = chosen.map((field) => `"${field}"`).join(" and ");
    error(path, `has both ${all}, and is only one of them`, { remedy: "remove one" });
  } else if (oneOf.length > 0 && chosen.length === 0 && !choices.some((one) => isMeant.has(one))) {
    const each = choices.map((field) => `"${field}": ${example(properties[field])}`);
    error(path, `lacks a step: it has either ${each.join(" or ")}`);
  }
  for (const [field, child] of Object.entries(properties)) {
    const part = has(field) ? value[field] : undefined;
    if (part === undefined) continue;
    visit(part, child, `${path}.${field}`, found, {
      field,
      isOptional: !required.includes(field),
    });
  }
}

function example(node: SchemaNode | undefined): string {
  return JSON.stringify(node?.examples?.[0] ?? null);
}

/** Says of a field whose it is, where another form has it. */
function foreign(field: string, forms: readonly SchemaNode[]): { readonly remedy?: string } {
  const owners = forms.filter(({ properties = {} }) => Object.hasOwn(properties, field))
    .flatMap((form) => kindsOf(form));
  return owners.length === 0 ? {} : { remedy: `it is for the kinds ${owners.join(", ")}` };
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
    visit(part, each, place, found, { field, isOptional: true });
  }
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
