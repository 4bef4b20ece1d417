/**
 * The run directory: file names, shapes, readers and writers. The only place where the
 * snake_case of the files meets the camelCase of the code.
 *
 * @module
 */

import { join } from "@std/path";
import { AtomicFile } from "./atomic.ts";
import { SoakError } from "./errors.ts";
import { eventLoopTurn } from "./event_loop.ts";
import { type Guard, GUARDS, primaryGuard, type SkipReason } from "./guards.ts";
import {
  atomicWriteJson,
  canonicalJson,
  decodeCanonical,
  type JsonObject,
  type JsonValue,
  sha256Hex,
} from "./jsonx.ts";
import type { Deltas } from "./params.ts";
import type { KpiValues, Profile } from "./profile.ts";
import { parseProfile, profileToJson } from "./profile_check.ts";
import { osError } from "./oserror.ts";
import { readRegularFile } from "./readfile.ts";
import { Shape } from "./shape.ts";
import { parseSystem, type SystemSpec, systemToJson } from "./system_spec.ts";

export type {
  ExecSystem,
  MockSystem,
  RealSettings,
  RealSystem,
  ReloadSignal,
  ServiceSystem,
  SystemSpec,
} from "./system_spec.ts";

/** Version of the file shapes in this module. */
export const SCHEMA_VERSION = 1;

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

/** `SOAK_RUN.json`: how a run was started. */
export interface RunRecord {
  /** Version of `soak` that started the run. */
  readonly toolVersion: string;
  /** The system under test. */
  readonly system: SystemSpec;
  /** Seed of a simulated run; `null` for a real one. */
  readonly seed: number | null;
  /** Number of iterations asked for. */
  readonly iterations: number;
  /** Whether the tuner is on. */
  readonly autoTune: boolean;
  /** Start of the run, UTC. */
  readonly startedUtc: string;
  /** State hash of the first runtime. */
  readonly initialHash: string;
  /** The whole profile. */
  readonly profile: Profile;
}

/** A change of one parameter, as recorded. */
export interface RecordedChange {
  /** The parameter's flat key. */
  readonly key: string;
  /** Value before. */
  readonly from: number;
  /** Value after. */
  readonly to: number;
  /** The rule that asked for it. */
  readonly rule: string;
}

/** What was proposed after an iteration and what became of it. */
export interface TuningRecord {
  /** Target values that were proposed, by flat key. */
  readonly proposedDeltas: Deltas;
  /** Whether they were applied. */
  readonly applied: boolean;
  /** Target values that were applied; empty if none were. */
  readonly deltas: Deltas;
  /** Keys whose value changed, sorted. */
  readonly changedKeys: readonly string[];
  /** The changes with values before and after. */
  readonly changes: readonly RecordedChange[];
  /** State hash before. */
  readonly oldHash: string;
  /** State hash after; the same as before when nothing was applied. */
  readonly stateHash: string;
  /** Why nothing was applied; `null` if something was. */
  readonly skipReason: SkipReason | null;
  /** The tuner's words. */
  readonly rationale: string;
}

