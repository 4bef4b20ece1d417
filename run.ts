/**
 * The soak loop: measure, propose, apply, record; and going on after an interruption.
 *
 * @module
 */

import { join } from "@std/path";
import {
  type IterationRecord,
  readRun,
  readStep,
  readSummary,
  rebuildTuningReport,
  type Recorded,
  removeStep,
  removeTuningReport,
  RUN_FILE,
  type RunRecord,
  RUNTIME_FILE,
  type TuningCounts,
  writeRun,
  writeStep,
  writeSummary,
} from "./artifacts.ts";
import { SoakError } from "./errors.ts";
import { eventLoopTurn } from "./event_loop.ts";
import {
  EMPTY_HISTORY,
  type GuardHistory,
  observeIteration,
  type ProposalContext,
  rememberApplied,
} from "./guards.ts";
import {
  atomicWriteJson,
  canonicalJson,
  computeJsonHash,
  type JsonObject,
  readJsonWithHash,
} from "./jsonx.ts";
import { marketMaker } from "./market_maker.ts";
import type { MockFault } from "./mock_fault.ts";
import { applyDeltas, type Deltas, validateRuntime } from "./params.ts";
import { applyDeltasWithTracking, type ApplyResult } from "./pipeline.ts";
import { judgeKpis, type KpiValues, type Profile } from "./profile.ts";
import { claimDirectory, type ClaimedDirectory } from "./run_directory.ts";
import { isJsonObject } from "./shape.ts";
import { openSystem, type System } from "./system.ts";
import {
  realSystem,
  refuseContradiction,
  refuseRealSettings,
  type SystemRequest,
  type SystemSpec,
} from "./system_spec.ts";
import { type Proposal, propose } from "./tuner.ts";
import { VERSION } from "./version.ts";

/** Start of a simulated run unless another time is given: 2025-01-01T00:00:00Z, in ms. */
export const MOCK_START_MS = 1_735_689_600_000;

/** Seconds of virtual time that a simulated iteration takes. */
const MOCK_ITERATION_SECONDS = 300;

/** Options for {@linkcode runSoak}. What is left out is taken from the run when resuming. */
export interface RunOptions {
  /** The run directory. */
  readonly dir: string;
  /** Continue an interrupted run instead of starting one. */
  readonly resume?: boolean | undefined;
  /** Number of iterations; needed unless resuming. */
  readonly iterations?: number | undefined;
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
   * The profile.
   *
   * @default {marketMaker}
   */
  readonly profile?: Profile | undefined;
  /** The runtime to start from; the profile's defaults fill in what it lacks. */
  readonly runtime?: JsonObject | undefined;
  /** Finish the step at hand and stop when this is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the run directory is ready, before the first iteration. */
  readonly onStart?: ((start: RunStart) => void) | undefined;
  /** Called after every iteration, once it is on disk. */
  readonly onIteration?: ((record: IterationRecord) => void) | undefined;
  /**
   * The clock of a real run, in ms since the epoch.
   *
   * @default {Date.now}
   */
  readonly nowMs?: (() => number) | undefined;
  /** The apply step; tests put a broken one in its place. */
  readonly apply?: typeof applyDeltasWithTracking | undefined;
}

/** What a run starts from. */
export interface RunStart {
  /** How the run was started. */
  readonly run: RunRecord;
  /** Iterations that were already recorded. */
  readonly done: number;
  /** Where an earlier run was moved to; `null` if there was none. */
  readonly archived: string | null;
}

/** How a run ended. */
export interface RunResult extends RunStart {
  /** `"complete"`: it had nothing left to do. */
  readonly status: "finished" | "interrupted" | "complete";
  /** Iterations that are recorded now. */
  readonly recorded: number;
  /** What the tuner did, over the whole run. */
  readonly counts: TuningCounts;
}

/**
 * Runs a soak, or goes on with one.
 *
 * @param options What to run, and where.
 * @returns How it ended.
 * @throws {SoakError} If an option is wrong, the directory is in use or can't be written, or
 * its records do not allow going on.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const parent = await Deno.makeTempDir();
 * const { status, counts } = await runSoak({
 *   dir: `${parent}/run`,
 *   iterations: 3,
 *   autoTune: true,
 * });
 * assertEquals({ status, applied: counts.applied }, { status: "finished", applied: 1 });
 * await Deno.remove(parent, { recursive: true });
 * ```
 */
