/**
 * The gate: snapshot, verification and metrics in one pass, and one verdict.
 *
 * @module
 */

import { join } from "@std/path/join";
import { GATE_REPORT_FILE, METRICS_FILE, SNAPSHOT_FILE } from "./record/artifacts.ts";
import { atomicWrite } from "./base/atomic_file.ts";
import type { SeenIteration } from "./proof/auditor.ts";
import { classOf, FINDING_CODES } from "./proof/findings.ts";
import { type Guard, GUARDS } from "./model/guards.ts";
import { atomicWriteJson } from "./base/json.ts";
import { marketMaker } from "./model/market_maker.ts";
import { renderMetrics } from "./report/metrics.ts";
import { osError } from "./base/oserror.ts";
import type { Profile } from "./model/profile.ts";
import { ratioText } from "./report/verdict_text.ts";
import { type Snapshot, SnapshotWindow } from "./judgement/snapshot.ts";
import { verifyRun } from "./proof/verify.ts";
import { VerifyReport } from "./report/verify_report.ts";
import type { GateCheck, Verdict, VerifyResult } from "./proof/verify_result.ts";

/** Options for {@linkcode runGate}. */
export interface GateOptions {
  /**
   * Fail on whatever strict verification fails.
   *
   * @default {false}
   */
  readonly strict?: boolean;
  /**
   * Write `POST_SOAK_METRICS.prom`.
   *
   * @default {false}
   */
  readonly prometheus?: boolean;
}

/** How the gate decided. */
export interface GateResult {
  /** The answer. */
  readonly verdict: Verdict;
  /** The check list. */
  readonly checks: readonly GateCheck[];
  /** The snapshot of the last iterations. */
  readonly snapshot: Snapshot;
  /** The verification. */
  readonly verification: VerifyResult;
  /** Iterations that applied nothing, by the first guard that held. */
  readonly skipped: Readonly<Record<Guard, number>>;
}

/**
 * Runs the gate over a finished run and writes its reports into the run directory.
 *
 * @param dir The run directory.
 * @param options How strict to be, and whether to write metrics.
 * @returns The verdict with the check list.
 * @throws {SoakError} If the directory has no run in it, or a report can't be written.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runSoak } from "./run/run.ts";
 *
 * const parent = await Deno.makeTempDir();
 * await runSoak({ dir: `${parent}/run`, iterations: 12, autoTune: true });
 * const { verdict, checks } = await runGate(`${parent}/run`, { strict: true });
 * assertEquals(verdict, "PASS");
 * assertEquals(checks.map(({ status }) => status), ["pass", "pass", "pass", "pass", "pass"]);
 * await Deno.remove(parent, { recursive: true });
 * ```
 */
export async function runGate(dir: string, options: GateOptions = {}): Promise<GateResult> {
  const { strict = false, prometheus = false } = options;
  // Whatever happens from here on, the answer of an earlier gate must not be read as this one's.
  for (const name of [GATE_REPORT_FILE, SNAPSHOT_FILE, METRICS_FILE]) removeStale(join(dir, name));
  using report = new VerifyReport(dir);
  const observed = new Observed();
  const verification = await verifyRun(dir, {
    strict,
    observer: {
      finding: (finding) => report.finding(finding),
      proposal: (proposal) => report.proposal(proposal),
      iteration: ({ profile }) => observed.profile(profile),
      seen: (iteration) => observed.seen(iteration),
    },
  });
  const profile = verification.run?.profile ?? marketMaker;
  const snapshot = observed.snapshot(profile);
  const checks = checkList(verification, snapshot, profile, strict);
  const verdict = decide(checks, verification);
  const { skipped } = observed;

  await report.finish(verification);
  await atomicWriteJson(join(dir, SNAPSHOT_FILE), snapshot);
  if (prometheus) {
    const text = renderMetrics({
      ...verification,
      findingCodes: FINDING_CODES,
      skipped,
      snapshot,
      profile,
      gatePassed: verdict === "PASS",
    });
    await atomicWrite(join(dir, METRICS_FILE), new TextEncoder().encode(text));
  }
  await atomicWriteJson(join(dir, GATE_REPORT_FILE), {
    schema_version: 1,
    verdict,
    strict,
    checks,
    profile: profile.name,
    last_hash: verification.lastHash,
  });
  return { verdict, checks, snapshot, verification, skipped };
}

function removeStale(path: string): void {
  try {
    const { isFile, isSymlink } = Deno.lstatSync(path);
    if (isFile || isSymlink) Deno.removeSync(path);
  } catch (error) {
    if (isNamedLater(error)) return;
    throw osError("cannot remove the report of an earlier gate", path, error);
  }
}

/** Whether there is nothing to remove, or the verification will name what stands in the way. */
function isNamedLater(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.FilesystemLoop || error instanceof Deno.errors.NotCapable;
}

/** What the gate takes from the verifier's pass, without keeping the iterations. */
class Observed {
  readonly skipped: Record<Guard, number> = {
    freeze: 0,
    oscillation: 0,
    velocity: 0,
    cooldown: 0,
    no_op: 0,
  };
  #window: SnapshotWindow | null = null;

  /** Takes the profile, once it is known from the first audited iteration. */
  profile(profile: Profile): void {
    this.#window ??= new SnapshotWindow(profile);
  }

  seen(iteration: SeenIteration): void {
    this.#window ??= new SnapshotWindow(marketMaker);
    this.#window.take(iteration);
    const guard = GUARDS.find((guard) => iteration.guards[guard]);
    if (!iteration.applied && guard !== undefined) this.skipped[guard]++;
  }

  snapshot(profile: Profile): Snapshot {
    return (this.#window ?? new SnapshotWindow(profile)).snapshot();
  }
}

function checkList(
  verification: VerifyResult,
  snapshot: Snapshot,
  profile: Profile,
  strict: boolean,
): GateCheck[] {
  return [
    kpiCheck(snapshot, profile),
    freezeCheck(snapshot, profile, countClasses(verification).gaps > 0),
    ratioCheck(verification, profile),
    stuckCheck(verification, profile),
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

function findingsCheck(verification: VerifyResult, strict: boolean): GateCheck {
  const total = Object.values(verification.findingCounts).reduce((sum, n) => sum + n, 0);
  const { gaps, proofs } = countClasses(verification);
  const failed = verification.verdict === "FAIL" || (strict && proofs > 0);
  const status = failed
    ? "fail"
    : verification.verdict === "INCONCLUSIVE" || gaps > 0
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

function countClasses({ findingCounts }: VerifyResult): { gaps: number; proofs: number } {
  let [gaps, proofs] = [0, 0];
  for (const code of FINDING_CODES) {
    const count = findingCounts[code] ?? 0;
    if (classOf({ code }) === "gap") gaps += count;
    else proofs += count;
  }
  return { gaps, proofs };
}

/** A gap leaves everything but proven falsehood open; else any failed check decides. */
function decide(checks: readonly GateCheck[], verification: VerifyResult): Verdict {
  const { gaps } = countClasses(verification);
  if (gaps > 0) return verification.verdict === "FAIL" ? "FAIL" : "INCONCLUSIVE";
  if (checks.some(({ status }) => status === "fail")) return "FAIL";
  return checks.some(({ status }) => status === "unknown") ? "INCONCLUSIVE" : "PASS";
}
