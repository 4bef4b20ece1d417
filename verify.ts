/**
 * Proves a finished run from its artifacts alone, believing nothing that it can recompute.
 *
 * @module
 */

import { join } from "@std/path/join";
import {
  type IterationRecord,
  listSummaries,
  readRun,
  readStep,
  readSummary,
  type Recorded,
  RUN_FILE,
  type RunRecord,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "./artifacts.ts";
import { type AuditedIteration, Auditor, type AuditSink } from "./audit.ts";
import { SoakError } from "./errors.ts";
import { classOf, type Finding, type FindingCode } from "./findings.ts";
import type { JudgedProposal, Outcome } from "./judge.ts";
import { type JsonObject, readJsonWithHash } from "./jsonx.ts";
import { ReportCheck } from "./report_check.ts";
import { isJsonObject } from "./shape.ts";
import type { Verdict, VerifyResult } from "./verify_result.ts";

/** Options for {@linkcode verifyRun}. */
export interface VerifyOptions {
  /**
   * Fail on any finding, and ask for a full-apply ratio of 95 %.
   *
   * @default {false}
   */
  readonly strict?: boolean;
  /**
   * Smallest full-apply ratio, from 0 to 1.
   *
   * @default {0.9, or 0.95 when strict}
   */
  readonly threshold?: number;
  /**
   * Let a run without any proposal pass.
   *
   * @default {false}
   */
  readonly allowNoDeltas?: boolean;
  /** Called as things are found, so that nothing needs to be kept in memory. */
  readonly observer?: Partial<AuditSink>;
}

/** How many findings a result carries; the observer sees all of them. */
export const MAX_FINDINGS = 200;

/** Below the threshold by no more than this, a run still passes if no signature is stuck. */
const LENIENCY = 0.05;

/**
 * Verifies a run from its artifacts.
 *
 * @param dir The run directory.
 * @param options How strict to be.
 * @returns The verdict with everything that led to it.
 * @throws {SoakError} If the directory is missing, has no run in it, or can't be read.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runSoak } from "./run.ts";
 *
 * const parent = await Deno.makeTempDir();
 * await runSoak({ dir: `${parent}/run`, iterations: 10, autoTune: true });
 * const { verdict, ratio, findings } = await verifyRun(`${parent}/run`, { strict: true });
 * assertEquals({ verdict, ratio, findings }, { verdict: "PASS", ratio: 1, findings: [] });
 * await Deno.remove(parent, { recursive: true });
 * ```
 */
export async function verifyRun(dir: string, options: VerifyOptions = {}): Promise<VerifyResult> {
  const tally = new Tally(options);
  const run = await openRun(dir, tally);
  if (run === null) return tally.result(null, null);
  const { record } = run;
  const auditor = new Auditor(record, run.fileHash, tally);
  if (!run.canonical) tally.note("not_canonical", RUN_FILE, "the file is not in canonical form");
  const listing = await listSummaries(dir, record.iterations);
  for (const name of listing.misnamed) {
    tally.note("summary_misnamed", name, "the name looks like a summary's but is not one");
  }
  for (const name of listing.beyond) {
    tally.note("summary_unexpected", name, `the run has ${record.iterations} iterations only`);
  }

  using report = ReportCheck.open(dir);
  let lastHash: string | null = run.fileHash;
  for (let i = 1; i <= listing.highest; i++) {
    const summary = await readForAudit(dir, i, tally);
    if (summary === null) {
      auditor.gap(i);
      report?.gap();
      lastHash = null;
    } else {
      auditor.take(summary);
      report?.next(i, summary.record.tuning);
      lastHash = summary.fileHash;
    }
  }
  auditor.finish(await readRuntime(dir, tally));
  await checkEnd(dir, record, listing.highest, report, lastHash, tally);
  return tally.result(record, lastHash);
}

async function openRun(dir: string, tally: Tally): Promise<Recorded<RunRecord> | null> {
  try {
    return await readRun(dir);
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    if (!(error.cause instanceof Deno.errors.NotFound)) {
      tally.note("run_unreadable", RUN_FILE, error.message);
      return null;
    }
    const { highest, misnamed } = await listSummaries(dir, Infinity);
    if (highest === 0 && misnamed.length === 0) {
      throw new SoakError("artifact", "there is no soak run in the directory", {
        where: dir,
        remedy: "run `soak run` first, or name the run with --path",
        cause: error,
      });
    }
    tally.note("run_missing", RUN_FILE, "nothing says how the run was started");
    return null;
  }
}

async function readForAudit(
  dir: string,
  iteration: number,
  tally: Tally,
): Promise<Recorded<IterationRecord> | null> {
  const file = summaryFile(iteration);
  try {
    const summary = await readSummary(dir, iteration);
    const { record } = summary;
    if (record.iteration === iteration) return summary;
    tally.note(
      "summary_misnumbered",
      file,
      `it says that it is of iteration ${record.iteration}`,
      iteration,
    );
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    if (error.cause instanceof Deno.errors.NotFound) {
      tally.note("summary_missing", file, "the file is not there", iteration);
    } else {
      tally.note("summary_unreadable", file, error.message, iteration);
    }
  }
  return null;
}

async function readRuntime(
  dir: string,
  tally: Tally,
): Promise<{ runtime: JsonObject; hash: string } | null> {
  try {
    const { data, stateHash } = await readJsonWithHash(join(dir, RUNTIME_FILE));
    if (isJsonObject(data)) return { runtime: data, hash: stateHash };
    tally.note("runtime_unreadable", RUNTIME_FILE, "the file is not a JSON object");
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    if (error.cause instanceof Deno.errors.NotFound) {
      tally.note("runtime_missing", RUNTIME_FILE, "the file is not there");
    } else {
      tally.note("runtime_unreadable", RUNTIME_FILE, error.message);
    }
  }
  return null;
}

async function checkEnd(
  dir: string,
  run: RunRecord,
  recorded: number,
  report: ReportCheck | null,
  lastHash: string | null,
  tally: Tally,
): Promise<void> {
  const complete = recorded === run.iterations;
  if (!complete) {
    tally.note(
      "run_incomplete",
      RUN_FILE,
      `${recorded} of ${run.iterations} iterations are recorded; go on with \`soak run --resume\``,
    );
  }
  if (await stepIsLeft(dir)) {
    tally.note("step_left_over", STEP_FILE, "a step was not completed; use `soak run --resume`");
  }
  if (report === null) {
    if (complete) tally.note("report_missing", TUNING_REPORT_FILE, "the file is not there");
    return;
  }
  if (lastHash === null) report.gap();
  const finding = report.finish(lastHash ?? "");
  if (finding !== null) tally.finding(finding);
}

async function stepIsLeft(dir: string): Promise<boolean> {
  try {
    return await readStep(dir) !== null;
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return true;
    throw error;
  }
}

/** Counts what is found and keeps the first of it. */
class Tally implements AuditSink {
  readonly #options: VerifyOptions;
  readonly #outcomes: Record<Outcome, number> = { full: 0, partial_ok: 0, fail: 0, unproven: 0 };
  readonly #codes: Partial<Record<FindingCode, number>> = {};
  readonly #findings: Finding[] = [];
  #classes = { proof: 0, gap: 0 };
  #iterations = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  finding(finding: Finding): void {
    this.#codes[finding.code] = (this.#codes[finding.code] ?? 0) + 1;
    this.#classes[classOf(finding)]++;
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
    this.#options.observer?.finding?.(finding);
  }

  proposal(proposal: JudgedProposal): void {
    this.#outcomes[proposal.outcome]++;
    this.#options.observer?.proposal?.(proposal);
  }

  iteration(audited: AuditedIteration): void {
    this.#iterations++;
    this.#options.observer?.iteration?.(audited);
  }

  /** Takes note of something about a file. */
  note(code: FindingCode, file: string, message: string, iteration: number | null = null): void {
    this.finding({ code, iteration, file, recorded: null, recomputed: null, message });
  }

  /** The verdict over everything that was found. */
  result(run: RunRecord | null, lastHash: string | null): VerifyResult {
    const { strict = false, threshold = strict ? 0.95 : 0.9 } = this.#options;
    const { full, partial_ok, fail, unproven } = this.#outcomes;
    const total = full + partial_ok + fail + unproven;
    const signatureStuck = this.#codes.signature_stuck ?? 0;
    return {
      ...this.#judge(strict, threshold, total, signatureStuck),
      strict,
      threshold,
      ratio: total === 0 ? null : full / total,
      counts: { ...this.#outcomes, total },
      signatureStuck,
      iterations: this.#iterations,
      run,
      findings: this.#findings,
      findingCounts: this.#codes,
      lastHash,
      unprovable: [],
    };
  }

  #judge(
    strict: boolean,
    threshold: number,
    total: number,
    stuck: number,
  ): { verdict: Verdict; reason: string } {
    const { proof, gap } = this.#classes;
    const { full, unproven } = this.#outcomes;
    const enough = (applied: number): boolean =>
      total === 0 || applied / total >= threshold ||
      (stuck === 0 && applied / total >= threshold - LENIENCY);
    if (strict && proof > 0) {
      return { verdict: "FAIL", reason: `${proof} ${proof === 1 ? "finding" : "findings"}` };
    }
    if (!enough(full + unproven)) {
      return { verdict: "FAIL", reason: `${full} of ${total} proposals were applied in full` };
    }
    if (gap > 0) {
      return { verdict: "INCONCLUSIVE", reason: "records are missing or unreadable" };
    }
    if (total === 0 && !(this.#options.allowNoDeltas ?? false)) {
      return { verdict: "INCONCLUSIVE", reason: "nothing was proposed, so nothing is proven" };
    }
    if (!enough(full)) {
      return { verdict: "INCONCLUSIVE", reason: `${unproven} proposals can't be proven` };
    }
    return {
      verdict: "PASS",
      reason: total === 0
        ? "nothing was proposed, and that was accepted"
        : `${full} of ${total} proposals were applied in full`,
    };
  }
}
