import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../base/json_value.ts";
import { TINY } from "../kit/real_system.ts";
import { iterationRecord as record } from "../kit/iteration_record.ts";
import type { Profile } from "../../model/profile.ts";
import { applyDeltas } from "../../model/params.ts";
import { byGuard } from "../../model/guards.ts";
import type { IterationRecord } from "../../record/records.ts";
import { renderCounts, RunTable } from "../../report/run_table.ts";
import { displayWidth, style } from "../../report/terminal.ts";

function tableOf(records: readonly IterationRecord[]): RunTable {
  const rows = new RunTable();
  for (const record of records) rows.take(record);
  return rows;
}

function linesOf(rows: RunTable, profile: Profile = TINY, columns = Infinity): string[] {
  return rows.render(profile, style(false), columns).split("\n");
}

Deno.test("a row says where the system begins to run with other values, and no later one again", () => {
  const { parameters } = TINY;
  const at = (size: number): JsonObject => applyDeltas({}, { size }, parameters).runtime;
  const rows = new RunTable(0, parameters);
  const told = (iteration: number, runtime: number, effective: number, change?: [number, number]) =>
    rows.take({
      ...record(iteration, { effective: { size: effective }, ...(change ? { change } : {}) }),
      runtime: at(runtime),
    });
  told(1, 2, 2);
  told(2, 2, 4);
  told(3, 2, 4);
  told(4, 2, 2);
  told(5, 2, 4, [2, 6]);
  told(6, 6, 2);
  told(7, 6, 2);
  assertEquals(linesOf(rows), [
    "iteration  cost  KPIs  what was done",
    "        1    20  FAIL  nothing to change",
    "      2–4    20  FAIL  nothing to change (ran with size 4 instead of 2)",
    "        5    20  FAIL  not in effect: size 2 → 6 (ran with size 4 instead of 2)",
    "      6–7    20  FAIL  nothing to change",
  ]);
});

Deno.test("a change is written until it is seen: then it is applied, or not in effect", () => {
  const rows = tableOf([
    record(1, { change: [2, 4] }),
    record(2, { effective: { size: 4 }, change: [4, 6] }),
    record(3, { effective: { size: 4 }, change: [6, 8] }),
    record(4, { effective: {}, change: [8, 10] }),
  ]);
  assertEquals(linesOf(rows), [
    "iteration  cost  KPIs  what was done",
    "        1    20  FAIL  applied size 2 → 4",
    "        2    20  FAIL  not in effect: size 4 → 6",
    "        3    20  FAIL  written size 6 → 8",
    "        4    20  FAIL  written size 8 → 10",
  ]);
  assertEquals(rows.changes, { applied: 1, written: 2, "not in effect": 1 });
  assertEquals(
    renderCounts({ count: 4, applied: 4, skipped: byGuard(() => 0) }, rows.changes),
    "4 iterations: 1 applied a change, 1 wrote one that is not in effect, " +
      "2 wrote one that was not seen in effect",
  );
});

Deno.test("a failed measurement shows nothing of a change, and the next one may", () => {
  const rows = tableOf([
    record(1, { change: [2, 4] }),
    record(2, { failure: "it broke" }),
    record(3, { effective: { size: 4 } }),
  ]);
  assertEquals(linesOf(rows).slice(1, 3), [
    "        1    20  FAIL  applied size 2 → 4",
    "        2     –  FAIL  not measured: it broke",
  ]);
});

Deno.test("iterations that are alike share a line with the range of their values", () => {
  const at = (i: number, cost: number): IterationRecord => record(i, { kpis: { cost } });
  assertEquals(
    linesOf(tableOf([at(1, 12), at(2, 11.25), at(3, 14)]))[1]?.slice(0, 26),
    "      1–3  11.25–14  FAIL ",
  );
  assertEquals(linesOf(tableOf([at(1, 3), at(2, 3)]))[1]?.slice(0, 16), "      1–2     3 ");
  assertEquals(linesOf(tableOf([at(1, -3), at(2, -1)]))[1]?.slice(0, 19), "      1–2  -3 to -1");
});

Deno.test("as many changes as fit are shown, and how many there are beyond", () => {
  const many = (count: number): string => {
    const changes = Array.from({ length: count }, (_, i) => ({
      key: `parameter_${i}`,
      from: 1,
      to: 2,
      rule: "r",
    }));
    return linesOf(tableOf([record(1, { changes })]))[1]?.split("written ")[1] ?? "";
  };
  assertEquals(many(2), "parameter_0 1 → 2, parameter_1 1 → 2");
  assertEquals(many(3), "parameter_0 1 → 2, parameter_1 1 → 2, parameter_2 1 → 2");
  assertEquals(many(9), "parameter_0 1 → 2, parameter_1 1 → 2, parameter_2 1 → 2 and 6 more");
});

Deno.test("a narrow terminal has KPIs below what was done, and no word is broken", () => {
  const kpis = ["latency_p95_ms", "latency_p99_ms", "throughput_rps"].map((key) => ({
    ...TINY.kpis[0],
    key,
  }));
  const profile = { ...TINY, kpis } as Profile;
  const values = { latency_p95_ms: 153.25, latency_p99_ms: 1800, throughput_rps: 12 };
  const rows = tableOf([
    record(1, { kpis: values, change: [2, 4] }),
    record(2, { kpis: values, effective: { size: 4 } }),
  ]);
  const wide = linesOf(rows, profile);
  const words = (lines: readonly string[]): string[] =>
    lines.flatMap((line) => line.trim().split(/ +/));
  for (let columns = 36; columns <= 100; columns++) {
    const lines = linesOf(rows, profile, columns);
    for (const line of lines) assert(displayWidth(line) <= columns, `${columns}: ${line}`);
    if (Math.max(...wide.map(displayWidth)) <= columns) assertEquals(lines, wide);
    else {
      assertEquals(
        words(lines).filter((word) => word !== "iteration").toSorted(),
        words([
          "KPIs what was done",
          "1 FAIL applied size 2 → 4",
          "latency_p95_ms 153.25, latency_p99_ms 1800, throughput_rps 12",
          "2 FAIL nothing to change",
          "latency_p95_ms 153.25, latency_p99_ms 1800, throughput_rps 12",
        ]).toSorted(),
        `${columns}`,
      );
    }
  }
});

Deno.test("a long run's table leaves out its middle, and still counts every change", () => {
  const records = Array.from(
    { length: 200 },
    (_, i) => record(i + 1, { change: [i, i + 1], effective: { size: i } }),
  );
  const rows = tableOf(records);
  assert(linesOf(rows).length <= 33);
  assert(linesOf(rows).includes("        …"));
  assertEquals(rows.changes, { applied: 199, written: 1, "not in effect": 0 });
});
