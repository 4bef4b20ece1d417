import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SoakError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json_value.ts";
import { EMPTY_HISTORY, observeIteration, rememberApplied, stepsOf } from "../../model/guards.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, validateDeltas, validateRuntime } from "../../model/params.ts";
import { judgeKpis } from "../../model/profile.ts";
import { checkProfile, parseProfile, profileToJson } from "../../model/profile_check.ts";
import type { ProfileProblem } from "../../model/schema_check.ts";
import { startingPoint } from "../../model/starting_point.ts";
import { propose } from "../../run/tuner.ts";
import { MIXED } from "../kit/mixed_profile.ts";
import { validProfile } from "../kit/random_profile.ts";

type Place = readonly (string | number)[];

/** The market-maker profile as JSON, with another value at a place (`undefined`: none at all). */
function altered(place: Place, value: JsonValue | undefined): JsonObject {
  const document = profileToJson(marketMaker);
  const holder = place.slice(0, -1).reduce<unknown>(
    (at, step) => Reflect.get(Object(at), step),
    document,
  );
  const last = place.at(-1) ?? "";
  if (value === undefined) Reflect.deleteProperty(Object(holder), last);
  else Reflect.set(Object(holder), last, value);
  return document;
}

function refusal(document: JsonValue): SoakError {
  return assertThrows(() => parseProfile(document, "my profile.json"), SoakError);
}

const RULE: JsonObject = {
  name: "extra",
  protection: 1,
  when: [{ kpi: "net_bps", op: "<", value: 0 }],
  then: [{ param: "tail_age_ms", add: 1 }],
};
const FIRST_PARAMETER = "$.parameters[0]";

const MISTAKES: readonly (readonly [string, Place, JsonValue | undefined, string])[] = [
  ["a missing part", ["guards"], undefined, "$.guards"],
  ["an unknown field", ["colour"], "red", "$.colour"],
  ["a name with a space", ["name"], "market maker", "$.name"],
  ["a name that is no string", ["name"], 7, "$.name"],
  ["parameters that are no array", ["parameters"], {}, "$.parameters"],
  ["a key with a dot", ["parameters", 0, "key"], "a.b", `${FIRST_PARAMETER}.key`],
  [
    "a key of the language's own",
    ["parameters", 0, "key"],
    "constructor",
    `${FIRST_PARAMETER}.key`,
  ],
  ["a path into the prototype", ["parameters", 0, "path"], "risk.__proto__.x", FIRST_PARAMETER],
  ["a path with an empty segment", ["parameters", 0, "path"], "risk..x", FIRST_PARAMETER],
  ["an unknown kind", ["parameters", 0, "kind"], "float", `${FIRST_PARAMETER}.kind`],
  ["a step of zero", ["parameters", 0, "step"], 0, `${FIRST_PARAMETER}.step`],
  ["a step wider than the range", ["parameters", 0, "step"], 5, `${FIRST_PARAMETER}.step`],
  ["bounds the wrong way round", ["parameters", 0, "max"], 0.01, `${FIRST_PARAMETER}.min`],
  ["a default out of bounds", ["parameters", 0, "default"], 3, `${FIRST_PARAMETER}.default`],
  ["an integer with a fraction", ["parameters", 5, "step"], 0.5, "$.parameters[5].step"],
  ["a doubled key", ["parameters", 1, "key"], "base_spread_bps", "$.parameters[1].key"],
  ["a doubled path", ["parameters", 1, "path"], "risk.base_spread_bps", "$.parameters[1].path"],
  ["a doubled KPI", ["kpis", 1, "key"], "risk_ratio", "$.kpis[1].key"],
  ["a doubled metric", ["kpis", 1, "metric"], "risk_ratio", "$.kpis[1].metric"],
  [
    "a metric with the name of the ratio in it",
    ["kpis", 0, "metric"],
    "soak_delta_full_apply_ratio",
    "$.kpis[0].metric",
  ],
  ["a metric in capitals", ["kpis", 0, "metric"], "Risk", "$.kpis[0].metric"],
  ["a KPI with a summary's own name", ["kpis", 0, "key"], "state_hash", "$.kpis[0].key"],
  ["a target that is no number", ["kpis", 0, "target"], "0.42", "$.kpis[0].target"],
  ["a direction that is none", ["kpis", 0, "better"], "smaller", "$.kpis[0].better"],
  ["a doubled rule", ["rules", 1, "name"], "risk-high", "$.rules[1].name"],
  ["a rule without conditions", ["rules", 0, "when"], [], "$.rules[0].when"],
  ["a rule without steps", ["rules", 0, "then"], [], "$.rules[0].then"],
  ["a rule on no KPI", ["rules", 0, "when", 0, "kpi"], "profit", "$.rules[0].when[0].kpi"],
  ["an operator that is none", ["rules", 0, "when", 0, "op"], "=", "$.rules[0].when[0].op"],
  ["a step of no parameter", ["rules", 0, "then", 0, "param"], "x", "$.rules[0].then[0].param"],
  ["a step of two kinds", ["rules", 0, "then", 0, "multiply"], 2, "$.rules[0].then[0]"],
  ["a step of no kind", ["rules", 0, "then", 0, "add"], undefined, "$.rules[0].then[0]"],
  ["a cap of zero", ["guards", "velocity_cap"], 0, "$.guards.velocity_cap"],
  ["half an iteration", ["guards", "cooldown_iters"], 1.5, "$.guards.cooldown_iters"],
  ["a freeze after nothing", ["guards", "freeze_after"], 0, "$.guards.freeze_after"],
  ["a window of one change", ["guards", "oscillation_window"], 1, "$.guards.oscillation_window"],
  ["a ratio above 1", ["gate", "full_apply_ratio"], 1.01, "$.gate.full_apply_ratio"],
  ["more passes than the window", ["gate", "pass"], 9, "$.gate.pass"],
  ["a warning above the pass", ["gate", "warn"], 7, "$.gate.warn"],
];

