/**
 * The soak loop: measure, propose, apply, record.
 *
 * @module
 */

import { join } from "@std/path/join";
import type { JsonObject } from "../base/json_value.ts";
import { utcText } from "../base/utc.ts";
import { VERSION } from "../base/version.ts";
import { eventLoopTurn } from "../base/wait.ts";
import type { ChangedSettings, SettingsChange } from "../model/changed_settings.ts";
import { type Difference, differences } from "../model/effective.ts";
import { observeIteration } from "../model/guards.ts";
import { countIncidents, type Incident, type IncidentCounts } from "../model/incident.ts";
import { getAllParams } from "../model/params.ts";
import type { OnPhase } from "../model/phase.ts";
import { judgeKpis, type KpiJudgement } from "../model/profile.ts";
import type { ProposalContext } from "../model/skip_reason.ts";
import {
  type Recorded,
  removeStep,
  RUNTIME_FILE,
  writeStep,
  writeSummary,
} from "../record/artifacts.ts";
import type { IterationRecord } from "../record/records.ts";
import { rebuildTuningReport, type TuningCounts } from "../record/tuning_report.ts";
import type { Measurement, MeasureRequest } from "../system/measurement.ts";
import { applyDeltasWithTracking, type ApplyOptions, type ApplyResult } from "./apply.ts";
import { begin } from "./begin.ts";
import { type Clock, openClock } from "./clock.ts";
import { claimDirectory } from "./directory.ts";
import {
  closeIncidents,
  followRecord,
  type Ground,
  noteIncident,
  noteMeasuring,
  noteStop,
} from "./incidents.ts";
import { restore } from "./resume.ts";
import { advance, readState, type RunOptions, type RunStart, type RunState } from "./state.ts";
import { nothing, type Proposal, propose, type TunerInput } from "./tuner.ts";

/** How a run ended. */
export interface RunResult extends RunStart {
  /**
   * `"complete"`: it had nothing left to do; `"failed"`: it ended at a contradiction, as `failFast`
   * asks for.
   */
  readonly status: "finished" | "interrupted" | "complete" | "failed";
  /** The contradiction at which it ended; `null` if it did not end so. */
  readonly contradiction: Contradiction | null;
  /** Iterations that are recorded now. */
  readonly recorded: number;
  /** What the tuner did, over the whole run. */
  readonly counts: TuningCounts;
  /** What happened to the system, over the whole run. */
  readonly incidents: IncidentCounts;
}

/** An iteration in which the system ran with something else than its runtime says. */
export interface Contradiction {
  /** The iteration. */
  readonly iteration: number;
  /** The parameters that differed, at least one. */
  readonly differing: readonly Difference[];
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
  using claim = await claimDirectory(options.dir, options.resume ?? false);
  const state = options.resume ? await restore(options, claim) : await begin(options, claim);
  await using _system = state.system;
  const { run } = state;
  const clock = clockOf(state, options);
  const { iteration: done, madeBy } = state;
  const { iterations } = state.settings;
  const changed = changedHere(state, options);
  const start: RunStart = {
    run,
    iterations,
    changed,
    done,
    madeBy: [...madeBy],
    archived: claim.archived,
  };
  options.onStart?.(start);
  const complete = state.iteration === iterations;
  const ground = { dir: options.dir, claim, clock };
  const contradiction = await iterateAll(state, options, ground);
  claim.requireInPlace();
  const counts = await rebuildTuningReport(options.dir, state.iteration, state.runHash);
  const finished = state.iteration === iterations;
  if (finished) closeIncidents(state, ground);
  return {
    ...start,
    status: complete
      ? "complete"
      : contradiction !== null
      ? "failed"
      : finished
      ? "finished"
      : "interrupted",
    contradiction,
    recorded: state.iteration,
    counts,
    incidents: countIncidents(state.pending, state.incidents),
  };
}

/** The settings that a resume has just changed. */
function changedHere({ changes }: RunState, { resume }: RunOptions): ChangedSettings {
  return resume ? changes.at(-1)?.values ?? {} : {};
}

/** What holds a run while it goes on, and tells its time. */
interface TimedGround extends Ground {
  readonly clock: Clock;
}

/**
 * Runs what is left of the iterations, until the run is interrupted, or to the contradiction at which
 * it is to end.
 */
async function iterateAll(
  state: RunState,
  options: RunOptions,
  ground: TimedGround,
): Promise<Contradiction | null> {
  try {
    while (state.iteration < state.settings.iterations && !options.signal?.aborted) {
      const record = await iterate(state, options, ground);
      if (record === null) break;
      const { iteration, effectiveParams, runtime } = record;
      const { parameters } = state.run.profile;
      const differing = differences(
        effectiveParams,
        getAllParams(runtime, parameters),
        parameters,
      );
      options.onIteration?.(record, differing);
      if (options.failFast && differing.length > 0) return { iteration, differing };
      await eventLoopTurn();
    }
    return null;
  } catch (error) {
    await noteStop(state, ground, error);
    throw error;
  } finally {
    // A service may take as long as its grace to end.
    if (state.run.system.kind === "service") {
      options.onPhase?.({ name: "stopping" }, state.iteration);
    }
  }
}

