/**
 * Reads a profile from JSON and names every mistake in it.
 *
 * @module
 */

import { SoakError } from "./errors.ts";
import type { JsonObject, JsonValue } from "./jsonx.ts";
import type { Action, Condition, Kpi, Parameter, Profile, Rule } from "./profile.ts";
import { Shape } from "./shape.ts";

/** One mistake in a profile. */
export interface ProfileProblem {
  /** Where it stands, for example `$.rules[2].when[0].kpi`. */
  readonly path: string;
  /** What is wrong, in one clause. */
  readonly message: string;
}

/** Names in a summary that no KPI may take. */
const RESERVED_KPIS: ReadonlySet<string> = new Set([
  "runtime_utc",
  "state_hash",
  "kpi_verdict",
  "kpi_reasons",
  "failure",
]);

const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const PATH = /^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$/;
const METRIC = /^[a-z][a-z0-9_]*$/;
const FORBIDDEN: ReadonlySet<string> = new Set(["constructor", "prototype", "__proto__"]);

/**
 * Reads a profile.
 *
 * @param value The JSON document.
 * @param file Name of the file, for errors.
 * @returns The profile.
 * @throws {SoakError} At the first mistake, naming file and field.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { marketMaker } from "./market_maker.ts";
 * import { parseJson } from "./jsonx.ts";
 *
 * const text = JSON.stringify(marketMaker);
 * assertEquals(parseProfile(parseJson(text), "market-maker.json"), marketMaker);
 * ```
 */
export function parseProfile(value: JsonValue, file: string): Profile {
  const profile = readProfile(new Shape(value, file));
  const [problem] = consistencyProblems(profile);
  if (problem !== undefined) {
    throw new SoakError("artifact", problem.message, {
      where: `${file}: ${problem.path}`,
      remedy: "correct the profile",
    });
  }
  return profile;
}

/** A profile as a JSON document, as it stands in `SOAK_RUN.json` and in profile files. */
export function profileToJson(profile: Profile): JsonObject {
  return JSON.parse(JSON.stringify(profile));
}

function readProfile(shape: Shape): Profile {
  shape.object(["name", "description", "parameters", "kpis", "rules", "guards", "gate"]);
  const guards = shape.get("guards").object([
    "freeze_after",
    "freeze_iters",
    "oscillation_window",
    "velocity_cap",
    "max_delta_per_hour",
    "cooldown_iters",
  ]);
  const gate = shape.get("gate").object([
    "window",
    "pass",
    "warn",
    "full_apply_ratio",
    "signature_stuck",
  ]);
  return {
    name: name(shape.get("name")),
    description: shape.get("description").string(),
    parameters: shape.get("parameters").items().map(readParameter),
    kpis: shape.get("kpis").items().map(readKpi),
    rules: shape.get("rules").items().map(readRule),
    guards: {
      freeze_after: guards.get("freeze_after").integer(1, 1000),
      freeze_iters: guards.get("freeze_iters").integer(1, 1000),
      oscillation_window: guards.get("oscillation_window").integer(2, 64),
      velocity_cap: positive(guards.get("velocity_cap")),
      max_delta_per_hour: positive(guards.get("max_delta_per_hour")),
      cooldown_iters: guards.get("cooldown_iters").integer(0, 1000),
    },
    gate: {
      window: gate.get("window").integer(1, 1000),
      pass: gate.get("pass").integer(1, 1000),
      warn: gate.get("warn").integer(1, 1000),
      full_apply_ratio: ratio(gate.get("full_apply_ratio")),
      signature_stuck: gate.get("signature_stuck").integer(0),
    },
  };
}

function name(shape: Shape): string {
  const text = shape.string();
  if (!NAME.test(text) || FORBIDDEN.has(text)) {
    throw shape.wrong("a name of letters, digits, _ and -");
  }
  return text;
}

function positive(shape: Shape): number {
  const value = shape.number();
  if (!(value > 0)) throw shape.wrong("a number above 0");
  return value;
}

function ratio(shape: Shape): number {
  const value = shape.number();
  if (value < 0 || value > 1) throw shape.wrong("a ratio from 0 to 1");
  return value;
}

function readParameter(shape: Shape): Parameter {
  shape.object([
    "key",
    "path",
    "kind",
    "min",
    "max",
    "step",
    "unit",
    "default",
    "description",
  ]);
  const path = shape.get("path").string();
  if (!PATH.test(path) || path.split(".").some((segment) => FORBIDDEN.has(segment))) {
    throw shape.get("path").wrong("a dotted path of names");
  }
  return {
    key: name(shape.get("key")),
    path,
    kind: shape.get("kind").oneOf(["integer", "number"]),
    min: shape.get("min").number(),
    max: shape.get("max").number(),
    step: positive(shape.get("step")),
    unit: shape.get("unit").string(),
    default: shape.get("default").number(),
    description: shape.get("description").string(),
  };
}