for (const [mistake, place, value, path] of MISTAKES) {
  Deno.test(`parseProfile() refuses ${mistake}, naming file and field`, () => {
    const error = refusal(altered(place, value));
    assertEquals(error.kind, "artifact");
    assertStringIncludes(error.where ?? "", `my profile.json: ${path}`);
  });
}

Deno.test("parseProfile() refuses what is not an object", () => {
  for (const document of [null, [], "profile", 1]) {
    assertStringIncludes(refusal(document).message, "expected an object");
  }
});

Deno.test("parseProfile() refuses every document with one field removed that it needs", () => {
  const remove = (value: JsonValue, place: Place): void => {
    const entries: [string | number, JsonValue][] = Array.isArray(value)
      ? [...value.entries()]
      : typeof value === "object" && value !== null
      ? Object.entries(value)
      : [];
    for (const [step, child] of entries) {
      const here = [...place, step];
      const optional = step === "limit" || step === "query" ||
        step === "description" && place[0] === "rules";
      if (typeof step === "string" && !optional) refusal(altered(here, undefined));
      remove(child, here);
    }
  };
  remove(profileToJson(marketMaker), []);
});

Deno.test("parseProfile() keeps a KPI's query, and leaves it out where there is none", () => {
  const document = altered(["kpis", 0, "query"], "avg(risk)");
  const [first, second] = parseProfile(document, "p.json").kpis;
  assertEquals(first?.query, "avg(risk)");
  assertEquals(second !== undefined && "query" in second, false);
});

Deno.test("parseProfile() accepts another profile than the built-in one", () => {
  const document = altered(["rules"], [RULE]);
  const profile = parseProfile({ ...document, name: "cache" }, "p.json");
  assertEquals([profile.name, profile.rules.map(({ name }) => name)], ["cache", ["extra"]]);
});

Deno.test("profileToJson() makes a copy of its own", () => {
  const document = profileToJson(marketMaker);
  Reflect.set(document, "name", "changed");
  assertEquals(marketMaker.name, "market-maker");
  assertEquals(parseJson(JSON.stringify(profileToJson(marketMaker))), profileToJson(marketMaker));
});

// --- checkProfile() --------------------------------------------------------------------------

