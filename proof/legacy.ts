/**
 * Verifies runs of the older reference implementation: no `SOAK_RUN.json`, increments instead of
 * targets, and neither runtimes nor effective parameters in the summaries. Such a record can be
 * disproven in places but never proven, and that is what comes out.
 *
 * @module
 */

import { join } from "@std/path/join";
import { RUNTIME_FILE, summaryFile, TUNING_REPORT_FILE } from "../record/artifacts.ts";
import { summaryNumbers } from "../record/summaries.ts";
import { SoakError } from "../base/errors.ts";
import {
  canonicalJson,
  decodeCanonical,
  decodeJson,
  type JsonObject,
  type JsonValue,
  sha256Hex,
} from "../base/json.ts";
import { LegacyAuditor } from "./legacy_audit.ts";
import { isLegacySummary, type LegacyIteration, parseLegacySummary } from "./legacy_record.ts";
import { marketMaker } from "../model/market_maker.ts";
import { getAllParams, validateDeltas } from "../model/params.ts";
import { readRegularFile } from "../base/read_file.ts";
import { isJsonObject } from "../base/shape.ts";
import type { Tally } from "./verdict.ts";

/** What no run of that kind can prove. */
const UNPROVABLE = [
  "how the run was started: there is no SOAK_RUN.json, so it is read as an older one",
  "that a change took effect: no runtime is recorded with the iterations, so no hash can be " +
  "computed again and no change re-applied",
  "what the system ran with: no effective parameters are recorded",
  "which values were wanted: proposals are increments, not targets",
  "that a guard held: their settings are not recorded",
  "that the record is as it was written: no summary names the hash of the one before",
];

/**
 * Tells whether a directory holds a run of the older implementation.
 *
 * @param dir The run directory; there is no `SOAK_RUN.json` in it that could be read.
 * @returns Whether its first readable summary is of that kind.
 */
export async function isLegacyRun(dir: string): Promise<boolean> {
  for (const number of await summaryNumbers(dir)) {
    const value = await readJson(join(dir, summaryFile(number)));
    if (!(value instanceof SoakError)) return isLegacySummary(value);
  }
  return false;
}

/**
 * Verifies a run of the older implementation.
 *
 * @param dir The run directory.
 * @param tally Where to report to.
 * @returns What can't be proven about such a run, in sentences.
 */
export async function verifyLegacyRun(dir: string, tally: Tally): Promise<readonly string[]> {
  const auditor = new LegacyAuditor(tally);
  const times = new Set<string>();
  const report = await readLegacyReport(dir, tally);
  let before = 0;
  for (const number of await summaryNumbers(dir)) {
    if (number > before + 1) {
      const file = summaryFile(before + 1);
      tally.note("summary_missing", file, `nothing is there before ${summaryFile(number)}`);
      auditor.gap();
    }
    before = number;
    const record = await readLegacySummary(dir, number, tally);
    if (record === null) {
      auditor.gap();
      continue;
    }
    if (times.size < 2) times.add(record.utc);
    auditor.take(record);
    compareWithReport(record, report, tally);
  }
  const runtime = await readJsonNoting(dir, RUNTIME_FILE, "runtime", tally);
  const wrong = runtime === null
    ? new Map()
    : await auditFinalRuntime(runtime, auditor.stateHash, tally);
  auditor.finish(wrong);
  return times.size === 1 && before > 1
    ? [...UNPROVABLE, "how much time passed: every iteration has the same runtime_utc"]
    : UNPROVABLE;
}

async function readJson(path: string): Promise<JsonValue | SoakError> {
  try {
    return decodeJson(await readRegularFile(path), path);
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return error;
    throw error;
  }
}

async function readLegacySummary(
  dir: string,
  number: number,
  tally: Tally,
): Promise<LegacyIteration | null> {
  const file = summaryFile(number);
  const path = join(dir, file);
  try {
    const { value } = decodeCanonical(await readRegularFile(path), path);
    const record = parseLegacySummary(value, path);
    if (record.iteration === number) return record;
    const told = `it says that it is of iteration ${record.iteration}`;
    tally.note("summary_misnumbered", file, told, number);
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    tally.note("summary_unreadable", file, error.message, number);
  }
  return null;
}

async function readJsonNoting(
  dir: string,
  file: string,
  what: "runtime" | "report",
  tally: Tally,
): Promise<{ readonly data: JsonObject; readonly fileHash: string } | null> {
  const path = join(dir, file);
  try {
    const bytes = await readRegularFile(path);
    const data = decodeJson(bytes, path);
    if (isJsonObject(data)) return { data, fileHash: await sha256Hex(bytes) };
    tally.note(`${what}_unreadable`, file, "the file is not a JSON object");
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    if (error.cause instanceof Deno.errors.NotFound) {
      tally.note(`${what}_missing`, file, "the file is not there");
    } else {
      tally.note(`${what}_unreadable`, file, error.message);
    }
  }
  return null;
}

/** The report's entries by iteration; `null` if there is no such report. */
async function readLegacyReport(
  dir: string,
  tally: Tally,
): Promise<ReadonlyMap<JsonValue | undefined, JsonObject> | null> {
  const report = await readJsonNoting(dir, TUNING_REPORT_FILE, "report", tally);
  const entries = report?.data["iterations"];
  if (report === null) return null;
  if (!Array.isArray(entries)) {
    tally.note("report_unreadable", TUNING_REPORT_FILE, "there is no list of iterations in it");
    return null;
  }
  return new Map(entries.filter(isJsonObject).map((entry) => [entry["iteration"], entry]));
}

function compareWithReport(
  { iteration, applied, proposed, stateHash }: LegacyIteration,
  report: ReadonlyMap<JsonValue | undefined, JsonObject> | null,
  tally: Tally,
): void {
  if (report === null) return;
  const entry = report.get(iteration);
  const wrong = entry === undefined
    ? "it is not in the report"
    : entry["applied"] !== applied
    ? "applied differs"
    : (entry["state_hash"] ?? null) !== stateHash
    ? "state_hash differs"
    : canonicalJson(entry["proposed_deltas"] ?? {}) !== canonicalJson(proposed)
    ? "proposed_deltas differ"
    : null;
  if (wrong === null) return;
  const message = `the report and the summary are at odds: ${wrong}`;
  tally.note("report_mismatch", TUNING_REPORT_FILE, message, iteration);
}

/** Checks the runtime file; returns the parameters whose value is not acceptable. */
async function auditFinalRuntime(
  { data, fileHash }: { readonly data: JsonObject; readonly fileHash: string },
  stateHash: string | null,
  tally: Tally,
): Promise<ReadonlyMap<string, number>> {
  const canonicalHash = await sha256Hex(canonicalJson(data));
  if (stateHash !== null && stateHash !== fileHash && stateHash !== canonicalHash) {
    tally.finding({
      code: "final_runtime_mismatch",
      iteration: null,
      file: RUNTIME_FILE,
      recorded: `"${stateHash}"`,
      recomputed: `"${fileHash}"`,
      message: "the runtime file is not the last recorded state",
    });
  }
  const values = getAllParams(data, marketMaker.parameters);
  const problems = validateDeltas(values, marketMaker.parameters);
  for (const { message } of problems) tally.note("value_out_of_bounds", RUNTIME_FILE, message);
  return new Map(problems.map(({ key }) => [key, values[key] ?? NaN]));
}
