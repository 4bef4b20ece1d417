import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as fc from "fast-check";
import type { PhaseName } from "../../model/phase.ts";
import type { Kpi, KpiValues } from "../../model/profile.ts";
import { Progress, type ProgressOptions } from "../../report/progress.ts";
import { displayWidth, style } from "../../report/terminal.ts";

const SEED = 20250101;
const KPIS: readonly Kpi[] = ([["late_ms", "lower", 200], ["hits", "higher", 0.9], [
  "seen",
  "lower",
  null,
]] as const)
  .map(([key, better, target]) => ({
    key,
    better,
    target,
    unit: "",
    metric: key,
    description: "",
  }));

function progressOf(options: Partial<ProgressOptions> & { total: number }): Progress {
  return new Progress({ style: style(false), startMs: 0, kpis: KPIS, ...options });
}

/** Tells of an iteration that is done. */
function done(progress: Progress, iteration: number, nowMs: number, kpis: KpiValues = {}): void {
  const met = (kpis.late_ms ?? 0) <= 200;
  progress.step({ iteration, verdict: met ? "PASS" : "FAIL", kpis }, nowMs);
}

Deno.test("progress moves from the start: iteration, phase and elapsed time, and no guess yet", () => {
  const progress = progressOf({ total: 24 });
  assertEquals(progress.line(0, 80), " 1/24                             0s");
  progress.phase({ name: "soaking", seconds: 30 }, 1000);
  assertEquals(progress.line(13_000, 80), " 1/24  soaking 12 s of 30 s      13s");
  progress.phase({ name: "waiting for readiness" }, 14_000);
  assertEquals(progress.line(15_000, 80), " 1/24  waiting for readiness     15s");
  assertEquals(progress.line(20_000, 80), " 1/24  waiting for readiness 6 s     20s");
});

Deno.test("progress guesses what is left by the iterations of this process alone", () => {
  const progress = progressOf({ total: 24, done: 12 });
  assertEquals(progress.line(5000, 80).trim(), "13/24                             5s");
  done(progress, 13, 60_000);
  assertStringIncludes(progress.line(60_000, 80), "14/24");
  assertStringIncludes(progress.line(60_000, 80), " 1m00s  about 11m00s left");
  // The iteration on its way uses its time up, and no more than that.
  assertStringIncludes(progress.line(90_000, 80), " 1m30s  about 10m30s left");
  assertStringIncludes(progress.line(300_000, 80), " 5m00s  about 10m00s left");
  done(progress, 24, 720_000);
  assertStringIncludes(progress.line(720_000, 80), "24/24");
  assertStringIncludes(progress.line(720_000, 80), "about 0s left");
});

Deno.test("progress shows KPIs against their targets, missed ones first, as far as there is room", () => {
  const progress = progressOf({ total: 9 });
  done(progress, 1, 1000, { late_ms: 153, hits: 0.5, seen: 3 });
  assertStringIncludes(progress.line(1000, 200), "  hits 0.5 < 0.9, late_ms 153 ≤ 200");
  assertStringIncludes(progress.line(1000, 73), "  1 of 2 KPIs met");
  assert(progress.line(1000, 80).endsWith("  hits 0.5 < 0.9, …"));
  done(progress, 2, 2000, { late_ms: null, hits: 0.9 });
  assertStringIncludes(progress.line(2000, 200), "  late_ms not measured, hits 0.9 ≥ 0.9");
  const colored = progressOf({ total: 9, style: style(true) });
  done(colored, 1, 1000, { late_ms: 201, hits: 0.95 });
  const { red, green } = style(true);
  assertStringIncludes(
    colored.line(1000, 200),
    `${red("late_ms 201 > 200")}, ${green("hits 0.95 ≥ 0.9")}`,
  );
});

const PHASES: readonly PhaseName[] = ["starting", "waiting for readiness", "soaking", "measuring"];

Deno.test("progress guesses with the pause that the first iteration had not", () => {
  const progress = progressOf({ total: 6, pauseMs: 60_000 });
  done(progress, 1, 2000);
  assertStringIncludes(progress.line(2000, 80), "about 5m10s left");
  done(progress, 2, 64_000);
  assertStringIncludes(progress.line(64_000, 80), "about 4m08s left");
});

