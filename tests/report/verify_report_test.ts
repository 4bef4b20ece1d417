import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ratioText } from "../../base/text.ts";
import type { GateCheck } from "../../judgement/checks.ts";
import { NO_INCIDENTS } from "../../model/incident.ts";
import type { Finding } from "../../proof/findings.ts";
import type { InForce } from "../../proof/in_force.ts";
import type { JudgedProposal } from "../../proof/outcome.ts";
import type { VerifyResult } from "../../proof/verdict.ts";
import { verifyRun } from "../../proof/verify.ts";
import { holdRun } from "../../record/held_run.ts";
import { ReportFolder } from "../../report/report_folder.ts";
import { style } from "../../report/terminal.ts";
import { renderGate, renderVerification } from "../../report/verdict_text.ts";
import { MAX_ROWS, renderVerifyMarkdown, VerifyReport } from "../../report/verify_report.ts";
import { Forgery, honestRun, summaryName } from "../kit/forgery.ts";
import { liveMarkdown } from "../kit/markdown.ts";
import { tempDir } from "../kit/temp_dir.ts";

const PLAIN = style(false);

/** Text that would be markup, a link, HTML, a table cell or a terminal command. */
const HOSTILE =
  "$x$ :smile: @octocat #12 [^1] |x|`c`*b*_e_<img src=x onerror=1>[a](http://e.vil)![i](//e) www.e.vil me@e.vil " +
  "\x1b[31m\x1b]8;;http://e.vil\x07\r\n# title\u202e\u2028&lt;~~s~~";

const NASTY_VERSION: InForce = {
  guards: {},
  versions: [{ toolVersion: HOSTILE, first: 2, last: 3 }],
  settings: [],
};

function finding(fields: Partial<Finding> = {}): Finding {
  return {
    code: "effective_mismatch",
    iteration: 2,
    file: "ITER_SUMMARY_2.json",
    recorded: '"a"',
    recomputed: '"b"',
    message: "something is wrong",
    ...fields,
  };
}

function result(fields: Partial<VerifyResult> = {}): VerifyResult {
  return {
    verdict: "PASS",
    reason: "3 of 3 proposals were applied in full",
    strict: true,
    threshold: 0.95,
    ratio: 1,
    counts: { full: 3, partial_ok: 0, fail: 0, unproven: 0, total: 3 },
    signatureStuck: 0,
    incidents: NO_INCIDENTS,
    troubled: [],
    iterations: 24,
    missed: 4,
    run: null,
    profileHash: null,
    iterationsAsked: null,
    inEffect: null,
    findings: [],
    findingCounts: {},
    findingClasses: { proof: 0, gap: 0 },
    lastHash: null,
    inForce: { guards: {}, versions: [], settings: [] },
    unprovable: [],
    ...fields,
  };
}

function proposal(fields: Partial<JudgedProposal> = {}): JudgedProposal {
  return {
    iteration: 1,
    proposedDeltas: { tail_age_ms: 630 },
    applied: true,
    outcome: "full",
    reason: "in effect",
    ...fields,
  };
}

Deno.test("the report begins with the answer and why", () => {
  const [first] = renderVerifyMarkdown(result(), [proposal()], true).split("\n");
  assertEquals(first, "# PASS: 3 of 3 proposals were applied in full");
});

/** What scripts read out of the report. */
const APPLICATIONS = /Full applications: (\d+)\/(\d+) \(([\d.]+)%\)/g;

function applications(full: number, total: number): string[] {
  const counts = { full, partial_ok: 0, fail: total - full, unproven: 0, total };
  const text = renderVerifyMarkdown(result({ counts }), [], true);
  const found = [...text.matchAll(APPLICATIONS)];
  assertEquals(found.length, 1, text);
  return (found[0] ?? []).slice(1);
}

Deno.test("the report has the line that scripts read their figures from", () => {
  assertEquals(applications(3, 3), ["3", "3", "100.0"]);
  assertEquals(applications(19, 20), ["19", "20", "95.0"]);
  assertEquals(applications(0, 9), ["0", "9", "0.0"]);
});

Deno.test("the report's percentage is never rounded up, nor can a script round it up to 95", () => {
  assertEquals(applications(9499, 10_000)[2], "94.9");
  assertEquals(applications(9_499_999, 10_000_000)[2], "94.9");
  for (let total = 1; total <= 400; total++) {
    for (const full of [Math.ceil(total * 0.95) - 1, Math.ceil(total * 0.95)]) {
      const [, , percent] = applications(full, total);
      const ratio = (Number(percent) / 100).toFixed(3);
      assertEquals(Number(ratio) >= 0.95, full / total >= 0.95, `${full}/${total}`);
    }
  }
});

