import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { type GateResult, runGate } from "../../gate.ts";
import { marketMaker } from "../../model/market_maker.ts";
import type { Profile } from "../../model/profile.ts";
import { FAULT_KINDS } from "../../model/system_spec.ts";
import { leastJudged, warmUpMistake } from "../../model/warm_up.ts";
import { readRun, readSummary } from "../../record/artifacts.ts";
import { RunTable } from "../../report/run_table.ts";
import { renderGate } from "../../report/verdict_text.ts";
import { style } from "../../report/terminal.ts";
import { replayRun } from "../../run/replay.ts";
import { runSoak } from "../../run/run.ts";
import type { RunOptions } from "../../run/state.ts";
import { memoryDir, namesIn, type TempDir } from "../kit/temp_dir.ts";

const SHORT = { iterations: 8, warmup: 4, autoTune: true } as const;

async function gate(dir: string, options: Partial<RunOptions> = {}): Promise<GateResult> {
  await runSoak({ dir, ...SHORT, ...options });
  return await runGate(dir, { strict: true, prometheus: true });
}

Deno.test("eight iterations of the built-in profile pass the gate after a warm-up of four", async () => {
  for (const seed of [0, 1, 7, 42, 199, 4_294_967_295]) {
    await using temp = await memoryDir();
    const dir = temp.file("run");
    const { verdict, checks } = await gate(dir, { seed });
    assertEquals(verdict, "PASS", `seed ${seed}`);
    assertEquals(checks[0]?.foundText, "PASS, 4 of the 4 after a warm-up of 4");
    assertEquals((await gate(dir, { seed, warmup: 0 })).verdict, "FAIL", `seed ${seed}`);
  }
});

Deno.test("a warm-up hides no fault: whatever strikes, in it or after it, fails the gate", async () => {
  for (const kind of FAULT_KINDS) {
    for (const seed of [0, 1, 2]) {
      await using temp = await memoryDir();
      const { verdict, verification } = await gate(temp.file("run"), {
        seed,
        mockFault: { kind, rate: 1 },
      });
      assertEquals(verdict, "FAIL", `${kind}, seed ${seed}`);
      assert((verification.findingCounts.effective_mismatch ?? 0) > 0);
    }
  }
});

Deno.test("a warm-up is told wherever the run is", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  const { verification, checks, verdict, snapshot } = await gate(dir);
  assertEquals((await readRun(dir)).record.warmup, 4);
  assertEquals([snapshot.warmup, snapshot.iterations_analyzed, snapshot.iterations_total], [
    4,
    4,
    8,
  ]);
  assertEquals(snapshot.time_range?.from, "2025-01-01T00:20:00Z");
  const [run] = renderGate(verification, checks, verdict, style(false)).split("\n");
  assertStringIncludes(run ?? "", ", 8 iterations (the first 4 a warm-up) from ");
  const read = (name: string): string => Deno.readTextFileSync(join(dir, name));
  assertEquals(JSON.parse(read("GATE_REPORT.json")).run.warmup, 4);
  assertEquals(JSON.parse(read("POST_SOAK_SNAPSHOT.json")).warmup, 4);
  assertStringIncludes(read("DELTA_VERIFY_REPORT.md"), "the first 4 a warm-up");
  const rows = new RunTable(4);
  for (let i = 1; i <= 8; i++) rows.take((await readSummary(dir, i)).record);
  const marked = rows.render(marketMaker, style(false)).split("\n").map((row) =>
    row.includes("warm-up")
  );
  assertEquals(marked, [false, true, true, true, true, false, false]);
  assertEquals((await replayRun(dir)).difference, null);
});

Deno.test("a run without a warm-up tells of none", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await gate(dir, { warmup: 0 });
  assert(!Deno.readTextFileSync(join(dir, "SOAK_RUN.json")).includes("warmup"));
});

/** A profile whose latency is missed by the built-in simulation from one iteration on. */
function missing(share: number): Profile {
  const kpis = marketMaker.kpis.map((kpi) =>
    kpi.key === "p95_latency_ms" ? { ...kpi, target: share } : kpi
  );
  return { ...marketMaker, name: "other-targets", kpis };
}

Deno.test("bad iterations after the warm-up still fail", async () => {
  await using temp = await memoryDir();
  const { verdict, checks } = await gate(temp.file("run"), { profile: missing(200) });
  assertEquals(verdict, "FAIL");
  assertEquals(checks[0]?.foundText, "FAIL, 0 of the 4 after a warm-up of 4");
});

Deno.test("once the window is full, a warm-up changes nothing", async () => {
  await using temp = await memoryDir();
  const { checks, snapshot } = await gate(temp.file("run"), { iterations: 24 });
  assertEquals(checks[0]?.foundText, "PASS, 8 of the last 8 iterations");
  assertEquals([snapshot.warmup, snapshot.iterations_analyzed], [4, 8]);
});

Deno.test("what a warm-up leaves must be enough, and nothing is touched when it is not", async () => {
  await using temp: TempDir = await memoryDir();
  const dir = temp.file("run");
  const error = await assertRejects(
    () => runSoak({ dir, iterations: 8, warmup: 5 }),
    SoakError,
    "a warm-up of 5 leaves 3 of 8 iterations to be judged, and with the profile's window of 8 it " +
      "needs at least 5",
  );
  assertEquals([error.kind, error.where, error.remedy], [
    "usage",
    "warmup",
    "run at least 10 iterations, or warm up for fewer",
  ]);
  for (const warmup of [-1, 0.5, NaN, 1e300]) {
    const refused = await assertRejects(() => runSoak({ dir, iterations: 8, warmup }), SoakError);
    assertEquals([refused.kind, refused.where], ["usage", "warmup"]);
  }
  assertEquals(namesIn(temp.path), []);
});

Deno.test("as many iterations as the warm-up has must be left, from half of the window to all of it", () => {
  const cases = [[1, 1, 1], [2, 3, 2], [4, 3, 3], [1, 8, 4], [5, 8, 5], [100, 8, 8], [
    1,
    9,
    5,
  ]] as const;
  for (const [warmup, window, least] of cases) {
    assertEquals(leastJudged(warmup, { window }), least);
    assertEquals(warmUpMistake(warmup + least, warmup, { window }), null);
    assert(warmUpMistake(warmup + least - 1, warmup, { window }) !== null);
    assertEquals(warmUpMistake(1, 0, { window }), null);
  }
});

Deno.test("a run that ends within its warm-up has nothing to judge", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  const stop = new AbortController();
  await runSoak({
    dir,
    ...SHORT,
    signal: stop.signal,
    onIteration: ({ iteration }) => void (iteration === 3 && stop.abort()),
  });
  const { verdict, checks } = await runGate(dir);
  assertEquals([verdict, checks[0]?.foundText], ["INCONCLUSIVE", "no iteration to judge"]);
});