/** The starting point with other values at some places. */
function startAltered(changes: readonly (readonly [Place, JsonValue | undefined])[]): JsonObject {
  const document = profileToJson(startingPoint);
  for (const [place, value] of changes) {
    const holder = place.slice(0, -1).reduce<unknown>(
      (at, step) => Reflect.get(Object(at), step),
      document,
    );
    if (value === undefined) Reflect.deleteProperty(Object(holder), place.at(-1) ?? "");
    else Reflect.set(Object(holder), place.at(-1) ?? "", value);
  }
  return document;
}

function findings(document: JsonValue, severity: ProfileProblem["severity"]): string[] {
  return checkProfile(document)
    .filter((problem) => problem.severity === severity)
    .map(({ path, message, remedy }) =>
      `${path} ${message}${remedy === undefined ? "" : `; ${remedy}`}`
    );
}

const P0: Place = ["parameters", 0];
const SETTING: JsonObject = {
  key: "velocity_cap",
  path: "tuner.velocity_cap",
  kind: "number",
  min: 0.05,
  max: 1,
  step: 0.05,
  unit: "range",
  default: 0.25,
  description: "",
};
const throughput = (...when: readonly JsonObject[]): [Place, JsonValue] => [
  ["rules", 2, "when"],
  when.map((condition) => ({ kpi: "throughput_rps", ...condition })),
];

/** What is wrong, and the only error that must be named. */
const ERRORS: readonly (readonly [string, [Place, JsonValue | undefined][], string])[] = [
  [
    "a default off its step",
    [[["parameters", 1, "default"], 510]],
    "$.parameters[1].default timeout_ms has a default of 510, which is no multiple of its step " +
    "50; the nearest one is 500",
  ],
  [
    "a bound off its step, beyond which rounding would lead",
    [[["parameters", 1, "max"], 1990]],
    "$.parameters[1].max timeout_ms has a max of 1990, which is no multiple of its step 50; the " +
    "nearest one is 2000",
  ],
  [
    "a step too fine for its numbers",
    [[["parameters", 0, "kind"], "number"], [["parameters", 0, "step"], 1e-18]],
    "$.parameters[0].step concurrency has a step too fine for numbers of its size",
  ],
  [
    "a path inside another one",
    [[["parameters", 2, "path"], "server.concurrency.cache"]],
    "$.parameters[2].path server.concurrency.cache lies inside server.concurrency, where " +
    "$.parameters[0] has its value",
  ],
  [
    "a path around another one",
    [[["parameters", 2, "path"], "server"]],
    "$.parameters[0].path server.concurrency lies inside server, where $.parameters[2] has its value",
  ],
  [
    "no KPI with a target",
    [0, 1, 2].map((i) => [["kpis", i, "target"], null]),
    "$.kpis no KPI has a target: every iteration would pass",
  ],
  [
    "a misspelt KPI",
    [[["rules", 0, "when", 0, "kpi"], "error_rate"]],
    "$.rules[0].when[0].kpi there is no KPI error_rate; did you mean error_ratio?",
  ],
  [
    "a misspelt parameter",
    [[["rules", 1, "then", 0, "param"], "cache"]],
    "$.rules[1].then[0].param there is no parameter cache; did you mean cache_mib?",
  ],
  [
    "a rule that can never fire",
    [throughput({ op: ">", value: 5 }, { op: "<", value: 3 })],
    "$.rules[2].when rule throughput-low can never fire: throughput_rps > 5 and " +
    "throughput_rps < 3 exclude each other",
  ],
  [
    "a rule that could fire only between equal open bounds",
    [throughput({ op: ">=", value: 5 }, { op: "<", value: 5 })],
    "$.rules[2].when rule throughput-low can never fire: throughput_rps >= 5 and " +
    "throughput_rps < 5 exclude each other",
  ],
  [
    "adding nothing",
    [[["rules", 1, "then", 0, "add"], 0]],
    "$.rules[1].then[0] adding 0 leaves cache_mib as it is",
  ],
  [
    "multiplying by one",
    [[["rules", 2, "then", 0, "multiply"], 1]],
    "$.rules[2].then[0] multiplying by 1 leaves concurrency as it is",
  ],
  [
    "adding less than half a step",
    [[["rules", 1, "then", 0, "add"], 7]],
    "$.rules[1].then[0].add adding 7 to cache_mib is rounded away: its step is 16",
  ],
  [
    "multiplying by too little",
    [[["rules", 2, "then", 0, "multiply"], 1.005]],
    "$.rules[2].then[0].multiply multiplying concurrency by 1.005 is rounded away: its step is 1",
  ],
  [
    "a limit on the wrong side",
    [[["rules", 1, "then", 0, "limit"], 16]],
    "$.rules[1].then[0].limit the step moves cache_mib up, but a limit of 16 lets it go nowhere " +
    "from any value in 16 to 512",
  ],
  [
    "two steps of one parameter in one rule",
    [[["rules", 0, "then", 1], { param: "timeout_ms", add: 50 }]],
    "$.rules[0].then[1] rule errors-high already moves timeout_ms in then[0]",
  ],
  [
    "a velocity cap below a parameter's step",
    [[["guards", "velocity_cap"], 0.15], [[...P0, "step"], 16], [[...P0, "min"], 16], [
      [...P0, "default"],
      16,
    ], [["rules", 0, "then"], [{ param: "timeout_ms", add: 200 }]]],
    "$.rules[2].then[0].param velocity_cap allows concurrency to move by 7.2, less than its step " +
    "of 16: it never moves",
  ],
  [
    "a velocity cap of zero as a parameter",
    [[["parameters", 3], { ...SETTING, min: 0 }]],
    "$.parameters[3].min the guard setting velocity_cap must be above 0",
  ],
  [
    "a parameter inside a guard setting",
    [[["parameters", 3], { ...SETTING, path: "tuner.velocity_cap.x" }]],
    "$.parameters[3].path tuner.velocity_cap.x lies inside tuner.velocity_cap, where the guard's " +
    "setting stands",
  ],
  [
    "a guard setting in halves",
    [[["parameters", 3], { ...SETTING, key: "w", path: "tuner.freeze_after", min: 1, default: 1 }]],
    "$.parameters[3].min w has its bounds the wrong way round: 1 is not below 1",
  ],
];

