import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SoakError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json_value.ts";
import { EMPTY_HISTORY, observeIteration, rememberApplied, stepsOf } from "../../model/guards.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, validateDeltas, validateRuntime } from "../../model/params.ts";
import { conditionHolds, judgeKpis, type Kpi } from "../../model/profile.ts";
import { checkProfile, parseProfile, profileToJson } from "../../model/profile_check.ts";
import type { ProfileProblem } from "../../model/schema_check.ts";
import { startingPoint } from "../../model/starting_point.ts";
import { propose } from "../../run/tuner.ts";
import { MIXED } from "../kit/mixed_profile.ts";
import { inRepository } from "../kit/repository.ts";
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
  ["a missing part", ["guards"], undefined, "$"],
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
  ["a gap between a target and the rule for it", [[["rules", 1, "when", 0, "value"], 300]], [
    "$.rules[1].when[0].value p95_latency_ms misses its target above 250, but rule latency-high " +
    "waits for p95_latency_ms > 300: in between, the gate fails and nothing is tuned for it",
  ]],
  ["a gap where higher is better", [[["rules", 2, "when", 0, "value"], 150]], [
    "$.rules[2].when[0].value throughput_rps misses its target below 200, but rule " +
    "throughput-low waits for throughput_rps < 150: in between, the gate fails and nothing is " +
    "tuned for it",
  ]],
  ["a rule that ends while its target is missed", [
    [["rules", 0, "when", 1], { kpi: "error_ratio", op: "<=", value: 0.5 }],
  ], [
    "$.rules[0].when[1].value error_ratio misses its target above 0.01, but no rule for it fires " +
    "beyond error_ratio <= 0.5, where errors-high ends",
  ]],
  ["a gap between two rules for a target", [
    [["rules", 0, "when", 1], { kpi: "error_ratio", op: "<=", value: 0.5 }],
    [["rules", 3], {
      name: "errors-everywhere",
      protection: 3,
      when: [{ kpi: "error_ratio", op: ">", value: 0.75 }],
      then: [{ param: "concurrency", add: -8 }],
    }],
  ], [
    "$.rules[3].when[0].value error_ratio misses its target above 0.01, but no rule for it fires " +
    "between error_ratio <= 0.5 and error_ratio > 0.75",
  ]],
  ["an operator the wrong way round", [[["rules", 1, "when", 0, "op"], "<"]], [
    "$.rules[1].when[0].op rule latency-high fires only while p95_latency_ms meets its target of " +
    "250 (p95_latency_ms < 250), and none fires when it misses it; is the operator the wrong way " +
    'round, or "better" of the KPI?',
  ]],
  ["a direction the wrong way round", [[["kpis", 1, "better"], "higher"], [
    ["rules", 1, "when"],
    [{ kpi: "p95_latency_ms", op: ">", value: 250 }],
  ], throughput({ op: "<", value: 200 })], [
    "$.rules[0].when[0].op rule errors-high fires only while error_ratio meets its target of 0.01 " +
    "(error_ratio > 0.01), and none fires when it misses it; is the operator the wrong way round, " +
    'or "better" of the KPI?',
  ]],
  ["a step that ends where the parameter starts", [
    [["rules", 1, "then", 0, "limit"], 64],
    [["starts"], undefined],
  ], [
    "$.rules[1].then[0].limit cache_mib starts at 64, and this step ends at 64: it never moves, " +
    "for no rule moves it down",
  ]],
  ["a step towards the bound that the parameter starts at", [
    [["parameters", 1, "default"], 2000],
  ], [
    "$.rules[0].then[0] timeout_ms starts at 2000, and this step ends at 2000: it never moves, for " +
    "no rule moves it down",
  ]],
  ["rules that pull both ways at a draw", [
    [["rules", 1, "then", 1], { param: "concurrency", add: -4 }],
    [["rules", 1, "when", 1], { kpi: "throughput_rps", op: "<", value: 300 }],
    [["rules", 2, "protection"], 1],
    throughput({ op: "<", value: 200 }),
  ], [
    "$.rules[2].protection rule throughput-low and latency-high pull concurrency in opposite " +
    "directions with the same protection: where both fire, latency-high wins, standing first; " +
    "give the one that keeps the system safe a higher protection",
  ]],
  ["a freeze that takes longer than the window", [[["guards", "freeze_after"], 9]], [
    "$.guards.freeze_after a freeze takes 9 iterations in a row on target, more than the gate's " +
    "window of 8",
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

/** What is all right, though it looks like a trap. */
const SOUND: readonly (readonly [string, [Place, JsonValue | undefined][]])[] = [
  ["a rule that starts before its target is missed", [[["rules", 1, "when", 0, "value"], 200]]],
  ["a rule from the next count on", [
    [["kpis", 2, "target"], 200],
    throughput({ op: "<=", value: 199 }),
  ]],
  ["a rule that starts at the target itself", [[["rules", 1, "when", 0, "op"], ">="]]],
  ["rules that share the values that miss a target", [
    [["rules", 0, "when", 1], { kpi: "error_ratio", op: "<=", value: 0.5 }],
    [["rules", 3], {
      name: "errors-everywhere",
      protection: 3,
      when: [{ kpi: "error_ratio", op: ">=", value: 0.5 }],
      then: [{ param: "concurrency", add: -8 }],
    }],
  ]],
  ["a rule that relaxes while all is well", [[["rules", 3], {
    name: "relax",
    protection: 0,
    when: [{ kpi: "p95_latency_ms", op: "<", value: 100 }],
    then: [{ param: "cache_mib", add: -16 }],
  }]]],
  ["a step that ends where a parameter starts by default, when a start has it elsewhere", [
    [["rules", 1, "then", 0, "limit"], 64],
    [["starts"], { small: { cache_mib: 16 } }],
  ]],
  ["a limit that a parameter starts beyond, when another rule brings it back", [
    [["rules", 2, "then", 0, "limit"], 8],
  ]],
  ["rules that pull both ways at a draw, but never together", [[["rules", 2, "protection"], 2]]],
];

for (const [what, changes] of SOUND) {
  Deno.test(`checkProfile() finds no fault with ${what}`, () => {
    assertEquals(checkProfile(startAltered(changes)), []);
  });
}

Deno.test("checkProfile() warns of a target exactly where no rule for a KPI fires that has one", () => {
  const misses = ({ better, target }: Kpi, value: number): boolean =>
    target !== null && (better === "lower" ? value > target : value < target);
  // Counts apart, which a gap of less than 1 between whole numbers is none for.
  const values = Array.from({ length: 1000 }, (_, i) => (i - 500) / 4 + 0.125);
  fc.assert(fc.property(validProfile, (profile) => {
    const warned = checkProfile(profileToJson(profile))
      .filter(({ message }) => /misses its target|none fires when it misses/.test(message))
      .map(({ message }) => profile.kpis.find(({ key }) => message.includes(`${key} `))?.key);
    for (const kpi of profile.kpis) {
      const rules = profile.rules.filter(({ when }) => when.some((one) => one.kpi === kpi.key));
      const fires = (value: number): boolean =>
        rules.some(({ when }) =>
          when.every((one) => one.kpi !== kpi.key || conditionHolds(one, { [kpi.key]: value }))
        );
      const missed = values.filter((value) => misses(kpi, value));
      const tuned = missed.filter(fires);
      if (warned.includes(kpi.key)) assert(tuned.length < missed.length, kpi.key);
      else if (tuned.length > 0) {
        // A gap between two neighbouring whole numbers has four of the values.
        assert(missed.length - tuned.length <= 4 * rules.length, kpi.key);
      }
    }
  }));
});

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
    ["$.parameters[0].unt", "did you mean unit?"],
    ["$.parameters[1].min", undefined],
    ["$.kpis[1].better", "did you mean lower?"],
    ["$.rules[0].when[0].kpi", undefined],
    ["$.gate.warn", undefined],
  ]);
});

