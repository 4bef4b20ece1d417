/**
 * Mistakes in a profile that only show when its values are seen together: parameters, KPIs,
 * guards and gate.
 *
 * @module
 */

import { didYouMean } from "../base/text.ts";
import { jsonPathStep } from "../base/json_value.ts";
import { deltaHint, validateDeltas } from "./params.ts";
import type {
  EnumParameter,
  GateSettings,
  GuardSettings,
  Kpi,
  NumberParameter,
  Parameter,
  Rule,
  StartValues,
} from "./profile.ts";
import { RATIO_METRIC } from "./profile.ts";
import { GUARDS_SCHEMA } from "./profile_schema.ts";
import { roundToStep } from "./scale.ts";
import type { ProfileProblem } from "./schema_check.ts";
import { allowedText, isMeasurable, nearValue, quotedValue, valueText } from "./value.ts";

/** A part of a profile and where it stands. */
export interface Part<T> {
  /** The part. */
  readonly item: T;
  /** Its place, for example `$.rules[2]`. */
  readonly path: string;
}

/** Start values with their name. */
export interface NamedStart {
  /** The name. */
  readonly name: string;
  /** Values by parameter. */
  readonly values: StartValues;
}

/** Those parts of a profile that have the right form. */
export interface SoundParts {
  /** The parameters. */
  readonly parameters: readonly Part<Parameter>[];
  /** The KPIs. */
  readonly kpis: readonly Part<Kpi>[];
  /** The rules. */
  readonly rules: readonly Part<Rule>[];
  /** The guard settings, if all of them are sound. */
  readonly guards: GuardSettings | null;
  /** The gate's settings, if all of them are sound. */
  readonly gate: GateSettings | null;
  /** The start values. */
  readonly starts: readonly Part<NamedStart>[];
  /** The parameters by key; of two with one key, the first. None that is wrong by itself. */
  readonly byKey: ReadonlyMap<string, Parameter>;
  /** Keys of all parameters, sound or not; `null` if one has none. */
  readonly parameterKeys: readonly string[] | null;
  /** Keys of all KPIs, sound or not; `null` if one has none. */
  readonly kpiKeys: readonly string[] | null;
  /** Which of the lists have nothing but sound parts. */
  readonly complete: ReadonlySet<string>;
}

/** Sums of decimals carry rounding noise. */
export const TOLERANCE = 1e-9;

/** Names in a summary that no KPI may take. */
const RESERVED_KPIS: ReadonlySet<string> = new Set([
  "runtime_utc",
  "state_hash",
  "kpi_verdict",
  "kpi_reasons",
  "failure",
]);

const SETTINGS = Object.keys(GUARDS_SCHEMA.properties ?? {});

/** An error at a place. */
export function error(
  path: string,
  message: string,
  more: { remedy?: string } = {},
): ProfileProblem {
  return { severity: "error", path, message, ...more };
}

/** A warning at a place. */
export function warning(
  path: string,
  message: string,
  more: { remedy?: string } = {},
): ProfileProblem {
  return { severity: "warning", path, message, ...more };
}

/** What is wrong with the parameters, each by itself and all together. */
export function parameterProblems({ parameters, rules }: SoundParts): ProfileProblem[] {
  return [
    ...doubled(parameters, "key"),
    ...doubled(parameters, "path"),
    ...nestedPaths(parameters),
    ...parameters.flatMap(valueProblems),
    ...parameters.flatMap(queryProblems),
    ...parameters.flatMap(unmeasurable),
    ...parameters.flatMap((part) => settingProblems(part, rules)),
  ];
}

/** Two parts that have the same value in a field that must tell them apart. */
export function doubled<F extends string>(
  parts: readonly Part<Readonly<Record<F, string>>>[],
  field: F,
): ProfileProblem[] {
  const first = new Map<string, string>();
  return parts.flatMap(({ item, path }) => {
    const name = item[field];
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, path);
    return earlier === undefined
      ? []
      : [error(`${path}.${field}`, `${field} ${name} is already taken by ${earlier}`)];
  });
}

