/**
 * Goes on with an interrupted soak run, from its records alone.
 *
 * @module
 */

import { join } from "@std/path/join";
import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { computeJsonHash } from "../base/json.ts";
import { atomicWriteJson } from "../base/json_file.ts";
import type { JsonObject } from "../base/json_value.ts";
import { Shape } from "../base/shape.ts";
import { eventLoopTurn } from "../base/wait.ts";
import {
  allows,
  changedFrom,
  type ChangedSettings,
  changesMistake,
  changesToJson,
  isChange,
  readChanges,
  type RunSettings,
  settingsAfter,
} from "../model/changed_settings.ts";
import { EMPTY_HISTORY, observeIteration } from "../model/guards.ts";
import { NO_INCIDENTS } from "../model/incident.ts";
import { applyDeltas } from "../model/params.ts";
import { judgeKpis } from "../model/profile.ts";
import {
  contradiction,
  type MockFault,
  OPERATIONAL_SETTINGS,
  OptionError,
  refuseContradiction,
} from "../model/system_spec.ts";
import {
  readRun,
  readStep,
  readSummary,
  type Recorded,
  removeReports,
  removeStep,
  RUN_FILE,
  RUNTIME_FILE,
  summaryFile,
  writeSummary,
} from "../record/artifacts.ts";
import type { IterationRecord, RunRecord } from "../record/records.ts";
import { requireUnanswered } from "../system/readiness.ts";
import { openSystem } from "../system/system.ts";
import { completeApply, refuseLoosened } from "./apply.ts";
import type { ClaimedDirectory } from "./directory.ts";
import { isReal, readLeft, removeLeft, resumeIncidents } from "./incidents.ts";
import {
  advance,
  initialRuntime,
  readState,
  requireReadable,
  type RunOptions,
  type RunState,
} from "./state.ts";

/** Restores the state of a run, and completes a step that was interrupted. */
export async function restore(
  options: RunOptions,
  claim: ClaimedDirectory,
): Promise<RunState> {
  const { dir } = options;
  const { record: run, fileHash: runHash } = await readExistingRun(dir);
  refuseContradictions(run, options);
  const state: RunState = {
    run,
    runHash,
    system: openSystem(run),
    settings: { iterations: run.iterations, system: run.system },
    changes: [],
    madeBy: new Set([run.toolVersion]),
    iteration: 0,
    previousHash: runHash,
    stateHash: run.initialHash,
    history: EMPTY_HISTORY,
    timeMs: Date.parse(run.startedUtc),
    last: null,
    pending: [],
    isMeasuring: false,
    incidents: NO_INCIDENTS,
  };
  const stray = await takeSummaries(state, options);
  const ground = { dir, claim };
  const left = await readLeft(dir, state.previousHash);
  const step = await readNextStep(state, dir);
  const recorded = (step?.settings ?? []).reduce(settingsAfter, state.settings);
  const now = (step === null ? left.changes : []).reduce(settingsAfter, recorded);
  const asked = changesAsked(run, { recorded, now }, options);
  await completeStep(state, options, step);
  state.changes = step === null ? left.changes : [];
  state.settings = state.changes.reduce(settingsAfter, state.settings);
  const { runtime, began } = await restoreRuntime(state, dir);
  refuseLoosened(runtime, run.profile, join(dir, RUNTIME_FILE), "start a new run without it");
  const isLeftOver = left.progress !== null && state.previousHash !== left.progress.previousHash;
  if (isLeftOver && !isReal(state)) removeLeft(ground);
  const wasFinished = state.iteration === state.settings.iterations;
  const changed = wasFinished && asked.iterations === undefined ? {} : asked;
  state.settings = settingsAfter(state.settings, { resume: null, values: changed });
  if (state.iteration === state.settings.iterations) return state;
  if (stray !== null) throw strayError(state, dir, stray);
  await requireUnanswered(state.settings.system, options.signal);
  await resumeIncidents(state, ground, { left, changed, began, wasFinished });
  removeReports(dir);
  if (state.settings.system !== run.system) {
    await using _unused = state.system;
    state.system = openSystem({ ...run, system: state.settings.system });
  }
  return state;
}

/**
 * Takes all recorded iterations into the state. Returns the number of a summary that is there and is
 * no part of the run: beyond its iterations, and brought by no change of settings.
 */
async function takeSummaries(state: RunState, options: RunOptions): Promise<number | null> {
  const { dir } = options;
  for (let i = 1;; i++) {
    const isBeyond = i > state.settings.iterations;
    const summary = isBeyond ? await readIfUsable(dir, i) : await readRecordedSummary(dir, i);
    if (summary === null) return null;
    if (summary === "unusable" || (isBeyond && !allows(summary.record.settings ?? [], i))) return i;
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
    takeRecorded(state, summary.record, options);
    state.previousHash = summary.fileHash;
    await eventLoopTurn();
  }
}

async function readIfUsable(
  dir: string,
  iteration: number,
): Promise<Recorded<IterationRecord> | "unusable" | null> {
  try {
    return await readRecordedSummary(dir, iteration);
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return "unusable";
    throw error;
  }
}

