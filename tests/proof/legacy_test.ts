import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { runGate } from "../../gate.ts";
import { style } from "../../report/terminal.ts";
import { renderVerification } from "../../report/verdict_text.ts";
import type { FindingCode } from "../../proof/findings.ts";
import type { JudgedProposal } from "../../proof/outcome.ts";
import type { VerifyResult } from "../../proof/verdict.ts";
import { verifyRun } from "../../proof/verify.ts";
import { makeLegacyRun, makeStoringRun } from "../kit/legacy_run.ts";
import { fillFolder, tempDir } from "../kit/temp_dir.ts";

interface Verified extends VerifyResult {
  readonly proposals: readonly JudgedProposal[];
}

async function verifyFiles(files: Record<string, string>, strict = true): Promise<Verified> {
  await using temp = await tempDir();
  fillFolder(temp.file("run"), files);
  const proposals: JudgedProposal[] = [];
  const result = await verifyRun(temp.file("run"), {
    strict,
    observer: { proposal: (proposal) => void proposals.push(proposal) },
  });
  return { ...result, proposals };
}

function found({ findings }: VerifyResult, code: FindingCode): (number | null)[] {
  return findings.filter((finding) => finding.code === code).map(({ iteration }) => iteration);
}

/** Changes one of the files as JSON. */
function edit(
  files: Record<string, string>,
  name: string,
  change: (draft: Record<string, Record<string, unknown>>) => void,
): void {
  const draft: Record<string, Record<string, unknown>> = JSON.parse(files[name] ?? "");
  change(draft);
  files[name] = JSON.stringify(draft);
}

Deno.test("an older run is never full: each proposal is disproven or not proven", async () => {
  const { proposals, counts, ratio, verdict } = await verifyFiles(await makeLegacyRun());
  assertEquals(proposals.map(({ iteration, outcome }) => [iteration, outcome]), [
    [1, "fail"],
    [2, "fail"],
    [3, "unproven"],
    [4, "unproven"],
  ]);
  assertEquals({ full: counts.full, ratio, verdict }, { full: 0, ratio: 0, verdict: "FAIL" });
});

Deno.test("what the record of an older run contradicts is found", async () => {
  const result = await verifyFiles(await makeLegacyRun());
  assertEquals(found(result, "run_missing"), [null]);
  assertEquals(found(result, "state_chain_broken"), [2]);
  assertEquals(found(result, "hash_missing"), [4]);
  assertEquals(found(result, "skip_reason_false"), [5]);
  assertEquals(found(result, "final_runtime_mismatch"), [null]);
});

Deno.test("what an older run can't prove is said in sentences", async () => {
  const { unprovable } = await verifyFiles(await makeLegacyRun());
  const text = unprovable.join("\n");
  for (
    const part of ["SOAK_RUN.json", "took effect", "effective", "increments", "same runtime_utc"]
  ) {
    assert(text.includes(part), part);
  }
});

const CAUSE = "increments were stored as values: impact_cap_ratio is -0.01, tail_age_ms 30 and " +
  "min_interval_ms 5 in the final runtime";

Deno.test("that increments were stored as values is the answer, strict or not", async () => {
  for (const strict of [true, false]) {
    const { verdict, reason, older, findings, proposals } = await verifyFiles(
      await makeStoringRun(),
      strict,
    );
    assertEquals([verdict, reason, older?.cause], ["FAIL", CAUSE, CAUSE]);
    assertEquals(findings.map(({ code, file }) => [code, file]), [
      ["run_missing", "SOAK_RUN.json"],
      ["increments_stored", "runtime_overrides.json"],
      ["hash_missing", "ITER_SUMMARY_4.json"],
    ]);
    assertEquals(proposals.map(({ outcome }) => outcome), ["fail", "fail", "fail", "unproven"]);
  }
});

Deno.test("the cause heads text and reports, and stands there once", async () => {
  await using temp = await tempDir();
  fillFolder(temp.file("run"), await makeStoringRun());
  const { verification } = await runGate(temp.file("run"));
  const text = renderVerification(verification, null, style(false));
  assert(String(text).startsWith(`FAIL ${CAUSE}\n`), String(text));
  assertEquals(String(text).split("impact_cap_ratio is").length, 2);
  const markdown = Deno.readTextFileSync(temp.file("run/DELTA_VERIFY_REPORT.md"));
  assert(markdown.startsWith(`# FAIL: ${CAUSE}\n`), markdown);
  const json = JSON.parse(Deno.readTextFileSync(temp.file("run/DELTA_VERIFY_REPORT.json")));
  assertEquals([json.summary.reason, json.summary.older_run.cause], [CAUSE, CAUSE]);
});

