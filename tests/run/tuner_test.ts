import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "../../base/json_value.ts";
import {
  type AppliedStep,
  evaluateGuards,
  type GuardHistory,
  GUARDS,
  NOTHING_WITHHELD,
} from "../../model/guards.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, getFromRuntime, validateDeltas } from "../../model/params.ts";
import {
  type Action,
  type Condition,
  type KpiValues,
  type ParameterValue,
  type ParameterValues,
  type Profile,
  ruleFires,
} from "../../model/profile.ts";
import { placeOf, scaleOf } from "../../model/scale.ts";
import { type Proposal, propose } from "../../run/tuner.ts";
import { historyOf, situation } from "../kit/arbitraries.ts";
import { MIXED } from "../kit/mixed_profile.ts";

const DEFAULTS = applyDeltas(
  {},
  Object.fromEntries(marketMaker.parameters.map((p) => [p.key, p.default])),
).runtime;

/** Iterations an hour apart that meet no KPI, with what was applied after each. */
function tuned(...applied: readonly (readonly AppliedStep[] | null)[]): GuardHistory {
  return historyOf(
    applied.map((steps, i) => ({ timeMs: i * 3_600_000, kpisMet: false, applied: steps })),
  );
}

const FIRST = tuned(null);

function proposed(
  kpis: KpiValues,
  runtime: JsonObject = DEFAULTS,
  history: GuardHistory = FIRST,
  profile: Profile = marketMaker,
): Proposal {
  return propose({ profile, runtime, kpis, history });
}

/** A profile with these rules, each firing when the KPI of its name is above 0. */
function ruledBy(
  ...rules: readonly (readonly [name: string, protection: number, ...then: Action[]])[]
): Profile {
  return {
    ...marketMaker,
    rules: rules.map(([name, protection, ...then]) => ({
      name,
      protection,
      when: [{ kpi: name, op: ">", value: 0 } satisfies Condition],
      then,
    })),
  };
}

const BOTH = { first: 1, second: 1 };

Deno.test("propose() answers high risk with the steps of its rule", () => {
  assertEquals(proposed({ risk_ratio: 0.6 }).deltas, {
    min_interval_ms: 60,
    impact_cap_ratio: 0.1,
    tail_age_ms: 630,
  });
});

Deno.test("propose() answers moderate risk with smaller steps, up to their limits", () => {
  assertEquals(proposed({ risk_ratio: 0.5999 }).deltas, {
    min_interval_ms: 60,
    impact_cap_ratio: 0.105,
  });
  const near = applyDeltas(DEFAULTS, { min_interval_ms: 73, impact_cap_ratio: 0.092 }).runtime;
  assertEquals(proposed({ risk_ratio: 0.4 }, near).deltas, {
    min_interval_ms: 75,
    impact_cap_ratio: 0.09,
  });
  const beyond = applyDeltas(DEFAULTS, { min_interval_ms: 78, impact_cap_ratio: 0.085 }).runtime;
  assertEquals(proposed({ risk_ratio: 0.4 }, beyond).deltas, {});
});

Deno.test("propose() loosens when risk is low and the edge is good, up to the limits", () => {
  const tight = applyDeltas(DEFAULTS, { min_interval_ms: 52, impact_cap_ratio: 0.08 }).runtime;
  assertEquals(proposed({ risk_ratio: 0.34, net_bps: 3 }, tight).deltas, {
    min_interval_ms: 50,
    impact_cap_ratio: 0.085,
  });
  assertEquals(proposed({ risk_ratio: 0.34, net_bps: 2.99 }, tight).deltas, {});
});

Deno.test("propose() rounds a product to the parameter's step", () => {
  assertEquals(proposed({ p95_latency_ms: 340 }).deltas, {
    concurrency_limit: 18,
    tail_age_ms: 650,
  });
  const odd = applyDeltas(DEFAULTS, { concurrency_limit: 19 }).runtime;
  assertEquals(proposed({ p95_latency_ms: 340 }, odd).deltas["concurrency_limit"], 17);
});

Deno.test("propose() stops at a parameter's bounds", () => {
  const edge = applyDeltas(DEFAULTS, {
    min_interval_ms: 78,
    impact_cap_ratio: 0.085,
    tail_age_ms: 800,
  }).runtime;
  assertEquals(proposed({ risk_ratio: 0.7 }, edge).deltas, {
    min_interval_ms: 80,
    impact_cap_ratio: 0.08,
  });
});

