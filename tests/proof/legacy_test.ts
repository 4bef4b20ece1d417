import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { runGate } from "../../gate.ts";
import type { FindingCode } from "../../proof/findings.ts";
import type { JudgedProposal } from "../../proof/outcome.ts";
import type { VerifyResult } from "../../proof/verdict.ts";
import { verifyRun } from "../../proof/verify.ts";
import { makeLegacyRun } from "../kit/legacy_run.ts";
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
  assertEquals(found(result, "hash_missing"), [4, 5]);
  assertEquals(found(result, "deltas_without_apply"), [2, 4]);
  assertEquals(found(result, "skip_reason_false"), [2, 5]);
  assertEquals(found(result, "kpi_verdict_wrong"), [4]);
  assertEquals(found(result, "value_out_of_bounds"), [null, null]);
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

Deno.test("a change whose value is impossible at the end did not take effect", async () => {
  const files = await makeLegacyRun();
  edit(files, "ITER_SUMMARY_3.json", ({ tuning = {} }) => {
    tuning["proposed_deltas"] = { tail_age_ms: 30 };
  });
  const { proposals } = await verifyFiles(files);
  assertEquals(proposals[2]?.outcome, "fail");
  assertEquals(
    proposals[2]?.reason,
    "tail_age_ms is 30 in the final runtime, which is out of its bounds",
  );
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
  const base = await makeLegacyRun();
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
