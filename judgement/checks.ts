/**
 * The gate's check list: what was found of a run against what its profile wants.
 *
 * @module
 */

import { ratioText } from "../base/text.ts";
import { amount } from "../model/incident.ts";
import type { Profile } from "../model/profile.ts";
import { classOf } from "../proof/findings.ts";
import type { Verdict, VerifyResult } from "../proof/verdict.ts";
import type { Snapshot } from "./snapshot.ts";

/** One line of the gate's check list. */
export interface GateCheck {
  /** What is checked. */
  readonly name: string;
  /** `"unknown"`: the artifacts don't tell. */
  readonly status: "pass" | "warn" | "fail" | "unknown";
  /** What was found. */
  readonly found: string;
  /** What was wanted. */
  readonly wanted: string;
  /** What to look at if it did not pass; `null` if it did. */
  readonly look: string | null;
}

/** The check list of a run, in the order in which it is printed. */
export function checkList(
  verification: VerifyResult,
  snapshot: Snapshot,
  profile: Profile,
  strict: boolean,
): GateCheck[] {
  return [
    kpiCheck(snapshot, profile),
    freezeCheck(snapshot, profile, verification.findingClasses.gap > 0),
    ratioCheck(verification, profile),
    stuckCheck(verification, profile),
    stayedUpCheck(verification, profile),
    findingsCheck(verification, strict),
  ];
}

function kpiCheck(snapshot: Snapshot, { gate }: Profile): GateCheck {
  const { verdict, pass_count_last8, iterations_analyzed } = snapshot;
  return {
    name: "KPIs on target",
    status: verdict === "PASS" ? "pass" : verdict === "WARN" ? "warn" : "fail",
    found: `${verdict}, ${pass_count_last8} of the last ${iterations_analyzed} iterations`,
    wanted: `at least ${gate.pass} of ${gate.window}`,
    look: verdict === "PASS" ? null : "summary.kpi_reasons in the last summaries",
  };
}

function freezeCheck(
  { freeze_ready }: Snapshot,
  { guards, gate }: Profile,
  gapped: boolean,
): GateCheck {
  const found = freeze_ready
    ? "the freeze holds at the end"
    : gapped
    ? "can't be told after a gap in the record"
    : "no freeze holds at the end";
  return {
    name: "Ready to freeze",
    status: freeze_ready ? "pass" : gapped ? "unknown" : "fail",
    found,
    wanted: `the last ${guards.freeze_after} on target, ${gate.pass} of ${gate.window} in all`,
    look: freeze_ready ? null : "freeze_ready and kpi_last8 in POST_SOAK_SNAPSHOT.json",
  };
}

function ratioCheck({ ratio, counts }: VerifyResult, { gate }: Profile): GateCheck {
  const name = "Full-apply ratio";
  const wanted = `at least ${gate.full_apply_ratio}`;
  if (ratio === null) {
    return {
      name,
      status: "unknown",
      found: "nothing was proposed",
      wanted,
      look: "auto_tune in SOAK_RUN.json, and skip_reason in the summaries",
    };
  }
  const passed = ratio >= gate.full_apply_ratio;
  return {
    name,
    status: passed ? "pass" : "fail",
    found: `${ratioText(ratio)}, ${counts.full} of ${counts.total} proposals`,
    wanted,
    look: passed ? null : "the proposals in DELTA_VERIFY_REPORT.md",
  };
}

function stuckCheck({ signatureStuck }: VerifyResult, { gate }: Profile): GateCheck {
  const passed = signatureStuck <= gate.signature_stuck;
  return {
    name: "Signature stuck",
    status: passed ? "pass" : "fail",
    found: String(signatureStuck),
    wanted: `at most ${gate.signature_stuck}`,
    look: passed ? null : "signature_stuck in DELTA_VERIFY_REPORT.md",
  };
}

/** The system stayed up over the whole run, not only at its end. */
function stayedUpCheck(
  { incidents, troubled, run, findingClasses }: VerifyResult,
  { gate: { max_restarts = 0, max_failed = 0 } }: Profile,
): GateCheck {
  const { died, failed } = incidents;
  const within = died <= max_restarts && failed <= max_failed;
  const known = run !== null && findingClasses.gap === 0;
  const most = (limit: number, noun: string): string =>
    `${limit === 0 ? "" : "at most "}${amount(limit, noun)}`;
  return {
    name: "Stayed up",
    status: !within ? "fail" : known ? "pass" : "unknown",
    found: run === null
      ? "not on record"
      : `${amount(died, "restart")}, ${amount(failed, "failed measurement")}`,
    wanted: `${most(max_restarts, "restart")}, ${most(max_failed, "failed measurement")}`,
    look: within
      ? known ? null : "what is missing: soak verify names it"
      : `${
        iterationsText(troubled)
      }: what happened is in DELTA_VERIFY_REPORT.md, what was printed in logs/`,
  };
}

function iterationsText(iterations: readonly number[]): string {
  const named = iterations.slice(0, 8).join(", ");
  const more = iterations.length > 8 ? " and more" : "";
  return `${iterations.length === 1 ? "iteration" : "iterations"} ${named}${more}`;
}

function findingsCheck(verification: VerifyResult, strict: boolean): GateCheck {
  const { gap, proof } = verification.findingClasses;
  const total = gap + proof;
  const failed = verification.verdict === "FAIL" || (strict && proof > 0);
  const status = failed
    ? "fail"
    : verification.verdict === "INCONCLUSIVE" || gap > 0
    ? "unknown"
    : total > 0
    ? "warn"
    : "pass";
  const telling = verification.findings.find((finding) => !failed || classOf(finding) === "proof");
  return {
    name: strict ? "Strict verification" : "Verification",
    status,
    found: total === 0
      ? `${verification.verdict}, no findings`
      : total === 1
      ? "1 finding"
      : `${total} findings`,
    wanted: strict ? "no findings" : "nothing missing or unreadable",
    look: telling === undefined
      ? status === "pass" ? null : "DELTA_VERIFY_REPORT.md"
      : `${telling.file}: ${telling.message} (${telling.code})`,
  };
}

/** A gap leaves everything but proven falsehood open; else any failed check decides. */
export function decide(checks: readonly GateCheck[], verification: VerifyResult): Verdict {
  if (verification.findingClasses.gap > 0) {
    return verification.verdict === "FAIL" ? "FAIL" : "INCONCLUSIVE";
  }
  if (checks.some(({ status }) => status === "fail")) return "FAIL";
  return checks.some(({ status }) => status === "unknown") ? "INCONCLUSIVE" : "PASS";
}
