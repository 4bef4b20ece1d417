/**
 * The run directory: file names, readers and writers.
 *
 * @module
 */

import { join } from "@std/path/join";
import { SoakError } from "../base/errors.ts";
import { atomicWriteJson, decodeCanonical, type JsonValue, sha256Hex } from "../base/json.ts";
import { osError } from "../base/oserror.ts";
import { MAX_FILE_BYTES, readRegularFile } from "../base/read_file.ts";
import {
  type IterationRecord,
  parseRun,
  parseSummary,
  type RunRecord,
  runToJson,
  summaryToJson,
} from "./records.ts";

/** Name of the file that says how a run was started. */
export const RUN_FILE = "SOAK_RUN.json";
/** Name of the file with the live parameters. */
export const RUNTIME_FILE = "runtime_overrides.json";
/** Name of the file that collects what the tuner did. */
export const TUNING_REPORT_FILE = "TUNING_REPORT.json";
/** Name of the file that carries a step over a crash; gone once the step is complete. */
export const STEP_FILE = "STEP_IN_PROGRESS.json";

/** Name of the verification's report for people. */
export const VERIFY_REPORT_FILE = "DELTA_VERIFY_REPORT.md";
/** Name of the verification's report for programs. */
export const VERIFY_JSON_FILE = "DELTA_VERIFY_REPORT.json";
/** Name of the snapshot of the last iterations. */
export const SNAPSHOT_FILE = "POST_SOAK_SNAPSHOT.json";
/** Name of the metrics file. */
export const METRICS_FILE = "POST_SOAK_METRICS.prom";
/** Name of the gate's report. */
export const GATE_REPORT_FILE = "GATE_REPORT.json";

/** Name of the summary of an iteration. */
export function summaryFile(iteration: number): string {
  return `ITER_SUMMARY_${iteration}.json`;
}

/** A record together with the SHA-256 of the file's bytes. */
export interface Recorded<T> {
  /** The record. */
  readonly record: T;
  /** SHA-256 of the file's exact bytes. */
  readonly fileHash: string;
  /** Whether the file's bytes are the canonical form of what they say. */
  readonly canonical: boolean;
}

/** The largest summary that is read. Several are read at once, so this bounds what they take. */
const MAX_SUMMARY_BYTES = 4 * 1024 * 1024;

async function readJson(
  dir: string,
  name: string,
  maxBytes = MAX_FILE_BYTES,
): Promise<{ value: JsonValue; fileHash: string; canonical: boolean }> {
  const path = join(dir, name);
  const bytes = await readRegularFile(path, { maxBytes });
  const { value, canonical } = decodeCanonical(bytes, path);
  return { value, fileHash: await sha256Hex(bytes), canonical };
}

/**
 * Reads `SOAK_RUN.json`.
 *
 * @param dir The run directory.
 * @returns The record and its hash.
 * @throws {SoakError} If the file is missing, unreadable or not of the right shape.
 */
export async function readRun(dir: string): Promise<Recorded<RunRecord>> {
  const { value, fileHash, canonical } = await readJson(dir, RUN_FILE);
  return { record: parseRun(value, join(dir, RUN_FILE)), fileHash, canonical };
}

/**
 * Reads the summary of an iteration.
 *
 * @param dir The run directory.
 * @param iteration The number in the file's name.
 * @returns The record and its hash.
 * @throws {SoakError} If the file is missing, unreadable or not of the right shape.
 */
export async function readSummary(
  dir: string,
  iteration: number,
): Promise<Recorded<IterationRecord>> {
  const name = summaryFile(iteration);
  const { value, fileHash, canonical } = await readJson(dir, name, MAX_SUMMARY_BYTES);
  const record = parseSummary(value, join(dir, summaryFile(iteration)));
  return { record, fileHash, canonical };
}

/**
 * Reads the step that a crash interrupted, if there is one.
 *
 * @param dir The run directory.
 * @returns The summary that the step was about to write, or `null`.
 * @throws {SoakError} If the file is unreadable or not of the right shape.
 */
