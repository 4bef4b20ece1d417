/**
 * Proves a finished run from its artifacts alone, believing nothing that it can recompute.
 *
 * @module
 */

import { join } from "@std/path/join";
import { SoakError } from "../base/errors.ts";
import { computeJsonHash } from "../base/json.ts";
import { readJsonWithHash } from "../base/json_file.ts";
import { firstDifference, isJsonObject, type JsonObject } from "../base/json_value.ts";
import { VERSION } from "../base/version.ts";
import { MAX_ITERATIONS } from "../model/changed_settings.ts";
import { isImpostor } from "../model/market_maker.ts";
import type { Profile } from "../model/profile.ts";
import { hashOfProfile, profileToJson } from "../model/profile_check.ts";
import { runtimeAtStart, startNames } from "../model/starts.ts";
import { MOCK_ITERATION_SECONDS, sourceMistake } from "../model/system_spec.ts";
import {
  PROGRESS_FILE,
  readProgress,
  readRun,
  readStep,
  type Recorded,
  resumeCommand,
  RUN_FILE,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "../record/artifacts.ts";
import type { IterationRecord, RunRecord } from "../record/records.ts";
import { listSummaries, readSummaries, summaryNumbers } from "../record/summaries.ts";
import type { AuditSink } from "./audit_sink.ts";
import { Auditor } from "./auditor.ts";
import { findingIn, found, type RecordFinding } from "./findings.ts";
import { isLegacyRun, verifyLegacyRun } from "./legacy.ts";
import { ReportCheck } from "./tuning_report_check.ts";
import { Tally, type VerifyResult } from "./verdict.ts";

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
  /** The profile that the run must have been made under. */
  readonly expectedProfile?: Profile;
  /** Called as things are found, so that nothing needs to be kept in memory. */
  readonly observer?: Partial<AuditSink>;
}

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
 * import { runSoak } from "@soak/soak";
 *
 * const parent = await Deno.makeTempDir();
 * await runSoak({ dir: `${parent}/run`, iterations: 10, autoTune: true });
 * const { verdict, ratio, findings } = await verifyRun(`${parent}/run`, { strict: true });
 * assertEquals({ verdict, ratio, findings }, { verdict: "PASS", ratio: 1, findings: [] });
 * await Deno.remove(parent, { recursive: true });
 * ```
 */
export async function verifyRun(dir: string, options: VerifyOptions = {}): Promise<VerifyResult> {
  const { strict = false, threshold = strict ? 0.95 : 0.9 } = options;
  const { allowNoDeltas = false, observer = {} } = options;
  const tally = new Tally({ strict, threshold, allowNoDeltas, observer });
  const run = await openRun(dir, tally);
  if (run === null) {
    const unknown = {
      run: null,
      profileHash: null,
      lastHash: null,
      inEffect: null,
      iterationsAsked: null,
    };
    const facts = await isLegacyRun(dir, tally)
      ? await verifyLegacyRun(dir, tally)
      : { unprovable: [] };
    return tally.result({ ...unknown, ...facts });
  }
  const { record } = run;
  const auditor = new Auditor(record, run.fileHash, tally);
  const profileHash = await hashOfProfile(record.profile);
  if (!run.canonical) tally.note("not_canonical", RUN_FILE, "the file is not in canonical form");
  const startFindings = await auditStart(record);
  for (const finding of [...auditRun(record), ...startFindings]) {
    tally.finding(findingIn(RUN_FILE, null, finding));
  }
  if (options.expectedProfile !== undefined) {
    await expectProfile(
      options.expectedProfile,
      { profile: record.profile, hash: profileHash },
      tally,
    );
  }
  const listing = await listSummaries(dir, MAX_ITERATIONS);
  for (const name of listing.misnamed) {
    tally.note("summary_misnamed", name, "the name looks like a summary's but is not one");
  }
  for (const name of listing.beyond) {
    tally.note("summary_unexpected", name, "no run has so many iterations");
  }
  for (const name of listing.detached) {
    tally.note("summary_unexpected", name, "the summaries that should lead up to it are missing");
  }

  const opened = openReport(dir, tally);
  using report = typeof opened === "string" ? null : opened;
  const { highest } = listing;
  const { lastHash, recorded } = await auditSummaries({ dir, highest, runHash: run.fileHash }, {
    auditor,
    report,
    tally,
  });
  const final = await readFinalRuntime(dir, tally);
  const began = recorded > 0 || final !== null;
  await auditProgress(dir, record, began && recorded < auditor.iterations, { auditor, tally });
  auditor.finish(final, await readStepLeft(dir, tally));
  const { inEffect, iterations: iterationsAsked } = auditor;
  checkEnd({ dir, iterations: iterationsAsked }, recorded, opened, lastHash, tally);
  const facts = { run: record, profileHash, lastHash, inEffect, iterationsAsked };
  return tally.result({ ...facts, unprovable: [] });
}

/** Checks that the fields of `SOAK_RUN.json` agree with each other and with this version. */
function auditRun(record: RunRecord): RecordFinding[] {
  const { profile, system, seed, toolVersion } = record;
  const findings: RecordFinding[] = [];
  if (system.kind === "mock" && seed === null) {
    findings.push(found("run_at_odds", "a simulated run needs a seed", null));
  }
  if (system.kind !== "mock" && seed !== null) {
    findings.push(found("run_at_odds", "only a simulated run has a seed", seed, null));
  }
  const mistake = settingsMistake(record);
  if (mistake !== null) findings.push(found("settings_at_odds", mistake));
  if (isImpostor(profile) && toolVersion === VERSION) {
    const message = `the profile is called ${profile.name} but is not the built-in one; ` +
      "a profile of one's own needs a name of its own";
    findings.push(found("profile_altered", message));
  } else if (isImpostor(profile)) {
    const message = `the profile is called ${profile.name} but is not the built-in one of this ` +
      `version, ${VERSION}; verify the run with the version that it says made it`;
    findings.push(found("profile_unknown", message, toolVersion, VERSION));
  }
  return findings;
}

/** Checks that a run that names start values started from them. */
async function auditStart({ profile, start, initialHash }: RunRecord): Promise<RecordFinding[]> {
  if (start === undefined) return [];
  const runtime = runtimeAtStart(profile, start);
  if (runtime === undefined) {
    const message = "the run is said to start from values that its profile does not name";
    return [found("start_untrue", message, start, startNames(profile))];
  }
  const hash = await computeJsonHash(runtime);
  if (hash === initialHash) return [];
  const message = `the first runtime is not the profile's with the start values ${start}`;
  return [found("start_untrue", message, initialHash, hash)];
}

