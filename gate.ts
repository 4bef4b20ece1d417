/**
 * The gate: snapshot, verification and metrics in one pass, and one verdict.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runSoak } from "@soak/soak";
 * import { runGate } from "@soak/soak/gate";
 *
 * const parent = await Deno.makeTempDir();
 * await runSoak({ dir: `${parent}/run`, iterations: 24, autoTune: true });
 * const { checks } = await runGate(`${parent}/run`, { strict: true, prometheus: true });
 * assertEquals(checks[0]?.foundText, "PASS, 8 of the last 8 iterations");
 * await Deno.remove(parent, { recursive: true });
 * ```
 *
 * @module
 */

import { canonicalJson } from "./base/canonical.ts";
import type { SoakError } from "./base/errors.ts";
import { checkList, decide, type GateCheck } from "./judgement/checks.ts";
import { type Snapshot, SnapshotWindow } from "./judgement/snapshot.ts";
import { byGuard, type Guard } from "./model/guards.ts";
import { marketMaker } from "./model/market_maker.ts";
import type { Profile } from "./model/profile.ts";
import { primaryGuard } from "./model/skip_reason.ts";
import type { SeenIteration } from "./proof/audit_sink.ts";
import { FINDING_CODES } from "./proof/findings.ts";
import type { Verdict, VerifyResult } from "./proof/verdict.ts";
import { verifyRun } from "./proof/verify.ts";
import { GATE_REPORT_FILE, METRICS_FILE, SNAPSHOT_FILE } from "./record/artifacts.ts";
import { holdRun } from "./record/held_run.ts";
import { gateToJson } from "./report/gate_report.ts";
import { renderMetrics } from "./report/metrics.ts";
import { ReportFolder } from "./report/report_folder.ts";
import { VerifyReport } from "./report/verify_report.ts";

export type { GateCheck } from "./judgement/checks.ts";
export { type KpiStatistics, type Snapshot, takeSnapshot } from "./judgement/snapshot.ts";
export { type MetricsInput, renderMetrics } from "./report/metrics.ts";

/** Options for {@linkcode runGate}. */
export interface GateOptions {
  /**
   * Fail on whatever strict verification fails.
   *
   * @default {false}
   */
  readonly strict?: boolean;
  /**
   * Let a run without any proposal pass.
   *
   * @default {false}
   */
  readonly allowNoDeltas?: boolean;
  /** The profile that the run must have been made under. */
  readonly expectedProfile?: Profile;
  /**
   * Write `POST_SOAK_METRICS.prom`.
   *
   * @default {false}
   */
  readonly prometheus?: boolean;
  /**
   * The folder for the reports; it is made if it is missing. It may not have another run in it.
   *
   * @default {the run directory}
   */
  readonly reportDir?: string | undefined;
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
  /** Why not all reports are in their folder; `null` if they are. The answer holds all the same. */
  readonly unwritten: SoakError | null;
}

/**
 * Runs the gate over a finished run and writes its reports into the run directory, or elsewhere.
 * Until it is done nobody goes on with the run or moves it aside.
 *
 * @param dir The run directory.
 * @param options How strict to be, what to write and where.
 * @returns The verdict with the check list.
 * @throws {SoakError} If the directory has no run in it, can't be read, or the run is at work, or
 * another one is in its place at the end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runSoak } from "@soak/soak";
 *
 * const parent = await Deno.makeTempDir();
 * await runSoak({ dir: `${parent}/run`, iterations: 12, autoTune: true });
 * const { verdict, checks } = await runGate(`${parent}/run`, { strict: true });
 * assertEquals(verdict, "PASS");
 * assertEquals(checks.every(({ status }) => status === "pass"), true);
 * await Deno.remove(parent, { recursive: true });
 * ```
 */
export async function runGate(dir: string, options: GateOptions = {}): Promise<GateResult> {
  const { strict = false, prometheus = false, allowNoDeltas = false, reportDir } = options;
  using run = await holdRun(dir, "soak gate");
  const folder = new ReportFolder({ dir, reportDir, run });
  // Whatever happens from here on, the answer of an earlier gate must not be read as this one's.
  folder.remove([GATE_REPORT_FILE, SNAPSHOT_FILE, METRICS_FILE]);
  using report = new VerifyReport(folder);
  const observed = new Observed();
  const verification = await verifyRun(dir, {
    strict,
    allowNoDeltas,
    ...(options.expectedProfile === undefined ? {} : { expectedProfile: options.expectedProfile }),
    observer: {
      finding: (finding) => report.finding(finding),
      proposal: (proposal) => report.proposal(proposal),
      incident: (incident, iteration) => report.incident(incident, iteration),
      seen: (iteration) => observed.seen(iteration),
    },
  });
  const profile = verification.run?.profile ?? marketMaker;
  const snapshot = observed.snapshot(profile, verification.run?.warmup);
  const checks = checkList({ verification, snapshot, profile, strict, allowNoDeltas });
  const verdict = decide(checks, verification);
  const { skipped } = observed;

  await report.finish(verification);
  await folder.write(SNAPSHOT_FILE, canonicalJson(snapshot));
  if (prometheus) {
    const text = renderMetrics({
      ...verification,
      findingCodes: FINDING_CODES,
      skipped,
      snapshot,
      profile,
      gatePassed: verdict === "PASS",
    });
    await folder.write(METRICS_FILE, text);
  }
  const answer = gateToJson({ verdict, checks, verification });
  await folder.write(GATE_REPORT_FILE, canonicalJson(answer));
  return { verdict, checks, snapshot, verification, skipped, unwritten: folder.failure };
}

/** What the gate takes from the verifier's pass, without keeping the iterations. */
class Observed {
  readonly skipped = byGuard(() => 0);
  #window: SnapshotWindow | null = null;

  seen(iteration: SeenIteration): void {
    this.#window ??= new SnapshotWindow(iteration.profile);
    this.#window.take(iteration);
    const guard = primaryGuard(iteration.guards);
    if (!iteration.applied && guard !== null) this.skipped[guard]++;
  }

  snapshot(profile: Profile, warmup?: number): Snapshot {
    return (this.#window ?? new SnapshotWindow(profile)).snapshot(warmup);
  }
}
