/**
 * The records of a run, `SOAK_RUN.json`, `ITER_SUMMARY_<i>.json` and `RUN_IN_PROGRESS.json`: their
 * shapes in code, in camelCase, and the way from and to the files' JSON, in snake_case.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import type { JsonObject, JsonValue } from "../base/json_value.ts";
import { Shape } from "../base/shape.ts";
import { printable } from "../base/text.ts";
import { LAST_TIME_MS } from "../base/utc.ts";
import { VERSION } from "../base/version.ts";
import { byGuard, GUARDS, type ValueChange } from "../model/guards.ts";
import {
  changesToJson,
  MAX_ITERATIONS,
  readChanges,
  type SettingsChange,
} from "../model/changed_settings.ts";
import { type Incident, INCIDENT_KINDS } from "../model/incident.ts";
import type { Deltas } from "../model/params.ts";
import type { KpiValues, ParameterValue, ParameterValues, Profile } from "../model/profile.ts";
import { parseProfile, profileToJson } from "../model/profile_check.ts";
import type { SkipReason } from "../model/skip_reason.ts";
import { parseSystem, type SystemSpec, systemToJson } from "../model/system_spec.ts";
import { warmUpMistake } from "../model/warm_up.ts";

/** Version of the file shapes in this module. */
const SCHEMA_VERSION = 1;

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
  /** How many of the first ones are not judged; left out if all are. */
  readonly warmup?: number;
  /** Name of the profile's start values that it starts from; left out if it has none. */
  readonly start?: string;
  /** Whether the tuner is on. */
  readonly autoTune: boolean;
  /** Start of the run, UTC. */
  readonly startedUtc: string;
  /** State hash of the first runtime. */
  readonly initialHash: string;
  /** The whole profile. */
  readonly profile: Profile;
}

/** A change of one parameter, as proposed and recorded. */
export interface RecordedChange extends ValueChange {
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
  readonly effectiveParams: ParameterValues;
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
  /** What happened to the system since the record before; left out if nothing did. */
  readonly incidents?: readonly Incident[];
  /** Which settings changed since the record before; left out if none did. */
  readonly settings?: readonly SettingsChange[];
  /** Version of `soak` that recorded it; left out if it is the one that started the run. */
  readonly toolVersion?: string;
  /** What was proposed and what became of it. */
  readonly tuning: TuningRecord;
}

/**
 * `RUN_IN_PROGRESS.json`: what has happened to a real system since the last record, in a run that
 * is not finished, and which settings of any run changed. The next summary takes it in.
 */
export interface ProgressRecord {
  /** SHA-256 of the bytes of the last record; when there is a later one, this is out of date. */
  readonly previousHash: string;
  /** What happened. */
  readonly incidents: readonly Incident[];
  /** Which settings changed; left out if none did. */
  readonly settings?: readonly SettingsChange[];
  /** Whether a measurement was on its way. */
  readonly isMeasuring: boolean;
}

/** Reads `SOAK_RUN.json`'s content; throws at the first field that is wrong. */
export function parseRun(value: JsonValue, file: string): RunRecord {
  refuseOtherFormat(new Shape(value, file));
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
  ], ["warmup", "start"]);
  shape.get("schema_version").integer(SCHEMA_VERSION, SCHEMA_VERSION);
  const system = parseSystem(shape.get("system"));
  shape.get("mode").oneOf([system.kind]);
  const iterations = shape.get("iterations").integer(1, MAX_ITERATIONS);
  const startedUtc = shape.get("started_utc").utc();
  if (system.kind === "mock") {
    const endMs = Date.parse(startedUtc) + iterations * system.iterationSeconds * 1000;
    if (!(endMs <= LAST_TIME_MS)) throw shape.get("system").wrong("a clock that ends within time");
  }
  const profile = parseProfile(shape.get("profile").json(), `${file}: $.profile`);
  return {
    toolVersion: parseVersion(shape.get("tool_version")),
    system,
    seed: shape.get("seed").nullOr((seed) => seed.integer(0, 0xffffffff)),
    iterations,
    ...(shape.has("warmup")
      ? { warmup: parseWarmUp(shape.get("warmup"), iterations, profile) }
      : {}),
    ...(shape.has("start") ? { start: shape.get("start").string() } : {}),
    autoTune: shape.get("auto_tune").boolean(),
    startedUtc,
    initialHash: shape.get("initial_hash").hash(),
    profile,
  };
}

