/**
 * The gate's check list: what was found of a run against what its profile wants.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import { ratioText } from "../base/text.ts";
import { amount } from "../model/incident.ts";
import type { Profile } from "../model/profile.ts";
import { classOf, type Finding } from "../proof/findings.ts";
import type { Verdict, VerifyResult } from "../proof/verdict.ts";
import { isAllAfterWarmUp, leastOf, MISSES_AT_END, type Snapshot, windowText } from "./snapshot.ts";

/** One line of the gate's check list. */
export interface GateCheck {
  /** The stable name for scripts, for example `"kpis"`. */
  readonly id: string;
  /** What is checked. */
  readonly name: string;
  /** `"unknown"`: the artifacts don't tell. */
  readonly status: "pass" | "warn" | "fail" | "unknown";
  /** What was found, as values. */
  readonly found: JsonObject;
  /** What was wanted, as values. */
  readonly wanted: JsonObject;
  /** What was found, in words. */
  readonly foundText: string;
  /** What was wanted, in words. */
  readonly wantedText: string;
  /** What to do or to look at if it did not pass; `null` if it did. */
  readonly look: string | null;
}

/** What the check list is made from. */
export interface Judged {
  /** What the verification found. */
  readonly verification: VerifyResult;
  /** The last iterations. */
  readonly snapshot: Snapshot;
  /** The profile that the run was made under. */
  readonly profile: Profile;
  /** Whether findings count. */
  readonly strict: boolean;
  /** Whether a run without any proposal may pass. */
  readonly allowNoDeltas: boolean;
}

/** The check list of a run, in the order in which it is printed. */
export function checkList(judged: Judged): GateCheck[] {
  return [
    kpiCheck(judged),
    freezeCheck(judged),
    ratioCheck(judged),
    stuckCheck(judged),
    stayedUpCheck(judged),
    findingsCheck(judged),
  ];
}

/** Where the records don't tell, the verification's own check names what is missing. */
const LOOK_BELOW = "look at what is missing, named below";

/** Where there is nothing to look at: the scripts recorded no such thing. */
const NOT_IN_OLDER = "an older run does not record what would tell; soak again with soak run";

/** A check that has no iteration to go by. */
const NOTHING_TO_JUDGE = {
  status: "unknown",
  found: { iterations: 0 },
  foundText: "no iteration to judge",
  look: LOOK_BELOW,
} as const;

function kpiCheck({ snapshot, verification, profile: { gate } }: Judged): GateCheck {
  const { verdict, pass_count_last8: met, iterations_analyzed: of, missed_last8 } = snapshot;
  const pass = leastOf(of, gate.pass, gate.window);
  const warn = leastOf(of, gate.warn, gate.window);
  const warned = warn === pass ? "" : `, ${listOf(warn, pass)} with a warning`;
  const check = {
    id: "kpis",
    name: "KPIs on target",
    wanted: { pass, warn, iterations: of },
    wantedText: of === 0
      ? `at least ${gate.pass} of ${gate.window}`
      : `at least ${pass} of ${of}${warned}`,
  } as const;
  if (of === 0) return { ...check, ...NOTHING_TO_JUDGE };
  const found = { verdict, on_target: met, iterations: of };
  if (verification.older !== undefined) {
    const foundText = `${met} of the last ${of}, by targets that may not be the run's`;
    return { ...check, status: "unknown", found, foundText, look: OLDER_TARGETS };
  }
  return {
    ...check,
    status: verdict === "PASS" ? "pass" : verdict === "WARN" ? "warn" : "fail",
    found,
    foundText: `${verdict}, ${met} of ${judgedText(snapshot)}`,
    look: verdict === "PASS"
      ? null
      : `look at summary.kpi_reasons in ${summariesText(missed_last8)}`,
  };
}

const OLDER_TARGETS =
  "the targets of an older run are not recorded, so that those of the built-in " +
  "profile prove nothing; soak with a profile that has them";