/** A summary that would be overwritten. */
function strayError({ iteration }: RunState, dir: string, stray: number): SoakError {
  const what = `there is a summary of iteration ${stray}, and the run has ${iteration}`;
  return new SoakError("artifact", what, {
    where: join(dir, summaryFile(stray)),
    remedy: "move it away, and resume again",
  });
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
    const remedy = "leave the flag out when resuming";
    throw new OptionError("a run that goes on has its runtime", "runtime", remedy);
  }
  const fault = run.system.kind === "mock" ? run.system.fault : null;
  const given = [
    ["warmup", options.warmup, run.warmup ?? 0],
    ["start", options.start, run.start ?? "no start values"],
    ["autoTune", options.autoTune, run.autoTune],
    ["seed", options.seed, run.seed],
    ["mockFault", faultText(options.mockFault), faultText(fault)],
  ] as const;
  for (const [option, asked, recorded] of given) {
    if (asked !== undefined && asked !== recorded) throw contradiction(recorded, asked, option);
  }
  const { profile } = options;
  if (profile !== undefined && canonicalJson(profile) !== canonicalJson(run.profile)) {
    const what = `the run was started with another profile, ${run.profile.name}`;
    throw new OptionError(what, "profile", "leave the flag out when resuming");
  }
}

function faultText(fault: MockFault | null | undefined): string | undefined {
  return fault === undefined ? undefined : fault === null ? "none" : `${fault.kind}:${fault.rate}`;
}

/** Takes a recorded iteration into the state as if it had just happened. */
function takeRecorded(
  state: RunState,
  record: IterationRecord,
  { onRecorded }: RunOptions,
): void {
  state.system.fastForward(record.runtime);
  if (record.toolVersion !== undefined) state.madeBy.add(record.toolVersion);
  const { iteration } = record;
  const timeMs = Date.parse(record.utc);
  const kpisMet = judgeKpis(state.run.profile, record.kpis).verdict === "PASS";
  const history = observeIteration(state.history, { iteration, timeMs, kpisMet });
  advance(state, record, history);
  onRecorded?.(record, state.run);
}

/**
 * What is asked for and not in force now. A run may get more iterations than are on record: fewer
 * would let its end be chosen by what was measured.
 */
function changesAsked(
  run: RunRecord,
  { recorded, now }: { readonly recorded: RunSettings; readonly now: RunSettings },
  { iterations, system = {} }: RunOptions,
): ChangedSettings {
  const given = Object.fromEntries(OPERATIONAL_SETTINGS.map((name) => [name, system[name]]));
  const asked = changedFrom(now, { ...given, ...(iterations === undefined ? {} : { iterations }) });
  if (asked.iterations !== undefined && asked.iterations <= recorded.iterations) {
    const what = `the run has ${now.iterations} iterations, and may get more, not fewer`;
    const remedy = `give more than ${recorded.iterations}, or leave the flag out when resuming`;
    throw new OptionError(what, "iterations", remedy);
  }
  requirePossible(asked, run);
  return asked;
}

/** Refuses changes that no record could tell of. */
function requirePossible(asked: ChangedSettings, { system, startedUtc }: RunRecord): void {
  if (!isChange(asked)) return;
  const startMs = Date.parse(startedUtc);
  const isMock = system.kind === "mock";
  const changes = [{ resume: isMock ? null : 1, values: asked }];
  requireReadable(() => readChanges(new Shape(changesToJson(changes), "the run")));
  const mistake = changesMistake(changes, { before: null, system, startMs, resumes: 1 });
  if (mistake !== null) throw new OptionError(mistake, "iterations", "choose another value");
}

/** The step that was interrupted after it had been decided on, if it is the next one. */
async function readNextStep(
  { iteration, previousHash }: RunState,
  dir: string,
): Promise<IterationRecord | null> {
  const step = await readStep(dir);
  const isNext = step?.iteration === iteration + 1 && step.previousHash === previousHash;
  return isNext ? step : null;
}

/** Completes the step that was interrupted; any other that is there is dropped. */
async function completeStep(
  state: RunState,
  options: RunOptions,
  step: IterationRecord | null,
): Promise<void> {
  const { dir } = options;
  if (step !== null) {
    const { oldHash, stateHash, deltas } = step.tuning;
    const next = applyDeltas(step.runtime, deltas, state.run.profile.parameters).runtime;
    await completeApply(join(dir, RUNTIME_FILE), { oldHash, stateHash, next });
    const previousHash = await writeSummary(dir, step);
    takeRecorded(state, step, options);
    state.previousHash = previousHash;
  }
  removeStep(dir);
}

/** Checks that the runtime is the last recorded state; writes the first one if need be. */
async function restoreRuntime(
  state: RunState,
  dir: string,
): Promise<{ readonly runtime: JsonObject; readonly began: boolean }> {
  const path = join(dir, RUNTIME_FILE);
  try {
    return { runtime: await readState(path, state.stateHash), began: true };
  } catch (error) {
    const missing = error instanceof SoakError && error.cause instanceof Deno.errors.NotFound;
    const runtime = initialRuntime(state.run.profile, { start: state.run.start });
    if (!missing || state.iteration > 0) throw error;
    if (await computeJsonHash(runtime) !== state.run.initialHash) throw error;
    await atomicWriteJson(path, runtime);
    return { runtime, began: false };
  }
}
