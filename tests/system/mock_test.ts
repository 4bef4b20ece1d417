import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json_value.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, type Deltas, getAllParams } from "../../model/params.ts";
import { judgeKpis } from "../../model/profile.ts";
import { FAULT_KINDS, type MockFault } from "../../model/system_spec.ts";
import { createMock, type MockMeasurement } from "../../system/mock.ts";

const DEFAULTS = applyDeltas(
  {},
  Object.fromEntries(marketMaker.parameters.map((p) => [p.key, p.default])),
).runtime;

/** A runtime that the simulation meets its KPIs with. */
const GOOD = {
  impact_cap_ratio: 0.09,
  max_delta_ratio: 0.13,
  base_spread_bps_delta: 0.15,
  min_interval_ms: 65,
  tail_age_ms: 720,
  concurrency_limit: 16,
};

function measureAll(
  runtimes: readonly JsonObject[],
  seed: number,
  fault: MockFault | null = null,
): MockMeasurement[] {
  const mock = createMock({ profile: marketMaker, seed, fault });
  return runtimes.map((runtime) => mock.measure(runtime));
}

/** Runtimes that start with the defaults and take one change after another. */
function changing(...changes: readonly Deltas[]): JsonObject[] {
  const runtimes = [DEFAULTS];
  for (const change of changes) runtimes.push(applyDeltas(runtimes.at(-1) ?? {}, change).runtime);
  return runtimes;
}

function effective(
  runtimes: readonly JsonObject[],
  fault: MockFault,
  seed = 1,
): Readonly<Record<string, number>>[] {
  return measureAll(runtimes, seed, fault).map(({ effectiveParams }) =>
    Object.fromEntries(Object.entries(effectiveParams).map(([key, value]) => [key, Number(value)]))
  );
}

function always(kind: MockFault["kind"]): MockFault {
  return { kind, rate: 1 };
}

Deno.test("createMock() gives the same numbers for the same seed, with and without faults", () => {
  const runtimes = changing({ tail_age_ms: 630 }, {}, GOOD, {}, { tail_age_ms: 700 });
  assertEquals(measureAll(runtimes, 7), measureAll(runtimes, 7));
  for (const kind of FAULT_KINDS) {
    const fault = { kind, rate: 0.5 };
    assertEquals(measureAll(runtimes, 7, fault), measureAll(runtimes, 7, fault));
  }
});

Deno.test("createMock() gives other numbers for another seed", () => {
  const series = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    series.add(JSON.stringify(measureAll([DEFAULTS, DEFAULTS], seed)));
  }
  assertEquals(series.size, 50);
});

Deno.test("createMock() takes the whole range of seeds", () => {
  for (const seed of [0, 0x7fffffff, 0x80000000, 0xffffffff]) {
    for (const { kpis } of measureAll([DEFAULTS, DEFAULTS], seed)) {
      assert(Object.values(kpis).every(Number.isFinite));
    }
  }
});

Deno.test("a simulated system starts badly: risk about 0.68, net about -1.5", () => {
  for (let seed = 0; seed < 50; seed++) {
    const [first] = measureAll([DEFAULTS], seed);
    assertAlmostEquals(first?.kpis["risk_ratio"] ?? NaN, 0.68, 0.02);
    assertAlmostEquals(first?.kpis["net_bps"] ?? NaN, -1.5, 0.2);
  }
});

Deno.test("a simulated system that nobody tunes is not on target once in 200 iterations", () => {
  for (let seed = 0; seed < 50; seed++) {
    for (const { kpis } of measureAll(Array<JsonObject>(200).fill(DEFAULTS), seed)) {
      assertEquals(judgeKpis(marketMaker, kpis).verdict, "FAIL");
    }
  }
});

Deno.test("a simulated system comes on target under good parameters, and stays there", () => {
  const good = applyDeltas(DEFAULTS, GOOD).runtime;
  for (let seed = 0; seed < 50; seed++) {
    const later = measureAll([DEFAULTS, ...Array<JsonObject>(20).fill(good)], seed).slice(8);
    for (const { kpis } of later) {
      assertEquals(judgeKpis(marketMaker, kpis).reasons, []);
    }
  }
});

Deno.test("a simulated system follows a change step by step, not at once", () => {
  const good = applyDeltas(DEFAULTS, GOOD).runtime;
  for (let seed = 0; seed < 20; seed++) {
    const risks = measureAll([DEFAULTS, good, good, good, good], seed)
      .map(({ kpis }) => kpis["risk_ratio"] ?? NaN);
    const [r0 = NaN, r1 = NaN, r2 = NaN, , r4 = NaN] = risks;
    assert(r0 > r1 && r1 > r2 && r2 > r4, risks.join(" "));
    assert(r1 - r4 > 0.05, "the first step already went all the way");
  }
});

