/**
 * The form of a profile, as a JSON Schema: the one definition that editors, `soak profile check`
 * and the readers of records share.
 *
 * @module
 */

import type { JsonValue } from "../base/json_value.ts";

/** The part of JSON Schema 2020-12 that describes a profile. */
export interface SchemaNode {
  /** What the value is called where another one was expected, for example `a name`. */
  readonly title?: string;
  /** What it means, in one sentence. */
  readonly description?: string;
  /** Values that it could have, the plainest first. */
  readonly examples?: readonly JsonValue[];
  /** The type, or the types, that a value may have. */
  readonly type: SchemaType | readonly (SchemaType | "null")[];
  /** The fields of an object. */
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  /** Fields that an object must have. */
  readonly required?: readonly string[];
  /** What other fields than `properties` names an object may have; `false` for none. */
  readonly additionalProperties?: false | SchemaNode;
  /** What the names of an object's fields must be. */
  readonly propertyNames?: SchemaNode;
  /** The most fields of an object. */
  readonly maxProperties?: number;
  /** An object has exactly one of these. */
  readonly oneOf?: readonly { readonly required: readonly [string] }[];
  /** An object is of one of these forms, and its `kind` tells of which. */
  readonly anyOf?: readonly SchemaNode[];
  /** What the elements of an array are. */
  readonly items?: SchemaNode;
  /** The fewest elements of an array. */
  readonly minItems?: number;
  /** The most elements of an array. */
  readonly maxItems?: number;
  /** The strings to choose from. */
  readonly enum?: readonly string[];
  /** What a string must match. */
  readonly pattern?: string;
  /** The most characters of a string. */
  readonly maxLength?: number;
  /** The smallest number. */
  readonly minimum?: number;
  /** The largest number. */
  readonly maximum?: number;
  /** The number that all must be above. */
  readonly exclusiveMinimum?: number;
}

/** The types of JSON values that occur in a profile. */
export type SchemaType = "object" | "array" | "string" | "number" | "integer" | "boolean";

/** Doubles count in steps of 1 up to here and beyond; larger bounds serve nobody. */
const LARGEST = 1e15;

/** More parameters, KPIs or rules than a person can mean to write. */
const MANY = 500;

/** More conditions or steps than one rule can need. */
const FEW = 32;

const SEGMENT = "(?!(?:constructor|prototype)(?:\\.|$))[A-Za-z][A-Za-z0-9_-]*";

const name = (description: string): SchemaNode => ({
  title: "a name of letters, digits, _ and -, a letter first",
  description,
  type: "string",
  pattern: `^${SEGMENT}$`,
  maxLength: 100,
});

const text = (description: string): SchemaNode => ({
  description,
  type: "string",
  maxLength: 2000,
});

const query = (description: string): SchemaNode => ({
  title: "a PromQL expression",
  description,
  examples: ["sum(rate(requests_total[${window}]))"],
  type: "string",
  pattern: "\\S",
  maxLength: 10_000,
});

const number = (description: string): SchemaNode => ({
  description,
  type: "number",
  minimum: -LARGEST,
  maximum: LARGEST,
});

const positive = (description: string, maximum: number = LARGEST): SchemaNode => ({
  description,
  type: "number",
  exclusiveMinimum: 0,
  maximum,
});

const integer = (description: string, minimum: number, maximum: number): SchemaNode => ({
  description,
  type: "integer",
  minimum,
  maximum,
});

const choice = (description: string, values: readonly string[]): SchemaNode => ({
  description,
  type: "string",
  enum: values,
});

const list = (
  description: string,
  items: SchemaNode,
  size = { min: 0, max: MANY },
): SchemaNode => ({
  description,
  type: "array",
  items,
  minItems: size.min,
  maxItems: size.max,
});

/** A value with examples. */
const like = (node: SchemaNode, ...examples: readonly JsonValue[]): SchemaNode => ({
  ...node,
  examples,
});

/** An object with these fields and no others; all are needed but those named as optional. */
function object(
  description: string,
  properties: Readonly<Record<string, SchemaNode>>,
  optional: readonly string[] = [],
): SchemaNode {
  return {
    description,
    type: "object",
    properties,
    required: Object.keys(properties).filter((field) => !optional.includes(field)),
    additionalProperties: false,
  };
}

/** A text that is a value of a list: visible characters, single spaces between them. */
export const VALUE_TEXT = {
  pattern: "^[^\\s\\p{Cc}\\p{Cf}\\p{Cs}]+(?: [^\\s\\p{Cc}\\p{Cf}\\p{Cs}]+)*$",
  maxLength: 100,
} as const;

/** A value of a list. */
const VALUE = { ...VALUE_TEXT, minimum: -LARGEST, maximum: LARGEST };