Deno.test("propose() proposes nothing for KPIs that no rule asks about", () => {
  const kpis = {
    risk_ratio: 0.38,
    net_bps: 2.8,
    maker_taker_ratio: 0.9,
    p95_latency_ms: 300,
    adverse_bps_p95: 3.5,
    slippage_bps_p95: 2.5,
  };
  assertEquals(proposed(kpis), {
    deltas: {},
    changes: [],
    rationale: "no rule fires",
    withheld: NOTHING_WITHHELD,
  });
});

Deno.test("propose() proposes nothing for KPIs that could not be measured", () => {
  const unmeasured = Object.fromEntries(marketMaker.kpis.map(({ key }) => [key, null]));
  assertEquals(proposed(unmeasured).deltas, {});
  assertEquals(proposed({}).deltas, {});
});

Deno.test("propose() passes over parameters that the runtime lacks", () => {
  const runtime = { engine: { tail_age_ms: 600, min_interval_ms: "55" } };
  assertEquals(proposed({ risk_ratio: 0.7 }, runtime).deltas, { tail_age_ms: 630 });
});

Deno.test("propose() lets the first rule to name a parameter win over a later one that agrees", () => {
  const profile = ruledBy(
    ["first", 0, { param: "tail_age_ms", add: 10 }],
    ["second", 9, { param: "tail_age_ms", add: 30 }, { param: "min_interval_ms", add: 1 }],
  );
  const { deltas, changes, rationale } = proposed(BOTH, DEFAULTS, FIRST, profile);
  assertEquals(deltas, { tail_age_ms: 610, min_interval_ms: 56 });
  assertEquals(changes, [
    { key: "tail_age_ms", from: 600, to: 610, rule: "first" },
    { key: "min_interval_ms", from: 55, to: 56, rule: "second" },
  ]);
  assert(!rationale.includes("overrules"), rationale);
});

Deno.test("propose() lets the more protective of two conflicting rules win, and says so", () => {
  const profile = ruledBy(
    ["first", 0, { param: "tail_age_ms", add: 10 }],
    ["second", 1, { param: "tail_age_ms", add: -20 }],
  );
  const { changes, rationale } = proposed(BOTH, DEFAULTS, FIRST, profile);
  assertEquals(changes, [{ key: "tail_age_ms", from: 600, to: 580, rule: "second" }]);
  assertStringIncludes(
    rationale,
    "tail_age_ms: second overrules first, being more protective",
  );
});

Deno.test("propose() lets the first of two conflicting rules win that protect alike", () => {
  const profile = ruledBy(
    ["first", 1, { param: "tail_age_ms", add: 10 }],
    ["second", 1, { param: "tail_age_ms", add: -20 }],
  );
  const { changes, rationale } = proposed(BOTH, DEFAULTS, FIRST, profile);
  assertEquals(changes, [{ key: "tail_age_ms", from: 600, to: 610, rule: "first" }]);
  assertStringIncludes(rationale, "tail_age_ms: first overrules second, standing first");
});

Deno.test("propose() lets the earlier of two conflicting rules win when it protects more", () => {
  const profile = ruledBy(
    ["first", 2, { param: "tail_age_ms", add: 10 }],
    ["second", 1, { param: "tail_age_ms", add: -20 }],
  );
  const { changes, rationale } = proposed(BOTH, DEFAULTS, FIRST, profile);
  assertEquals(changes.map(({ rule }) => rule), ["first"]);
  assertStringIncludes(rationale, "first overrules second, being more protective");
});

Deno.test("propose() lets the most protective rule win, in whatever order three of them stand", () => {
  const a = ["a", 1, { param: "tail_age_ms", add: 10 }] as const;
  const b = ["b", 3, { param: "tail_age_ms", add: 30 }] as const;
  const c = ["c", 2, { param: "tail_age_ms", add: -20 }] as const;
  const kpis = { a: 1, b: 1, c: 1 };
  for (const rules of [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]]) {
    const { changes } = proposed(kpis, DEFAULTS, FIRST, ruledBy(...rules));
    assertEquals(changes, [{ key: "tail_age_ms", from: 600, to: 630, rule: "b" }]);
  }
});

Deno.test("propose() lets a rule at its limit hold the value against a less protective one", () => {
  const profile = ruledBy(
    ["first", 1, { param: "tail_age_ms", add: 10, limit: 600 }],
    ["second", 0, { param: "tail_age_ms", add: -20 }],
  );
  const { changes, rationale } = proposed(BOTH, DEFAULTS, FIRST, profile);
  assertEquals(changes, []);
  assertStringIncludes(rationale, "first overrules second, being more protective");
});

