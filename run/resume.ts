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
import { eventLoopTurn } from "../base/wait.ts";
import { EMPTY_HISTORY, observeIteration } from "../model/guards.ts";
import { NO_INCIDENTS } from "../model/incident.ts";
import { applyDeltas } from "../model/params.ts";
import { judgeKpis } from "../model/profile.ts";
import {
  contradiction,
  type MockFault,
  OptionError,
  refuseContradiction,
} from "../model/system_spec.ts";
import {
  readRun,
  readStep,
  readSummary,
  type Recorded,
  removeStep,
  removeTuningReport,
  RUN_FILE,
  RUNTIME_FILE,
  writeSummary,
} from "../record/artifacts.ts";
import type { IterationRecord, RunRecord } from "../record/records.ts";
import { openSystem } from "../system/system.ts";
import { completeApply, refuseLoosened } from "./apply.ts";
import type { ClaimedDirectory } from "./directory.ts";
import { resumeIncidents } from "./incidents.ts";
import { advance, initialRuntime, readState, type RunOptions, type RunState } from "./state.ts";

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
    takeRecorded(state, summary.record, options);
    state.previousHash = summary.fileHash;
    await eventLoopTurn();
  }
  await completeStep(state, options);
  const { runtime, began } = await restoreRuntime(state, dir);
  refuseLoosened(runtime, run.profile, join(dir, RUNTIME_FILE), "start a new run without it");
  if (state.iteration < run.iterations) {
    removeTuningReport(dir);
    await resumeIncidents(state, { dir, claim }, began);
  }
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
    const remedy = "leave the flag out when resuming";
    throw new OptionError("a run that goes on has its runtime", "runtime", remedy);
  }
  const fault = run.system.kind === "mock" ? run.system.fault : null;
  const given = [
    ["iterations", options.iterations, run.iterations],
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

/** Completes a step that was interrupted after it had been decided on. */
async function completeStep(state: RunState, options: RunOptions): Promise<void> {
  const { dir } = options;
  const step = await readStep(dir);
  if (step === null) return;
  if (step.iteration === state.iteration + 1 && step.previousHash === state.previousHash) {
    const { oldHash, stateHash, deltas } = step.tuning;
    const next = applyDeltas(step.runtime, deltas, state.run.profile.parameters);
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
    const runtime = initialRuntime(state.run.profile);
    if (!missing || state.iteration > 0) throw error;
    if (await computeJsonHash(runtime) !== state.run.initialHash) throw error;
    await atomicWriteJson(path, runtime);
    return { runtime, began: false };
  }
}
