/**
 * What a soak run is asked for, and what its loop carries from one iteration to the next.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { sameHash } from "../base/hash.ts";
import { readJsonWithHash } from "../base/json_file.ts";
import { isJsonObject, type JsonObject } from "../base/json_value.ts";
import { printable } from "../base/text.ts";
import {
  type ChangedSettings,
  type RunSettings,
  settingsAfter,
  type SettingsChange,
} from "../model/changed_settings.ts";
import { type GuardHistory, rememberApplied, stepsOf } from "../model/guards.ts";
import { settingProblems } from "../model/guard_settings.ts";
import {
  countIncidents,
  type Incident,
  type IncidentCounts,
  type Pending,
} from "../model/incident.ts";
import type { Difference } from "../model/effective.ts";
import { applyDeltas, validateRuntime } from "../model/params.ts";
import type { Phase } from "../model/phase.ts";
import type { Profile } from "../model/profile.ts";
import { nestRuntime } from "../model/runtime_keys.ts";
import { startRemedy, valuesAtStart } from "../model/starts.ts";
import { type MockFault, OptionError, type SystemRequest } from "../model/system_spec.ts";
import type { IterationRecord, RunRecord } from "../record/records.ts";
import type { System } from "../system/measurement.ts";
import { type applyDeltasWithTracking, foreignChange } from "./apply.ts";

/** Options for `runSoak()`. What is left out is taken from the run when resuming. */
export interface RunOptions {
  /** The run directory. */
  readonly dir: string;
  /**
   * Go on with a run instead of starting one. Its {@linkcode RunOptions.iterations} may be raised,
   * and settings of its system that are about running it alone may be other ones from here on.
   */
  readonly resume?: boolean | undefined;
  /** Number of iterations; needed unless resuming. */
  readonly iterations?: number | undefined;
  /**
   * How many of the iterations, the first ones, are recorded and proven but not judged. At least
   * half of the profile's window must be left.
   *
   * @default {0}
   */
  readonly warmup?: number | undefined;
  /** Name of the profile's start values to start from; not together with `runtime`. */
  readonly start?: string | undefined;
  /**
   * Whether the tuner is on.
   *
   * @default {false}
   */
  readonly autoTune?: boolean | undefined;
  /**
   * Seed of the simulation, an integer from 0 to 4294967295.
   *
   * @default {1}
   */
  readonly seed?: number | undefined;
  /**
   * The system to soak; when resuming, what must not contradict the records.
   *
   * @default {{ kind: "mock" }}
   */
  readonly system?: SystemRequest | undefined;
  /** How the simulated system misbehaves. */
  readonly mockFault?: MockFault | undefined;
  /**
   * Start of the run's virtual clock, in ms since the epoch.
   *
   * @default {1735689600000}
   */
  readonly startMs?: number | undefined;
  /**
   * The profile. A real system needs one; the simulated one has that of the market maker.
   *
   * @default {marketMaker}
   */
  readonly profile?: Profile | undefined;
  /**
   * The runtime to start from. A parameter's flat key at the top stands for its path, and the
   * profile's defaults fill in what is lacking.
   */
  readonly runtime?: JsonObject | undefined;
  /**
   * Whether flat keys in that runtime stay where they are and mean nothing, as in the records of
   * earlier versions; for a replay.
   *
   * @default {false}
   */
  readonly keepFlatKeys?: boolean | undefined;
  /** Finish the step at hand and stop when this is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the run directory is ready, before the first iteration. */
  readonly onStart?: ((start: RunStart) => void) | undefined;
  /** Called for every iteration that was recorded before, when resuming; `onStart` comes after. */
  readonly onRecorded?: ((record: IterationRecord, run: RunRecord) => void) | undefined;
  /** Called as a phase of an iteration begins. A simulated system has only one, `applying`. */
  readonly onPhase?: ((phase: Phase, iteration: number) => void) | undefined;
  /**
   * Called after every iteration, once it is on disk, with the parameters that the system ran with
   * otherwise than the runtime says.
   */
  readonly onIteration?:
    | ((record: IterationRecord, differing: readonly Difference[]) => void)
    | undefined;
  /**
   * Whether to end the run after the first iteration whose measurement contradicts the runtime. It
   * is not recorded, for it changes nothing of what is.
   *
   * @default {false}
   */
  readonly failFast?: boolean | undefined;
  /**
   * Time of day, in ms since the epoch. A real run reads it once, when it starts or goes on.
   *
   * @default {Date.now}
   */
  readonly nowMs?: (() => number) | undefined;
  /**
   * What a real run's clock runs by: ms since a moment in the past, which nobody sets.
   *
   * @default {performance.now}
   */
  readonly elapsedMs?: (() => number) | undefined;
  /** The apply step; tests put a broken one in its place. */
  readonly apply?: typeof applyDeltasWithTracking | undefined;
}