/** The form of parameters of some kinds: what all have, and what only these have. */
function parameterSchema(
  description: string,
  kind: SchemaNode,
  own: Readonly<Record<string, SchemaNode>>,
  optional: readonly string[] = [],
): SchemaNode {
  return object(description, {
    key: like(name("Flat name, as it stands in rules, changes and reports."), "tail_age_ms"),
    path: {
      title: "a dotted path of names",
      description:
        "Where it stands in the runtime file. tuner.<guard setting> makes that guard setting a " +
        "parameter.",
      examples: ["engine.tail_age_ms"],
      type: "string",
      pattern: `^${SEGMENT}(?:\\.${SEGMENT})*$`,
      maxLength: 400,
    },
    kind,
    ...own,
    description: like(
      text("What the parameter does, in one sentence."),
      "Age from which a resting order counts as stale.",
    ),
    query: query(
      "PromQL that yields the value in effect. ${window} in it becomes the length of the iteration.",
    ),
  }, ["query", ...optional]);
}

/** An object whose fields have names of the profile's own. */
function named(description: string, names: SchemaNode, value: SchemaNode): SchemaNode {
  return {
    description,
    type: "object",
    propertyNames: names,
    additionalProperties: value,
    maxProperties: MANY,
  };
}

/** The form of a parameter. */
export const PARAMETER_SCHEMA: SchemaNode = {
  description: "A tunable parameter.",
  type: "object",
  anyOf: [
    parameterSchema(
      "A parameter whose values are numbers.",
      choice("Whether values are whole numbers.", ["integer", "number"]),
      {
        min: like(number("Smallest value allowed, a multiple of step."), 500),
        max: like(number("Largest value allowed, a multiple of step."), 800),
        step: like(positive("Values are rounded to multiples of this."), 1),
        unit: like(text("Unit of the value."), "ms", "MiB", "ratio", "1/s"),
        default: like(number("Value at the start of a run, a multiple of step."), 600),
      },
    ),
    parameterSchema(
      "A parameter that is on or off.",
      choice("Values are true and false.", ["boolean"]),
      { default: like({ description: "Value at the start of a run.", type: "boolean" }, false) },
    ),
    parameterSchema(
      "A parameter with a list of values to choose from.",
      choice("Values are those in the list.", ["enum"]),
      {
        values: like(
          list(
            "The values in their order: adding 1 leads from one to the next.",
            {
              title: "a number, or a text of 1 to 100 visible characters",
              description: "A value, as it stands in the runtime file.",
              type: ["string", "number"],
              ...VALUE,
            },
            { min: 2, max: 100 },
          ),
          ["off", "lru", "lfu"],
        ),
        unit: like(text("Unit of the values, where they are numbers."), "MiB"),
        default: {
          title: "one of the values",
          description: "Value at the start of a run, one of the list.",
          examples: ["lru"],
          type: ["string", "number"],
          ...VALUE,
        },
      },
      ["unit"],
    ),
  ],
};

/** The form of a KPI. */
export const KPI_SCHEMA: SchemaNode = object("A measured quantity.", {
  key: like(name("Name, as it stands in rules and summaries."), "p95_latency_ms"),
  unit: like(text("Unit of the value."), "ms", "ratio", "1/s"),
  better: choice("Which way is better.", ["lower", "higher"]),
  target: {
    description:
      "The value to meet: at most this when lower is better, at least this when higher " +
      "is. null: only observed, as an input to rules.",
    examples: [350],
    type: ["number", "null"],
    minimum: -LARGEST,
    maximum: LARGEST,
  },
  metric: {
    title: "a metric name of lower-case letters, digits and _, a letter first",
    description: "Name within its metric, soak_kpi_<metric>_mean.",
    examples: ["latency_p95"],
    type: "string",
    pattern: "^[a-z][a-z0-9_]*$",
    maxLength: 100,
  },
  description: like(
    text("What it measures, in one sentence."),
    "95th percentile of order round trips.",
  ),
  query: query(
    "PromQL that yields the value. ${window} in it becomes the length of the iteration.",
  ),
}, ["query"]);

const CONDITION: SchemaNode = object("A comparison of a KPI with a constant.", {
  kpi: like(name("The KPI's key."), "p95_latency_ms"),
  op: choice("The comparison.", [">=", ">", "<=", "<"]),
  value: like(number("The constant on the right, in the KPI's unit."), 350),
});

const ACTION: SchemaNode = {
  ...object("A step of one parameter: either add or multiply.", {
    param: like(name("The parameter's key."), "tail_age_ms"),
    add: like(
      number(
        "What is added to the present value, in the parameter's unit; of a boolean or an enum, how many " +
          "places it moves.",
      ),
      30,
    ),
    multiply: like(positive("What the present value is multiplied by; for numbers only."), 1.5),
    limit: {
      title: "a value of the parameter",
      description: "The step goes no further than this value.",
      examples: [750],
      type: ["number", "boolean", "string"],
      ...VALUE,
    },
  }, ["add", "multiply", "limit"]),
  oneOf: [{ required: ["add"] }, { required: ["multiply"] }],
};