export async function runSoak(options: RunOptions): Promise<RunResult> {
  await using claim = await claimDirectory(options.dir, options.resume ?? false);
  const state = options.resume ? await restore(options) : await begin(options, claim);
  await using _system = state.system;
  const { run } = state;
  const start: RunStart = { run, done: state.iteration, archived: claim.archived };
  options.onStart?.(start);
  const complete = state.iteration === run.iterations;
  while (state.iteration < run.iterations && !options.signal?.aborted) {
    const record = await iterate(state, options);
    if (record === null) break;
    options.onIteration?.(record);
    await eventLoopTurn();
  }
  const counts = await rebuildTuningReport(options.dir, state.iteration, state.runHash);
  const finished = state.iteration === run.iterations;
  return {
    ...start,
    status: complete ? "complete" : finished ? "finished" : "interrupted",
    recorded: state.iteration,
    counts,
  };
}

/** What the loop carries from one iteration to the next. */
interface RunState {
  readonly run: RunRecord;
  readonly runHash: string;
  readonly system: System;
  /** The last iteration that is recorded. */
  iteration: number;
  /** Hash of its file. */
  previousHash: string;
  /** State hash after it. */
  stateHash: string;
  history: GuardHistory;
  /** Time of the last iteration, or of the start. */
  timeMs: number;
}

async function begin(options: RunOptions, claim: ClaimedDirectory): Promise<RunState> {
  const { iterations, profile = marketMaker, seed = 1 } = options;
  if (iterations === undefined) {
    throw new SoakError("usage", "a run needs a number of iterations", {
      where: "iterations",
      remedy: "say how many",
    });
  }
  const system = chooseSystem(options);
  const runtime = initialRuntime(profile, options.runtime);
  const timeMs = system.kind === "mock"
    ? options.startMs ?? MOCK_START_MS
    : (options.nowMs ?? Date.now)();
  const run: RunRecord = {
    toolVersion: VERSION,
    system,
    seed: system.kind === "mock" ? seed : null,
    iterations,
    autoTune: options.autoTune ?? false,
    startedUtc: utc(timeMs),
    initialHash: await computeJsonHash(runtime),
    profile,
  };
  const opened = openSystem(run);
  await claim.clear();
  const runHash = await writeRun(options.dir, run);
  await atomicWriteJson(join(options.dir, RUNTIME_FILE), runtime);
  return {
    run,
    runHash,
    system: opened,
    iteration: 0,
    previousHash: runHash,
    stateHash: run.initialHash,
    history: EMPTY_HISTORY,
    timeMs,
  };
}

function chooseSystem({ system = {}, mockFault, seed }: RunOptions): SystemSpec {
  const { kind = "mock" } = system;
  if (kind === "mock") {
    refuseRealSettings(system);
    return { kind, fault: mockFault ?? null, iterationSeconds: MOCK_ITERATION_SECONDS };
  }
  const simulated = mockFault !== undefined ? "--mock-fault" : seed !== undefined ? "--seed" : null;
  if (simulated !== null) {
    throw new SoakError("usage", "the flag is for the simulated system", {
      where: simulated,
      remedy: "leave it out",
    });
  }
  return realSystem({ ...system, kind });
}

/** The first runtime: what is given, with the profile's defaults for what it lacks. */
function initialRuntime(profile: Profile, given: JsonObject = {}): JsonObject {
  const { parameters } = profile;
  const problems = validateRuntime(given, parameters);
  const missing = problems.filter(({ code }) => code === "missing").map(({ key }) => key);
  const problem = problems.find(({ code }) => code !== "missing");
  if (problem === undefined) {
    const defaults: Deltas = Object.fromEntries(
      parameters.filter(({ key }) => missing.includes(key))
        .map((parameter) => [parameter.key, parameter.default]),
    );
    return applyDeltas(given, defaults, parameters);
  }
  throw new SoakError("usage", `the runtime to start from: ${problem.message}`, {
    where: "--runtime",
    remedy: "correct the file",
  });
}