Deno.test("nothing applied of nothing proposed is 0 %, not proven", () => {
  assertEquals(applications(0, 0), ["0", "0", "0.0"]);
});

Deno.test("no text from data looks like the line that scripts read", () => {
  const forged = "Full applications: 9/9 (100%) - Full applications: 9/9 (100.0%)";
  const text = renderVerifyMarkdown(
    result({
      reason: forged,
      findings: [finding({ message: forged, file: forged, recorded: forged })],
      findingCounts: { effective_mismatch: 1 },
      unprovable: [forged],
      inForce: { guards: {}, settings: [], versions: [{ toolVersion: forged, first: 1, last: 1 }] },
    }),
    [proposal({ reason: forged, proposedDeltas: { [forged]: 1 } })],
    true,
  );
  assertEquals([...text.matchAll(APPLICATIONS)].map(([line]) => line), [
    "Full applications: 3/3 (100.0%)",
  ]);
});

Deno.test("no text from data is markup in the Markdown report", () => {
  const findings = [finding({ message: HOSTILE, file: HOSTILE, recorded: HOSTILE })];
  const text = renderVerifyMarkdown(
    result({
      reason: HOSTILE,
      findings,
      findingCounts: { effective_mismatch: 1 },
      unprovable: [HOSTILE],
      inForce: NASTY_VERSION,
    }),
    [proposal({ reason: HOSTILE, proposedDeltas: { [HOSTILE]: 1 } })],
    true,
  );
  const lines = text.split("\n").filter((line) => line.includes("img"));
  assertEquals(lines.length, 4);
  for (const line of lines) {
    const bare = line.replace(/^(?:# |- )/, "");
    assertEquals(liveMarkdown(bare), [], line);
    const bars = [...bare].filter((character) => character === "|").length;
    assert([0, 5, 7].includes(bars), `${bars} bars: no cell is added`);
  }
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]/.test(text), "no control characters");
  assertEquals(text.split("\n").filter((line) => line.startsWith("# ")).length, 1);
});

Deno.test("no text from data moves the cursor or breaks a line on the terminal", () => {
  const findings = [finding({ message: HOSTILE, file: HOSTILE, recomputed: HOSTILE })];
  const hostile = result({
    reason: HOSTILE,
    findings,
    findingCounts: { effective_mismatch: 1 },
    unprovable: [HOSTILE],
    inForce: NASTY_VERSION,
  });
  const check = {
    id: "c",
    name: "c",
    status: "fail",
    found: {},
    wanted: {},
    foundText: HOSTILE,
    wantedText: HOSTILE,
    look: HOSTILE,
  } as const;
  for (
    const text of [
      renderVerification(hostile, "run", PLAIN),
      renderGate(hostile, [check], "FAIL", PLAIN),
    ]
  ) {
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]/.test(text));
    assert(text.split("\n").length < 20);
  }
});

Deno.test("names with underscores stay readable", () => {
  const text = renderVerifyMarkdown(result(), [proposal()], true);
  assertStringIncludes(text, "| 1 | tail_age_ms = 630 | full | in effect |");
});

Deno.test("a ratio just short of a threshold never looks as if it met it", () => {
  assertEquals(ratioText(0.9499999999), "0.949999");
  assertEquals(ratioText(2 / 3), "0.666666");
  assertEquals([ratioText(0), ratioText(0.95), ratioText(1)], ["0", "0.95", "1"]);
});

Deno.test("outcomes that did not happen are not listed", () => {
  const plain = renderVerification(result(), "run", PLAIN);
  assert(!plain.includes("failed") && !plain.includes("not proven"));
  const counts = { full: 1, partial_ok: 0, fail: 2, unproven: 0, total: 3 };
  const failed = renderVerification(result({ counts, ratio: 1 / 3 }), "run", PLAIN);
  assertStringIncludes(failed, "1 of 3 proposals, 2 failed; wanted");
});

Deno.test("long lists end with how much was left out, and counts by code", () => {
  const findings = Array.from({ length: 200 }, (_, i) => finding({ iteration: i }));
  const many = result({ findings, findingCounts: { effective_mismatch: 5000 } });
  const text = renderVerifyMarkdown(many, [], false);
  assertStringIncludes(text, "And 4950 more. By code:");
  assertStringIncludes(text, "- `effective_mismatch`: 5000");
  assert(text.split("\n").length < 100);
  assertStringIncludes(renderVerification(many, "run", PLAIN), "… and 4990 more");
});

