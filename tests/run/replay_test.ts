import { assert, assertEquals, assertRejects } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { VERSION } from "../../base/version.ts";
import { applyDeltas } from "../../model/params.ts";
import { verifyRun } from "../../proof/verify.ts";
import { type ReplayResult, replayRun } from "../../run/replay.ts";
import { runSoak } from "../../run/run.ts";
import { DEFAULTS, Forgery, honestRun, summaryName, unfinishedRun } from "../kit/forgery.ts";
import { memoryDir as tempDir, textsIn } from "../kit/temp_dir.ts";

async function replayAfter(
  change: (run: Forgery) => void | Promise<void>,
): Promise<ReplayResult> {
  const run = new Forgery(await honestRun(7, 12), 12);
  await change(run);
  await using temp = await tempDir();
  run.write(temp.file("run"));
  const before = textsIn(temp.file("run"));
  const result = await replayRun(temp.file("run"));
  assertEquals(textsIn(temp.file("run")), before, "a replay leaves the run alone");
  return result;
}

Deno.test("an honest run is replayed byte by byte", async () => {
  assertEquals(await replayAfter(() => {}), { iterations: 12, files: 15, difference: null });
});

/** A run of a version that let flat keys of a runtime file stand at the top, where they mean nothing. */
async function flatRun(flat: Readonly<Record<string, number>>): Promise<Forgery> {
  const run = await unfinishedRun(VERSION, 3);
  run.edit(1, ({ runtime_overrides }) => void Object.assign(runtime_overrides, flat));
  await run.restate();
  run.editRun((draft) => void (draft.initial_hash = run.read(1).tuning.old_hash));
  await run.resign();
  run.remove("TUNING_REPORT.json");
  return run;
}

Deno.test("an earlier version's run with flat keys is verified, gone on with and replayed", async () => {
  const { min_interval_ms: own = NaN } = DEFAULTS;
  for (const flat of [{ min_interval_ms: 65 }, { min_interval_ms: own }]) {
    await using temp = await tempDir();
    const dir = temp.file("run");
    (await flatRun(flat)).write(dir);
    assertEquals((await replayRun(dir)).difference, null);
    const { status, counts } = await runSoak({ dir, resume: true });
    assert(status === "finished" && counts.applied > 1);
    const { verdict, findings } = await verifyRun(dir, { strict: true });
    assertEquals([verdict, findings], ["PASS", []]);
    assertEquals((await replayRun(dir)).difference, null);
  }
});

Deno.test("the first difference is named with file, path and both values", async () => {
  const { difference } = await replayAfter((run) => {
    run.edit(5, ({ summary }) => void (summary["net_bps"] = 9));
    run.edit(9, ({ summary }) => void (summary["net_bps"] = 9));
  });
  assertEquals(difference?.file, summaryName(5));
  assertEquals(difference?.path, "$.summary.net_bps");
  assertEquals(difference?.recorded, "9");
});

Deno.test("a forgery that verification can't tell from the truth, replay can", async () => {
  const { difference } = await replayAfter(async (run) => {
    run.edit(9, ({ summary }) => void (summary["net_bps"] = 3.999));
    await run.resign();
  });
  assertEquals([difference?.file, difference?.path], [summaryName(9), "$.summary.net_bps"]);
});

Deno.test("other bytes for the same value are a difference", async () => {
  const { difference } = await replayAfter((run) =>
    run.editText(summaryName(3), (text) => `${text}\n`)
  );
  assertEquals([difference?.file, difference?.path], [summaryName(3), null]);
});

Deno.test("a missing or damaged file is a difference", async () => {
  const missing = await replayAfter((run) => run.remove(summaryName(3)));
  assertEquals([missing.difference?.file, missing.difference?.path], [summaryName(3), null]);
  const damaged = await replayAfter((run) => run.editText(summaryName(3), () => "{"));
  assertEquals(damaged.difference?.file, summaryName(3));
});

Deno.test("another seed gives another run", async () => {
  const { difference } = await replayAfter((run) => run.editRun((draft) => void (draft.seed = 8)));
  assert(difference !== null);
});

Deno.test("a run with a fault is replayed with it", async () => {
  await using temp = await tempDir();
  const dir = temp.file("run");
  await runSoak({
    dir,
    iterations: 12,
    autoTune: true,
    mockFault: { kind: "drift", rate: 0.5 },
  });
  assertEquals((await replayRun(dir)).difference, null);
});

Deno.test("a run from a runtime of its own is replayed and verified from it", async () => {
  await using temp = await tempDir();
  const dir = temp.file("run");
  const runtime = applyDeltas({ note: "mine" }, { ...DEFAULTS, tail_age_ms: 620 }).runtime;
  await runSoak({ dir, iterations: 12, autoTune: true, runtime });
  assertEquals((await replayRun(dir)).difference, null);
  const { verdict, findings } = await verifyRun(dir, { strict: true });
  assertEquals([verdict, findings], ["PASS", []]);
});

Deno.test("an interrupted run is replayed as far as it went", async () => {
  await using temp = await tempDir();
  const dir = temp.file("run");
  const stop = new AbortController();
  await runSoak({
    dir,
    iterations: 12,
    autoTune: true,
    signal: stop.signal,
    onIteration: ({ iteration }) => iteration === 5 && stop.abort(),
  });
  const { iterations, difference } = await replayRun(dir);
  assertEquals([iterations, difference], [5, null]);
});

Deno.test("a run of another version is refused", async () => {
  const edit = (run: Forgery): void =>
    run.editJson("SOAK_RUN.json", (draft) => void (draft["tool_version"] = "0.0.1"));
  await assertRejects(() => replayAfter(edit), SoakError, "the run was made by soak 0.0.1");
});

Deno.test("a run that another version went on with is refused", async () => {
  const edit = async (run: Forgery): Promise<void> => {
    run.editJson(summaryName(9), (draft) => void (draft["tool_version"] = "9.1.0"));
    await run.resign();
  };
  await assertRejects(() => replayAfter(edit), SoakError, "iteration 9 was made by soak 9.1.0");
});