function readKpi(shape: Shape): Kpi {
  shape.object(["key", "unit", "better", "target", "metric", "description"], ["query"]);
  const metric = shape.get("metric").string();
  if (!METRIC.test(metric)) throw shape.get("metric").wrong("a metric name in lower case");
  return {
    key: name(shape.get("key")),
    unit: shape.get("unit").string(),
    better: shape.get("better").oneOf(["lower", "higher"]),
    target: shape.get("target").nullOr((target) => target.number()),
    metric,
    description: shape.get("description").string(),
    ...(shape.has("query") ? { query: shape.get("query").string() } : {}),
  };
}

function readRule(shape: Shape): Rule {
  shape.object(["name", "protection", "when", "then"]);
  return {
    name: name(shape.get("name")),
    protection: shape.get("protection").number(),
    when: shape.get("when").items().map(readCondition),
    then: shape.get("then").items().map(readAction),
  };
}

function readCondition(shape: Shape): Condition {
  shape.object(["kpi", "op", "value"]);
  return {
    kpi: shape.get("kpi").string(),
    op: shape.get("op").oneOf([">=", ">", "<=", "<"]),
    value: shape.get("value").number(),
  };
}

function readAction(shape: Shape): Action {
  shape.object(["param"], ["add", "multiply", "limit"]);
  if (shape.has("add") === shape.has("multiply")) {
    throw shape.wrong("either add or multiply");
  }
  const common = {
    param: shape.get("param").string(),
    ...(shape.has("limit") ? { limit: shape.get("limit").number() } : {}),
  };
  return shape.has("add")
    ? { ...common, add: shape.get("add").number() }
    : { ...common, multiply: shape.get("multiply").number() };
}

/** Mistakes that only show when the parts of a well-formed profile are seen together. */
function consistencyProblems(profile: Profile): ProfileProblem[] {
  return [
    ...doubled(profile.parameters.map(({ key }) => key), "$.parameters", "key"),
    ...doubled(profile.parameters.map(({ path }) => path), "$.parameters", "path"),
    ...doubled(profile.kpis.map(({ key }) => key), "$.kpis", "key"),
    ...doubled(profile.kpis.map(({ metric }) => metric), "$.kpis", "metric"),
    ...doubled(profile.rules.map(({ name }) => name), "$.rules", "name"),
    ...profile.parameters.flatMap(parameterProblems),
    ...profile.kpis.flatMap(({ key }, i) =>
      RESERVED_KPIS.has(key)
        ? [{ path: `$.kpis[${i}].key`, message: `${key} is a name that summaries use themselves` }]
        : []
    ),
    ...ruleProblems(profile),
    ...gateProblems(profile),
  ];
}

function doubled(names: readonly string[], path: string, field: string): ProfileProblem[] {
  return names.flatMap((name, i) => {
    const first = names.indexOf(name);
    return first === i ? [] : [{
      path: `${path}[${i}].${field}`,
      message: `${field} ${name} is already taken by ${path}[${first}]`,
    }];
  });
}

function parameterProblems(parameter: Parameter, i: number): ProfileProblem[] {
  const { key, kind, min, max, step } = parameter;
  const path = `$.parameters[${i}]`;
  const problems: ProfileProblem[] = [];
  const problem = (field: string, message: string) =>
    problems.push({ path: `${path}.${field}`, message });
  if (!(min < max)) {
    problem("min", `${key} has its bounds the wrong way round: ${min} is not below ${max}`);
  } else {
    if (step > max - min) problem("step", `${key} has a step wider than its range`);
    if (parameter.default < min || parameter.default > max) {
      problem("default", `${key} has a default of ${parameter.default} outside ${min} to ${max}`);
    }
  }
  if (kind === "integer") {
    for (const field of ["min", "max", "step", "default"] as const) {
      if (!Number.isInteger(parameter[field])) {
        problem(field, `${key} is an integer, but its ${field} is ${parameter[field]}`);
      }
    }
  }
  return problems;
}

function ruleProblems(profile: Profile): ProfileProblem[] {
  const kpis = new Set(profile.kpis.map(({ key }) => key));
  const params = new Set(profile.parameters.map(({ key }) => key));
  return profile.rules.flatMap((rule, i) => {
    const path = `$.rules[${i}]`;
    return [
      ...(rule.when.length === 0
        ? [{ path: `${path}.when`, message: `rule ${rule.name} has no condition` }]
        : []),
      ...(rule.then.length === 0
        ? [{ path: `${path}.then`, message: `rule ${rule.name} has no step` }]
        : []),
      ...rule.when.flatMap(({ kpi }, j) =>
        kpis.has(kpi) ? [] : [{ path: `${path}.when[${j}].kpi`, message: `there is no KPI ${kpi}` }]
      ),
      ...rule.then.flatMap(({ param }, j) =>
        params.has(param)
          ? []
          : [{ path: `${path}.then[${j}].param`, message: `there is no parameter ${param}` }]
      ),
    ];
  });
}

function gateProblems({ gate }: Profile): ProfileProblem[] {
  const problems: ProfileProblem[] = [];
  if (gate.pass > gate.window) {
    problems.push({ path: "$.gate.pass", message: "pass is larger than the window" });
  }
  if (gate.warn > gate.pass) {
    problems.push({ path: "$.gate.warn", message: "warn is larger than pass" });
  }
  return problems;
}