Deno.test("progress guesses nothing any more once the run is stopping", () => {
  const progress = progressOf({ total: 6 });
  done(progress, 1, 2000);
  progress.phase({ name: "stopping" }, 3000);
  assertEquals(progress.line(3000, 60), "2/6  stopping                   3s");
});

Deno.test("progress fits any terminal, with room for the ^C that it shows behind the line", () => {
  for (let columns = 1; columns <= 200; columns++) {
    for (const color of [false, true]) {
      const progress = progressOf({ total: 120, style: style(color) });
      for (let i = 0; i <= 120; i += 40) {
        if (i > 0) done(progress, i, i * 1e6, { late_ms: 1234.5678 * i, hits: 0.9 });
        for (const name of PHASES) {
          progress.phase({ name, ...(name === "soaking" ? { seconds: 3600 } : {}) }, i * 1e6);
          const line = progress.line(i * 1e6 + 5e5, columns);
          assert(displayWidth(line) <= Math.max(0, columns - 3), `${columns}: ${line}`);
        }
      }
    }
  }
});

Deno.test("progress keeps its parts in their places, however long it takes", () => {
  for (const columns of [60, 80, 120, 200]) {
    for (const msEach of [1e3, 1e5, 1e6]) {
      const progress = progressOf({ total: 120, kpis: [] });
      const ends = Array.from({ length: 119 }, (_, i) => {
        done(progress, i + 1, (i + 1) * msEach);
        const name = i % 2 === 0 ? "measuring" : "waiting for readiness";
        progress.phase({ name }, (i + 1) * msEach);
        return progress.line((i + 1) * msEach, columns).indexOf("about");
      });
      assertEquals(new Set(ends).size, 1, `${columns}, ${msEach}: ${ends}`);
      assert(ends.every((end) => end > 0));
    }
  }
});

Deno.test("progress takes a terminal without a width for one of 80 columns", () => {
  const progress = progressOf({ total: 3 });
  assertEquals(progress.line(0, 0), progress.line(0, 80));
});

/** The plain lines of a run whose iterations take a fixed time. */
function plainLines(options: { total: number; done?: number }, msEach: number): string[] {
  const progress = progressOf(options);
  const lines: string[] = [];
  for (let i = (options.done ?? 0) + 1; i <= options.total; i++) {
    const nowMs = (i - (options.done ?? 0)) * msEach;
    done(progress, i, nowMs, { late_ms: 150, hits: 1 });
    const line = progress.plainLine(nowMs);
    if (line !== null) lines.push(line);
  }
  return lines;
}

Deno.test("a plain line says what the iteration came to, how long it took and what is left", () => {
  assertEquals(plainLines({ total: 3 }, 60_000), [
    "iteration 1/3: PASS, late_ms 150 ≤ 200, hits 1 ≥ 0.9; 1m00s elapsed, about 2m00s left",
    "iteration 2/3: PASS, late_ms 150 ≤ 200, hits 1 ≥ 0.9; 2m00s elapsed, about 1m00s left",
    "iteration 3/3: PASS, late_ms 150 ≤ 200, hits 1 ≥ 0.9; 3m00s elapsed",
  ]);
});

Deno.test("short iterations have two dozen plain lines together, long ones one each", () => {
  const sizes = fc.record({ done: fc.nat(3000), more: fc.integer({ min: 1, max: 3000 }) });
  fc.assert(
    fc.property(sizes, ({ done, more }) => {
      const total = done + more;
      const lines = plainLines({ total, done }, 1);
      assert(lines.length <= 25, `${lines.length}`);
      assert(lines[0]?.startsWith(`iteration ${done + 1}/${total}:`));
      assert(lines.at(-1)?.startsWith(`iteration ${total}/${total}:`));
      assert(lines.every((line) => !line.includes("\n")));
    }),
    { seed: SEED },
  );
  assertEquals(plainLines({ total: 200 }, 30_000).length, 200);
});