Deno.test("a simulated system is disturbed on longer runs, but not in the first 24 iterations", () => {
  const good = applyDeltas(DEFAULTS, GOOD).runtime;
  let disturbed = 0;
  for (let seed = 0; seed < 50; seed++) {
    const risks = measureAll(Array<JsonObject>(100).fill(good), seed)
      .map(({ kpis }) => kpis["risk_ratio"] ?? NaN);
    const calm = risks.slice(0, 24);
    const noise = Math.max(...calm) - Math.min(...calm);
    assert(noise < 0.02, `seed ${seed}: ${noise}`);
    if (Math.max(...risks) > Math.max(...calm) + 0.05) disturbed++;
  }
  assert(disturbed > 25, `only ${disturbed} of 50 runs were disturbed`);
});

Deno.test("measure() reports all parameters, as they stand in the runtime, when there is no fault", () => {
  const runtimes = changing({ tail_age_ms: 630 }, GOOD, {}, { concurrency_limit: 10 });
  const reported = measureAll(runtimes, 3).map(({ effectiveParams }) => effectiveParams);
  assertEquals(reported, runtimes.map((runtime) => getAllParams(runtime)));
});

Deno.test("measure() reports every KPI of the profile with a finite value", () => {
  for (const { kpis } of measureAll(Array<JsonObject>(60).fill(DEFAULTS), 3)) {
    assertEquals(Object.keys(kpis), marketMaker.kpis.map(({ key }) => key));
    for (const value of Object.values(kpis)) assert(Number.isFinite(value));
  }
});

Deno.test("measure() leaves the runtime and earlier reports as they were", () => {
  const runtime = structuredClone(DEFAULTS);
  const mock = createMock({ profile: marketMaker, seed: 1, fault: always("drift") });
  const first = mock.measure(runtime);
  const copy = structuredClone(first);
  mock.measure(runtime);
  mock.measure(runtime);
  assertEquals([first, runtime], [copy, DEFAULTS]);
});

Deno.test("createMock() refuses a profile with a KPI that it does not simulate", () => {
  const kpis = marketMaker.kpis.map((kpi, i) => i === 2 ? { ...kpi, key: "hit_rate" } : kpi);
  const error = assertThrows(
    () => createMock({ profile: { ...marketMaker, kpis }, seed: 1 }),
    SoakError,
    "the simulation has no KPI hit_rate",
  );
  assertEquals(error.kind, "usage");
});

for (const kind of FAULT_KINDS.filter((kind) => kind !== "drift")) {
  Deno.test(`fault ${kind}: the first runtime is taken as it is`, () => {
    assertEquals(effective([DEFAULTS, DEFAULTS, DEFAULTS], always(kind)), [
      getAllParams(DEFAULTS),
      getAllParams(DEFAULTS),
      getAllParams(DEFAULTS),
    ]);
  });

  Deno.test(`fault ${kind}: whenever it strikes, the report differs from the runtime`, () => {
    const runtimes = changing({ tail_age_ms: 630, min_interval_ms: 60, impact_cap_ratio: 0.1 });
    for (let seed = 0; seed < 50; seed++) {
      const [, second] = effective(runtimes, always(kind), seed);
      assert(JSON.stringify(second) !== JSON.stringify(getAllParams(runtimes[1] ?? {})));
    }
  });
}

Deno.test("fault ignore: a change is never taken, and a later one only without it", () => {
  const runtimes = changing({ tail_age_ms: 630 }, {}, { tail_age_ms: 660 });
  for (const values of effective(runtimes, always("ignore"))) {
    assertEquals(values, getAllParams(DEFAULTS));
  }
});

Deno.test("fault late: a change is taken one iteration later", () => {
  const runtimes = changing({ tail_age_ms: 630 }, {}, { tail_age_ms: 660 }, {
    min_interval_ms: 60,
  });
  assertEquals(
    effective(runtimes, always("late")).map((p) => [p["tail_age_ms"], p["min_interval_ms"]]),
    [[600, 55], [600, 55], [630, 55], [630, 55], [660, 55]],
  );
});