/** What is wrong, and the one error that there is. */
const HINTS: readonly (readonly [[Place, JsonValue | undefined][], string])[] = [
  [
    [[[...P0, "step"], undefined]],
    '$.parameters[0] lacks "step": values are rounded to multiples of this, for example 1',
  ],
  [
    [[["kpis", 0, "better"], undefined]],
    '$.kpis[0] lacks "better": which way is better, "lower" or "higher"',
  ],
  [
    [[["rules", 0, "when"], undefined]],
    '$.rules[0] lacks "when": conditions, all of which must hold, for example ' +
    '[{"kpi":"p95_latency_ms","op":">","value":350}]',
  ],
  [
    [[["gate"], undefined]],
    '$ lacks "gate": how the last iterations are judged; soak profile init prints an example',
  ],
  [
    [[[...P0, "kind"], "float"]],
    '$.parameters[0].kind expected "integer" or "number" or "boolean" or "enum", found "float"; ' +
    "did you mean number?",
  ],
  [
    [[[...P0, "kind"], "string"]],
    '$.parameters[0].kind expected "integer" or "number" or "boolean" or "enum", found "string"; ' +
    'did you mean enum? It has a list of "values"',
  ],
  [
    [[[...P0, "kind"], undefined]],
    '$.parameters[0] lacks "kind": which values it has, "integer" or "number" or "boolean" or ' +
    '"enum"',
  ],
  [
    [[[...P0, "kind"], "boolean"]],
    '$.parameters[0].kind expected "integer" or "number" with the fields that are there, found ' +
    '"boolean"',
  ],
  [
    [[P0, { key: "concurrency", path: "a", kind: "enum", default: "x", description: "" }]],
    '$.parameters[0] lacks "values": the values in their order: adding 1 leads from one to the ' +
    'next, for example ["off","lru","lfu"]',
  ],
  [
    [[["starts"], { small: { cache: 16 } }]],
    "$.starts.small.cache there is no parameter cache; did you mean cache_mib?",
  ],
  [
    [[["starts"], { small: { cache_mib: "16" } }]],
    "$.starts.small.cache_mib cache_mib must be a finite number",
  ],
  [
    [[["starts"], { small: { cache_mib: null } }]],
    "$.starts.small.cache_mib expected a value of the parameter, found null; leave the field out",
  ],
  [
    [[["starts"], { small: { cache_mib: 20 } }]],
    "$.starts.small.cache_mib cache_mib starts with 20, which is no multiple of its step 16; the " +
    "nearest one is 16",
  ],
  [
    [[["starts"], undefined], [["presets"], { small: { cache_mib: 16 } }]],
    "$.presets there is no such field; did you mean starts?",
  ],
  [
    [[["kpis", 0, "better"], "min"]],
    '$.kpis[0].better expected "lower" or "higher", found "min"; did you mean lower?',
  ],
  ...["=", "==", "==="].map((op): [[Place, JsonValue][], string] => [
    [[["rules", 0, "when", 0, "op"], op]],
    `$.rules[0].when[0].op expected ">=" or ">" or "<=" or "<", found "${op}"; a measured value ` +
    "is hardly ever equal to a number: choose >= or <=, or one of each",
  ]),
  [
    [[["rules", 0, "when", 0, "op"], "!="]],
    '$.rules[0].when[0].op expected ">=" or ">" or "<=" or "<", found "!="; choose a side: > or ' +
    "<, or a rule for each",
  ],
  ...[["=>", ">="], ["=<", "<="], ["\u2265", ">="], ["gt", ">"]].map((
    [op, meant],
  ): [[Place, JsonValue | undefined][], string] => [
    [[["rules", 0, "when", 0, "op"], op]],
    `$.rules[0].when[0].op expected ">=" or ">" or "<=" or "<", found "${op}"; did you mean ` +
    `${meant}?`,
  ]),
  [
    [[["rules", 0, "then", 0, "multiply"], 2]],
    '$.rules[0].then[0] has both "add" and "multiply", and is only one of them; remove one',
  ],
  [
    [[["rules", 0, "then", 0, "add"], undefined]],
    '$.rules[0].then[0] lacks a step: it has either "add": 30 or "multiply": 1.5',
  ],
  [
    [[["rules", 0, "then", 0], { param: "timeout_ms", increment: 100 }]],
    "$.rules[0].then[0].increment there is no such field; did you mean add?",
  ],
  [
    [[[...P0, "max"], "64"]],
    '$.parameters[0].max expected a number, found "64"; write the number without quotes: 64',
  ],
  [
    [[["guards", "velocity_cap"], "25%"]],
    '$.guards.velocity_cap expected a number above 0, found "25%"; write 0.25',
  ],
  [
    [[["gate", "full_apply_ratio"], 95]],
    "$.gate.full_apply_ratio expected a ratio from 0 to 1, found 95; 95 % is 0.95",
  ],
  [
    [[[...P0, "unit"], 5]],
    "$.parameters[0].unit expected a string of at most 2000 characters, found 5; write it in " +
    'quotes: "5"',
  ],
  [
    [[["rules", 0, "then", 0, "limit"], null]],
    "$.rules[0].then[0].limit expected a value of the parameter, found null; leave the field out",
  ],
  [
    [[[...P0, "default"], null]],
    "$.parameters[0].default expected a number, found null; it needs a value: value at the start " +
    "of a run, a multiple of step, for example 600",
  ],
  [
    [[["rules", 0, "when"], { kpi: "error_ratio", op: ">", value: 0.01 }]],
    "$.rules[0].when expected an array, found an object; put it in a list, between [ and ]",
  ],
];