async function iterate(state: RunState, options: RunOptions): Promise<IterationRecord | null> {
  const { run } = state;
  const { profile } = run;
  const { dir, apply = applyDeltasWithTracking } = options;
  const runtimePath = join(dir, RUNTIME_FILE);
  const iteration = state.iteration + 1;
  const runtime = await readRuntime(runtimePath, state.stateHash);
  const { signal } = options;
  const measured = await state.system.measure({ iteration, runtime, runtimePath, dir, signal });
  if (measured === null) return null;
  const { kpis, effectiveParams, failure, restarts } = measured;
  const timeMs = iterationTime(state, iteration, options);
  const judgement = judgeKpis(profile, kpis);
  const kpisMet = judgement.verdict === "PASS";
  const history = observeIteration(state.history, { iteration, timeMs, kpisMet });
  const context: ProposalContext = {
    autoTune: run.autoTune,
    last: iteration === run.iterations,
    kpisMet,
    failure,
  };
  const proposal = wish(context, { profile, runtime, kpis, history });

  const record = (result: ApplyResult): IterationRecord => ({
    iteration,
    previousHash: state.previousHash,
    runtime,
    effectiveParams,
    utc: utc(timeMs),
    stateHash: result.stateHash,
    kpis,
    kpiVerdict: judgement.verdict,
    kpiReasons: judgement.reasons,
    failure,
    ...(restarts > 0 ? { restarts } : {}),
    tuning: {
      proposedDeltas: proposal.deltas,
      applied: result.applied,
      deltas: result.deltasApplied,
      changedKeys: result.changedKeys,
      changes: result.applied ? proposal.changes : [],
      oldHash: result.oldHash,
      stateHash: result.stateHash,
      skipReason: result.skipReason,
      rationale: proposal.rationale,
    },
  });

  let stepWritten = false;
  const result = await apply({
    runtimePath,
    proposedDeltas: proposal.deltas,
    profile,
    history,
    context,
    expectedHash: state.stateHash,
    beforeWrite: async (plan) => {
      await writeStep(dir, record(plan));
      stepWritten = true;
    },
  });
  const done = record(result);
  await commit(state, done, history, dir);
  if (stepWritten) await removeStep(dir);
  return done;
}

async function commit(
  state: RunState,
  record: IterationRecord,
  history: GuardHistory,
  dir: string,
): Promise<void> {
  state.previousHash = await writeSummary(dir, record);
  advance(state, record, history);
}

function advance(state: RunState, record: IterationRecord, history: GuardHistory): void {
  state.iteration = record.iteration;
  state.stateHash = record.tuning.stateHash;
  state.timeMs = Date.parse(record.utc);
  state.history = record.tuning.applied ? rememberApplied(history, record.tuning.changes) : history;
}

function wish(
  context: ProposalContext,
  input: {
    readonly profile: Profile;
    readonly runtime: JsonObject;
    readonly kpis: KpiValues;
    readonly history: GuardHistory;
  },
): Proposal {
  const nothing = (rationale: string): Proposal => ({ deltas: {}, changes: [], rationale });
  if (context.failure !== null) return nothing(`not measured: ${context.failure}`);
  if (!context.autoTune) return nothing("auto-tune is off");
  if (context.last) return nothing("the run ends here: a change could no longer be observed");
  return propose(input);
}

async function readRuntime(path: string, expectedHash: string): Promise<JsonObject> {
  const { data, stateHash } = await readJsonWithHash(path);
  if (stateHash !== expectedHash || !isJsonObject(data)) {
    throw new SoakError("system", "the runtime was changed by something else", {
      where: path,
      remedy: "find out what else writes to it, then start a new run",
    });
  }
  return data;
}

/** A real clock may be set back; the recorded time is not. */
function iterationTime(state: RunState, iteration: number, { nowMs }: RunOptions): number {
  const { system, startedUtc } = state.run;
  if (system.kind !== "mock") return Math.max(state.timeMs, (nowMs ?? Date.now)());
  return Date.parse(startedUtc) + (iteration - 1) * system.iterationSeconds * 1000;
}