Deno.test("fault partial: some keys of a change are taken, never all of them", () => {
  const low = { tail_age_ms: 600, min_interval_ms: 55, impact_cap_ratio: 0.11 };
  const high = { tail_age_ms: 630, min_interval_ms: 60, impact_cap_ratio: 0.1 };
  const keys = Object.keys(low);
  const changes = Array.from({ length: 200 }, (_, i) => i % 2 === 0 ? high : low);
  const counts = new Set<number>();
  const runtimes = changing(...changes);
  const reports = effective(runtimes, always("partial"));
  for (const [i, report] of reports.entries()) {
    const [before, wanted] = [reports[i - 1], getAllParams(runtimes[i] ?? {})];
    if (before === undefined) continue;
    for (const key of keys) assert(report[key] === before[key] || report[key] === wanted[key]);
    // Whether a key was taken shows where it stood at another value before.
    const open = keys.filter((key) => before[key] !== wanted[key]);
    if (open.length === keys.length) {
      counts.add(open.filter((key) => report[key] === wanted[key]).length);
    }
  }
  assertEquals([...counts].sort(), [0, 1, 2]);
});

Deno.test("fault clamp: another value than the target is taken, on the way to it", () => {
  const change = { tail_age_ms: 631, min_interval_ms: 56, impact_cap_ratio: 0.1 };
  const [, after = {}] = effective(changing(change), always("clamp"));
  const { tail_age_ms = NaN, min_interval_ms = NaN, impact_cap_ratio = NaN } = after;
  assert(tail_age_ms > 600 && tail_age_ms < 631 && Number.isInteger(tail_age_ms));
  assertEquals(min_interval_ms, 55);
  assertEquals(impact_cap_ratio, 0.105);
});

Deno.test("fault drift: a value changes by itself, by one step within its bounds", () => {
  const reports = effective(Array<JsonObject>(40).fill(DEFAULTS), always("drift"));
  assertEquals(reports[0], getAllParams(DEFAULTS));
  for (const [i, report] of reports.entries()) {
    const before = reports[i - 1];
    if (before === undefined) continue;
    const moved = Object.keys(report).filter((key) => report[key] !== before[key]);
    assertEquals(moved.length, 1);
    for (const { key, min, max, step } of marketMaker.parameters) {
      const value = report[key] ?? NaN;
      assert(value >= min && value <= max);
      assert(Math.abs(value - (before[key] ?? NaN)) <= step * 1.0001);
    }
  }
});

Deno.test("a fault strikes about as often as its rate says", () => {
  const runtimes = changing(
    ...Array.from({ length: 400 }, (_, i) => ({ tail_age_ms: 600 + (i % 2 === 0 ? 30 : 0) })),
  );
  const struck = effective(runtimes, { kind: "clamp", rate: 0.25 }, 5)
    .filter((report, i) => report["tail_age_ms"] !== getAllParams(runtimes[i] ?? {})["tail_age_ms"])
    .length;
  assert(struck > 70 && struck < 130, `${struck} of 400`);

  const drifting = effective(
    Array<JsonObject>(400).fill(DEFAULTS),
    { kind: "drift", rate: 0.25 },
    5,
  )
    .map((report) => JSON.stringify(report));
  const drifted = drifting.filter((report, i) => i > 0 && report !== drifting[i - 1]).length;
  assert(drifted > 70 && drifted < 130, `${drifted} of 400`);
});

Deno.test("KPIs follow the effective parameters, not those that were asked for", () => {
  const runtimes = [DEFAULTS, ...Array<JsonObject>(25).fill(applyDeltas(DEFAULTS, GOOD).runtime)];
  const ignored = measureAll(runtimes, 4, always("ignore"));
  const untouched = measureAll(runtimes.map(() => DEFAULTS), 4);
  assertEquals(ignored, untouched);
});

Deno.test("KPIs respond to each parameter that the simulation knows, in the sensible direction", () => {
  const settled = (change: Deltas): Readonly<Record<string, number | null>> =>
    measureAll(Array<JsonObject>(12).fill(applyDeltas(DEFAULTS, change).runtime), 6).at(-1)?.kpis ??
      {};
  const base = settled({});
  const better = (kpi: string, change: Deltas): boolean => {
    const [before, after] = [base[kpi] ?? NaN, settled(change)[kpi] ?? NaN];
    return marketMaker.kpis.find(({ key }) => key === kpi)?.better === "lower"
      ? after < before
      : after > before;
  };
  assert(better("risk_ratio", { impact_cap_ratio: 0.09 }));
  assert(better("risk_ratio", { min_interval_ms: 70 }));
  assert(better("risk_ratio", { tail_age_ms: 800 }));
  assert(better("net_bps", { impact_cap_ratio: 0.09 }));
  assert(better("net_bps", { base_spread_bps_delta: 0.2 }));
  assert(better("maker_taker_ratio", { replace_rate_per_min: 220 }));
  assert(better("p95_latency_ms", { concurrency_limit: 10 }));
  assert(better("adverse_bps_p95", { max_delta_ratio: 0.1 }));
  assert(better("slippage_bps_p95", { base_spread_bps_delta: 0.2 }));
});