/** What the KPIs were judged in, in words. */
function judgedText(snapshot: Snapshot): string {
  if (isAllAfterWarmUp(snapshot)) return windowText(snapshot);
  return snapshot.iterations_analyzed === 1
    ? "the last iteration"
    : `${windowText(snapshot)} iterations`;
}

/** What is below `pass` and still enough, from `warn` up: "5", "4 or 5", "3 to 5". */
function listOf(warn: number, pass: number): string {
  const last = pass - 1;
  return warn === last ? String(last) : `${warn} ${last - warn === 1 ? "or" : "to"} ${last}`;
}

function freezeCheck({ snapshot, verification, profile }: Judged): GateCheck {
  const { freeze_ready: ready, iterations_analyzed: of, misses_at_end, final_state } = snapshot;
  const gapped = verification.findingClasses.gap > 0;
  const { freeze: frozen } = snapshot.guards_last8;
  const check = {
    id: "freeze",
    name: "Ready to freeze",
    wanted: { ready: true, frozen: 1, misses_at_end: MISSES_AT_END - 1 },
    wantedText: "frozen once, the last state on target",
  } as const;
  if (of === 0) return { ...check, ...NOTHING_TO_JUDGE };
  const found = { ready, frozen, iterations: of, misses_at_end, final_state };
  if (!ready && gapped) {
    const foundText = "can't be told after a gap in the record";
    const look = verification.older === undefined ? LOOK_BELOW : NOT_IN_OLDER;
    return { ...check, status: "unknown", found, foundText, look };
  }
  const { iterations, on_target } = final_state;
  // Where it is one state all along, the KPIs' own check says how often it was on target.
  const tail = misses_at_end >= MISSES_AT_END
    ? `, the last ${misses_at_end} missed a KPI`
    : iterations < of
    ? `, the last state on target in ${on_target} of ${iterations}`
    : "";
  return {
    ...check,
    status: ready ? "pass" : "fail",
    found,
    foundText: `frozen in ${frozen} of ${windowText(snapshot)}${tail}`,
    look: ready ? null : settleRemedy(snapshot, profile),
  };
}

/** What to do about a run that had not settled at its end. */
function settleRemedy(
  { verdict, final_state, guards_last8 }: Snapshot,
  { guards: { freeze_after } }: Profile,
): string {
  if (verdict !== "FAIL" && final_state.iterations < freeze_after) {
    return "it was still being tuned at its end: soak for more iterations, with --resume --iterations N";
  }
  return guards_last8.freeze === 0
    ? `a freeze takes ${freeze_after} iterations in a row that meet every KPI`
    : "look at summary.kpi_reasons in the last summaries: the KPIs did not stay on target";
}

function ratioCheck(judged: Judged): GateCheck {
  const { verification, profile: { gate }, allowNoDeltas } = judged;
  const { ratio, counts } = verification;
  const least = gate.full_apply_ratio;
  const passed = ratio !== null && ratio >= least;
  const check = {
    id: "full_apply_ratio",
    name: "Full-apply ratio",
    found: { ratio, full: counts.full, total: counts.total },
    wanted: { ratio: least, allow_no_deltas: allowNoDeltas },
    wantedText: `at least ${least}`,
  } as const;
  if (ratio !== null) {
    const isOpen = verification.older !== undefined && counts.fail === 0;
    return {
      ...check,
      status: passed ? "pass" : isOpen ? "unknown" : "fail",
      foundText: `${ratioText(ratio)}, ${counts.full} of ${counts.total} proposals`,
      look: passed ? null : ratioRemedy(verification),
    };
  }
  return {
    ...check,
    ...(allowNoDeltas ? acceptedCheck(verification) : {
      status: "unknown",
      foundText: "nothing was proposed",
      look: noProposalRemedy(judged),
    }),
  };
}