/** What a run starts from. */
export interface RunStart {
  /** How the run was started. */
  readonly run: RunRecord;
  /** Number of iterations asked for by now, which may be more than at the start. */
  readonly iterations: number;
  /** Settings that this resume changed. */
  readonly changed: ChangedSettings;
  /** Iterations that were already recorded. */
  readonly done: number;
  /** Versions of `soak` that made what is there already, the one that started the run first. */
  readonly madeBy: readonly string[];
  /** Where an earlier run was moved to; `null` if there was none. */
  readonly archived: string | null;
}

/** What the loop carries from one iteration to the next. */
export interface RunState {
  readonly run: RunRecord;
  readonly runHash: string;
  system: System;
  /** The settings in force. */
  settings: RunSettings;
  /** Those that changed since the last record. */
  changes: readonly SettingsChange[];
  /** Versions of `soak` that made what is recorded. */
  readonly madeBy: Set<string>;
  /** The last iteration that is recorded. */
  iteration: number;
  /** Hash of its file. */
  previousHash: string;
  /** State hash after it. */
  stateHash: string;
  history: GuardHistory;
  /** Time of the last iteration, or of the start. */
  timeMs: number;
  /** What the last record followed and has taken in; `null` if there is only the run's own. */
  last: Pending | null;
  /** What happened to the system since that record. */
  pending: readonly Incident[];
  /** Whether a measurement is on its way. */
  isMeasuring: boolean;
  /** What had happened until then. */
  incidents: IncidentCounts;
}

/** Takes a recorded step into the state. */
export function advance(state: RunState, record: IterationRecord, history: GuardHistory): void {
  state.iteration = record.iteration;
  state.stateHash = record.tuning.stateHash;
  state.timeMs = Date.parse(record.utc);
  const { previousHash, incidents = [], settings = [] } = record;
  state.last = { previousHash, incidents, settings };
  state.settings = settings.reduce(settingsAfter, state.settings);
  state.pending = [];
  state.changes = [];
  state.isMeasuring = false;
  state.incidents = countIncidents(incidents, state.incidents);
  const { applied, changes } = record.tuning;
  state.history = applied
    ? rememberApplied(history, stepsOf(changes, state.run.profile.parameters))
    : history;
}

/**
 * The first runtime: what is given, flat keys in their places, with the profile's defaults or start
 * values for what it lacks.
 */
export function initialRuntime(
  profile: Profile,
  { runtime: given = {}, start, keepFlatKeys = false }: Pick<
    RunOptions,
    "runtime" | "start" | "keepFlatKeys"
  >,
): JsonObject {
  const { parameters } = profile;
  const values = valuesAtStart(profile, start);
  if (values === undefined) {
    const what = `the profile ${profile.name} has no start called ${printable(start ?? "", 60)}`;
    throw new OptionError(what, "start", startRemedy(profile, start ?? ""));
  }
  const { runtime, problems: [contradiction] } = keepFlatKeys
    ? { runtime: given, problems: [] }
    : nestRuntime(given, profile);
  const problems = validateRuntime(runtime, parameters);
  const missing = problems.filter(({ code }) => code === "missing").map(({ key }) => key);
  const problem = contradiction ?? problems.find(({ code }) => code !== "missing") ??
    settingProblems(runtime, profile)[0];
  if (problem !== undefined) {
    const what = `the runtime to start from: ${problem.message}`;
    throw new OptionError(what, "runtime", "correct the file or the profile");
  }
  const lacking = Object.entries(values).filter(([key]) => missing.includes(key));
  return applyDeltas(runtime, Object.fromEntries(lacking), parameters).runtime;
}

/** Reads the runtime file, which must be in the given state. */
export async function readState(path: string, expectedHash: string): Promise<JsonObject> {
  const { data, stateHash } = await readJsonWithHash(path);
  if (!sameHash(stateHash, expectedHash) || !isJsonObject(data)) throw foreignChange(path);
  return data;
}

/**
 * What is asked for must pass the same check as what is read back when resuming or verifying; what
 * is wrong with it is then a mistake of whoever asked.
 */
export function requireReadable(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
    const { what, where } = error;
    throw new SoakError("usage", what, {
      ...(where === undefined ? {} : { where }),
      remedy: "choose another value",
      cause: error,
    });
  }
}