for (const [mistake, changes, expected] of ERRORS) {
  Deno.test(`checkProfile() names ${mistake}`, () => {
    assertEquals(findings(startAltered(changes), "error")[0], expected);
  });
}

const ERRORS_ONLY: [Place, JsonValue] = [
  ["rules", 2, "when"],
  [{ kpi: "error_ratio", op: "<", value: 0.005 }],
];

/** What is suspicious, and the warnings for it; there are no errors. */
const WARNINGS: readonly (readonly [string, [Place, JsonValue | undefined][], string[]])[] = [
  ["no rule at all", [[["rules"], []]], [
    "$.rules there is no rule: nothing is ever tuned",
  ]],
  ["a KPI for nothing", [ERRORS_ONLY, [
    ["kpis", 2, "target"],
    null,
  ]], ["$.kpis[2] throughput_rps has no target, and no rule looks at it"]],
  ["a target that no rule works for", [ERRORS_ONLY], [
    "$.kpis[2] no rule looks at throughput_rps: nothing is tuned for it",
  ]],
  ["a condition that another one contains", [
    throughput({ op: "<", value: 200 }, { op: "<=", value: 300 }),
  ], ["$.rules[2].when[1] throughput_rps <= 300 adds nothing to throughput_rps < 200"]],
  ["a condition that stands there twice", [
    throughput({ op: "<", value: 200 }, { op: "<", value: 200 }),
  ], ["$.rules[2].when[1] throughput_rps < 200 adds nothing to throughput_rps < 200"]],
  ["a step that a rule above always takes", [
    [["rules", 2, "when", 2], { kpi: "error_ratio", op: ">=", value: 0.02 }],
    [["rules", 2, "then", 0], { param: "timeout_ms", add: 50 }],
  ], [
    "$.rules[2].then[0] rule throughput-low never gets to move timeout_ms: errors-high stands " +
    "first and moves it whenever this rule fires",
  ]],
  ["a step that is rounded", [[["rules", 1, "then", 0, "add"], 60]], [
    "$.rules[1].then[0].add 60 is rounded to 64: the step of cache_mib is 16",
  ]],
  ["a step that the velocity cap shortens", [[["rules", 1, "then", 0, "add"], 160]], [
    "$.rules[1].then[0].add velocity_cap allows cache_mib to move by 124: the step is shortened",
  ]],
  ["a limit beyond the bounds", [[["rules", 1, "then", 0, "limit"], 1024]], [
    "$.rules[1].then[0].limit 1024 lies beyond the bound of cache_mib, 512, which holds anyway",
  ]],
  ["a cap that never holds", [[["guards", "velocity_cap"], 2]], [
    "$.guards.velocity_cap a single step is never larger than the whole range: the cap has no effect",
  ]],
  ["a guard's parameter that overrides the guard", [[["parameters", 3], {
    ...SETTING,
    default: 0.3,
  }]], [
    "$.guards.velocity_cap 0.25 is never used: the parameter velocity_cap starts at 0.3 and " +
    "overrides it",
  ]],
  ["a guard that a rule changes", [
    [["parameters", 3], SETTING],
    [["rules", 0, "then", 0], { param: "velocity_cap", add: 0.1 }],
  ], [
    "$.rules[0].then[0].param rule errors-high lets the tuner change a guard that holds it back",
  ]],
  ["a setting that the guards don't have", [[["parameters", 3], {
    ...SETTING,
    path: "tuner.velocity_cup",
  }]], [
    "$.parameters[3].path the guards have no setting velocity_cup; did you mean velocity_cap?",
  ]],
  ["a placeholder that is none", [[["kpis", 0, "query"], "rate(x[${windwo}])"]], [
    "$.kpis[0].query ${windwo} is no placeholder: only ${window} is filled in",
  ]],
  ["a gate that any run passes", [[["gate", "full_apply_ratio"], 0]], [
    "$.gate.full_apply_ratio 0 passes a run in which no change took effect",
  ]],
];