/** No run starts with a warm-up that leaves too little to be judged. */
function parseWarmUp(shape: Shape, iterations: number, { gate }: Profile): number {
  const warmup = shape.integer(1, MAX_ITERATIONS);
  if (warmUpMistake(iterations, warmup, gate) !== null) {
    throw shape.wrong("a warm-up that leaves enough to be judged");
  }
  return warmup;
}

function parseVersion(shape: Shape): string {
  const version = shape.string();
  if (version === "") throw shape.wrong("a version");
  return version;
}

/** The records of another format can't be read, whatever is in them: the version that can is named. */
function refuseOtherFormat(shape: Shape): void {
  const version = shape.get("schema_version");
  if (!Number.isSafeInteger(version.value) || version.value === SCHEMA_VERSION) return;
  const { value: maker } = shape.get("tool_version");
  const what =
    `the records have format ${version.value}, and soak ${VERSION} reads ${SCHEMA_VERSION}`;
  throw new SoakError("artifact", what, {
    where: `${shape.file}: ${version.path}`,
    remedy: typeof maker === "string"
      ? `use the version that made them, soak ${printable(maker, 40)}`
      : "use the version that made them",
  });
}

const SUMMARY_FIELDS = ["runtime_utc", "state_hash", "kpi_verdict", "kpi_reasons"];

/** Reads a summary's content; throws at the first field that is wrong. */
export function parseSummary(value: JsonValue, file: string): IterationRecord {
  const shape = new Shape(value, file).object([
    "iteration",
    "previous_hash",
    "runtime_overrides",
    "effective_params",
    "summary",
    "tuning",
  ], ["incidents", "settings", "tool_version"]);
  const summary = shape.get("summary").object(SUMMARY_FIELDS, null);
  const kpis: Record<string, number | null> = {};
  for (const [key, field] of summary.fields()) {
    if (key !== "failure" && !SUMMARY_FIELDS.includes(key)) {
      kpis[key] = field.nullOr((kpi) => kpi.number());
    }
  }
  return {
    iteration: shape.get("iteration").integer(1),
    previousHash: shape.get("previous_hash").hash(),
    runtime: shape.get("runtime_overrides").json(),
    effectiveParams: parameterValues(shape.get("effective_params")),
    utc: summary.get("runtime_utc").utc(),
    stateHash: summary.get("state_hash").hash(),
    kpis,
    kpiVerdict: summary.get("kpi_verdict").oneOf(["PASS", "FAIL"]),
    kpiReasons: summary.get("kpi_reasons").items().map((reason) => reason.string()),
    failure: summary.has("failure") ? summary.get("failure").string() : null,
    ...(shape.has("incidents") ? { incidents: parseSome(shape.get("incidents")) } : {}),
    ...(shape.has("settings") ? { settings: readChanges(shape.get("settings")) } : {}),
    ...(shape.has("tool_version") ? { toolVersion: parseVersion(shape.get("tool_version")) } : {}),
    tuning: parseTuning(shape.get("tuning")),
  };
}

/** Reads the content of `RUN_IN_PROGRESS.json`; throws at the first field that is wrong. */
export function parseProgress(value: JsonValue, file: string): ProgressRecord {
  const shape = new Shape(value, file).object(["previous_hash", "incidents"], [
    "measuring",
    "settings",
  ]);
  return {
    previousHash: shape.get("previous_hash").hash(),
    incidents: shape.get("incidents").items().map(parseIncident),
    ...(shape.has("settings") ? { settings: readChanges(shape.get("settings")) } : {}),
    isMeasuring: shape.has("measuring") && shape.get("measuring").boolean(),
  };
}

function parseSome(shape: Shape): readonly Incident[] {
  const incidents = shape.items().map(parseIncident);
  if (incidents.length === 0) throw shape.wrong("incidents, or no such field");
  return incidents;
}

function parseIncident(shape: Shape): Incident {
  shape.object(["kind", "reason", "times"]);
  return {
    kind: shape.get("kind").oneOf(INCIDENT_KINDS),
    reason: shape.get("reason").string(),
    times: shape.get("times").integer(1),
  };
}