for (const [changes, expected] of HINTS) {
  Deno.test(`checkProfile() helps: ${expected}`, () => {
    assertEquals(findings(startAltered(changes), "error"), [expected]);
  });
}

/** One mistake, and all that is said because of it. */
const ALONE: readonly (readonly [string, [Place, JsonValue | undefined][], string])[] = [
  ["a parameter whose key is called name", [
    [[...P0, "key"], undefined],
    [[...P0, "name"], "concurrency"],
  ], "$.parameters[0].name"],
  ["a parameter with nothing in it", [[P0, {}], [["starts"], undefined]], "$.parameters[0]"],
  ["KPIs under another name", [[["kpis"], undefined], [["metrics"], []]], "$.metrics"],
  ["a KPI that is no object", [[["kpis", 0], "p95_latency_ms"]], "$.kpis[0]"],
  ["a misspelt KPI, which would be one that no rule looks at", [
    [["rules", 2, "when", 0, "kpi"], "throughput"],
  ], "$.rules[2].when[0].kpi"],
  [
    "a step that makes every rule's step look wrong",
    [[[...P0, "step"], 1000]],
    "$.parameters[0].step",
  ],
  ["bounds the wrong way round", [[[...P0, "min"], 100]], "$.parameters[0].min"],
  ["a rule that is not sound", [[["rules", 1, "when", 0, "op"], "=="]], "$.rules[1].when[0].op"],
];

