import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { marketMaker } from "../../model/market_maker.ts";
import {
  type Action,
  actionTarget,
  type Condition,
  conditionHolds,
  judgeKpis,
  ruleFires,
} from "../../model/profile.ts";

const ON_TARGET = {
  risk_ratio: 0.42,
  maker_taker_ratio: 0.85,
  net_bps: 2.7,
  p95_latency_ms: 350,
};

Deno.test("judgeKpis() passes values that lie exactly on their targets", () => {
  assertEquals(judgeKpis(marketMaker, ON_TARGET), { verdict: "PASS", reasons: [] });
});

Deno.test("judgeKpis() gives one reason for each missed target, in the profile's order", () => {
  const values = {
    p95_latency_ms: 350.1,
    net_bps: 2.699,
    maker_taker_ratio: 0.8499,
    risk_ratio: 0.4201,
  };
  assertEquals(judgeKpis(marketMaker, values), {
    verdict: "FAIL",
    reasons: [
      "risk_ratio 0.4201 > 0.42",
      "maker_taker_ratio 0.8499 < 0.85",
      "net_bps 2.699 < 2.7",
      "p95_latency_ms 350.1 > 350",
    ],
  });
});

Deno.test("judgeKpis() fails a KPI that was not measured, be it null or absent", () => {
  const { net_bps: _, ...absent } = ON_TARGET;
  const expected = { verdict: "FAIL" as const, reasons: ["net_bps was not measured"] };
  assertEquals(judgeKpis(marketMaker, absent), expected);
  assertEquals(judgeKpis(marketMaker, { ...absent, net_bps: null }), expected);
});

Deno.test("judgeKpis() fails a KPI that is not a number, whichever way is better", () => {
  for (const key of ["risk_ratio", "net_bps"]) {
    const { verdict, reasons } = judgeKpis(marketMaker, { ...ON_TARGET, [key]: NaN });
    assertEquals([verdict, reasons.length], ["FAIL", 1]);
  }
});

Deno.test("judgeKpis() takes no notice of KPIs without a target", () => {
  const values = { ...ON_TARGET, adverse_bps_p95: 1e9, slippage_bps_p95: null };
  assertEquals(judgeKpis(marketMaker, values).verdict, "PASS");
});

Deno.test("judgeKpis() does not take an inherited property for a measurement", () => {
  const kpi = {
    key: "constructor",
    unit: "",
    better: "lower",
    target: 1,
    metric: "m",
    description: "",
  } as const;
  assertEquals(judgeKpis({ ...marketMaker, kpis: [kpi] }, {}).reasons, [
    "constructor was not measured",
  ]);
});

Deno.test("conditionHolds() compares as its operator says, also at equality", () => {
  const holds = (op: Condition["op"], value: number) =>
    conditionHolds({ kpi: "net_bps", op, value: 2 }, { net_bps: value });
  assertEquals([1, 2, 3].map((value) => holds(">=", value)), [false, true, true]);
  assertEquals([1, 2, 3].map((value) => holds(">", value)), [false, false, true]);
  assertEquals([1, 2, 3].map((value) => holds("<=", value)), [true, true, false]);
  assertEquals([1, 2, 3].map((value) => holds("<", value)), [true, false, false]);
});

Deno.test("conditionHolds() is false for a KPI that was not measured, whatever the operator", () => {
  for (const op of [">=", ">", "<=", "<"] as const) {
    for (const values of [{}, { net_bps: null }, { net_bps: NaN }]) {
      assertEquals(conditionHolds({ kpi: "net_bps", op, value: 0 }, values), false);
    }
  }
});

Deno.test("ruleFires() wants all conditions of the rule", () => {
  const rule = {
    name: "both",
    protection: 0,
    when: [{ kpi: "a", op: ">", value: 1 }, { kpi: "b", op: "<", value: 1 }],
    then: [],
  } as const;
  assertEquals(ruleFires(rule, { a: 2, b: 0 }), true);
  assertEquals(ruleFires(rule, { a: 2, b: 1 }), false);
  assertEquals(ruleFires(rule, { a: 1, b: 0 }), false);
  assertEquals(ruleFires(rule, { a: 2 }), false);
});

Deno.test("actionTarget() adds or multiplies, and stops at the limit", () => {
  assertEquals(actionTarget({ param: "p", add: 5 }, 70), 75);
  assertEquals(actionTarget({ param: "p", add: 5, limit: 75 }, 72), 75);
  assertEquals(actionTarget({ param: "p", add: -3, limit: 50 }, 51), 50);
  assertEquals(actionTarget({ param: "p", multiply: 0.5 }, 20), 10);
  assertEquals(actionTarget({ param: "p", multiply: 0.5, limit: 12 }, 20), 12);
});

Deno.test("actionTarget() leaves a value beyond the limit where it is", () => {
  assertEquals(actionTarget({ param: "p", add: 5, limit: 75 }, 78), 78);
  assertEquals(actionTarget({ param: "p", add: -3, limit: 50 }, 45), 45);
});

Deno.test("actionTarget() never goes past the limit, nor against the step's direction", () => {
  const number = fc.double({ min: -1000, max: 1000, noNaN: true });
  fc.assert(
    fc.property(number, number, number, (add, limit, current) => {
      const action: Action = { param: "p", add, limit };
      const target = actionTarget(action, current);
      if (current + add >= current) {
        assert(target >= current && target <= Math.max(current, limit));
      } else {
        assert(target <= current && target >= Math.min(current, limit));
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});