Deno.test("the states of an older run are recomputed from its last one, in any layout", async () => {
  const { older } = await verifyFiles(await makeStoringRun());
  const text = older?.notes.join("\n") ?? "";
  for (
    const part of [
      "Recomputed: the state hashes of iterations 1 to 3, 5 and 6",
      "Rewritten: before iterations 2 and 5 something wrote the same values",
      "impact_cap_ratio (0.1, -0.01)",
    ]
  ) assert(text.includes(part), `${part} is not in ${text}`);
});

Deno.test("a state that is not the one recomputed is not said to be", async () => {
  const files = await makeStoringRun();
  edit(files, "ITER_SUMMARY_2.json", ({ tuning = {} }) => {
    tuning["old_hash"] = tuning["state_hash"] = "7".repeat(64);
  });
  const result = await verifyFiles(files);
  const [broken, ...others] = result.findings.filter(({ code }) => code === "state_chain_broken");
  assertEquals([broken?.iteration, others.length], [2, 0]);
  assert(broken?.message.endsWith("(iterations 2 and 3)") === true, broken?.message);
  assert(result.older?.notes.some((note) => note.includes("of iterations 1, 3, 5 and 6,")));
});

Deno.test("deltas that may well be values are not called increments", async () => {
  const first = { impact_cap_ratio: 0.09, tail_age_ms: 700 };
  const files = await makeStoringRun({ first, third: { min_interval_ms: 55 } });
  edit(files, "ITER_SUMMARY_4.json", ({ tuning = {} }) => {
    tuning["proposed_deltas"] = tuning["deltas"] = {};
  });
  delete files["TUNING_REPORT.json"];
  const { older, proposals, findingCounts, verdict } = await verifyFiles(files, false);
  assertEquals([older?.cause, verdict, findingCounts.increments_stored], [null, "FAIL", undefined]);
  assertEquals(proposals.map(({ outcome }) => outcome), ["unproven", "fail", "unproven"]);
  assert(proposals[0]?.reason.includes("was in the runtime file"), proposals[0]?.reason);
});

/** Verifies a run with other files one level up. */
async function verifyBelow(
  files: Readonly<Record<string, string>>,
  above: Readonly<Record<string, string>>,
): Promise<VerifyResult> {
  await using temp = await tempDir();
  fillFolder(temp.file("soak"), above);
  fillFolder(temp.file("soak/latest"), files);
  return await verifyRun(temp.file("soak/latest"));
}

Deno.test("a runtime file one level up is found, used and named", async () => {
  const { ["runtime_overrides.json"]: runtime = "", ...files } = await makeStoringRun();
  const result = await verifyBelow(files, { "runtime_overrides.json": runtime });
  assertEquals(result.reason, CAUSE);
  assertEquals(result.findings[1]?.file, "../runtime_overrides.json");
  assertEquals(
    result.older?.notes[0],
    "Runtime file: ../runtime_overrides.json, found one level up; it is the last recorded state",
  );
});

Deno.test("a runtime file one level up may be another run's, and is then not used", async () => {
  const { ["runtime_overrides.json"]: runtime = "", ...files } = await makeStoringRun();
  const later = runtime.replace('"impact_cap_ratio":0.1', '"impact_cap_ratio":0.12');
  const result = await verifyBelow(files, { "runtime_overrides.json": later });
  assertEquals(result.older?.cause, null);
  assertEquals(found(result, "runtime_missing"), [null]);
  const message = result.findings.find(({ code }) => code === "runtime_missing")?.message;
  assertEquals(
    message,
    "the file is not in the run directory, and ../runtime_overrides.json is not the last " +
      "recorded state: it may be another run's",
  );
});

Deno.test("of two runtime files the one in the run directory counts", async () => {
  const files = await makeStoringRun();
  const runtime = files["runtime_overrides.json"] ?? "";
  const compact = JSON.stringify(JSON.parse(runtime));
  const same = await verifyBelow(files, { "runtime_overrides.json": compact });
  assertEquals(same.older?.notes.some((note) => note.includes("../")), false);
  const other = await verifyBelow(files, { "runtime_overrides.json": '{"engine":{}}' });
  assertEquals([other.reason, found(other, "final_runtime_mismatch")], [CAUSE, []]);
  assertEquals(
    other.older?.notes[0],
    "Runtime file: the one in the run directory counts; ../runtime_overrides.json is another state",
  );
  const stale = { ...files, "runtime_overrides.json": '{"engine":{}}' };
  const mismatch = await verifyBelow(stale, { "runtime_overrides.json": runtime });
  assertEquals(
    mismatch.findings.find(({ code }) => code === "final_runtime_mismatch")?.message,
    "the runtime file is not the last recorded state, but ../runtime_overrides.json is",
  );
});