/** Compares the recorded profile with the one that was asked for. */
async function expectProfile(
  wanted: Profile,
  recorded: { readonly profile: Profile; readonly hash: string },
  tally: Tally,
): Promise<void> {
  const hash = await hashOfProfile(wanted);
  if (hash === recorded.hash) return;
  const difference = recorded.profile.name === wanted.name
    ? firstDifference(profileToJson(recorded.profile), profileToJson(wanted))
    : null;
  const where = difference === null
    ? `: its name is ${recorded.profile.name}`
    : `: ${difference.path} is ${difference.left}, not ${difference.right}`;
  tally.finding(findingIn(
    RUN_FILE,
    null,
    found(
      "profile_unexpected",
      `the run was not made under the profile ${wanted.name} that was asked for${where}`,
      recorded.hash,
      hash,
    ),
  ));
}

/** Why no run starts with these settings; `null` if one does. */
function settingsMistake({ profile, system, toolVersion }: RunRecord): string | null {
  if (system.kind !== "mock") {
    const mistake = sourceMistake(system, profile)?.[0] ?? null;
    return mistake === null ? null : `${mistake}: the settings of the system don't fit the profile`;
  }
  return system.iterationSeconds === MOCK_ITERATION_SECONDS || toolVersion !== VERSION
    ? null
    : `a simulated iteration takes ${MOCK_ITERATION_SECONDS} s, not ${system.iterationSeconds}`;
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

/** How the summaries end. */
interface SummariesEnd {
  /** Hash of the last one; `null` if it is unknown. */
  readonly lastHash: string | null;
  /** Its number. */
  readonly recorded: number;
}

/** Audits every summary of the run, in order. */
async function auditSummaries(
  run: { readonly dir: string; readonly highest: number; readonly runHash: string },
  to: { readonly auditor: Auditor; readonly report: ReportCheck | null; readonly tally: Tally },
): Promise<SummariesEnd> {
  const { auditor, report, tally } = to;
  let lastHash: string | null = run.runHash;
  for await (const reading of readSummaries(run.dir, run.highest)) {
    const { iteration } = reading;
    if (!auditor.expects(iteration, reading.kind === "read" ? reading.summary.record : null)) {
      await noteBeyond(run, auditor.iterations, tally);
      const recorded = auditor.iterations;
      if (reading.kind === "read") return { lastHash, recorded };
      // What can't be read may be what let the run go on.
      auditor.endUnknown();
      report?.gap();
      return { lastHash: null, recorded };
    }
    const file = summaryFile(iteration);
    if (reading.kind === "read") {
      await auditor.take(reading.summary);
      report?.next(iteration, reading.summary.record.tuning);
      lastHash = reading.summary.fileHash;
      continue;
    }
    lastHash = null;
    report?.gap();
    if (reading.kind === "missing") {
      const { upTo } = reading;
      const files = upTo === iteration ? "the file is" : `the files up to ${summaryFile(upTo)} are`;
      tally.note("summary_missing", file, `${files} not there`, iteration);
      auditor.gap(upTo);
    } else {
      tally.note(reading.code, file, reading.message, iteration);
      auditor.gap(iteration);
    }
  }
  return { lastHash, recorded: run.highest };
}

/** Notes the summaries after the last iteration; those that nothing leads up to are noted already. */
async function noteBeyond(
  { dir, highest }: { readonly dir: string; readonly highest: number },
  iterations: number,
  tally: Tally,
): Promise<void> {
  const beyond = (await summaryNumbers(dir))
    .filter((number) => number > iterations && number <= highest);
  for (const name of beyond.map(summaryFile).sort()) {
    tally.note("summary_unexpected", name, `the run has ${iterations} iterations only`);
  }
}

/** The runtime file at the end of a run; `null` if it can't be read, which is noted. */
async function readFinalRuntime(
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

/** Why a tuning report can't be compared with anything. */
type Unusable = "missing" | "unreadable";

/** Opens the tuning report, if that is possible. */
function openReport(dir: string, tally: Tally): ReportCheck | Unusable {
  try {
    return ReportCheck.open(dir) ?? "missing";
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    tally.note("report_unreadable", TUNING_REPORT_FILE, error.what);
    return "unreadable";
  }
}

function checkEnd(
  { dir, iterations }: { readonly dir: string; readonly iterations: number },
  recorded: number,
  report: ReportCheck | Unusable,
  lastHash: string | null,
  tally: Tally,
): void {
  const complete = recorded === iterations;
  if (!complete) {
    tally.note(
      "run_incomplete",
      RUN_FILE,
      `${recorded} of ${iterations} iterations are recorded; go on with: ${resumeCommand(dir)}`,
    );
  }
  if (typeof report === "string") {
    if (complete && report === "missing") {
      tally.note("report_missing", TUNING_REPORT_FILE, "the file is not there");
    }
    return;
  }
  const finding = report.finish(complete ? lastHash : null);
  if (finding !== null) tally.finding(finding);
}

/** Audits what has happened since the last record; a run that began and did not finish tells. */
async function auditProgress(
  dir: string,
  { system }: RunRecord,
  isUnfinished: boolean,
  { auditor, tally }: { readonly auditor: Auditor; readonly tally: Tally },
): Promise<void> {
  try {
    const progress = await readProgress(dir);
    if (progress !== null) return auditor.pending(progress);
    if (system.kind === "mock" || !isUnfinished) return;
    tally.note("progress_missing", PROGRESS_FILE, "how the run ended is not on record");
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    tally.note("progress_unreadable", PROGRESS_FILE, error.message);
  }
}

/** Reads the step that a crash left over and notes it; `null` if there is none to be read. */
async function readStepLeft(dir: string, tally: Tally): Promise<IterationRecord | null> {
  const note = (): void =>
    tally.note(
      "step_left_over",
      STEP_FILE,
      `a step was not completed; complete it with: ${resumeCommand(dir)}`,
    );
  try {
    const step = await readStep(dir);
    if (step !== null) note();
    return step;
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    note();
    return null;
  }
}