/** A value can't stand where another parameter's path needs an object. */
function nestedPaths(parameters: readonly Part<Parameter>[]): ProfileProblem[] {
  const places = new Map(parameters.map(({ item, path }) => [item.path, path]));
  return parameters.flatMap(({ item, path }) => {
    const segments = item.path.split(".");
    const outer = segments.slice(1)
      .map((_, i) => segments.slice(0, i + 1).join("."))
      .find((prefix) => places.has(prefix));
    if (outer === undefined) return [];
    const message = `${item.path} lies inside ${outer}, where ${places.get(outer)} has its value`;
    return [error(`${path}.path`, message)];
  });
}

/** What is wrong with the values that a parameter may take. */
function valueProblems({ item, path }: Part<Parameter>): ProfileProblem[] {
  switch (item.kind) {
    case "boolean":
      return [];
    case "enum":
      return listProblems({ item, path });
    default:
      return boundsProblems({ item, path });
  }
}

/** Values are told apart in records by what they are, and on a command line by their text. */
function listProblems({ item, path }: Part<EnumParameter>): ProfileProblem[] {
  const { key, values } = item;
  const texts = values.map(valueText);
  const problems = texts.flatMap((text, i) => {
    const first = texts.indexOf(text);
    if (first === i) return [];
    const message = `${key} has the value ${quotedValue(values[i])} already in values[${first}]`;
    return [error(`${path}.values[${i}]`, message)];
  });
  if (!values.includes(item.default)) {
    const message = `${key} has a default of ${quotedValue(item.default)}, which is not ` +
      allowedText(item);
    const near = nearValue(item, item.default);
    problems.push(
      error(
        `${path}.default`,
        message,
        near === undefined ? {} : { remedy: `did you mean ${near}?` },
      ),
    );
  }
  if (texts.toSorted().join() === "false,true") {
    const remedy = 'leave out values and say "kind": "boolean"';
    problems.push(warning(`${path}.kind`, `${key} is true or false, but as texts`, { remedy }));
  }
  return problems;
}

/** A query yields a number, which no text can be compared with. */
function unmeasurable({ item, path }: Part<Parameter>): ProfileProblem[] {
  if (item.query === undefined || isMeasurable(item)) return [];
  const message = `a query yields a number, and ${item.key} has values that are texts`;
  const remedy = "leave it out, and report the value in effective_params";
  return [error(`${path}.query`, message, { remedy })];
}

function boundsProblems({ item, path }: Part<NumberParameter>): ProfileProblem[] {
  const { key, kind, min, max, step } = item;
  const at = (field: string, message: string) => error(`${path}.${field}`, message);
  const fractional = (["min", "max", "step", "default"] as const)
    .filter((field) => kind === "integer" && !Number.isInteger(item[field]))
    .map((field) => at(field, `${key} is an integer, but its ${field} is ${item[field]}`));
  if (!(min < max)) {
    const message = `${key} has its bounds the wrong way round: ${min} is not below ${max}`;
    return [at("min", message), ...fractional];
  }
  if (!Number.isSafeInteger(Math.round(Math.max(-min, max) / step))) {
    return [at("step", `${key} has a step too fine for numbers of its size`), ...fractional];
  }
  const problems = [...fractional];
  if (step > (max - min) * (1 + TOLERANCE)) {
    problems.push(at("step", `${key} has a step wider than its range of ${round(max - min)}`));
  } else if (!fractional.some((problem) => problem.path.endsWith(".step"))) {
    problems.push(...offStep(item, path, fractional));
  }
  if (item.default < min || item.default > max) {
    const message = `${key} has a default of ${item.default} outside ${min} to ${max}`;
    problems.push(at("default", message));
  }
  return problems;
}

/** A bound that is no multiple of the step can't be reached, and rounding may lead beyond it. */
function offStep(
  parameter: NumberParameter,
  path: string,
  known: readonly ProfileProblem[],
): ProfileProblem[] {
  return (["min", "max", "default"] as const).flatMap((field) => {
    const value = parameter[field];
    const rounded = roundToStep(value, parameter);
    const place = `${path}.${field}`;
    if (rounded === value || known.some((problem) => problem.path === place)) return [];
    const what = `${parameter.key} has a ${field} of ${value}, which is no multiple of its step ` +
      `${parameter.step}`;
    return [error(place, what, { remedy: `the nearest one is ${rounded}` })];
  });
}

