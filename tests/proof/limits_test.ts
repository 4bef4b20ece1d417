/**
 * What verification can't find, as docs/verification.md says: each of these forgeries passes. A
 * test that fails here is good news, and a reason to change that page.
 *
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { verifyRun } from "../../proof/verify.ts";
import { runSoak } from "../../run/run.ts";
import { Forgery, honestRun, summaryName } from "../kit/forgery.ts";
import { tempDir } from "../kit/temp_dir.ts";

async function passes(
  change: (run: Forgery) => void | Promise<void>,
): Promise<string | null> {
  const files = await honestRun(7, 40);
  const run = new Forgery(files, 40);
  await change(run);
  await run.resign();
  assertNotEquals(run.files, files);
  await using temp = await tempDir();
  run.write(temp.file("run"));
  const { verdict, findings, lastHash } = await verifyRun(temp.file("run"), { strict: true });
  assertEquals({ verdict, findings }, { verdict: "PASS", findings: [] });
  return lastHash;
}

Deno.test("limit: a measured value that changes nothing else can be invented", async () => {
  await passes((run) => run.edit(9, ({ summary }) => void (summary["net_bps"] = 3.999)));
});

Deno.test("limit: what the system claims to run with is believed, like its KPIs", async () => {
  await passes((run) => {
    // As if the system had run with 600 and a forger had put in what should have been reported.
    run.edit(2, ({ effective_params }) => void (effective_params["tail_age_ms"] = 600));
    run.edit(2, ({ effective_params }) => void (effective_params["tail_age_ms"] = 630));
    run.edit(10, ({ summary }) => void (summary["slippage_bps_p95"] = 1.9));
  });
});

Deno.test("limit: the words of a rationale can be rewritten", async () => {
  await passes((run) => run.edit(9, ({ tuning }) => void (tuning.rationale = "trust me")));
});

Deno.test("limit: the whole run can be moved in time", async () => {
  await passes((run) => {
    run.editRun((draft) => void (draft.started_utc = "2026-01-01T00:00:00Z"));
    for (const i of run.all) {
      run.edit(i, ({ summary }) => {
        summary.runtime_utc = summary.runtime_utc.replace("2025", "2026");
      });
    }
  });
});

Deno.test("limit: the seed is believed, as only a replay can tell", async () => {
  await passes((run) => run.editRun((draft) => void (draft.seed = 4711)));
});

Deno.test("limit: a looser profile of another name is a profile like any other", async () => {
  await passes((run) =>
    run.editRun(({ profile }) => {
      profile.name = "lenient";
      profile.gate["pass"] = profile.gate["warn"] = 1;
    })
  );
});

Deno.test("what anchors a run outside: none of this keeps the last hash", async () => {
  await using temp = await tempDir();
  new Forgery(await honestRun(7, 40), 40).write(temp.file("run"));
  const { lastHash } = await verifyRun(temp.file("run"), { strict: true });
  const forged = await passes((run) => {
    run.edit(9, ({ summary }) => void (summary["net_bps"] = 3.999));
  });
  assertNotEquals(forged, lastHash);
});

Deno.test("limit: that the first iterations were a warm-up is believed", async () => {
  await passes((run) => run.editJson("SOAK_RUN.json", (draft) => void (draft["warmup"] = 4)));
});

Deno.test("limit: a run that was extended can be cut back to its first end", async () => {
  await using temp = await tempDir();
  const dir = temp.file("run");
  await runSoak({ dir, iterations: 12, autoTune: true });
  const report = Deno.readTextFileSync(`${dir}/TUNING_REPORT.json`);
  await runSoak({ dir, iterations: 16, resume: true });
  for (const i of [13, 14, 15, 16]) Deno.removeSync(`${dir}/${summaryName(i)}`);
  assertEquals((await verifyRun(dir, { strict: true })).verdict, "FAIL", "the report tells");
  Deno.writeTextFileSync(`${dir}/TUNING_REPORT.json`, report);
  assertEquals((await verifyRun(dir, { strict: true })).verdict, "PASS");
});
