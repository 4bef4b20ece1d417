/**
 * What was probably meant where a profile says something else, and what belongs where it says
 * nothing.
 *
 * @module
 */

import type { JsonValue } from "../base/json_value.ts";
import { nearestSpelling, printable } from "../base/text.ts";
import type { SchemaNode } from "./profile_schema.ts";

/** What belongs in a field, in a clause: what it means, and a value that it could have. */
export function whatBelongs(node: SchemaNode): string {
  const { description = "", enum: words, examples } = node;
  const [sentence = ""] = description.split(/\.(?: |$)/, 1);
  const meaning = /^[A-Z][a-z ]/.test(sentence)
    ? sentence.charAt(0).toLowerCase() + sentence.slice(1)
    : sentence;
  if (words !== undefined) return `${meaning}, ${choice(words)}`;
  const [example] = examples ?? [];
  if (example !== undefined) return `${meaning}, for example ${JSON.stringify(example)}`;
  const isWhole = node.type === "array" || node.type === "object";
  return isWhole ? `${meaning}; soak profile init prints an example` : meaning;
}

function choice(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(" or ");
}

/** Words of other notations for one of those to choose from, by field. */
const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kind: {
    integer: "int int32 int64 long whole count",
    number: "float float64 double real decimal numeric",
    boolean: "flag switch toggle",
    enum: "string str text choice list select options categorical",
  },
  better: {
    lower: "min minimize minimise minimum less low small smaller down decrease falling",
    higher: "max maximize maximise maximum more high big bigger larger greater up increase rising",
  },
  op: {
    ">=": "=> \u2265 \u2a7e ge gte at_least",
    ">": "gt above over greater more",
    "<=": "=< \u2264 \u2a7d le lte at_most",
    "<": "lt below under less",
  },
};

/** Other names of fields; of several that are open, the first is taken. */
const FIELDS: Readonly<Record<string, string>> = {
  parameters: "params parameter knobs",
  kpis: "kpi metrics measures",
  rules: "rule tuning",
  guards: "guard limits",
  gate: "gates thresholds",
  starts: "start presets preset initial",
  key: "id name",
  path: "location pointer",
  kind: "type",
  min: "minimum lower low from",
  max: "maximum upper high to",
  step: "increment resolution precision granularity",
  unit: "units",
  default: "initial value start",
  values: "options choices enum list",
  description: "comment comments _comment // # doc note notes help title",
  better: "direction goal optimize",
  target: "threshold objective slo",
  metric: "metric_name",
  query: "promql expr expression",
  name: "id key",
  protection: "priority weight severity",
  when: "if conditions condition",
  then: "do actions action steps",
  kpi: "metric key name",
  op: "operator cmp comparison",
  value: "threshold",
  param: "parameter key name",
  add: "delta increment inc by plus step",
  multiply: "mul mult factor times scale",
  limit: "max min until cap bound",
};

/** The field that a name which is none was meant to be, of those that are still open. */
export function fieldMeant(name: string, open: readonly string[]): string | undefined {
  const word = name.toLowerCase();
  const synonym = open.find((field) => FIELDS[field]?.split(" ").includes(word));
  return synonym ?? nearestSpelling(name, open);
}

/** What to do about a value that is not what was expected; `undefined` if no slip shows. */
export function valueRemedy(
  value: JsonValue,
  node: SchemaNode,
  field: string,
  fits: (value: JsonValue) => boolean,
): string | undefined {
  if (typeof value === "string") return textRemedy(value, node, field, fits);
  return typeof value === "number" ? numberRemedy(value, fits) : undefined;
}

function textRemedy(
  value: string,
  node: SchemaNode,
  field: string,
  fits: (value: JsonValue) => boolean,
): string | undefined {
  if (node.enum !== undefined) return wordRemedy(value, node.enum, field);
  const word = value.trim();
  const plain = /^-?\d{1,15}(?:\.\d{1,15})?/.exec(word)?.[0];
  const percent = /^(\d{1,15}(?:\.\d{1,15})?) ?%$/.exec(word)?.[1];
  if (percent !== undefined && fits(0.5)) return `write ${shareOf(Number(percent))}`;
  if (plain !== undefined && fits(Number(plain))) {
    return plain === word
      ? `write the number without quotes: ${plain}`
      : `write the number alone: ${plain}`;
  }
  const truth = /^(?:true|yes|on)$/i.test(word);
  if ((truth || /^(?:false|no|off)$/i.test(word)) && fits(truth)) {
    return `write ${truth}, without quotes`;
  }
  return undefined;
}

function numberRemedy(
  value: number,
  fits: (value: JsonValue) => boolean,
): string | undefined {
  if (fits(String(value))) return `write it in quotes: "${value}"`;
  const share = shareOf(value);
  if (value > 1 && value <= 100 && !fits(2) && fits(share)) return `${value} % is ${share}`;
  return (value === 0 || value === 1) && fits(true) ? `write ${value === 1}` : undefined;
}

function shareOf(percent: number): number {
  return Number((percent / 100).toPrecision(15));
}

function wordRemedy(value: string, words: readonly string[], field: string): string | undefined {
  const word = value.trim().toLowerCase();
  if (field === "op" && /^(?:={1,3}|eq|is|equals)$/.test(word)) {
    return "a measured value is hardly ever equal to a number: choose >= or <=, or one of each";
  }
  if (field === "op" && /^(?:!={1,2}|<>|ne|\u2260)$/.test(word)) {
    return "choose a side: > or <, or a rule for each";
  }
  const synonyms = WORDS[field] ?? {};
  const meant = words.find((known) => synonyms[known]?.split(" ").includes(word)) ??
    (words.includes(word) ? word : nearestSpelling(printable(value), words));
  if (meant === undefined) return undefined;
  const also = meant === "enum" ? ' It has a list of "values"' : "";
  return `did you mean ${meant}?${also}`;
}
