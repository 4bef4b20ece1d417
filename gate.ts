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
 * assertEquals(checks[0]?.found, "PASS, 8 of the last 8 iterations");
 * await Deno.remove(parent, { recursive: true });
 * ```
 *
 * @module
 */

import { join } from "@std/path/join";
import { atomicWrite } from "./base/atomic_file.ts";
import { osError } from "./base/errors.ts";
import { atomicWriteJson } from "./base/json_file.ts";
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
import { renderMetrics } from "./report/metrics.ts";
import { inForceToJson, VerifyReport } from "./report/verify_report.ts";

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
 * import { runSoak } from "@soak/soak";
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
      seen: (iteration) => observed.seen(iteration),
    },
  });
  const profile = verification.run?.profile ?? marketMaker;
  const snapshot = observed.snapshot(profile);
  const checks = checkList(verification, snapshot, profile, strict);
  const verdict = decide(checks, verification);
  const { skipped } = observed;

  report.finish(verification);
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
    atomicWrite(join(dir, METRICS_FILE), new TextEncoder().encode(text));
  }
  await atomicWriteJson(join(dir, GATE_REPORT_FILE), {
    schema_version: 1,
    verdict,
    strict,
    checks,
    profile: profile.name,
    last_hash: verification.lastHash,
    ...inForceToJson(verification.inForce),
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

/**
 * Whether that may be passed over: nothing is there, or the verification, which needs the same
 * directory, will say in better words what stands in the way.
 */
function isNamedLater(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.FilesystemLoop || error instanceof Deno.errors.NotCapable;
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

  snapshot(profile: Profile): Snapshot {
    return (this.#window ?? new SnapshotWindow(profile)).snapshot();
  }
}