Deno.test("what can't be read one level up ends nothing", async () => {
  const { ["runtime_overrides.json"]: _, ...files } = await makeStoringRun();
  await using temp = await tempDir();
  fillFolder(temp.file("soak/latest"), files);
  for (
    const [make, why] of [
      [() => Deno.mkdir(temp.file("soak/runtime_overrides.json")), "not a regular file"],
      [() => Deno.writeTextFile(temp.file("soak/runtime_overrides.json"), "{"), "can't be read"],
      [
        () => Deno.writeTextFile(temp.file("soak/runtime_overrides.json"), "[]"),
        "not a JSON object",
      ],
    ] as const
  ) {
    await make();
    const { verdict, findings } = await verifyRun(temp.file("soak/latest"));
    const missing = findings.filter(({ code }) => code === "runtime_missing");
    assertEquals([missing.length, verdict], [1, "FAIL"]);
    assert(missing[0]?.message.includes(why), missing[0]?.message);
    await Deno.remove(temp.file("soak/runtime_overrides.json"));
  }
});

Deno.test("a runtime file one level up is none of a run that soak recorded", async () => {
  const { honestRun } = await import("../kit/forgery.ts");
  const { ["runtime_overrides.json"]: runtime = "", ...files } = await honestRun(7, 12);
  const result = await verifyBelow(files, { "runtime_overrides.json": runtime });
  assertEquals(result.findingCounts, { runtime_missing: 1 });
});

Deno.test("a report that is a list is read like one that has a list", async () => {
  const files = await makeStoringRun();
  const { iterations } = JSON.parse(files["TUNING_REPORT.json"] ?? "");
  const report = (value: unknown) => ({ ...files, "TUNING_REPORT.json": JSON.stringify(value) });
  const codes = async (value: unknown) => {
    const { findingCounts } = await verifyFiles(report(value));
    const { run_missing: _, increments_stored: __, hash_missing: ___, ...rest } = findingCounts;
    return rest;
  };
  assertEquals(await codes(iterations), {});
  assertEquals(
    await codes(
      iterations.map(({ iteration: _, ...entry }: object & { iteration: number }) => entry),
    ),
    {},
  );
  assertEquals(await codes(iterations.toSpliced(1, 2)), { report_mismatch: 1 });
  assertEquals(await codes([...iterations, iterations[2]]), { report_mismatch: 1 });
  for (
    const odd of [{}, null, 3, "text", { iterations: {} }, { iterations: null }, [1, 2], [
      ...iterations,
      { iteration: "seven" },
    ]]
  ) {
    assertEquals(await codes(odd), { report_unreadable: 1 }, JSON.stringify(odd));
  }
});

Deno.test("what the report of an older run does not say contradicts nothing", async () => {
  const files = await makeStoringRun();
  const entry = (iteration: number) => ({ iteration, suggested: {}, state_hash: null });
  files["TUNING_REPORT.json"] = JSON.stringify([1, 2, 3, 4, 5, 6].map(entry));
  assertEquals((await verifyFiles(files)).findingCounts.report_mismatch, undefined);
  const wrong = { state_hash: "7".repeat(64) };
  files["TUNING_REPORT.json"] = JSON.stringify(
    [1, 2, 3, 4, 5, 6].map((i) => i === 3 ? { ...entry(i), ...wrong } : entry(i)),
  );
  assertEquals(found(await verifyFiles(files), "report_mismatch"), [3]);
});

Deno.test("a state hash that is no SHA-256 leaves the rest readable, and is told once", async () => {
  for (
    const odd of ["498bb698", "f".repeat(32), "f".repeat(128), "x".repeat(64), "", null, 7, {}]
  ) {
    const files = await makeStoringRun();
    for (let i = 1; i <= 6; i++) {
      edit(files, `ITER_SUMMARY_${i}.json`, ({ tuning = {} }) => {
        tuning["state_hash"] = tuning["old_hash"] = odd;
      });
    }
    delete files["TUNING_REPORT.json"];
    const result = await verifyFiles(files);
    assertEquals(result.findingCounts, {
      run_missing: 1,
      report_missing: 1,
      increments_stored: 1,
      hash_missing: 1,
    });
    assertEquals([result.iterations, result.reason], [6, CAUSE]);
    const [message] = result.findings.filter(({ code }) => code === "hash_missing");
    assertEquals(
      message?.message,
      "no SHA-256 is recorded as state hash: whether the state changed is not proven " +
        "(iterations 1 to 6)",
    );
  }
});

