import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "../../base/canonical.ts";
import { type Snapshot, takeSnapshot } from "../../judgement/snapshot.ts";
import { marketMaker } from "../../model/market_maker.ts";
import type { IterationFacts } from "../../proof/audit_sink.ts";

const NONE = { freeze: false, oscillation: false, velocity: false, cooldown: false, no_op: false };

function facts(i: number, over: Partial<IterationFacts> = {}): IterationFacts {
  return {
    iteration: i,
    utc: new Date(Date.UTC(2025, 0, 1, 0, 5 * (i - 1))).toISOString(),
    kpis: { risk_ratio: 0.3, net_bps: 3 },
    kpisMet: true,
    guards: NONE,
    ranUnder: "a",
    stateHash: "a",
    ...over,
  };
}

/** A run of iterations that are good or bad as the letters of a word say: g or b. */
function snapshotOf(word: string, frozen = true): Snapshot {
  const guards = { ...NONE, freeze: frozen };
  return takeSnapshot(
    [...word].map((letter, i) => facts(i + 1, { kpisMet: letter === "g", guards })),
    marketMaker,
  );
}

Deno.test("the verdict depends on the last eight iterations alone", () => {
  assertEquals(snapshotOf("bbbbbbbb" + "gggggggg").verdict, "PASS");
  assertEquals(snapshotOf("gggggggg" + "bbbbbbbb").verdict, "FAIL");
  assertEquals(snapshotOf("bbbb" + "ggbbgggg").pass_count_last8, 6);
});

Deno.test("six of eight pass, five are a warning, four fail", () => {
  assertEquals(snapshotOf("bbgggggg").verdict, "PASS");
  assertEquals(snapshotOf("bbbggggg").verdict, "WARN");
  assertEquals(snapshotOf("bbbbgggg").verdict, "FAIL");
});

Deno.test("fewer than eight iterations are judged by the same shares", () => {
  assertEquals(snapshotOf("ggg").verdict, "PASS");
  assertEquals(snapshotOf("bggg").verdict, "PASS");
  assertEquals(snapshotOf("bgg").verdict, "WARN");
  assertEquals(snapshotOf("bg").verdict, "FAIL");
});

Deno.test("nothing at all is a FAIL without values", () => {
  const { verdict, kpi_last8, time_range, freeze_ready } = snapshotOf("");
  assertEquals([verdict, time_range, freeze_ready], ["FAIL", null, false]);
  const nothing = { mean: null, median: null, min: null, max: null, trend: "flat" } as const;
  assertEquals(kpi_last8["risk_ratio"], nothing);
});

/** The same with the freeze as its guard has it: after two good ones in a row, until a bad one. */
function settledOf(word: string): boolean {
  const run = [...word].map((letter, i) => {
    const freeze = letter === "g" && word[i - 1] === "g";
    return facts(i + 1, { kpisMet: letter === "g", guards: { ...NONE, freeze } });
  });
  return takeSnapshot(run, marketMaker).freeze_ready;
}

Deno.test("ready to freeze takes a freeze in the window, and KPIs that are not FAIL", () => {
  assertEquals(snapshotOf("gggggggg").freeze_ready, true);
  assertEquals(snapshotOf("gggggggg", false).freeze_ready, false);
  assertEquals(snapshotOf("bbbbgggg").freeze_ready, false);
  assertEquals(settledOf("ggggggbg"), true, "a miss before the end");
  assertEquals(settledOf("gggggggb"), true, "a miss at the end");
  assertEquals(settledOf("ggggggbb"), true, "two misses at the end");
  assertEquals(settledOf("ggbggbgg"), true, "misses all over");
  assertEquals(settledOf("bbbggggg"), true, "a warning can be ready");
  assertEquals(settledOf("gggggbbb"), false, "three misses at the end");
  assertEquals(settledOf("gbgbgbgb"), false, "never frozen");
});

Deno.test("whoever meets enough of the KPIs is ready, wherever the misses are but at the end", () => {
  for (let misses = 0; misses < 256; misses++) {
    const word = [...misses.toString(2).padStart(8, "0")].map((bit) => bit === "1" ? "b" : "g")
      .join("");
    const good = [...word].filter((letter) => letter === "g").length;
    const wanted = good >= 5 && word.includes("gg") && !word.endsWith("bbb");
    assertEquals(settledOf(word), wanted, word);
  }
});

