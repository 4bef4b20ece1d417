import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import type { Finding } from "../../proof/findings.ts";
import type { VerifyResult } from "../../proof/verdict.ts";
import { type VerifyOptions, verifyRun } from "../../proof/verify.ts";
import { Forgery, honestRun, summaryName } from "../kit/forgery.ts";
import { tempDir } from "../kit/temp_dir.ts";

/** Verifies a run after something was done to it. */
async function verifyAfter(
  change: (run: Forgery) => void | Promise<void>,
  options: VerifyOptions = { strict: true },
): Promise<VerifyResult> {
  const run = new Forgery(await honestRun(7, 12), 12);
  await change(run);
  await using temp = await tempDir();
  run.write(temp.file("run"));
  return await verifyRun(temp.file("run"), options);
}

function codes({ findingCounts }: VerifyResult): string[] {
  return Object.keys(findingCounts);
}

Deno.test("an honest run passes, with every proposal in full", async () => {
  const { verdict, ratio, counts, signatureStuck, iterations, findings, lastHash } =
    await verifyAfter(() => {});
  assertEquals({ verdict, ratio, signatureStuck, iterations, findings }, {
    verdict: "PASS",
    ratio: 1,
    signatureStuck: 0,
    iterations: 12,
    findings: [],
  });
  assertEquals(counts, { full: 3, partial_ok: 0, fail: 0, unproven: 0, total: 3 });
  assert(lastHash !== null);
});

Deno.test("a missing or empty directory is said to be just that", async () => {
  await using temp = await tempDir();
  await assertRejects(() => verifyRun(temp.file("none")), SoakError, "no such directory");
  await assertRejects(() => verifyRun(temp.path), SoakError, "there is no soak run");
});

Deno.test("not strict, findings alone do not fail a run, but failed proposals do", async () => {
  const relaxed = { strict: false };
  const edited = await verifyAfter((run) => {
    run.edit(6, ({ tuning }) => void (tuning.rationale = "other"));
  }, relaxed);
  const found = ["record_chain_broken", "report_mismatch"];
  assertEquals([edited.verdict, codes(edited)], ["PASS", found]);
  const failed = await verifyAfter((run) => {
    run.edit(2, ({ effective_params }) => void (effective_params["tail_age_ms"] = 600));
  }, relaxed);
  assertEquals([failed.verdict, failed.ratio], ["FAIL", 2 / 3]);
});

Deno.test("a ratio short of the threshold by five points passes if no signature is stuck", async () => {
  const spoilt = (run: Forgery): void =>
    run.edit(2, ({ effective_params }) => void (effective_params["tail_age_ms"] = 600));
  assertEquals((await verifyAfter(spoilt, { threshold: 0.71 })).verdict, "PASS");
  assertEquals((await verifyAfter(spoilt, { threshold: 0.72 })).verdict, "FAIL");
  const stuck = (run: Forgery): void =>
    run.edit(1, ({ tuning, summary }) => {
      tuning.state_hash = summary.state_hash = tuning.old_hash;
    });
  assertEquals((await verifyAfter(stuck, { threshold: 0.71 })).verdict, "FAIL");
  assertEquals((await verifyAfter(stuck, { threshold: 0.66 })).verdict, "PASS");
});

Deno.test("a run without proposals proves nothing, unless that is accepted", async () => {
  const run = await honestRun(7, 1);
  await using temp = await tempDir();
  new Forgery(run, 1).write(temp.file("run"));
  const verdict = async (allowNoDeltas: boolean): Promise<string> =>
    (await verifyRun(temp.file("run"), { strict: true, allowNoDeltas })).verdict;
  assertEquals([await verdict(false), await verdict(true)], ["INCONCLUSIVE", "PASS"]);
});

Deno.test("a gap hides what it hides and proves nothing by itself, wherever it is", async () => {
  for (let missing = 1; missing <= 12; missing++) {
    const { verdict, findings } = await verifyAfter((run) => run.remove(summaryName(missing)));
    assertEquals(verdict, "INCONCLUSIVE", `without ${missing}: ${JSON.stringify(findings)}`);
  }
});

