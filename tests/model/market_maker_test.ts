import { assert, assertEquals } from "@std/assert";
import { parseJson } from "../../base/json.ts";
import { marketMaker, PARAM_KEYS } from "../../model/market_maker.ts";
import { applyDeltas, getAllParams, validateRuntime } from "../../model/params.ts";
import { parseProfile, profileToJson } from "../../model/profile_check.ts";
import { roundToStep } from "../../model/scale.ts";

function ruleNamed(name: string): Pick<typeof marketMaker.rules[number], "when" | "then"> {
  const rule = marketMaker.rules.find((candidate) => candidate.name === name);
  assert(rule !== undefined, `there is no rule ${name}`);
  return { when: rule.when, then: rule.then };
}

Deno.test("market-maker has the parameters of the specification, at their paths", () => {
  assertEquals(marketMaker.parameters.map(({ path }) => path).sort(), [
    "engine.concurrency_limit",
    "engine.max_age_ms",
    "engine.min_interval_ms",
    "engine.replace_rate_per_min",
    "engine.tail_age_ms",
    "market.max_order_size",
    "market.min_order_size",
    "market.tick_size",
    "risk.base_spread_bps",
    "risk.base_spread_bps_delta",
    "risk.impact_cap_ratio",
    "risk.max_delta_ratio",
    "risk.risk_limit_ratio",
    "tuner.cooldown_iters",
    "tuner.max_delta_per_hour",
    "tuner.oscillation_window",
    "tuner.velocity_cap",
  ]);
  for (const { key, path } of marketMaker.parameters) assertEquals(path.split(".")[1], key);
});

Deno.test("market-maker has the bounds of the specification", () => {
  const bounds = Object.fromEntries(
    marketMaker.parameters.map(({ key, min, max }) => [key, [min, max]]),
  );
  const specified = {
    base_spread_bps_delta: [0.08, 0.25],
    impact_cap_ratio: [0.08, 0.12],
    max_delta_ratio: [0.10, 0.16],
    replace_rate_per_min: [200, 320],
    tail_age_ms: [500, 800],
    min_interval_ms: [40, 80],
  };
  for (const [key, expected] of Object.entries(specified)) assertEquals(bounds[key], expected, key);
});

Deno.test("market-maker has integers where the specification says so, and only there", () => {
  assertEquals(
    marketMaker.parameters.filter(({ kind }) => kind === "integer").map(({ key }) => key).sort(),
    [
      "concurrency_limit",
      "cooldown_iters",
      "max_age_ms",
      "min_interval_ms",
      "oscillation_window",
      "replace_rate_per_min",
      "tail_age_ms",
    ],
  );
});

Deno.test("market-maker has defaults and bounds that lie on their step, defaults within bounds", () => {
  for (const parameter of marketMaker.parameters) {
    const { key, min, max } = parameter;
    assert(min <= parameter.default && parameter.default <= max, key);
    for (const value of [min, max, parameter.default]) {
      assertEquals(roundToStep(value, parameter), value, key);
    }
  }
});

Deno.test("market-maker documents the unit and the meaning of every parameter and KPI", () => {
  for (const { key, unit, description } of [...marketMaker.parameters, ...marketMaker.kpis]) {
    assert(unit !== "" && /^[A-Z0-9].*\.$/.test(description), key);
  }
});

Deno.test("market-maker has the KPI targets of the design", () => {
  assertEquals(
    marketMaker.kpis.filter(({ target }) => target !== null)
      .map(({ key, better, target }) => [key, better, target]),
    [
      ["risk_ratio", "lower", 0.42],
      ["maker_taker_ratio", "higher", 0.85],
      ["net_bps", "higher", 2.7],
      ["p95_latency_ms", "lower", 350],
    ],
  );
});

Deno.test("market-maker tunes for high and moderate risk as specified", () => {
  assertEquals(ruleNamed("risk-high"), {
    when: [{ kpi: "risk_ratio", op: ">=", value: 0.6 }],
    then: [
      { param: "min_interval_ms", add: 5 },
      { param: "impact_cap_ratio", add: -0.01 },
      { param: "tail_age_ms", add: 30 },
    ],
  });
  assertEquals(ruleNamed("risk-moderate"), {
    when: [
      { kpi: "risk_ratio", op: ">=", value: 0.4 },
      { kpi: "risk_ratio", op: "<", value: 0.6 },
    ],
    then: [
      { param: "min_interval_ms", add: 5, limit: 75 },
      { param: "impact_cap_ratio", add: -0.005, limit: 0.09 },
    ],
  });
});