function ratioRemedy({ counts, older }: VerifyResult): string {
  if (older !== undefined && counts.fail === 0) {
    return NOT_IN_OLDER;
  }
  return counts.unproven > 0 && counts.fail === 0
    ? "a change was not measured after it was applied: soak for more iterations"
    : "look at the proposals in DELTA_VERIFY_REPORT.md";
}

/** How a run without any proposal stands where that is accepted. */
function acceptedCheck(
  { missed, inEffect, iterations, older }: VerifyResult,
): Pick<GateCheck, "status" | "foundText" | "look"> {
  if (older !== undefined) {
    return { status: "unknown", foundText: "nothing was proposed", look: NOT_IN_OLDER };
  }
  const seen = inEffect?.fewest ?? 0;
  if (seen === 0) {
    return {
      status: "unknown",
      foundText: "nothing was proposed, nothing seen in effect",
      look: "report effective_params with each measurement, so that it is known what was measured",
    };
  }
  if (missed === 0) {
    return { status: "pass", foundText: `nothing needed changing, ${seen} in effect`, look: null };
  }
  return {
    status: "warn",
    foundText: `nothing was proposed, ${seen} in effect`,
    look:
      `KPIs were missed in ${missed} of ${iterations} iterations; skip_reason in the summaries ` +
      "says why nothing was proposed",
  };
}

/** Told only of runs that nothing else keeps from passing. */
const ACCEPT = "; --allow-no-deltas accepts that";

/** What to do about a run in which nothing was proposed. */
function noProposalRemedy({ verification, snapshot }: Judged): string {
  const { run, missed, iterations, reason, findingClasses, older } = verification;
  if (iterations === 0) return LOOK_BELOW;
  // That nothing was proposed may be accepted; that nothing is proven may not.
  if (older !== undefined) return NOT_IN_OLDER;
  if (findingClasses.proof > 0) return "look at the findings first, named below";
  if (missed === 0) return reason + ACCEPT;
  return run?.autoTune === false
    ? "auto-tune was off; soak again with --auto-tune, or accept it with --allow-no-deltas"
    : `KPIs were missed in ${missed} of ${iterations} iterations and nothing was proposed: ` +
      `skip_reason in the summaries says why${snapshot.freeze_ready ? ACCEPT : ""}`;
}

function stuckCheck({ verification: { signatureStuck }, profile: { gate } }: Judged): GateCheck {
  const passed = signatureStuck <= gate.signature_stuck;
  return {
    id: "signature_stuck",
    name: "Signature stuck",
    status: passed ? "pass" : "fail",
    found: { count: signatureStuck },
    wanted: { count: gate.signature_stuck },
    foundText: String(signatureStuck),
    wantedText: `at most ${gate.signature_stuck}`,
    look: passed ? null : "look at signature_stuck in DELTA_VERIFY_REPORT.md",
  };
}

/** The system stayed up over the whole run, not only at its end. */
function stayedUpCheck({ verification, profile }: Judged): GateCheck {
  const { incidents, troubled, run, findingClasses, older } = verification;
  const { died, failed } = incidents;
  const { max_restarts = 0, max_failed = 0 } = profile.gate;
  const within = died <= max_restarts && failed <= max_failed;
  const known = run !== null && findingClasses.gap === 0;
  const most = (limit: number, noun: string): string =>
    `${limit === 0 ? "" : "at most "}${amount(limit, noun)}`;
  return {
    id: "stayed_up",
    name: "Stayed up",
    status: !within ? "fail" : known ? "pass" : "unknown",
    found: run === null ? { deaths: null, failed: null } : { deaths: died, failed },
    wanted: { deaths: max_restarts, failed: max_failed },
    foundText: run === null
      ? "not on record"
      : `${amount(died, "death")}, ${amount(failed, "failed measurement")}`,
    wantedText: `${most(max_restarts, "death")}, ${most(max_failed, "failed measurement")}`,
    look: within
      ? known ? null : older === undefined ? LOOK_BELOW : NOT_IN_OLDER
      : `${iterationsText(troubled)}: what happened is in DELTA_VERIFY_REPORT.md, what was ` +
        "printed in logs/; a resume does not undo it: mend it and start a new run, in whose " +
        "profile gate.max_restarts and gate.max_failed may allow some",
  };
}