for (const [suspicion, changes, expected] of WARNINGS) {
  Deno.test(`checkProfile() warns of ${suspicion}`, () => {
    const document = startAltered(changes);
    assertEquals(findings(document, "error"), []);
    assertEquals(findings(document, "warning"), expected);
    parseProfile(document, "p.json");
  });
}

Deno.test("checkProfile() names mistakes of form and of sense together, from top to bottom", () => {
  const document = startAltered([
    [["gate", "warn"], 7],
    [["rules", 0, "when", 0, "kpi"], "errors"],
    [["kpis", 1, "better"], "less"],
    [["parameters", 1, "min"], 3000],
    [["parameters", 0, "unt"], "x"],
    [["parameters", 0, "unit"], undefined],
  ]);
  assertEquals(checkProfile(document).map(({ path, remedy }) => [path, remedy]), [
    ["$.parameters[0].unit", undefined],
    ["$.parameters[0].unt", "did you mean unit?"],
    ["$.parameters[1].min", undefined],
    ["$.kpis[1].better", undefined],
    ["$.rules[0].when[0].kpi", undefined],
    ["$.gate.warn", undefined],
  ]);
});

Deno.test("checkProfile() lets an editor's $schema stand, parseProfile() in a record does not", () => {
  const document = { $schema: "./profile.schema.json", ...profileToJson(startingPoint) };
  assertEquals(checkProfile(document), []);
  assertStringIncludes(refusal(document).where ?? "", "$.$schema");
});

Deno.test("checkProfile() takes no more than the square of a document's size, even of one made to be slow", () => {
  const [one, kpi, rule] = [SETTING, startingPoint.kpis[0], startingPoint.rules[0]];
  const then = Array.from({ length: 32 }, (_, i) => ({ param: `p${i}`, multiply: 1.5 }));
  const documentOf = (length: number): JsonValue =>
    parseJson(JSON.stringify({
      ...startingPoint,
      parameters: Array.from({ length }, (_, i) => ({ ...one, key: `p${i}`, path: `a.p${i}` })),
      kpis: Array.from({ length }, (_, i) => ({ ...kpi, key: `k${i}`, metric: `k${i}` })),
      rules: Array.from({ length }, (_, i) => ({ ...rule, name: `r${i}`, then })),
    }));
  const costOf = (length: number): number => {
    const { document, reads } = counted(documentOf(length));
    assert(checkProfile(document).length > length);
    return reads();
  };
  // Four times the size: 16 times the square, 64 times the cube.
  const growth = costOf(80) / costOf(20);
  assert(growth > 4 && growth < 20, String(growth));
});

