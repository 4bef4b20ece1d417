import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SoakError } from "../errors.ts";
import { type JsonObject, type JsonValue, parseJson } from "../jsonx.ts";
import { marketMaker } from "../market_maker.ts";
import { parseProfile, profileToJson } from "../profile_check.ts";

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