/** `ITER_SUMMARY_<i>.json`: one iteration. */
export interface IterationRecord {
  /** Number of the iteration, from 1. */
  readonly iteration: number;
  /** SHA-256 of the bytes of the record before: the previous summary, or `SOAK_RUN.json`. */
  readonly previousHash: string;
  /** The runtime that the iteration ran under. */
  readonly runtime: JsonObject;
  /** What the system said it was running with, by flat key. */
  readonly effectiveParams: Readonly<Record<string, number>>;
  /** Time of the iteration, UTC. */
  readonly utc: string;
  /** State hash of the runtime file after this iteration's step. */
  readonly stateHash: string;
  /** KPI values by key. */
  readonly kpis: KpiValues;
  /** Whether every KPI with a target met it. */
  readonly kpiVerdict: "PASS" | "FAIL";
  /** Why not. */
  readonly kpiReasons: readonly string[];
  /** Why the iteration could not be measured; `null` if it was. */
  readonly failure: string | null;
  /** How often a service that had died was started again; left out if never. */
  readonly restarts?: number;
  /** What was proposed and what became of it. */
  readonly tuning: TuningRecord;
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

// --- reading ---------------------------------------------------------------------------------

async function readJson(
  dir: string,
  name: string,
): Promise<{ value: JsonValue; fileHash: string; canonical: boolean }> {
  const path = join(dir, name);
  const bytes = await readRegularFile(path);
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
  const { value, fileHash, canonical } = await readJson(dir, summaryFile(iteration));
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

/** The last time that a `Date` can hold. */
const LAST_TIME_MS = 8.64e15;

/** Reads `SOAK_RUN.json`'s content; throws at the first field that is wrong. */
export function parseRun(value: JsonValue, file: string): RunRecord {
  const shape = new Shape(value, file).object([
    "schema_version",
    "tool_version",
    "mode",
    "system",
    "seed",
    "iterations",
    "auto_tune",
    "started_utc",
    "initial_hash",
    "profile",
  ]);
  shape.get("schema_version").integer(SCHEMA_VERSION, SCHEMA_VERSION);
  const system = parseSystem(shape.get("system"));
  shape.get("mode").oneOf([system.kind]);
  const iterations = shape.get("iterations").integer(1, 1e9);
  const startedUtc = shape.get("started_utc").utc();
  if (system.kind === "mock") {
    const endMs = Date.parse(startedUtc) + iterations * system.iterationSeconds * 1000;
    if (!(endMs <= LAST_TIME_MS)) throw shape.get("system").wrong("a clock that ends within time");
  }
  return {
    toolVersion: shape.get("tool_version").string(),
    system,
    seed: shape.get("seed").nullOr((seed) => seed.integer(0, 0xffffffff)),
    iterations,
    autoTune: shape.get("auto_tune").boolean(),
    startedUtc,
    initialHash: shape.get("initial_hash").hash(),
    profile: parseProfile(shape.get("profile").json(), `${file}: $.profile`),
  };
}

const SUMMARY_FIELDS = ["runtime_utc", "state_hash", "kpi_verdict", "kpi_reasons"];
const OPTIONAL_FIELDS = ["failure", "restarts"];

/** Reads a summary's content; throws at the first field that is wrong. */
export function parseSummary(value: JsonValue, file: string): IterationRecord {
  const shape = new Shape(value, file).object([
    "iteration",
    "previous_hash",
    "runtime_overrides",
    "effective_params",
    "summary",
    "tuning",
  ]);
  const summary = shape.get("summary").object(SUMMARY_FIELDS, null);
  const kpis: Record<string, number | null> = {};
  for (const [key, field] of summary.fields()) {
    if (!OPTIONAL_FIELDS.includes(key) && !SUMMARY_FIELDS.includes(key)) {
      kpis[key] = field.nullOr((kpi) => kpi.number());
    }
  }
  return {
    iteration: shape.get("iteration").integer(1),
    previousHash: shape.get("previous_hash").hash(),
    runtime: shape.get("runtime_overrides").json(),
    effectiveParams: numbers(shape.get("effective_params")),
    utc: summary.get("runtime_utc").utc(),
    stateHash: summary.get("state_hash").hash(),
    kpis,
    kpiVerdict: summary.get("kpi_verdict").oneOf(["PASS", "FAIL"]),
    kpiReasons: summary.get("kpi_reasons").items().map((reason) => reason.string()),
    failure: summary.has("failure") ? summary.get("failure").string() : null,
    ...(summary.has("restarts") ? { restarts: summary.get("restarts").integer(1) } : {}),
    tuning: parseTuning(shape.get("tuning")),
  };
}

function numbers(shape: Shape): Readonly<Record<string, number>> {
  const values = shape.json();
  if (!areNumbers(values)) {
    for (const [, field] of shape.fields()) field.number();
    throw shape.wrong("an object of numbers");
  }
  return values;
}

function areNumbers(values: JsonObject): values is Readonly<Record<string, number>> {
  return Object.values(values).every((value) => typeof value === "number");
}

function parseTuning(shape: Shape): TuningRecord {
  shape.object([
    "proposed_deltas",
    "applied",
    "deltas",
    "changed_keys",
    "changes",
    "old_hash",
    "state_hash",
    "skip_reason",
    "rationale",
  ]);
  return {
    proposedDeltas: numbers(shape.get("proposed_deltas")),
    applied: shape.get("applied").boolean(),
    deltas: numbers(shape.get("deltas")),
    changedKeys: shape.get("changed_keys").items().map((key) => key.string()),
    changes: shape.get("changes").items().map(parseChange),
    oldHash: shape.get("old_hash").hash(),
    stateHash: shape.get("state_hash").hash(),
    skipReason: shape.get("skip_reason").nullOr(parseSkipReason),
    rationale: shape.get("rationale").string(),
  };
}

function parseChange(shape: Shape): RecordedChange {
  shape.object(["key", "from", "to", "rule"]);
  return {
    key: shape.get("key").string(),
    from: shape.get("from").number(),
    to: shape.get("to").number(),
    rule: shape.get("rule").string(),
  };
}

function parseSkipReason(shape: Shape): SkipReason {
  shape.object([...GUARDS, "note"]);
  return {
    freeze: shape.get("freeze").boolean(),
    oscillation: shape.get("oscillation").boolean(),
    velocity: shape.get("velocity").boolean(),
    cooldown: shape.get("cooldown").boolean(),
    no_op: shape.get("no_op").boolean(),
    note: shape.get("note").string(),
  };
}

// --- writing ---------------------------------------------------------------------------------

/** The content of `SOAK_RUN.json`. */
export function runToJson(record: RunRecord): JsonObject {
  return {
    schema_version: SCHEMA_VERSION,
    tool_version: record.toolVersion,
    mode: record.system.kind,
    system: systemToJson(record.system),
    seed: record.seed,
    iterations: record.iterations,
    auto_tune: record.autoTune,
    started_utc: record.startedUtc,
    initial_hash: record.initialHash,
    profile: profileToJson(record.profile),
  };
}

/** The content of `ITER_SUMMARY_<i>.json`. */
export function summaryToJson(record: IterationRecord): JsonObject {
  return {
    iteration: record.iteration,
    previous_hash: record.previousHash,
    runtime_overrides: record.runtime,
    effective_params: record.effectiveParams,
    summary: {
      ...record.kpis,
      runtime_utc: record.utc,
      state_hash: record.stateHash,
      kpi_verdict: record.kpiVerdict,
      kpi_reasons: record.kpiReasons,
      ...(record.failure === null ? {} : { failure: record.failure }),
      ...(record.restarts === undefined ? {} : { restarts: record.restarts }),
    },
    tuning: tuningToJson(record.tuning),
  };
}

/** The `tuning` object of a summary. */
export function tuningToJson(tuning: TuningRecord): JsonObject {
  return {
    proposed_deltas: tuning.proposedDeltas,
    applied: tuning.applied,
    deltas: tuning.deltas,
    changed_keys: tuning.changedKeys,
    changes: tuning.changes.map((change) => ({ ...change })),
    old_hash: tuning.oldHash,
    state_hash: tuning.stateHash,
    skip_reason: tuning.skipReason === null ? null : { ...tuning.skipReason },
    rationale: tuning.rationale,
  };
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

/** Counts for the end of `TUNING_REPORT.json`. */
export interface TuningCounts {
  /** Iterations so far. */
  readonly count: number;
  /** Iterations that applied something. */
  readonly applied: number;
  /** Iterations that did not, by the first guard that held. */
  readonly skipped: Readonly<Record<Guard, number>>;
}

/** The text of `TUNING_REPORT.json`, piece by piece, so that no run is too long for it. */
export class TuningReportText {
  #count = 0;
  #applied = 0;
  readonly #skipped: Record<Guard, number> = {
    freeze: 0,
    oscillation: 0,
    velocity: 0,
    cooldown: 0,
    no_op: 0,
  };

  /** The piece for the next iteration. */
  next(iteration: number, tuning: TuningRecord): string {
    const opening = this.#count === 0 ? '{"iterations":[' : ",";
    this.#count++;
    if (tuning.applied) this.#applied++;
    const guard = tuning.skipReason === null ? null : primaryGuard(tuning.skipReason);
    if (guard !== null) this.#skipped[guard]++;
    return opening + canonicalJson({ ...tuningToJson(tuning), iteration });
  }

  /** The piece after the last iteration, whose summary has the given hash. */
  end(lastHash: string): string {
    const opening = this.#count === 0 ? '{"iterations":[' : "";
    return `${opening}],"summary":${canonicalJson({ ...this.counts(), last_hash: lastHash })}}`;
  }

  /** The counts so far. */
  counts(): TuningCounts {
    return { count: this.#count, applied: this.#applied, skipped: { ...this.#skipped } };
  }
}

/**
 * Rebuilds `TUNING_REPORT.json` from the summaries.
 *
 * @param dir The run directory.
 * @param iterations How many summaries there are.
 * @param runHash Hash of `SOAK_RUN.json`, which stands for the last summary if there is none.
 * @returns The counts.
 * @throws {SoakError} If a summary can't be read or the report can't be written.
 */
export async function rebuildTuningReport(
  dir: string,
  iterations: number,
  runHash: string,
): Promise<TuningCounts> {
  const text = new TuningReportText();
  const encoder = new TextEncoder();
  const file = AtomicFile.create(join(dir, TUNING_REPORT_FILE));
  try {
    let lastHash = runHash;
    for (let i = 1; i <= iterations; i++) {
      const { record, fileHash } = await readSummary(dir, i);
      lastHash = fileHash;
      file.write(encoder.encode(text.next(i, record.tuning)));
      await eventLoopTurn();
    }
    file.write(encoder.encode(text.end(lastHash)));
    file.commit();
  } catch (error) {
    file.abort();
    throw error;
  }
  return text.counts();
}