/** A document that counts how often anything in it is read: the work on it, on any machine. */
function counted(document: JsonValue): { document: JsonValue; reads: () => number } {
  let reads = 0;
  const handler: ProxyHandler<object> = {
    get(target, name) {
      reads++;
      return Reflect.get(target, name);
    },
  };
  const counting = JSON.parse(
    JSON.stringify(document),
    (_, value) => typeof value === "object" && value !== null ? new Proxy(value, handler) : value,
  );
  return { document: counting, reads: () => reads };
}

Deno.test("a profile without errors never makes the tuner propose what can't be applied", () => {
  const runs = fc.array(
    fc.array(fc.integer({ min: -120, max: 120 }), { minLength: 4, maxLength: 4 }),
  );
  fc.assert(fc.property(validProfile, runs, (profile, series) => {
    const { parameters } = profile;
    let runtime = applyDeltas(
      {},
      Object.fromEntries(parameters.map((p) => [p.key, p.default])),
      parameters,
    ).runtime;
    let history = EMPTY_HISTORY;
    for (const [i, values] of series.entries()) {
      const kpis = Object.fromEntries(profile.kpis.map(({ key }, k) => [key, values[k] ?? null]));
      const kpisMet = judgeKpis(profile, kpis).verdict === "PASS";
      history = observeIteration(history, { iteration: i + 1, timeMs: i * 600_000, kpisMet });
      const { deltas, changes } = propose({ profile, runtime, kpis, history });
      assertEquals(validateDeltas(deltas, parameters), []);
      runtime = applyDeltas(runtime, deltas, parameters).runtime;
      assertEquals(validateRuntime(runtime, parameters), []);
      if (changes.length > 0) history = rememberApplied(history, stepsOf(changes, parameters));
    }
  }));
});

/** What is said of the profile with parameters of every kind, with a field of it changed. */
function saidOf(change: (draft: Draft) => void): string[] {
  const draft = structuredClone(profileToJson(MIXED)) as unknown as Draft;
  change(draft);
  return checkProfile(draft as unknown as JsonValue)
    .filter(({ message }) => !message.startsWith("velocity_cap allows quote_mode"))
    .map(({ severity, path, message, remedy }) =>
      `${severity} ${path} ${message}${remedy === undefined ? "" : `; ${remedy}`}`
    );
}

interface Draft {
  parameters: Record<string, JsonValue>[];
  rules: { then: Record<string, JsonValue>[] }[];
}

const [SWITCH, LIST] = [17, 18];

Deno.test("a switch and a list have the fields of their kinds", () => {
  const parameter = (index: number, fields: Record<string, JsonValue>): string[] =>
    saidOf(({ parameters }) => void Object.assign(parameters[index] ?? {}, fields));
  const remove = (index: number, field: string): string[] =>
    saidOf(({ parameters }) => void delete parameters[index]?.[field]);
  const at = `error $.parameters[${SWITCH}]`;
  assertEquals(parameter(SWITCH, { step: 1 }), [
    `${at}.step there is no such field; it is for the kinds integer, number`,
  ]);
  assertEquals(parameter(SWITCH, { values: [false, true] }), [
    `${at}.values there is no such field; it is for the kinds enum`,
  ]);
  assertEquals(parameter(SWITCH, { default: "false" }), [
    `${at}.default expected true or false, found "false"`,
  ]);
  assertEquals(parameter(SWITCH, { kind: "bool" }), [
    `${at}.kind expected "integer" or "number" or "boolean" or "enum", found "bool"; ` +
    "did you mean boolean?",
  ]);
  assertEquals(remove(SWITCH, "kind"), [`${at}.kind the field is missing`]);
  const list = `error $.parameters[${LIST}]`;
  assertEquals(remove(LIST, "values"), [`${list}.values the field is missing`]);
  assertEquals(parameter(LIST, { values: ["tight"] }), [
    `${list}.values expected from 2 to 100 elements, found 1`,
  ]);
  assertEquals(parameter(LIST, { default: "tigth" }), [
    `${list}.default quote_mode has a default of "tigth", which is not one of "tight", "normal", ` +
    '"wide", "very wide", "off"; did you mean tight?',
  ]);
  assertEquals(parameter(LIST, { query: "max(x)" }), [
    `${list}.query a query yields a number, and quote_mode has values that are texts; leave it ` +
    "out, and report the value in effective_params",
  ]);
  const values = (...values: JsonValue[]) =>
    saidOf(({ parameters }) => {
      Object.assign(parameters[LIST] ?? {}, { values, default: values[0] ?? null });
    }).filter((line) => !line.includes("limit"));
  assertEquals(values("a", 1, "b", "1", "a"), [
    `${list}.values[3] quote_mode has the value "1" already in values[1]`,
    `${list}.values[4] quote_mode has the value "a" already in values[0]`,
  ]);
  assertEquals(values("true", "false"), [
    `warning $.parameters[${LIST}].kind quote_mode is true or false, but as texts; leave out ` +
    'values and say "kind": "boolean"',
  ]);
  for (const value of ["", " a", "a ", "a  b", "a\n", "\u200b", "\u00a0", "x".repeat(101)]) {
    assertEquals(values("a", value).length, 1, JSON.stringify(value));
  }
  for (const value of [true, null, [], {}, 1e300]) assertEquals(values("a", value).length, 1);
  assertEquals(values("a", "x".repeat(100), "very wide", "\u00e9", -1.5), []);
});

