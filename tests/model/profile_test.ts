import { assertEquals } from "@std/assert";
import { marketMaker } from "../../model/market_maker.ts";
import { type Condition, conditionHolds, judgeKpis, ruleFires } from "../../model/profile.ts";

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