export async function readStep(dir: string): Promise<IterationRecord | null> {
  try {
    const { value } = await readJson(dir, STEP_FILE);
    return parseSummary(value, join(dir, STEP_FILE));
  } catch (error) {
    if (error instanceof SoakError && error.cause instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Which summaries a run directory has. */
export interface SummaryListing {
  /** The highest number of a summary, up to the limit; 0 if there are none. */
  readonly highest: number;
  /** Names of summaries beyond the limit, sorted. */
  readonly beyond: readonly string[];
  /** Names of summaries too far from the ones before to look for all in between, sorted. */
  readonly detached: readonly string[];
  /** Names that look like a summary's but are not one, sorted. */
  readonly misnamed: readonly string[];
}

/**
 * Lists the summaries of a run directory by name, without reading them.
 *
 * @param dir The run directory.
 * @param limit The number of iterations that the run was started for.
 * @returns The highest number, and names that should not be there.
 * @throws {SoakError} If the directory is missing or can't be read.
 */
export async function listSummaries(dir: string, limit: number): Promise<SummaryListing> {
  let highest = 0;
  let count = 0;
  const beyond: string[] = [];
  const misnamed: string[] = [];
  for await (const name of summaryNames(dir)) {
    const number = summaryNumber(name);
    if (number === null) misnamed.push(name);
    else if (number > limit) beyond.push(name);
    else {
      highest = Math.max(highest, number);
      count++;
    }
  }
  const detached: string[] = [];
  if (highest - count > MAX_GAP) {
    const numbers: number[] = [];
    for await (const name of summaryNames(dir)) {
      const number = summaryNumber(name);
      if (number !== null && number <= limit) numbers.push(number);
    }
    numbers.sort((a, b) => a - b);
    const cut = numbers.findIndex((number, i) => number - (numbers[i - 1] ?? 0) > MAX_GAP);
    if (cut >= 0) {
      highest = numbers[cut - 1] ?? 0;
      detached.push(...numbers.slice(cut).map(summaryFile));
    }
  }
  return { highest, beyond: beyond.sort(), detached: detached.sort(), misnamed: misnamed.sort() };
}

/** One planted file named after iteration 999999999 must not keep anyone busy for days. */
const MAX_GAP = 1000;

async function* summaryNames(dir: string): AsyncGenerator<string> {
  try {
    for await (const { name } of Deno.readDir(dir)) {
      if (name.toUpperCase().startsWith("ITER_SUMMARY")) yield name;
    }
  } catch (cause) {
    throw directoryError(dir, cause);
  }
}

function summaryNumber(name: string): number | null {
  const digits = /^ITER_SUMMARY_([1-9]\d*)\.json$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

function directoryError(dir: string, cause: unknown): SoakError {
  if (cause instanceof Deno.errors.NotFound) {
    return new SoakError("artifact", "no such directory", {
      where: dir,
      remedy: "run `soak run` first, or name the run with --path",
      cause,
    });
  }
  if (cause instanceof Deno.errors.NotADirectory) {
    return new SoakError("artifact", "not a directory", {
      where: dir,
      remedy: "name the run directory, not a file in it",
      cause,
    });
  }
  return new SoakError("system", "the directory can't be read", {
    where: dir,
    remedy: "check its permissions",
    cause,
  });
}

/** Writes `SOAK_RUN.json`; returns the hash of its bytes. */
export async function writeRun(dir: string, record: RunRecord): Promise<string> {
  return (await atomicWriteJson(join(dir, RUN_FILE), runToJson(record))).stateHash;
}

/** Writes the summary of an iteration; returns the hash of its bytes. */
export async function writeSummary(dir: string, record: IterationRecord): Promise<string> {
  const path = join(dir, summaryFile(record.iteration));
  return (await atomicWriteJson(path, summaryToJson(record))).stateHash;
}

/** Writes down a step before its change is applied, so that a crash can't lose it. */
export async function writeStep(dir: string, record: IterationRecord): Promise<void> {
  await atomicWriteJson(join(dir, STEP_FILE), summaryToJson(record));
}

/** Removes the step file once the step is complete. */
export function removeStep(dir: string): Promise<void> {
  return Promise.try(removeIfThere, join(dir, STEP_FILE));
}

/** Removes the tuning report of a run that goes on: it would be out of date at once. */
export function removeTuningReport(dir: string): Promise<void> {
  return Promise.try(removeIfThere, join(dir, TUNING_REPORT_FILE));
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw osError("cannot remove the file", path, cause);
  }
}
