/**
 * Verifies runs of the older reference implementation: no `SOAK_RUN.json`, increments instead of
 * targets, and neither runtimes nor effective parameters in the summaries. Such a record can be
 * disproven in places but never proven, and that is what comes out.
 *
 * @module
 */

import { join } from "@std/path/join";
import { SoakError } from "../base/errors.ts";
import { decodeJson } from "../base/json.ts";
import { isJsonObject, type JsonValue } from "../base/json_value.ts";
import { readRegularFile } from "../base/read_file.ts";
import { summaryFile, TUNING_REPORT_FILE } from "../record/artifacts.ts";
import { listSummaries, summaryNumbers } from "../record/summaries.ts";
import { auditLegacy } from "./legacy_audit.ts";
import {
  isLegacySummary,
  type LegacyIteration,
  type LegacyReport,
  parseLegacyReport,
  parseLegacySummary,
} from "./legacy_record.ts";
import { readLegacyEnd } from "./legacy_runtime.ts";
import type { RunFacts, Tally } from "./verdict.ts";

/** What no run of that kind can prove. */
const UNPROVABLE = [
  "how the run was started: there is no SOAK_RUN.json",
  "that a change took effect: increments are recorded, but no targets, runtimes or effective " +
  "parameters",
  "that a guard held or a KPI met its target: neither settings nor targets are recorded",
  "that the record is as it was written: no summary names the hash of the one before",
];

/**
 * Tells whether a directory without `SOAK_RUN.json` holds a run of the older implementation. Where
 * no summary says so, because none can be read, each is noted.
 */
export async function isLegacyRun(dir: string, tally: Tally): Promise<boolean> {
  const numbers = await summaryNumbers(dir);
  let anyRead = false;
  for (const number of numbers) {
    try {
      const data = readJson(join(dir, summaryFile(number)));
      anyRead = true;
      if (isLegacySummary(data)) return true;
      if (isJsonObject(data) && Object.hasOwn(data, "previous_hash")) return false;
    } catch (error) {
      if (!isArtifactError(error)) throw error;
    }
  }
  if (!anyRead) { for (const number of numbers) readLegacySummary(dir, number, tally); }
  return false;
}

/** Verifies a run of the older implementation. */
export async function verifyLegacyRun(
  dir: string,
  tally: Tally,
): Promise<Pick<RunFacts, "unprovable" | "older">> {
  const readings = await readLegacySummaries(dir, tally);
  const records = readings.filter((reading) => reading !== null);
  const report = readLegacyReport(dir, tally);
  const end = await readLegacyEnd(dir, readings, tally);
  const { cause, notes } = auditLegacy({ readings, report, end }, tally);
  const times = new Set(records.map(({ utc }) => utc));
  return {
    unprovable: times.size === 1 && records.length > 1
      ? [...UNPROVABLE, "how much time passed: every iteration has the same runtime_utc"]
      : UNPROVABLE,
    older: { cause, notes: [...end.notes, ...notes] },
  };
}

function isArtifactError(error: unknown): error is SoakError {
  return error instanceof SoakError && error.kind === "artifact";
}

function readJson(path: string): JsonValue {
  return decodeJson(readRegularFile(path), path);
}

/** All iterations in order; `null` where there is a gap. */
async function readLegacySummaries(
  dir: string,
  tally: Tally,
): Promise<readonly (LegacyIteration | null)[]> {
  const readings: (LegacyIteration | null)[] = [];
  let before = 0;
  for (const number of await summaryNumbers(dir)) {
    if (number > before + 1) {
      const file = summaryFile(before + 1);
      const upTo = number - 1 > before + 1
        ? `the files up to ${summaryFile(number - 1)} are`
        : "the file is";
      tally.note("summary_missing", file, `${upTo} not there`, before + 1);
      readings.push(null);
    }
    before = number;
    readings.push(readLegacySummary(dir, number, tally));
  }
  for (const name of (await listSummaries(dir, Infinity)).misnamed) {
    tally.note("summary_misnamed", name, "the name looks like a summary's but is not one");
  }
  return readings;
}

function readLegacySummary(dir: string, number: number, tally: Tally): LegacyIteration | null {
  const file = summaryFile(number);
  const path = join(dir, file);
  try {
    const record = parseLegacySummary(readJson(path), path);
    if (record.iteration === number) return record;
    const told = `it says that it is of iteration ${record.iteration}`;
    tally.note("summary_misnumbered", file, told, number);
  } catch (error) {
    if (!isArtifactError(error)) throw error;
    tally.note("summary_unreadable", file, error.message, number);
  }
  return null;
}

/** The report; `null` if it can't be compared with anything, which is noted. */
function readLegacyReport(dir: string, tally: Tally): LegacyReport | null {
  const path = join(dir, TUNING_REPORT_FILE);
  try {
    return parseLegacyReport(readJson(path), path);
  } catch (error) {
    if (!isArtifactError(error)) throw error;
    const missing = error.cause instanceof Deno.errors.NotFound;
    const message = missing ? "the file is not there" : error.message;
    tally.note(missing ? "report_missing" : "report_unreadable", TUNING_REPORT_FILE, message);
    return null;
  }
}
