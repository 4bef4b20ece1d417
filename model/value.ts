/**
 * Values of parameters: of which kind they are, and how they are read from and shown to people.
 *
 * @module
 */

import { nearestSpelling, printable } from "../base/text.ts";
import type { EnumParameter, Parameter, ParameterValue } from "./profile.ts";
import { VALUE_TEXT } from "./profile_schema.ts";
import { isCounted } from "./scale.ts";

/** Whether a value is of the parameter's kind, be it allowed or not. */
export function isOfKind(parameter: Parameter, value: unknown): value is ParameterValue {
  switch (parameter.kind) {
    case "boolean":
      return typeof value === "boolean";
    case "enum":
      return parameter.values.some((known) => typeof known === typeof value);
    default:
      return typeof value === "number";
  }
}

/** Whether a system may report a value, allowed or not: of its kind, and no text that is no value's. */
export function isReportable(parameter: Parameter, value: unknown): value is ParameterValue {
  return isOfKind(parameter, value) && (typeof value !== "string" || isValueText(value));
}

function isValueText(text: string): boolean {
  return text.length <= VALUE_TEXT.maxLength && new RegExp(VALUE_TEXT.pattern, "u").test(text);
}

/** A value for people, as it stands in changes: a text without quotes. Not yet printable. */
export function valueText(value: ParameterValue): string {
  return String(value);
}

/** A value as an error quotes it, told from others of another kind: `"true"` is not `true`. */
export function quotedValue(value: unknown): string {
  if (typeof value !== "string") return printable(JSON.stringify(value) ?? "nothing", 60);
  const cut = value.length > 60 ? `${value.slice(0, 60)}\u2026` : value;
  return printable(JSON.stringify(cut));
}

/** The values that a parameter may take, in a clause: `from 500 to 800 ms`, `true or false`. */
export function allowedText(parameter: Parameter): string {
  switch (parameter.kind) {
    case "boolean":
      return "true or false";
    case "enum":
      return `one of ${cutList(parameter, quotedValue)}`;
    default:
      return `from ${parameter.min} to ${parameter.max} ${parameter.unit}`;
  }
}

/** What a value of the parameter's kind is called: `a number`, or the values that there are. */
export function kindText(parameter: Parameter): string {
  return isCounted(parameter) ? allowedText(parameter) : "a number";
}

/** All values of a parameter in short, as a list shows them: `500 to 800 by 10`, `off, lru, lfu`. */
export function valuesText(parameter: Parameter): string {
  switch (parameter.kind) {
    case "boolean":
      return "false, true";
    case "enum":
      return cutList(parameter, valueText);
    default:
      return `${parameter.min} to ${parameter.max} by ${parameter.step}`;
  }
}

/** How many values of a list are named. */
const MAX_LISTED = 8;

function cutList({ values }: EnumParameter, show: (value: ParameterValue) => string): string {
  const shown = values.slice(0, MAX_LISTED).map(show).join(", ");
  return values.length > MAX_LISTED ? `${shown} and ${values.length - MAX_LISTED} more` : shown;
}

/**
 * The value that a text on a command line means.
 *
 * @returns The value; `undefined` if the text is no value of the parameter's kind. One that is not
 * in a list is given back as it stands, for the check of values to refuse.
 */
export function parseValue(parameter: Parameter, text: string): ParameterValue | undefined {
  switch (parameter.kind) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "enum":
      return parameter.values.find((known) => valueText(known) === text) ??
        (parameter.values.some((known) => typeof known === "string")
          ? text
          : decimal(text) ?? text);
    default:
      return decimal(text);
  }
}

/** A number in plain decimal digits that a double holds; `undefined` for anything else. */
export function decimal(text: string): number | undefined {
  const result = Number(text);
  const plain = /^-?\d+(?:\.\d+)?$/.test(text);
  if (!plain || Math.abs(result) > Number.MAX_SAFE_INTEGER) return undefined;
  return result === 0 ? 0 : result;
}

/** The value of a list that a misspelt one was most likely meant to be. */
export function nearValue(parameter: Parameter, value: unknown): string | undefined {
  if (parameter.kind !== "enum" || typeof value !== "string") return undefined;
  return nearestSpelling(value, parameter.values.map(valueText));
}

/** Whether numbers, which is all that a server of metrics knows, can stand for every value. */
export function isMeasurable(parameter: Parameter): boolean {
  return parameter.kind !== "enum" || parameter.values.every((value) => typeof value === "number");
}

/** The value that a number from a server of metrics stands for; `undefined` if it is none. */
export function valueOfMetric(parameter: Parameter, number: number): ParameterValue | undefined {
  if (parameter.kind !== "boolean") return number;
  return number === 0 ? false : number === 1 ? true : undefined;
}