/** The clock of a run that starts at the time in its state, or goes on after it. */
function clockOf({ run, timeMs }: RunState, options: RunOptions): Clock {
  const { resume, nowMs = Date.now, elapsedMs = () => performance.now() } = options;
  return openClock(run, resume ? Math.max(timeMs, nowMs()) : timeMs, elapsedMs);
}

/** Runs one iteration and records it; `null` if it was interrupted before it was measured. */
async function iterate(
  state: RunState,
  options: RunOptions,
  ground: TimedGround,
): Promise<IterationRecord | null> {
  const { run } = state;
  const { profile } = run;
  const { signal } = options;
  const { dir, claim, clock } = ground;
  const runtimePath = join(dir, RUNTIME_FILE);
  const iteration = state.iteration + 1;
  const runtime = await readState(runtimePath, state.stateHash);
  const onIncident: MeasureRequest["onIncident"] = (kind, reason) =>
    noteIncident(state, ground, kind, reason);
  const onAttempt = (): Promise<void> => noteMeasuring(state, ground, true);
  const onPhase: OnPhase = (phase) => options.onPhase?.(phase, iteration);
  const request = { iteration, runtime, runtimePath, dir, signal, onAttempt, onIncident, onPhase };
  const measured = await state.system.measure(request);
  if (measured === null) {
    await noteMeasuring(state, ground, false);
    return null;
  }
  onPhase({ name: "applying" });
  claim.requireInPlace();
  const { kpis, failure } = measured;
  const timeMs = clock(iteration);
  const judgement = judgeKpis(profile, kpis);
  const kpisMet = judgement.verdict === "PASS";
  const history = observeIteration(state.history, { iteration, timeMs, kpisMet });
  const last = iteration === state.settings.iterations;
  const context: ProposalContext = { autoTune: run.autoTune, last, kpisMet, failure };
  const proposal = proposalIn(context, { profile, runtime, kpis, history });
  const { previousHash, pending, changes } = state;
  const startedBy = run.toolVersion;
  const about = { iteration, timeMs, previousHash, pending, changes, startedBy, runtime };
  const iterated = { ...about, measured, judgement, proposal };
  const { record, fileHash } = await takeStep(iterated, options, {
    runtimePath,
    proposedDeltas: proposal.deltas,
    profile,
    history,
    context: { ...context, withheld: proposal.withheld },
    expectedHash: state.stateHash,
  });
  state.previousHash = fileHash;
  advance(state, record, history);
  await followRecord(state, ground);
  return record;
}

/** What an iteration has come to before its proposal is applied. */
interface Iterated {
  readonly iteration: number;
  readonly timeMs: number;
  readonly previousHash: string;
  readonly pending: readonly Incident[];
  readonly changes: readonly SettingsChange[];
  /** Version of `soak` that started the run. */
  readonly startedBy: string;
  readonly runtime: JsonObject;
  readonly measured: Measurement;
  readonly judgement: KpiJudgement;
  readonly proposal: Proposal;
}

/**
 * Applies the proposal and writes the summary. While the runtime changes, the record that this leads
 * to is on disk as a step in progress.
 */
async function takeStep(
  iterated: Iterated,
  { dir, apply = applyDeltasWithTracking }: RunOptions,
  options: ApplyOptions,
): Promise<Pick<Recorded<IterationRecord>, "record" | "fileHash">> {
  const planned: { result?: ApplyResult; record?: IterationRecord } = {};
  const result = await apply({
    ...options,
    async beforeWrite(plan) {
      planned.result = plan;
      planned.record = recordOf(iterated, plan);
      await writeStep(dir, planned.record);
    },
  });
  const asPlanned = planned.result === result ? planned.record : undefined;
  const record = asPlanned ?? recordOf(iterated, result);
  const fileHash = await writeSummary(dir, record);
  if (planned.record !== undefined) removeStep(dir);
  return { record, fileHash };
}

function recordOf(iterated: Iterated, result: ApplyResult): IterationRecord {
  const { iteration, timeMs, previousHash, pending, changes, startedBy, runtime } = iterated;
  const { measured: { kpis, effectiveParams, failure }, judgement, proposal } = iterated;
  return {
    iteration,
    previousHash,
    runtime,
    effectiveParams,
    utc: utcText(timeMs),
    stateHash: result.stateHash,
    kpis,
    kpiVerdict: judgement.verdict,
    kpiReasons: judgement.reasons,
    failure,
    ...(pending.length > 0 ? { incidents: pending } : {}),
    ...(changes.length > 0 ? { settings: changes } : {}),
    ...(startedBy === VERSION ? {} : { toolVersion: VERSION }),
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
  };
}

/** What the tuner proposes, or why it is not asked. */
function proposalIn(context: ProposalContext, input: TunerInput): Proposal {
  if (context.failure !== null) return nothing(`not measured: ${context.failure}`);
  if (!context.autoTune) return nothing("auto-tune is off");
  if (context.last) return nothing("the run ends here: a change could no longer be observed");
  return propose(input);
}