Deno.test("the report of many proposals lists only what is not in full effect", async () => {
  await using temp = await tempDir();
  using held = await holdRun(temp.path, "test");
  using report = new VerifyReport(new ReportFolder({ dir: temp.path, run: held }));
  const total = 10 * MAX_ROWS;
  for (let i = 1; i <= total; i++) {
    report.proposal(proposal({ iteration: i, outcome: i % 200 === 0 ? "fail" : "full" }));
  }
  const fail = total / 200;
  const counts = { full: total - fail, partial_ok: 0, fail, unproven: 0, total };
  await report.finish(result({ counts }));
  const text = Deno.readTextFileSync(temp.file("DELTA_VERIFY_REPORT.md"));
  assertStringIncludes(text, `## Proposals that are not in full effect: ${fail} of ${total}`);
  assertEquals(text.split("\n").filter((line) => line.includes("| fail |")).length, fail);
  const json = JSON.parse(Deno.readTextFileSync(temp.file("DELTA_VERIFY_REPORT.json")));
  assertEquals(json.entries.length, total);
});

Deno.test("the JSON report has every finding and every proposal, in canonical form", async () => {
  await using temp = await tempDir();
  const run = new Forgery(await honestRun(7, 12), 12);
  run.edit(2, ({ effective_params }) => void (effective_params["tail_age_ms"] = 600));
  run.remove(summaryName(9));
  run.write(temp.file("run"));
  const dir = temp.file("run");
  using held = await holdRun(dir, "test");
  using report = new VerifyReport(new ReportFolder({ dir, run: held }));
  const outcome = await verifyRun(temp.file("run"), {
    strict: true,
    observer: {
      finding: (found) => report.finding(found),
      proposal: (judged) => report.proposal(judged),
    },
  });
  await report.finish(outcome);
  const text = Deno.readTextFileSync(temp.file("run/DELTA_VERIFY_REPORT.json"));
  const { entries, summary } = JSON.parse(text);
  const findings = Object.values(outcome.findingCounts).reduce((sum, count) => sum + count, 0);
  assertEquals(entries.length, findings + outcome.counts.total);
  assertEquals([summary.verdict, summary.counts.total], ["FAIL", outcome.counts.total]);
  assert(text.startsWith('{"entries":['));
});

Deno.test("guard settings, versions and settings that a run's start does not name are told in a line each", () => {
  const inForce: InForce = {
    guards: {
      freeze_after: { profile: 2, least: 1, most: 1 },
      velocity_cap: { profile: 0.25, least: 0.1, most: 0.25 },
    },
    versions: [
      { toolVersion: "1.1.0", first: 5, last: 7 },
      { toolVersion: "1.2.0", first: 8, last: 8 },
    ],
    settings: [
      { iteration: 5, values: { maxRestarts: 6 } },
      { iteration: 8, values: { iterations: 30, timeoutSeconds: 0.5 } },
    ],
  };
  const lines = [
    "Guards in force: freeze_after 1 instead of 2, velocity_cap from 0.1 to 0.25 instead of 0.25, " +
    "by the runtime",
    "Settings changed: max_restarts 6 from iteration 5 on; " +
    "30 iterations, timeout_seconds 0.5 from iteration 8 on",
    "Other versions: iterations 5 to 7 by soak 1.1.0, iteration 8 by soak 1.2.0",
  ];
  const verified = renderVerification(result({ inForce }), "run", PLAIN).split("\n");
  assertEquals(verified.filter((line) => lines.includes(line.trim())).length, 3);
  const gated = renderGate(result({ inForce }), [], "PASS", PLAIN).split("\n");
  assertEquals(gated.slice(0, 3), lines);
  assert(!renderVerification(result(), "run", PLAIN).includes("in force"));
});

Deno.test("a gate's lines that do not fit have what is wanted below them", () => {
  const check: GateCheck = {
    id: "freeze_ready",
    name: "Ready to freeze",
    status: "fail",
    found: {},
    wanted: {},
    foundText: "frozen in 0 of the last 8",
    wantedText: "frozen once, the last state on target",
    look: null,
  };
  const shown = (columns: number): string[] =>
    renderGate(result({ run: null }), [check], "FAIL", PLAIN, columns).split("\n").slice(0, 2);
  assertEquals(shown(100), [
    "✗  Ready to freeze  frozen in 0 of the last 8  wanted frozen once, the last state on target",
    "",
  ]);
  assertEquals(shown(60), [
    "✗ Ready to freeze: frozen in 0 of the last 8",
    "    wanted frozen once, the last state on target",
  ]);
});