/** The form of a rule. */
export const RULE_SCHEMA: SchemaNode = object("When all conditions hold, take the steps.", {
  name: like(
    name("Unique name, recorded with every change that the rule makes."),
    "latency-high",
  ),
  description: like(
    text("Why the rule does what it does, in one sentence."),
    "Answers are late: age orders sooner.",
  ),
  protection: like(
    number(
      "When two rules pull one parameter in opposite directions, the higher protection wins; at a " +
        "draw, the rule that stands first.",
    ),
    0,
  ),
  when: like(
    list("Conditions, all of which must hold.", CONDITION, { min: 1, max: FEW }),
    [{ kpi: "p95_latency_ms", op: ">", value: 350 }],
  ),
  then: like(
    list("Steps to take.", ACTION, { min: 1, max: FEW }),
    [{ param: "tail_age_ms", add: 30 }],
  ),
}, ["description"]);

/** The form of the guard settings. */
export const GUARDS_SCHEMA: SchemaNode = object(
  "When a change is held back. tuner.<name> in the runtime file may make each stricter; a parameter " +
    "at that path takes its place, within its own bounds.",
  {
    freeze_after: like(
      integer(
        "Iterations in a row that must meet every KPI before the configuration is locked.",
        1,
        1000,
      ),
      2,
    ),
    freeze_iters: like(
      integer(
        "Iterations that the lock is announced for; it lasts longer while KPIs hold.",
        1,
        1000,
      ),
      4,
    ),
    oscillation_window: like(
      integer(
        "Changes of one parameter, the proposed one included, whose direction must not flip each " +
          "time.",
        2,
        64,
      ),
      3,
    ),
    velocity_cap: like(
      positive(
        "Largest single step, as a share of the parameter's range; one place of a list at least.",
      ),
      0.25,
    ),
    max_delta_per_hour: like(
      positive(
        "Largest sum of a parameter's steps within an hour, as a share of its range; one place at least.",
      ),
      0.75,
    ),
    cooldown_iters: like(
      integer(
        "Fewest iterations from one applied change to the next: with 2, after a change in iteration 1 " +
          "the next may come in 3.",
        0,
        1000,
      ),
      1,
    ),
  },
);

/** The form of the gate's settings. */
export const GATE_SCHEMA: SchemaNode = object("How the last iterations are judged.", {
  window: like(integer("Number of last iterations that are judged.", 1, 1000), 8),
  pass: like(integer("Iterations in the window that must meet every KPI for PASS.", 1, 1000), 6),
  warn: like(integer("Iterations in the window that must meet every KPI for WARN.", 1, 1000), 5),
  full_apply_ratio: {
    title: "a ratio from 0 to 1",
    description: "Smallest share of proposals that must have taken effect in full.",
    examples: [0.95],
    type: "number",
    minimum: 0,
    maximum: 1,
  },
  signature_stuck: like(
    integer(
      "Largest number of applied changes that may have left the state hash as it was.",
      0,
      1e9,
    ),
    1,
  ),
  max_restarts: like(
    integer(
      "Most often that the service may die over the whole run; 0 if it is left out.",
      0,
      1e9,
    ),
    0,
  ),
  max_failed: like(
    integer(
      "Most attempts to measure that may fail over the whole run; 0 if it is left out.",
      0,
      1e9,
    ),
    0,
  ),
}, ["max_restarts", "max_failed"]);

/** The form of one start's values. */
export const START_SCHEMA: SchemaNode = named(
  "Values of parameters at this start; those that are left out start with their defaults.",
  name("A parameter's key."),
  {
    title: "a value of the parameter",
    description: "Value at this start, one that the parameter may have.",
    examples: [600],
    type: ["number", "boolean", "string"],
    ...VALUE,
  },
);

/** The form of a profile file. */
export const PROFILE_SCHEMA: SchemaNode & { readonly $schema: string } = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "an object that is a soak profile",
  ...object("What soak knows of one kind of system: parameters, KPIs, rules, guards, gate.", {
    $schema: like(
      text("Where an editor finds this schema; soak itself does not read it."),
      "./profile.schema.json",
    ),
    name: like(name("Short name of the profile."), "market-maker"),
    description: like(
      text("What the profile is for, in one sentence."),
      "A market-making bot.",
    ),
    parameters: list("The tunable parameters.", PARAMETER_SCHEMA),
    kpis: list("The measured quantities, at least one with a target.", KPI_SCHEMA),
    rules: list(
      "The tuning rules, in order: the first to move a parameter wins, unless a later one with a " +
        "higher protection pulls it the other way.",
      RULE_SCHEMA,
    ),
    guards: GUARDS_SCHEMA,
    gate: GATE_SCHEMA,
    starts: named(
      "Start values by name: soak run --start NAME starts from them instead of the defaults.",
      name("A start's name."),
      START_SCHEMA,
    ),
  }, ["$schema", "starts"]),
};