function utc(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

// --- going on --------------------------------------------------------------------------------

async function restore(options: RunOptions): Promise<RunState> {
  const { dir } = options;
  const { record: run, fileHash: runHash } = await readExistingRun(dir);
  refuseContradictions(run, options);
  const state: RunState = {
    run,
    runHash,
    system: openSystem(run),
    iteration: 0,
    previousHash: runHash,
    stateHash: run.initialHash,
    history: EMPTY_HISTORY,
    timeMs: Date.parse(run.startedUtc),
  };
  for (let i = 1; i <= run.iterations; i++) {
    const summary = await readRecordedSummary(dir, i);
    if (summary === null) break;
    if (summary.record.iteration !== i || summary.record.previousHash !== state.previousHash) {
      throw new SoakError(
        "artifact",
        `the summary of iteration ${i} does not follow the one before`,
        {
          where: dir,
          remedy: "start a new run; `soak verify` tells more",
        },
      );
    }
    relive(state, summary.record);
    state.previousHash = summary.fileHash;
    await eventLoopTurn();
  }
  await completeStep(state, dir);
  await restoreRuntime(state, dir);
  if (state.iteration < run.iterations) await removeTuningReport(dir);
  return state;
}

async function readExistingRun(dir: string): Promise<Recorded<RunRecord>> {
  try {
    return await readRun(dir);
  } catch (error) {
    if (error instanceof SoakError && error.cause instanceof Deno.errors.NotFound) {
      throw new SoakError("usage", "there is no run to resume", {
        where: join(dir, RUN_FILE),
        remedy: "start one without --resume",
        cause: error,
      });
    }
    throw error;
  }
}

async function readRecordedSummary(
  dir: string,
  iteration: number,
): Promise<Recorded<IterationRecord> | null> {
  try {
    return await readSummary(dir, iteration);
  } catch (error) {
    if (error instanceof SoakError && error.cause instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function refuseContradictions(run: RunRecord, options: RunOptions): void {
  if (options.system !== undefined) refuseContradiction(run.system, options.system);
  if (options.runtime !== undefined) {
    throw new SoakError("usage", "a run that goes on has its runtime", {
      where: "--runtime",
      remedy: "leave the flag out when resuming",
    });
  }
  const fault = run.system.kind === "mock" ? run.system.fault : null;
  const given = [
    ["--iterations", options.iterations, run.iterations],
    ["--auto-tune", options.autoTune, run.autoTune],
    ["--seed", options.seed, run.seed],
    ["--mock-fault", faultText(options.mockFault), faultText(fault)],
  ] as const;
  for (const [flag, asked, recorded] of given) {
    if (asked !== undefined && asked !== recorded) {
      throw new SoakError("usage", `the run was started with ${recorded}, not ${asked}`, {
        where: flag,
        remedy: "leave the flag out when resuming",
      });
    }
  }
  const { profile } = options;
  if (profile !== undefined && canonicalJson(profile) !== canonicalJson(run.profile)) {
    const { name } = run.profile;
    throw new SoakError("usage", `the run was started with another profile, ${name}`, {
      where: "--profile",
      remedy: "leave the flag out when resuming",
    });
  }
}

function faultText(fault: MockFault | null | undefined): string | undefined {
  return fault === undefined ? undefined : fault === null ? "none" : `${fault.kind}:${fault.rate}`;
}

/** Takes a recorded iteration into the state as if it had just happened. */
function relive(state: RunState, record: IterationRecord): void {
  state.system.relive(record);
  const { iteration } = record;
  const timeMs = Date.parse(record.utc);
  const kpisMet = judgeKpis(state.run.profile, record.kpis).verdict === "PASS";
  const history = observeIteration(state.history, { iteration, timeMs, kpisMet });
  advance(state, record, history);
}

/** Completes a step that was interrupted after it had been decided on. */
async function completeStep(state: RunState, dir: string): Promise<void> {
  const step = await readStep(dir);
  if (step === null) return;
  if (step.iteration === state.iteration + 1 && step.previousHash === state.previousHash) {
    const runtimePath = join(dir, RUNTIME_FILE);
    const { stateHash } = await readJsonWithHash(runtimePath);
    if (stateHash === step.tuning.oldHash) {
      const { profile } = state.run;
      const next = applyDeltas(step.runtime, step.tuning.deltas, profile.parameters);
      await atomicWriteJson(runtimePath, next);
    }
    const previousHash = await writeSummary(dir, step);
    relive(state, step);
    state.previousHash = previousHash;
  }
  await removeStep(dir);
}

/** Checks that the runtime is the last recorded state; writes the first one if need be. */
async function restoreRuntime(state: RunState, dir: string): Promise<void> {
  const path = join(dir, RUNTIME_FILE);
  try {
    await readRuntime(path, state.stateHash);
  } catch (error) {
    const missing = error instanceof SoakError && error.cause instanceof Deno.errors.NotFound;
    const runtime = initialRuntime(state.run.profile);
    if (!missing || state.iteration > 0) throw error;
    if (await computeJsonHash(runtime) !== state.run.initialHash) throw error;
    await atomicWriteJson(path, runtime);
  }
}