/** A misspelt placeholder would be sent to the server as it is. */
function queryProblems({ item: { query }, path }: Part<Parameter | Kpi>): ProfileProblem[] {
  const placeholder = query?.match(/\$\{(?!window\})[^}]{0,40}\}?/)?.[0];
  if (placeholder === undefined) return [];
  const message = `${placeholder} is no placeholder: only \${window} is filled in`;
  return [warning(`${path}.query`, message)];
}

/** A parameter at `tuner.<setting>` is that guard's setting: it must stay one that makes sense. */
function settingProblems(
  { item, path }: Part<Parameter>,
  rules: readonly Part<Rule>[],
): ProfileProblem[] {
  if (!item.path.startsWith("tuner.")) return [];
  const setting = item.path.slice("tuner.".length);
  const [outer = ""] = setting.split(".");
  if (outer !== setting && SETTINGS.includes(outer)) {
    const message = `${item.path} lies inside tuner.${outer}, where the guard's setting stands`;
    return [error(`${path}.path`, message)];
  }
  const form = GUARDS_SCHEMA.properties?.[setting];
  if (form === undefined || !SETTINGS.includes(setting)) {
    const near = didYouMean(setting, SETTINGS);
    return near.remedy === undefined
      ? []
      : [warning(`${path}.path`, `the guards have no setting ${setting}`, near)];
  }
  if (item.kind === "boolean" || item.kind === "enum") {
    const wanted = form.type === "integer" ? "an integer" : "a number";
    return [error(`${path}.kind`, `the guard setting ${setting} is ${wanted}`)];
  }
  const problems: ProfileProblem[] = [];
  if (form.type === "integer" && item.kind !== "integer") {
    problems.push(error(`${path}.kind`, `the guard setting ${setting} is an integer`));
  }
  const { minimum = 0, maximum = Infinity, exclusiveMinimum } = form;
  if (exclusiveMinimum !== undefined ? !(item.min > exclusiveMinimum) : item.min < minimum) {
    const least = exclusiveMinimum === undefined ? `at least ${minimum}` : "above 0";
    problems.push(error(`${path}.min`, `the guard setting ${setting} must be ${least}`));
  }
  if (item.max > maximum) {
    problems.push(error(`${path}.max`, `the guard setting ${setting} must be at most ${maximum}`));
  }
  for (const rule of rules) {
    const step = rule.item.then.findIndex(({ param }) => param === item.key);
    if (step < 0) continue;
    const message = `rule ${rule.item.name} lets the tuner change a guard that holds it back`;
    problems.push(warning(`${rule.path}.then[${step}].param`, message));
  }
  return problems;
}

/** What is wrong with the KPIs. */
export function kpiProblems({ kpis, rules, kpiKeys, complete }: SoundParts): ProfileProblem[] {
  const reacted = new Set(rules.flatMap(({ item }) => item.when.map(({ kpi }) => kpi)));
  const problems = [
    ...doubled(kpis, "key"),
    ...doubled(kpis, "metric"),
    ...kpis.flatMap(queryProblems),
    ...kpis.flatMap(({ item: { key }, path }) =>
      RESERVED_KPIS.has(key)
        ? [error(`${path}.key`, `${key} is a name that summaries use themselves`)]
        : []
    ),
    ...kpis.flatMap(({ item: { metric }, path }) =>
      metric.includes(RATIO_METRIC)
        ? [error(`${path}.metric`, `${RATIO_METRIC} is the metric that scripts search for by name`)]
        : []
    ),
  ];
  if (complete.has("kpis") && kpis.every(({ item }) => item.target === null)) {
    problems.push(error("$.kpis", "no KPI has a target: every iteration would pass"));
  }
  // A rule on a KPI that there is none of may have been meant for this one.
  const isClear = complete.has("rules") && [...reacted].every((key) => kpiKeys?.includes(key));
  for (const { item: { key, target }, path } of kpis) {
    if (reacted.has(key) || rules.length === 0 || !isClear) continue;
    problems.push(warning(
      path,
      target === null
        ? `${key} has no target, and no rule looks at it`
        : `no rule looks at ${key}: nothing is tuned for it`,
    ));
  }
  return problems;
}