Deno.test("a SHA-256 in upper case, or in the summary instead of the tuning, is one", async () => {
  const files = await makeStoringRun();
  for (const i of [1, 2, 3, 5, 6]) {
    edit(files, `ITER_SUMMARY_${i}.json`, ({ tuning = {}, summary = {} }) => {
      summary["state_hash"] = String(tuning["state_hash"]).toUpperCase();
      delete tuning["state_hash"];
    });
  }
  const { findingCounts, older } = await verifyFiles(files);
  assertEquals(findingCounts, { run_missing: 1, increments_stored: 1, hash_missing: 1 });
  assert(older?.notes.some((note) => note.includes("of iterations 1 to 3, 5 and 6,")));
});

Deno.test("what is suggested in a skipped iteration contradicts nothing", async () => {
  const flags = { cooldown: true, velocity: false, note: "cooldown 2 iters left" };
  for (const reason of ["velocity cap exceeded", flags, { note: "on hold" }, null, "", 5, ["x"]]) {
    for (const name of ["proposed_deltas", "suggested_deltas", "deltas"]) {
      const files = await makeStoringRun();
      edit(files, "ITER_SUMMARY_4.json", ({ tuning = {} }) => {
        delete tuning["deltas"];
        delete tuning["proposed_deltas"];
        tuning[name] = { min_interval_ms: 5 };
        tuning["skip_reason"] = reason;
      });
      const { findingCounts, proposals } = await verifyFiles(files);
      const isSaid = reason !== null && reason !== "";
      assertEquals(findingCounts, {
        run_missing: 1,
        increments_stored: 1,
        hash_missing: 1,
        ...(isSaid ? {} : { skip_reason_missing: 1 }),
      });
      assertEquals(proposals[3]?.outcome, isSaid ? "unproven" : "fail");
    }
  }
});

Deno.test("KPI targets that an older run did not use are not held against it", async () => {
  await using temp = await tempDir();
  fillFolder(temp.file("run"), await makeStoringRun());
  const { verification, checks, verdict } = await runGate(temp.file("run"));
  assertEquals(verification.findingCounts.kpi_verdict_wrong, undefined);
  assert(
    verification.older?.notes.at(-1)?.includes("recorded as met in 4 of 6 iterations, by targets"),
  );
  assertEquals([checks[0]?.id, checks[0]?.status, verdict], ["kpis", "unknown", "FAIL"]);
});

Deno.test("a freeze that an older run claims makes it no readier", async () => {
  const files = await makeStoringRun();
  for (let i = 1; i <= 6; i++) {
    edit(files, `ITER_SUMMARY_${i}.json`, ({ tuning = {}, summary = {} }) => {
      tuning["skip_reason"] = { freeze: true, note: "frozen" };
      tuning["applied"] = false;
      Object.assign(summary, { net_bps: 3, risk_ratio: 0.1 });
    });
  }
  await using temp = await tempDir();
  fillFolder(temp.file("run"), files);
  const { snapshot, verdict } = await runGate(temp.file("run"));
  assertEquals([snapshot.pass_count_last8, snapshot.freeze_ready, verdict], [
    6,
    false,
    "INCONCLUSIVE",
  ]);
});

Deno.test("an older run is told by any of its summaries", async () => {
  const files = await makeStoringRun();
  files["ITER_SUMMARY_1.json"] = "[]";
  files["ITER_SUMMARY_2.json"] = '{"iteration": 2, "summary": {}, "tuning": 5}';
  const result = await verifyFiles(files);
  assertEquals(found(result, "summary_unreadable"), [1, 2]);
  assertEquals([result.iterations, result.verdict], [4, "FAIL"]);
});

Deno.test("copies of summaries of an older run are named", async () => {
  const files = await makeStoringRun();
  files["ITER_SUMMARY_03.json"] = files["ITER_SUMMARY_3.json"] ?? "";
  assertEquals(found(await verifyFiles(files), "summary_misnamed"), [null]);
});