Deno.test("propose() leaves a step that a rule's limit forbids to the next rule of its direction", () => {
  const profile = ruledBy(
    ["first", 1, { param: "tail_age_ms", add: 10, limit: 600 }],
    ["second", 0, { param: "tail_age_ms", add: 20 }],
  );
  const { changes } = proposed(BOTH, DEFAULTS, FIRST, profile);
  assertEquals(changes, [{ key: "tail_age_ms", from: 600, to: 620, rule: "second" }]);
});

Deno.test("propose() leaves a value alone that is out of bounds already", () => {
  const runtime: JsonObject = { engine: { tail_age_ms: 900, min_interval_ms: 55 } };
  assertEquals(proposed({ risk_ratio: 0.68 }, runtime).deltas, { min_interval_ms: 60 });
});

Deno.test("propose() names in its rationale the rule, the KPI and the change", () => {
  const { rationale } = proposed({ risk_ratio: 0.68 });
  assertStringIncludes(rationale, "risk-high (risk_ratio 0.68 >= 0.6)");
  assertStringIncludes(rationale, "tail_age_ms 600 → 630");
});

Deno.test("propose() shortens a step to the velocity cap, and says so", () => {
  const runtime = { engine: { tail_age_ms: 600 }, tuner: { velocity_cap: 0.05 } };
  const { deltas, rationale } = proposed({ risk_ratio: 0.7 }, runtime);
  assertEquals(deltas, { tail_age_ms: 615 });
  assertStringIncludes(rationale, "tail_age_ms: shortened, 615 instead of 630");
});

Deno.test("propose() shortens a step downwards, too, and keeps it on the parameter's step", () => {
  const runtime = { risk: { impact_cap_ratio: 0.11 }, tuner: { velocity_cap: 0.11 } };
  assertEquals(proposed({ risk_ratio: 0.7 }, runtime).deltas, { impact_cap_ratio: 0.106 });
});

Deno.test("propose() shortens a step to what is left of the hourly allowance", () => {
  const runtime = {
    engine: { tail_age_ms: 720 },
    tuner: { max_delta_per_hour: 0.45, cooldown_iters: 0 },
  };
  const history = historyOf([
    { timeMs: 0, kpisMet: false, applied: [{ key: "tail_age_ms", from: 600, to: 660 }] },
    { timeMs: 300_000, kpisMet: false, applied: [{ key: "tail_age_ms", from: 660, to: 720 }] },
    { timeMs: 600_000, kpisMet: false, applied: null },
  ]);
  assertEquals(proposed({ risk_ratio: 0.7 }, runtime, history).deltas, { tail_age_ms: 735 });
});

Deno.test("propose() leaves a parameter alone whose hourly allowance is used up", () => {
  const runtime = {
    engine: { tail_age_ms: 660, min_interval_ms: 55 },
    tuner: { max_delta_per_hour: 0.2, cooldown_iters: 0 },
  };
  const history = historyOf([
    { timeMs: 0, kpisMet: false, applied: [{ key: "tail_age_ms", from: 600, to: 660 }] },
    { timeMs: 300_000, kpisMet: false, applied: null },
  ]);
  const { deltas, rationale } = proposed({ risk_ratio: 0.7 }, runtime, history);
  assertEquals(deltas, { min_interval_ms: 60 });
  assertStringIncludes(rationale, "tail_age_ms: left alone, its hourly allowance is used up");
});

Deno.test("propose() leaves a parameter alone that would oscillate, and moves the others", () => {
  const history = tuned(
    [{ key: "tail_age_ms", from: 600, to: 630 }],
    [{ key: "tail_age_ms", from: 630, to: 600 }],
    null,
    null,
    null,
  );
  const { deltas, rationale } = proposed({ risk_ratio: 0.7 }, DEFAULTS, history);
  assertEquals(Object.keys(deltas), ["min_interval_ms", "impact_cap_ratio"]);
  assertStringIncludes(rationale, "tail_age_ms: left alone, it would oscillate");
});

Deno.test("propose() proposes nothing while cooling down, however bad the KPIs", () => {
  const change = [{ key: "tail_age_ms", from: 570, to: 600 }];
  const cooling = proposed({ risk_ratio: 0.9 }, DEFAULTS, tuned(change, null));
  assertEquals(cooling.deltas, {});
  assertStringIncludes(cooling.rationale, "cooling down");
  const rested = proposed({ risk_ratio: 0.9 }, DEFAULTS, tuned(change, null, null));
  assert(Object.keys(rested.deltas).length > 0);
});