/** The guard settings at the start of a run: the runtime's own, where a parameter holds them. */
export function settingsAtStart({ guards, parameters }: SoundParts): GuardSettings | null {
  if (guards === null) return null;
  const settings = { ...guards };
  for (const { item } of parameters) {
    for (const name of ["velocity_cap", "max_delta_per_hour"] as const) {
      if (item.path !== `tuner.${name}` || typeof item.default !== "number") continue;
      settings[name] = item.default;
    }
  }
  return settings;
}

/** What is wrong with the guard settings. */
export function guardProblems({ guards, parameters }: SoundParts): ProfileProblem[] {
  if (guards === null) return [];
  const problems: ProfileProblem[] = [];
  if (guards.velocity_cap > 1) {
    const message = "a single step is never larger than the whole range: the cap has no effect";
    problems.push(warning("$.guards.velocity_cap", message));
  } else if (guards.velocity_cap > guards.max_delta_per_hour) {
    const message = "max_delta_per_hour is smaller and always holds first: the cap has no effect";
    problems.push(warning("$.guards.velocity_cap", message));
  }
  for (const [name, value] of Object.entries(guards)) {
    const own = parameters.find(({ item }) => item.path === `tuner.${name}`);
    if (typeof own?.item.default !== "number" || own.item.default === value) continue;
    const message = `${value} is never used: the parameter ${own.item.key} starts at ` +
      `${own.item.default} and overrides it`;
    problems.push(warning(`$.guards.${name}`, message));
  }
  return problems;
}

/** What is wrong with the gate's settings. */
export function gateProblems({ gate, guards }: SoundParts): ProfileProblem[] {
  if (gate === null) return [];
  const { window, pass, warn } = gate;
  const problems: ProfileProblem[] = [];
  if (pass > window) {
    problems.push(error("$.gate.pass", `${pass} of a window of ${window} can never be met`));
  }
  if (warn > pass) {
    problems.push(error("$.gate.warn", `warn (${warn}) must not be larger than pass (${pass})`));
  }
  if (guards !== null && guards.freeze_after > window) {
    const message = `a freeze takes ${guards.freeze_after} iterations in a row on target, more ` +
      `than the gate's window of ${window}`;
    problems.push(warning("$.guards.freeze_after", message));
  }
  if (gate.full_apply_ratio === 0) {
    const message = "0 passes a run in which no change took effect";
    problems.push(warning("$.gate.full_apply_ratio", message));
  }
  return problems;
}

/** What is wrong with the start values. */
export function startProblems(parts: SoundParts): ProfileProblem[] {
  return parts.starts.flatMap(({ item, path }) => [
    ...Object.entries(item.values).flatMap(([key, value]) =>
      startValueProblems(key, value, path + jsonPathStep(key), parts)
    ),
    ...(startsLikeDefaults(item, parts)
      ? [warning(path, `the start ${item.name} is no other than the defaults`)]
      : []),
  ]);
}

function startsLikeDefaults({ values }: NamedStart, { byKey }: SoundParts): boolean {
  return Object.entries(values).every(([key, value]) => byKey.get(key)?.default === value);
}

function startValueProblems(
  key: string,
  value: StartValues[string],
  path: string,
  { byKey, parameterKeys }: SoundParts,
): ProfileProblem[] {
  const parameter = byKey.get(key);
  if (parameter === undefined) {
    if (parameterKeys?.includes(key) !== false) return []; // it is wrong itself
    return [error(path, `there is no parameter ${key}`, didYouMean(key, parameterKeys))];
  }
  const [problem] = validateDeltas({ [key]: value }, [parameter]);
  if (problem !== undefined) {
    const remedy = deltaHint(problem, { [key]: value }, [parameter]);
    return [error(path, problem.message, remedy === undefined ? {} : { remedy })];
  }
  if (typeof value !== "number" || !("step" in parameter)) return [];
  const rounded = roundToStep(value, parameter);
  if (rounded === value) return [];
  const message = `${key} starts with ${value}, which is no multiple of its step ${parameter.step}`;
  return [error(path, message, { remedy: `the nearest one is ${rounded}` })];
}

/** A number without the noise of its arithmetic. */
export function round(value: number): number {
  return Number(value.toPrecision(12));
}
