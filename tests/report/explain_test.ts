import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { explainIteration } from "../../report/explain.ts";
import { style } from "../../report/terminal.ts";
import { Forgery, honestRun, summaryName } from "../kit/forgery.ts";
import { makeLegacyRun } from "../kit/legacy_run.ts";
import { tempDir } from "../kit/temp_dir.ts";

const PLAIN = style(false);

async function explain(i: number, change: (run: Forgery) => void = () => {}): Promise<string> {
  const run = new Forgery(await honestRun(7, 12), 12);
  change(run);
  await using temp = await tempDir();
  run.write(temp.file("run"));
  return await explainIteration(temp.file("run"), i, PLAIN);
}

Deno.test("the story names another version that made the iteration", async () => {
  const story = await explain(3, (run) => {
    run.editJson(summaryName(3), (draft) => void (draft["tool_version"] = "9.1.0"));
  });
  const [title] = story.split("\n");
  assertEquals(
    title,
    "Iteration 3, 2025-01-01T00:10:00Z, recorded by soak 9.1.0, not by the version that started " +
      "the run",
  );
});

Deno.test("the story of a change goes from KPIs by rules and guards to what was observed", async () => {
  const story = await explain(1);
  const parts = [
    "Iteration 1, 2025-01-01T00:00:00Z",
    "KPIs: FAIL\n",
    "≤ 0.42",
    "missed",
    "Rules that fired",
    "risk-high: risk_ratio",
    "Guards, recomputed",
    "cooldown     clear  no change applied so far",
    "Applied",
    "600 → 630",
    "Observed by iteration 2",
    "Verdict: full, every target is in the next runtime and in effect",
  ];
  let from = 0;
  for (const part of parts) {
    const at = story.indexOf(part, from);
    assert(at >= from, `${part} in its place in\n${story}`);
    from = at;
  }
});

Deno.test("the story of a skip names the guard with its numbers", async () => {
  const story = await explain(2);
  assertStringIncludes(story, "Nothing applied: cooldown: ");
  assertStringIncludes(story, "cooldown     holds");
  assertStringIncludes(story, ", as before\n");
  assertStringIncludes(story, "Nothing was proposed, so there is nothing to observe");
});

Deno.test("the last iteration has a story, too", async () => {
  assertStringIncludes(await explain(12), "the run ends here");
});

Deno.test("the story of a failed proposal ends with what the system ran with, and the finding", async () => {
  const spoil = (run: Forgery): void =>
    run.edit(2, ({ effective_params }) => void (effective_params["tail_age_ms"] = 600));
  assertStringIncludes(
    await explain(1, spoil),
    "Verdict: fail, the system ran with tail_age_ms 600, not 630",
  );
  assertStringIncludes(await explain(2, spoil), "Findings\n  effective_mismatch");
});

Deno.test("a verdict that is recorded otherwise is told", async () => {
  const story = await explain(
    6,
    (run) => run.edit(6, ({ summary }) => void (summary.kpi_verdict = "FAIL")),
  );
  assertStringIncludes(story, "KPIs: PASS, but recorded as FAIL");
});

Deno.test("after a gap, what is unknown is said to be", async () => {
  const story = await explain(3, (run) => run.remove(summaryName(2)));
  assertStringIncludes(story, "Guards: unknown, since an earlier record is missing");
  const before = await explain(1, (run) => run.remove(summaryName(2)));
  assertStringIncludes(before, "No next iteration observed it");
  assertStringIncludes(before, "Verdict: unproven");
});

Deno.test("an iteration that is not there, or can't be read, is told apart", async () => {
  const none = await assertRejects(() => explain(13), SoakError, "there is no iteration 13");
  assertStringIncludes(none.message, "the run has 12 of 12 iterations");
  await assertRejects(
    () => explain(6, (run) => run.editText(summaryName(6), () => "{")),
    SoakError,
    "iteration 6 can't be read: summary_unreadable",
  );
  await assertRejects(
    () => explain(6, (run) => run.remove(summaryName(6))),
    SoakError,
    "iteration 6 can't be read: summary_missing",
  );
});

Deno.test("an older run is refused in a sentence", async () => {
  await using temp = await tempDir();
  for (const [name, text] of Object.entries(await makeLegacyRun())) {
    Deno.writeTextFileSync(temp.file(name), text);
  }
  await assertRejects(
    () => explainIteration(temp.path, 2, PLAIN),
    SoakError,
    "only a run that soak itself recorded can be explained",
  );
});

Deno.test("text from data can't move the cursor in a story", async () => {
  const story = await explain(1, (run) =>
    run.edit(1, ({ tuning }) => {
      tuning.rationale = "\x1b[2Jgone\n";
      for (const change of tuning.changes) change.rule = "\x1b[31m";
    }));
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f]/.test(story), false);
});