Deno.test("an older run without a contradiction proves nothing: never PASS, strict or not", async () => {
  const files = await makeLegacyRun();
  const hash = "5".repeat(64);
  for (let i = 1; i <= 6; i++) {
    const tuning = {
      applied: false,
      deltas: {},
      proposed_deltas: {},
      old_hash: hash,
      state_hash: hash,
      skip_reason: { no_op: true, note: "" },
    };
    edit(files, `ITER_SUMMARY_${i}.json`, (draft) => {
      draft["tuning"] = tuning;
      delete draft["summary"]?.["kpi_verdict"];
    });
  }
  delete files["TUNING_REPORT.json"];
  delete files["runtime_overrides.json"];
  for (const strict of [true, false]) {
    const { verdict, findingCounts } = await verifyFiles(files, strict);
    assertEquals(verdict, "INCONCLUSIVE");
    assertEquals(Object.keys(findingCounts), ["run_missing", "report_missing", "runtime_missing"]);
  }
});

Deno.test("where no summary can be read, it is said why", async () => {
  const files = await makeLegacyRun();
  for (const name of Object.keys(files)) files[name] = `\ufeff${files[name]}`;
  const { verdict, findings, findingCounts } = await verifyFiles(files);
  assertEquals(verdict, "INCONCLUSIVE");
  assertEquals(findingCounts, { run_missing: 1, summary_unreadable: 6 });
  assertStringIncludes(findings[1]?.message ?? "", "byte order mark");
});

Deno.test("stuck and moving hashes of an older run are found", async () => {
  const files = await makeLegacyRun();
  edit(files, "ITER_SUMMARY_1.json", ({ tuning = {} }) => {
    tuning["state_hash"] = tuning["old_hash"];
  });
  edit(files, "ITER_SUMMARY_6.json", ({ tuning = {} }) => {
    tuning["state_hash"] = "0".repeat(64);
  });
  const result = await verifyFiles(files);
  assertEquals(found(result, "signature_stuck"), [1]);
  assertEquals(found(result, "hash_changed_unapplied"), [6]);
  assertEquals(result.signatureStuck, 1);
});

Deno.test("the report of an older run is compared with its summaries", async () => {
  const files = await makeLegacyRun();
  edit(files, "ITER_SUMMARY_2.json", ({ tuning = {} }) => void (tuning["applied"] = true));
  assertEquals(found(await verifyFiles(files), "report_mismatch"), [2]);
});

Deno.test("missing and damaged summaries of an older run leave gaps", async () => {
  const files = await makeLegacyRun();
  delete files["ITER_SUMMARY_2.json"];
  files["ITER_SUMMARY_4.json"] = "{";
  files["ITER_SUMMARY_5.json"] = files["ITER_SUMMARY_6.json"] ?? "";
  const result = await verifyFiles(files);
  assertEquals(found(result, "summary_missing").length, 1);
  assertEquals(found(result, "summary_unreadable"), [4]);
  assertEquals(found(result, "summary_misnumbered"), [5]);
  assertEquals(found(result, "state_chain_broken"), []);
});

Deno.test("the gate reports an older run and fails it", async () => {
  await using temp = await tempDir();
  fillFolder(temp.file("run"), await makeLegacyRun());
  const { verdict, snapshot, checks } = await runGate(temp.file("run"), { strict: true });
  assertEquals([verdict, snapshot.iterations_total], ["FAIL", 6]);
  assertEquals(checks.at(-1)?.status, "fail");
});

Deno.test("a run of ours without SOAK_RUN.json is not taken for an older one", async () => {
  const { honestRun } = await import("../kit/forgery.ts");
  const { ["SOAK_RUN.json"]: _, ...files } = await honestRun(7, 12);
  const { verdict, findingCounts, unprovable } = await verifyFiles(files);
  assertEquals({ verdict, findingCounts, unprovable }, {
    verdict: "INCONCLUSIVE",
    findingCounts: { run_missing: 1 },
    unprovable: [],
  });
});

Deno.test("whatever stands in place of a field, an older run never passes nor breaks the verifier", async () => {
  const base = await makeStoringRun();
  const names = Object.keys(base);
  const fields = ["iteration", "summary", "tuning", "applied", "deltas", "proposed_deltas"];
  fields.push("old_hash", "state_hash", "skip_reason", "net_bps", "iterations", "risk");
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.constantFrom(...fields),
      fc.jsonValue({ maxDepth: 2 }),
      async (name, field, value) => {
        const document: unknown = JSON.parse(
          base[name] ?? "",
          (key, was) => key === field ? value : was,
        );
        const { verdict, counts } = await verifyFiles({
          ...base,
          [name]: JSON.stringify(document),
        });
        assert(verdict !== "PASS" && counts.full === 0);
      },
    ),
    { seed: 3, numRuns: 200 },
  );
});