Deno.test("a guard's setting is no switch and no list", () => {
  const said = saidOf(({ parameters }) => {
    parameters.splice(parameters.findIndex(({ key }) => key === "velocity_cap"), 1);
    Object.assign(parameters[SWITCH - 1] ?? {}, { path: "tuner.velocity_cap" });
  });
  assertEquals(said, [
    `error $.parameters[${SWITCH - 1}].kind the guard setting velocity_cap is a number`,
  ]);
});

Deno.test("rules move a switch and a list by whole places, up to one of the values", () => {
  const step = (action: Record<string, JsonValue>): string[] =>
    saidOf(({ rules }) => void (rules[8]?.then.splice(0, 3, action)));
  const at = "$.rules[8].then[0]";
  const cases: readonly (readonly [Record<string, JsonValue>, string[]])[] = [
    [{ param: "post_only", add: 1 }, []],
    [{ param: "post_only", add: -1, limit: false }, []],
    [{ param: "lot", add: 1, limit: 100 }, []],
    [{ param: "post_only", multiply: 2 }, [
      `error ${at}.multiply post_only is no number that could be multiplied; move it by places: ` +
      '"add": 1 is the next value, "add": -1 the one before',
    ]],
    [{ param: "quote_mode", add: 0.5 }, [
      `error ${at}.add quote_mode is of kind enum and moves by whole places, not by 0.5; 1 is the ` +
      "next value, -1 the one before",
    ]],
    [{ param: "quote_mode", add: 0 }, [`error ${at} adding 0 leaves quote_mode as it is`]],
    [{ param: "post_only", add: 1, limit: "true" }, [
      `error ${at}.limit the limit of post_only must be true or false, not "true"`,
    ]],
    [{ param: "quote_mode", add: 1, limit: "widee" }, [
      `error ${at}.limit the limit of quote_mode must be one of "tight", "normal", "wide", ` +
      '"very wide", "off", not "widee"; did you mean wide?',
    ]],
    [{ param: "lot", add: 1, limit: "50" }, [
      `error ${at}.limit the limit of lot must be one of 10, 25, 50, 100, not "50"; did you mean ` +
      "50?",
    ]],
    [{ param: "tail_age_ms", add: 1, limit: true }, [
      `error ${at}.limit the limit of tail_age_ms must be a number, not true`,
    ]],
    [{ param: "post_only", add: 1, limit: false }, [
      `error ${at}.limit the step moves post_only up, but a limit of false lets it go nowhere ` +
      "from any value there is",
    ]],
    [{ param: "quote_mode", add: -1, limit: "off" }, [
      `error ${at}.limit the step moves quote_mode down, but a limit of "off" lets it go nowhere ` +
      "from any value there is",
    ]],
    [{ param: "lot", add: 2 }, [
      `warning ${at}.add velocity_cap allows lot to move by 1 place: the step is shortened`,
    ]],
  ];
  for (const [action, said] of cases) assertEquals(step(action), said, JSON.stringify(action));
});