Deno.test("the state that a run ends with must have been on target itself", () => {
  const endingWith = (tail: string): boolean => {
    const frozen = { ...NONE, freeze: true };
    const before = [..."ggggggg"].map((_, i) =>
      facts(i + 1, { guards: frozen, stateHash: i === 6 ? "b" : "a" })
    );
    const after = [...tail].map((letter, i) =>
      facts(8 + i, { kpisMet: letter === "g", ranUnder: "b", stateHash: "b" })
    );
    return takeSnapshot([...before, ...after], marketMaker).freeze_ready;
  };
  assertEquals(["b", "g", "bg", "gb", "ggb", "bbg"].map(endingWith), [
    false,
    true,
    false,
    false,
    true,
    false,
  ]);
  const { final_state } = takeSnapshot([facts(1, { stateHash: "b" })], marketMaker);
  assertEquals(final_state, { iterations: 0, on_target: 0 });
});

Deno.test("statistics skip what was not measured", () => {
  const values = [1, null, 3, 2];
  const { kpi_last8 } = takeSnapshot(
    values.map((net_bps, i) => facts(i + 1, { kpis: { net_bps } })),
    marketMaker,
  );
  assertEquals(kpi_last8["net_bps"], { mean: 2, median: 2, min: 1, max: 3, trend: "flat" });
  assertEquals(kpi_last8["risk_ratio"]?.mean, null);
});

function trendOf(values: readonly number[]): string | undefined {
  const run = values.map((net_bps, i) => facts(i + 1, { kpis: { net_bps } }));
  return takeSnapshot(run, marketMaker).kpi_last8["net_bps"]?.trend;
}

Deno.test("a trend stands out from the scatter, or is flat", () => {
  assertEquals(trendOf([1, 2, 3, 4, 5, 6, 7, 8]), "rising");
  assertEquals(trendOf([8, 7, 6.2, 5, 4, 3, 2, 1]), "falling");
  assertEquals(trendOf([3, 1, 3, 1, 3, 1, 3, 1]), "flat");
  assertEquals(trendOf([2, 2, 2, 2]), "flat");
  assertEquals(trendOf([1, 2]), "flat");
});

Deno.test("a value far out is an anomaly", () => {
  const run = [3, 3.1, 2.9, 3, 3.05, 2.95, 3, 30].map((net_bps, i) =>
    facts(i + 1, { kpis: { net_bps } })
  );
  assertEquals(takeSnapshot(run, marketMaker).anomalies_count, 1);
});

Deno.test("coming back to a state that was left is a loop", () => {
  const loops = (states: string): number =>
    takeSnapshot([...states].map((stateHash, i) => facts(i + 1, { stateHash })), marketMaker)
      .signature_loops;
  assertEquals([loops("aaaa"), loops("aabb"), loops("aba"), loops("abab")], [0, 0, 1, 2]);
});

Deno.test("mean, median, minimum and maximum agree with a plain computation", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 }),
      (values) => {
        const run = values.map((net_bps, i) => facts(i + 1, { kpis: { net_bps } }));
        const { kpi_last8, iterations_total, iterations_analyzed } = takeSnapshot(run, marketMaker);
        const last = values.slice(-8);
        const sorted = last.toSorted((a, b) => a - b);
        const [low = NaN, high = NaN] = [
          sorted[Math.ceil(last.length / 2) - 1],
          sorted[Math.floor(last.length / 2)],
        ];
        const { mean, median, min, max } = kpi_last8["net_bps"] ?? {};
        assertEquals([min, max], [Math.min(...last), Math.max(...last)]);
        assertEquals([iterations_total, iterations_analyzed], [values.length, last.length]);
        const close = (a: number | null | undefined, b: number): boolean =>
          typeof a === "number" && Math.abs(a - b) <= 1e-6;
        assert(close(median, (low + high) / 2));
        assert(close(mean, last.reduce((sum, value) => sum + value, 0) / last.length));
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

Deno.test("values at the end of the number range have statistics all the same", () => {
  for (const [a, b] of [[1.7e308, 1.7e308], [1.7e308, -1.7e308], [5e-324, 1.7e308]]) {
    const iterations = [3, 3, 3, a, b, a, b, a].map((value, i) =>
      facts(i + 1, { kpis: { risk_ratio: 0.3, net_bps: value ?? 0 } })
    );
    const { mean, median } = takeSnapshot(iterations, marketMaker).kpi_last8["net_bps"] ?? {};
    assert(Number.isFinite(mean) && Number.isFinite(median));
    canonicalJson(takeSnapshot(iterations, marketMaker));
  }
});