function findingsCheck({ verification, strict }: Judged): GateCheck {
  const { gap, proof } = verification.findingClasses;
  const total = gap + proof;
  const { verdict, counts } = verification;
  const failed = verdict === "FAIL";
  // That nothing was proposed is for the ratio's check to say.
  const open = gap > 0 || (verdict === "INCONCLUSIVE" && counts.total > 0);
  const status = failed ? "fail" : open ? "unknown" : total > 0 ? "warn" : "pass";
  const [telling, missing] = tellingFindings(verification, failed);
  return {
    id: "verification",
    name: strict ? "Strict verification" : "Verification",
    status,
    found: { verdict, findings: total, proof, gap },
    wanted: { findings: strict ? 0 : null, gap: 0 },
    foundText: findingsText(verification, total, strict),
    wantedText: strict ? "no findings" : "enough in effect, nothing missing",
    look: status === "pass"
      ? null
      : telling === undefined
      ? "look at the proposals in DELTA_VERIFY_REPORT.md"
      : `look at ${findingText(telling)}` +
        (missing === undefined ? "" : `, and what is missing: ${findingText(missing)}`) +
        moreText(total - (missing === undefined ? 1 : 2)),
  };
}

/** The finding to look at first: what is proven false, with what is missing beside it. */
function tellingFindings({ findings }: VerifyResult, failed: boolean): readonly Finding[] {
  if (!failed) return findings.slice(0, 1);
  const classes = ["proof", "gap"] as const;
  return classes.flatMap((wanted) =>
    findings.filter((each) => classOf(each) === wanted).slice(0, 1)
  );
}

function findingText({ file, message, code }: Finding): string {
  return `${file}: ${message} (${code})`;
}

function moreText(left: number): string {
  return left > 0 ? `, and ${left} more in DELTA_VERIFY_REPORT.md` : "";
}

function findingsText(
  { verdict, reason, counts, findingClasses, findingCounts }: VerifyResult,
  total: number,
  strict: boolean,
): string {
  const what = total === 0 ? "no findings" : total === 1 ? "1 finding" : `${total} findings`;
  if (findingCounts.profile_unexpected !== undefined) return `${what}: ${reason}`;
  if (strict && total > 0) return what;
  const uncounted = !strict && findingClasses.proof > 0 ? `${what}, not counted` : what;
  const decided = verdict !== "PASS" && findingClasses.gap === 0 && counts.total > 0;
  return decided ? `${verdict}, ${reason}; ${uncounted}` : uncounted;
}

/** The first few iterations of a list, for a line. */
function iterationsText(iterations: readonly number[]): string {
  const more = iterations.length > 8 ? " and more" : "";
  const noun = iterations.length === 1 ? "iteration" : "iterations";
  return `${noun} ${iterations.slice(0, 8).join(", ")}${more}`;
}

/** The last few summaries of a list, for a line. */
function summariesText(iterations: readonly number[]): string {
  const shown = iterations.slice(-3).map((iteration) => `ITER_SUMMARY_${iteration}.json`);
  const left = iterations.length - shown.length;
  return shown.join(", ") + (left > 0 ? ` and ${left} before` : "");
}

/**
 * A gap leaves everything open but proven falsehood and what has happened already; else any failed
 * check decides.
 */
export function decide(checks: readonly GateCheck[], verification: VerifyResult): Verdict {
  if (verification.findingClasses.gap > 0) {
    const fell = checks.some(({ id, status }) => id === "stayed_up" && status === "fail");
    return verification.verdict === "FAIL" || fell ? "FAIL" : "INCONCLUSIVE";
  }
  if (checks.some(({ status }) => status === "fail")) return "FAIL";
  return checks.some(({ status }) => status === "unknown") ? "INCONCLUSIVE" : "PASS";
}