function parameterValues(shape: Shape): ParameterValues {
  const values = shape.json();
  if (!areParameterValues(values)) {
    for (const [, field] of shape.fields()) parameterValue(field);
    throw shape.wrong("an object of values of parameters");
  }
  return values;
}

function areParameterValues(values: JsonObject): values is ParameterValues {
  return Object.values(values).every(isParameterValue);
}

function isParameterValue(value: JsonValue | undefined): value is ParameterValue {
  return typeof value === "number" || typeof value === "boolean" || typeof value === "string";
}

function parameterValue(shape: Shape): ParameterValue {
  if (!isParameterValue(shape.value)) throw shape.wrong("a number, true, false or a text");
  return shape.value;
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
    proposedDeltas: parameterValues(shape.get("proposed_deltas")),
    applied: shape.get("applied").boolean(),
    deltas: parameterValues(shape.get("deltas")),
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
    from: parameterValue(shape.get("from")),
    to: parameterValue(shape.get("to")),
    rule: shape.get("rule").string(),
  };
}

const SKIP_FIELDS = [...GUARDS, "note"] as const;

function parseSkipReason(shape: Shape): SkipReason {
  shape.object(SKIP_FIELDS);
  return {
    ...byGuard((guard) => shape.get(guard).boolean()),
    note: shape.get("note").string(),
  };
}

/** The content of `SOAK_RUN.json`. */
export function runToJson(record: RunRecord): JsonObject {
  return {
    schema_version: SCHEMA_VERSION,
    tool_version: record.toolVersion,
    mode: record.system.kind,
    system: systemToJson(record.system),
    seed: record.seed,
    iterations: record.iterations,
    ...(record.warmup === undefined ? {} : { warmup: record.warmup }),
    ...(record.start === undefined ? {} : { start: record.start }),
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
    ...(record.incidents === undefined ? {} : { incidents: incidentsToJson(record.incidents) }),
    ...(record.settings === undefined ? {} : { settings: changesToJson(record.settings) }),
    summary: {
      ...record.kpis,
      runtime_utc: record.utc,
      state_hash: record.stateHash,
      kpi_verdict: record.kpiVerdict,
      kpi_reasons: record.kpiReasons,
      ...(record.failure === null ? {} : { failure: record.failure }),
    },
    ...(record.toolVersion === undefined ? {} : { tool_version: record.toolVersion }),
    tuning: tuningToJson(record.tuning),
  };
}

/** The content of `RUN_IN_PROGRESS.json`. */
export function progressToJson(record: ProgressRecord): JsonObject {
  const { previousHash, incidents, settings, isMeasuring } = record;
  return {
    previous_hash: previousHash,
    incidents: incidentsToJson(incidents),
    ...(isMeasuring ? { measuring: true } : {}),
    ...(settings === undefined ? {} : { settings: changesToJson(settings) }),
  };
}

function incidentsToJson(incidents: readonly Incident[]): JsonObject[] {
  return incidents.map(({ kind, reason, times }) => ({ kind, reason, times }));
}

/**
 * The `tuning` object of a summary; with an iteration, its entry in the report. Its fields stand
 * in canonical order, in which they are written quickest.
 */
export function tuningToJson(tuning: TuningRecord, iteration?: number): JsonObject {
  const { skipReason: reason } = tuning;
  return {
    applied: tuning.applied,
    changed_keys: tuning.changedKeys,
    changes: tuning.changes.map(({ key, from, to, rule }) => ({ from, key, rule, to })),
    deltas: tuning.deltas,
    ...(iteration === undefined ? {} : { iteration }),
    old_hash: tuning.oldHash,
    proposed_deltas: tuning.proposedDeltas,
    rationale: tuning.rationale,
    skip_reason: reason === null ? null : skipReasonToJson(reason),
    state_hash: tuning.stateHash,
  };
}

/** The fields of a skip reason in canonical order, in which they are written quickest. */
function skipReasonToJson(reason: SkipReason): JsonObject {
  const { cooldown, freeze, no_op, note, oscillation, velocity } = reason;
  return { cooldown, freeze, no_op, note, oscillation, velocity };
}