Deno.test("market-maker tunes for low risk with a good edge as specified", () => {
  assertEquals(ruleNamed("risk-low"), {
    when: [
      { kpi: "risk_ratio", op: "<", value: 0.35 },
      { kpi: "net_bps", op: ">=", value: 3 },
    ],
    then: [
      { param: "min_interval_ms", add: -3, limit: 50 },
      { param: "impact_cap_ratio", add: 0.005, limit: 0.1 },
    ],
  });
});

Deno.test("market-maker tunes for adverse selection and slippage as specified", () => {
  assertEquals(ruleNamed("adverse-selection"), {
    when: [{ kpi: "adverse_bps_p95", op: ">", value: 3.5 }],
    then: [
      { param: "impact_cap_ratio", add: -0.01 },
      { param: "max_delta_ratio", add: -0.01 },
    ],
  });
  assertEquals(ruleNamed("slippage"), {
    when: [{ kpi: "slippage_bps_p95", op: ">", value: 2.5 }],
    then: [
      { param: "base_spread_bps_delta", add: 0.02 },
      { param: "tail_age_ms", add: 30 },
    ],
  });
});

Deno.test("market-maker tunes for a low maker share as specified", () => {
  const { when, then } = ruleNamed("maker-share-low");
  assertEquals(when, [
    { kpi: "maker_taker_ratio", op: "<", value: 0.85 },
    { kpi: "risk_ratio", op: "<=", value: 0.4 },
    { kpi: "net_bps", op: ">=", value: 2.7 },
  ]);
  assertEquals(then[0], { param: "replace_rate_per_min", multiply: 0.85 });
  const second = then[1];
  assert(second !== undefined && "add" in second);
  assert(second.param === "min_interval_ms" && second.add > 0);
});

Deno.test("market-maker tunes for latency as specified, with no gap between the two rules", () => {
  assertEquals(ruleNamed("latency-elevated"), {
    when: [
      { kpi: "p95_latency_ms", op: ">=", value: 330 },
      { kpi: "p95_latency_ms", op: "<=", value: 360 },
    ],
    then: [
      { param: "concurrency_limit", multiply: 0.9 },
      { param: "tail_age_ms", add: 50 },
    ],
  });
  assertEquals(ruleNamed("latency-severe"), {
    when: [{ kpi: "p95_latency_ms", op: ">", value: 360 }],
    then: [
      { param: "concurrency_limit", multiply: 0.85 },
      { param: "tail_age_ms", add: 75 },
    ],
  });
});

Deno.test("market-maker ranks protection against risk above the pursuit of return", () => {
  const protection = Object.fromEntries(
    marketMaker.rules.map((rule) => [rule.name, rule.protection]),
  );
  const lowest = protection["risk-low"] ?? Infinity;
  for (const { name } of marketMaker.rules) {
    if (name !== "risk-low") assert((protection[name] ?? -Infinity) > lowest, name);
    if (name !== "risk-high") {
      assert((protection["risk-high"] ?? -Infinity) > (protection[name] ?? Infinity), name);
    }
  }
});

Deno.test("market-maker has the guard and gate settings of the design", () => {
  const { freeze_after, freeze_iters, oscillation_window } = marketMaker.guards;
  assertEquals({ freeze_after, freeze_iters, oscillation_window }, {
    freeze_after: 2,
    freeze_iters: 4,
    oscillation_window: 3,
  });
  assertEquals(marketMaker.gate, {
    window: 8,
    pass: 6,
    warn: 5,
    full_apply_ratio: 0.95,
    signature_stuck: 1,
  });
});

Deno.test("market-maker starts with the guard settings that are its defaults", () => {
  const defaults = new Map(marketMaker.parameters.map((p) => [p.path, p.default]));
  for (const [name, value] of Object.entries(marketMaker.guards)) {
    if (defaults.has(`tuner.${name}`)) assertEquals(defaults.get(`tuner.${name}`), value, name);
  }
});

Deno.test("market-maker's defaults make a valid runtime", () => {
  const defaults = Object.fromEntries(marketMaker.parameters.map((p) => [p.key, p.default]));
  const runtime = applyDeltas({}, defaults).runtime;
  assertEquals(validateRuntime(runtime), []);
  assertEquals(getAllParams(runtime), defaults);
});

Deno.test("market-maker is accepted by parseProfile(), and comes back the same", () => {
  const text = JSON.stringify(profileToJson(marketMaker));
  assertEquals(parseProfile(parseJson(text), "profile.json"), marketMaker);
});

Deno.test("PARAM_KEYS lists the keys in the profile's order", () => {
  assertEquals(PARAM_KEYS, marketMaker.parameters.map(({ key }) => key));
});
