import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { runGate } from "../../gate.ts";
import { marketMaker } from "../../model/market_maker.ts";
import type { Profile } from "../../model/profile.ts";
import { startRemedy } from "../../model/starts.ts";
import { verifyRun } from "../../proof/verify.ts";
import { readRun, readSummary, RUN_FILE, RUNTIME_FILE } from "../../record/artifacts.ts";
import { renderGate } from "../../report/verdict_text.ts";
import { style } from "../../report/terminal.ts";
import { replayRun } from "../../run/replay.ts";
import { runSoak } from "../../run/run.ts";
import { memoryDir, namesIn, textsIn } from "../kit/temp_dir.ts";

const PROFILE: Profile = {
  ...marketMaker,
  name: "with-starts",
  starts: { careful: { impact_cap_ratio: 0.09, min_interval_ms: 70 } },
};
const RUN = { profile: PROFILE, iterations: 8, autoTune: true, start: "careful" } as const;

Deno.test("a run starts from the values that it names; that is recorded, proven and replayed", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await runSoak({ dir, ...RUN });
  assertEquals((await readRun(dir)).record.start, "careful");
  const { effectiveParams } = (await readSummary(dir, 1)).record;
  assertEquals([effectiveParams["impact_cap_ratio"], effectiveParams["min_interval_ms"]], [
    0.09,
    70,
  ]);
  assertEquals(effectiveParams["tail_age_ms"], 600, "a default");
  assertEquals((await verifyRun(dir, { strict: true })).findings, []);
  assertEquals((await replayRun(dir)).difference, null);
  const { verification, checks, verdict } = await runGate(dir);
  const [run] = renderGate(verification, checks, verdict, style(false)).split("\n");
  assertStringIncludes(run ?? "", ", start careful, mock with seed 1, ");
});

Deno.test("a run without a start says nothing of one, and is what it always was", async () => {
  await using temp = await memoryDir();
  const { start: _, ...options } = RUN;
  await runSoak({ dir: temp.file("run"), ...options });
  assert(!("start" in JSON.parse(Deno.readTextFileSync(temp.file(`run/${RUN_FILE}`)))));
});

Deno.test("a start that is unknown, or beside a runtime, is refused and nothing is touched", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  const unknown = await assertRejects(() => runSoak({ dir, ...RUN, start: "carefull" }), SoakError);
  assertEquals([unknown.kind, unknown.where, unknown.what], [
    "usage",
    "start",
    "the profile with-starts has no start called carefull",
  ]);
  assertEquals(unknown.remedy, startRemedy(PROFILE, "carefull"));
  const both = await assertRejects(() => runSoak({ dir, ...RUN, runtime: {} }), SoakError);
  assertEquals([both.kind, both.where], ["usage", "start"]);
  assertEquals(namesIn(temp.path), []);
});

Deno.test("a run goes on from its start, also when it was killed before its first runtime", async () => {
  await using temp = await memoryDir();
  const [dir, killed] = [temp.file("run"), temp.file("killed")];
  await runSoak({ dir, ...RUN });
  const files = textsIn(dir);
  Deno.mkdirSync(killed);
  Deno.writeTextFileSync(`${killed}/${RUN_FILE}`, files[RUN_FILE] ?? "");
  await runSoak({ dir: killed, resume: true, start: "careful" });
  assertEquals(textsIn(killed), files);
  assert(files[RUNTIME_FILE] !== undefined);
});