for (const [mistake, changes, path] of ALONE) {
  Deno.test(`checkProfile() says one thing of ${mistake}`, () => {
    assertEquals(checkProfile(startAltered(changes)).map((problem) => problem.path), [path]);
  });
}

Deno.test("checkProfile() lets an editor's $schema stand, parseProfile() in a record does not", () => {
  const document = { $schema: "./profile.schema.json", ...profileToJson(startingPoint) };
  assertEquals(checkProfile(document), []);
  assertStringIncludes(refusal(document).where ?? "", "$.$schema");
});

Deno.test("checkProfile() takes no more than the square of a document's size, even of one made to be slow", () => {
  const [one, kpi, rule] = [SETTING, startingPoint.kpis[0], startingPoint.rules[0]];
  const then = (multiply: number) =>
    Array.from({ length: 32 }, (_, i) => ({ param: `p${i % 10}`, multiply }));
  const documentOf = (length: number): JsonValue =>
    parseJson(JSON.stringify({
      ...startingPoint,
      parameters: Array.from({ length }, (_, i) => ({ ...one, key: `p${i}`, path: `a.p${i}` })),
      kpis: Array.from({ length }, (_, i) => ({ ...kpi, key: `k${i}`, metric: `k${i}` })),
      rules: Array.from({ length }, (_, i) => ({
        ...rule,
        name: `r${i}`,
        when: [{ kpi: `k${i}`, op: ">", value: 300 + i }, { kpi: "k0", op: "<", value: i }],
        then: then(i % 2 === 0 ? 1.5 : 0.5),
      })),
    }));
  const costOf = (length: number): number => {
    const { document, reads } = counted(documentOf(length));
    assert(checkProfile(document).length > length);
    return reads();
  };
  // Four times the size: 16 times the square, 64 times the cube.
  const growth = costOf(40) / costOf(10);
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
    .filter(({ message }) =>
      !message.startsWith("velocity_cap allows quote_mode") &&
      !message.includes("for no rule moves")
    )
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
    `${at}.default expected true or false, found "false"; write false, without quotes`,
  ]);
  assertEquals(parameter(SWITCH, { kind: "bool" }), [
    `${at}.kind expected "integer" or "number" or "boolean" or "enum", found "bool"; ` +
    "did you mean boolean?",
  ]);
  assertEquals(remove(SWITCH, "kind"), [
    `${at} lacks "kind": which values it has, "integer" or "number" or "boolean" or "enum"`,
  ]);
  const list = `error $.parameters[${LIST}]`;
  assertEquals(remove(LIST, "values"), [
    `${list} lacks "values": the values in their order: adding 1 leads from one to the next, for ` +
    'example ["off","lru","lfu"]',
  ]);
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

Deno.test("checkProfile() finds no fault with the built-in profile, the starting point and the examples", () => {
  const examples = ["nginx", "prometheus", "redis", "shell"].map((name) =>
    parseJson(Deno.readTextFileSync(inRepository(`examples/${name}/profile.json`)))
  );
  for (const document of [...examples, ...[marketMaker, startingPoint].map(profileToJson)]) {
    assertEquals(checkProfile(document), []);
  }
});
