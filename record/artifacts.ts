/**
 * The run directory: file names, readers and writers.
 *
 * @module
 */

import { join } from "@std/path/join";
import { osError, SoakError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import { decodeCanonical } from "../base/json.ts";
import { atomicWriteJson, readJsonWithHash } from "../base/json_file.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { MAX_FILE_BYTES, readRegularFile } from "../base/read_file.ts";
import { shellWord } from "../base/text.ts";
import {
  type IterationRecord,
  parseProgress,
  parseRun,
  parseSummary,
  type ProgressRecord,
  progressToJson,
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
/** Name of the file that carries incidents to the next summary; gone once the run is finished. */
export const PROGRESS_FILE = "RUN_IN_PROGRESS.json";

/** Name of the lock of a run: held alone by who runs in the directory, shared by who judges it. */
export const LOCK_FILE = "SOAK_RUN.lock";

/** The command line that goes on with a run. */
export function resumeCommand(dir: string): string {
  return `soak run --resume --out ${shellWord(dir)}`;
}

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

/** Every report on a run that may lie in its directory. */
const REPORT_FILES = [
  GATE_REPORT_FILE,
  METRICS_FILE,
  SNAPSHOT_FILE,
  VERIFY_REPORT_FILE,
  VERIFY_JSON_FILE,
  TUNING_REPORT_FILE,
];

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
  const bytes = readRegularFile(path, maxBytes);
  // Lets the other files of a batch be read before this one is parsed: in turns, both are slower.
  await null;
  const { value, canonical } = decodeCanonical(bytes, path);
  return { value, fileHash: await sha256Hex(bytes), canonical };
}

/** Reads `SOAK_RUN.json`. */
export async function readRun(dir: string): Promise<Recorded<RunRecord>> {
  const { value, fileHash, canonical } = await readJson(dir, RUN_FILE);
  return { record: parseRun(value, join(dir, RUN_FILE)), fileHash, canonical };
}

/** Reads the summary of an iteration. */
export async function readSummary(
  dir: string,
  iteration: number,
): Promise<Recorded<IterationRecord>> {
  const name = summaryFile(iteration);
  const { value, fileHash, canonical } = await readJson(dir, name, MAX_SUMMARY_BYTES);
  return { record: parseSummary(value, join(dir, name)), fileHash, canonical };
}

/** Reads the step that a crash interrupted, if there is one. */
export function readStep(dir: string): Promise<IterationRecord | null> {
  return readIfThere(dir, STEP_FILE, parseSummary);
}

/** Reads what has happened since the last record of a run of a real system, if that is there. */
export function readProgress(dir: string): Promise<ProgressRecord | null> {
  return readIfThere(dir, PROGRESS_FILE, parseProgress);
}

async function readIfThere<T>(
  dir: string,
  name: string,
  parse: (value: JsonValue, file: string) => T,
): Promise<T | null> {
  try {
    const { value } = await readJson(dir, name);
    return parse(value, join(dir, name));
  } catch (error) {
    if (error instanceof SoakError && error.cause instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Reads a runtime file; one that is no JSON object is refused. */
export async function readRuntime(
  path: string,
): Promise<{ readonly runtime: JsonObject; readonly stateHash: string }> {
  const { data, stateHash } = await readJsonWithHash(path);
  if (isJsonObject(data)) return { runtime: data, stateHash };
  throw new SoakError("artifact", "the runtime is not a JSON object", {
    where: path,
    remedy: "restore the file",
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
export function removeStep(dir: string): void {
  removeIfThere(join(dir, STEP_FILE));
}

/** Writes down what has happened since the last record, before anything comes of it. */
export async function writeProgress(dir: string, record: ProgressRecord): Promise<void> {
  await atomicWriteJson(join(dir, PROGRESS_FILE), progressToJson(record));
}

/** Removes the file of a run that is finished. */
export function removeProgress(dir: string): void {
  removeIfThere(join(dir, PROGRESS_FILE));
}

/** Removes what reports say of a run that goes on: it would be out of date at once. */
export function removeReports(dir: string): void {
  for (const name of REPORT_FILES) removeIfThere(join(dir, name));
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw osError("cannot remove the file", path, cause);
  }
}