Deno.test("any two missing summaries prove nothing either", async () => {
  for (let a = 1; a <= 11; a++) {
    for (let b = a + 1; b <= 12; b += 3) {
      const { verdict } = await verifyAfter((run) => {
        run.remove(summaryName(a));
        run.remove(summaryName(b));
      });
      assertEquals(verdict, "INCONCLUSIVE", `without ${a} and ${b}`);
    }
  }
});

Deno.test("proof counts for more than a gap, on either side of it", async () => {
  for (const proof of [3, 9]) {
    const result = await verifyAfter((run) => {
      run.remove(summaryName(6));
      run.edit(proof, ({ summary }) => {
        summary.kpi_verdict = summary.kpi_verdict === "PASS" ? "FAIL" : "PASS";
      });
    });
    assertEquals(result.verdict, "FAIL", `proof in ${proof}`);
    assert(codes(result).includes("kpi_verdict_wrong"));
  }
});

Deno.test("a proposal before a gap is neither full nor failed", async () => {
  const { counts } = await verifyAfter((run) => run.remove(summaryName(2)));
  assertEquals(counts, { full: 2, partial_ok: 0, fail: 0, unproven: 1, total: 3 });
});

Deno.test("a crash between the write and the record leaves a gap, not a contradiction", async () => {
  const result = await verifyAfter((run) => {
    const { runtime_overrides } = run.read(4);
    run.files["STEP_IN_PROGRESS.json"] = run.text(summaryName(3));
    run.files["runtime_overrides.json"] = JSON.stringify(runtime_overrides);
    for (const i of run.all.slice(2)) run.remove(summaryName(i));
    run.remove("TUNING_REPORT.json");
  });
  assertEquals(result.verdict, "INCONCLUSIVE");
  assertEquals(codes(result).sort(), ["run_incomplete", "step_left_over"]);
});

Deno.test("a run that was cut short with its report is incomplete and nothing else", async () => {
  const result = await verifyAfter((run) => {
    run.remove("TUNING_REPORT.json");
    for (const i of run.all.slice(6)) run.remove(summaryName(i));
  });
  assertEquals([result.verdict, codes(result)], ["INCONCLUSIVE", ["run_incomplete"]]);
});

Deno.test("a gap is one finding however long, and a planted name makes nobody search", async () => {
  const planted = async (number: number): Promise<VerifyResult> =>
    await verifyAfter((run) => {
      run.editRun((draft) => void (draft.iterations = number));
      run.files[summaryName(number)] = run.text(summaryName(12));
    });
  assertEquals((await planted(900)).findingCounts.summary_missing, 1);
  assertEquals((await planted(1_000_000_000)).findingCounts.summary_unexpected, 1);
});

Deno.test("a finding says which file, what is recorded and what was recomputed", async () => {
  const { findings } = await verifyAfter((run) => {
    run.edit(2, ({ effective_params }) => void (effective_params["tail_age_ms"] = 777));
  });
  const finding: Finding | undefined = findings.find(({ code }) => code === "effective_mismatch");
  assertEquals(finding, {
    code: "effective_mismatch",
    iteration: 2,
    file: "ITER_SUMMARY_2.json",
    recorded: '{"tail_age_ms":777}',
    recomputed: '{"tail_age_ms":630}',
    message: "the system ran with tail_age_ms 777 instead of 630",
  });
});

Deno.test("an observer sees every iteration, proposal and finding", async () => {
  const seen: string[] = [];
  await verifyAfter((run) => run.edit(6, ({ tuning }) => void (tuning.rationale = "other")), {
    observer: {
      finding: ({ code }) => void seen.push(code),
      proposal: ({ iteration, outcome }) => void seen.push(`${iteration} ${outcome}`),
      seen: ({ iteration }) => void seen.push(`${iteration}`),
    },
  });
  assertEquals(seen.slice(0, 4), ["1", "1 full", "2", "3"]);
  assert(seen.includes("record_chain_broken") && seen.includes("12"));
});

Deno.test("names in hostile JSON do not reach prototypes", async () => {
  const result = await verifyAfter((run) => {
    run.editText(
      summaryName(6),
      (text) =>
        text.replace('"effective_params":{', '"effective_params":{"__proto__":1,"constructor":2,'),
    );
  });
  assertEquals(result.verdict, "FAIL");
  assertStringIncludes(codes(result).join(), "unknown_key");
});