Deno.test("propose() proposes nothing while frozen", () => {
  const history = historyOf([
    { timeMs: 0, kpisMet: true, applied: null },
    { timeMs: 1, kpisMet: true, applied: null },
  ]);
  const { deltas, changes, rationale } = proposed({ risk_ratio: 0.9 }, DEFAULTS, history);
  assertEquals([deltas, changes], [{}, []]);
  assertStringIncludes(rationale, "frozen");
});

const anyKpis: fc.Arbitrary<KpiValues> = fc.record({
  risk_ratio: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0.35, 0.4, 0.6)),
  net_bps: fc.oneof(fc.double({ min: -6, max: 5, noNaN: true }), fc.constantFrom(2.7, 3)),
  maker_taker_ratio: fc.double({ min: 0.4, max: 1, noNaN: true }),
  p95_latency_ms: fc.oneof(fc.integer({ min: 200, max: 500 }), fc.constantFrom(330, 360)),
  adverse_bps_p95: fc.double({ min: 0, max: 9, noNaN: true }),
  slippage_bps_p95: fc.oneof(fc.constant(null), fc.double({ min: 0, max: 8, noNaN: true })),
}, { requiredKeys: [] });

Deno.test("propose() stays within bounds and on the step, and no guard would hold it back", () => {
  let made = 0;
  fc.assert(
    fc.property(situation, anyKpis, ({ iterations, runtime }, kpis) => {
      const history = historyOf(iterations);
      const { deltas, changes } = proposed(kpis, runtime, history, MIXED);
      assertEquals(validateDeltas(deltas, MIXED.parameters), []);
      assertEquals(Object.fromEntries(changes.map(({ key, to }) => [key, to])), deltas);
      for (const { key, from, to, rule } of changes) {
        assertEquals(getFromRuntime(runtime, key, MIXED.parameters), from);
        assert(to !== from);
        const fired = MIXED.rules.find(({ name }) => name === rule);
        assert(fired !== undefined && ruleFires(fired, kpis), `${rule} did not fire`);
      }
      assertEquals(
        getAllTargets(applyDeltas(runtime, deltas, MIXED.parameters).runtime, deltas),
        deltas,
      );
      if (changes.length === 0) return;
      made++;
      const evaluation = evaluateGuards(history, runtime, deltas, MIXED);
      assertEquals(GUARDS.filter((guard) => evaluation[guard].holds), []);
    }),
    { seed: 9, numRuns: 6000 },
  );
  assert(made > 1000, `only ${made} proposals were made`);
});

function getAllTargets(
  runtime: JsonObject,
  deltas: ParameterValues,
): Record<string, ParameterValue | undefined> {
  return Object.fromEntries(
    Object.keys(deltas).map((key) => [key, getFromRuntime(runtime, key, MIXED.parameters)]),
  );
}

Deno.test("propose() never steps further than the rule that asks for it", () => {
  fc.assert(
    fc.property(situation, anyKpis, ({ iterations, runtime }, kpis) => {
      for (const change of proposed(kpis, runtime, historyOf(iterations), MIXED).changes) {
        const rule = MIXED.rules.find(({ name }) => name === change.rule);
        const action = rule?.then.find(({ param }) => param === change.key);
        assert(action !== undefined);
        const parameter = MIXED.parameters.find(({ key }) => key === change.key);
        assert(parameter !== undefined);
        const [from = NaN, to = NaN] = [change.from, change.to]
          .map((value) => placeOf(parameter, value));
        const wish = "add" in action ? action.add : from * (action.multiply - 1);
        const rounding = scaleOf(parameter).step / 2 + 1e-9;
        const moved = to - from;
        assert(
          Math.sign(moved) === Math.sign(wish) && Math.abs(moved) <= Math.abs(wish) + rounding,
        );
      }
    }),
    { seed: 10, numRuns: 2000 },
  );
});

Deno.test("propose() is a function of its input alone, and leaves it as it was", () => {
  fc.assert(
    fc.property(situation, anyKpis, ({ iterations, runtime }, kpis) => {
      const history = historyOf(iterations);
      const before = structuredClone({ runtime, kpis, history });
      const first = proposed(kpis, runtime, history, MIXED);
      assertEquals(proposed(kpis, runtime, history, MIXED), first);
      assertEquals({ runtime, kpis, history }, before);
    }),
    { seed: 11, numRuns: 300 },
  );
});
