/**
 * What happens to a real system: on disk at once, and then in the next summary. A simulated system
 * has no incidents, and its run ends byte for byte alike however often it was interrupted.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { type ChangedSettings, isChange, type SettingsChange } from "../model/changed_settings.ts";
import {
  countIncidents,
  type Incident,
  type IncidentKind,
  pendingAfter,
  RESUMED_AFTER,
  withIncident,
} from "../model/incident.ts";
import { PROGRESS_FILE, readProgress, removeProgress, writeProgress } from "../record/artifacts.ts";
import type { ProgressRecord } from "../record/records.ts";
import { ForeignChange } from "./apply.ts";
import type { ClaimedDirectory } from "./directory.ts";
import type { RunState } from "./state.ts";

/** Where a run keeps its records, which may be another run's by now. */
export interface Ground {
  /** The run directory. */
  readonly dir: string;
  /** What tells whether it still is this run's. */
  readonly claim: Pick<ClaimedDirectory, "requireInPlace">;
}

/** Puts an incident on record; returns how often there was one of its kind in the run so far. */
export async function noteIncident(
  state: RunState,
  ground: Ground,
  kind: IncidentKind,
  reason: string,
): Promise<number> {
  state.pending = withIncident(state.pending, kind, reason);
  await write(state, ground);
  return countIncidents(state.pending, state.incidents)[kind];
}

/**
 * Lets the record of incidents follow the last record; without it no run goes on unnoticed. What a
 * simulated run has there, settings that changed, that record has taken in.
 */
export async function followRecord(state: RunState, ground: Ground): Promise<void> {
  if (isReal(state)) return await write(state, ground);
  if ((state.last?.settings ?? []).length > 0) removeLeft(ground);
}

/** What a process that ended has left to say, and whether that follows the last record. */
export interface Left {
  /** What it has left; `null` if there is nothing. */
  readonly progress: ProgressRecord | null;
  /** Settings that changed since the last record. */
  readonly changes: readonly SettingsChange[];
}

/** Reads what a process that ended has left to say of what came after a record. */
export async function readLeft(dir: string, previousHash: string): Promise<Left> {
  const progress = await readProgressLeft(dir);
  const changes = progress?.previousHash === previousHash ? progress.settings ?? [] : [];
  return { progress, changes };
}

/** Puts on record that a measurement begins or is over, so that one that is cut off is told. */
export async function noteMeasuring(
  state: RunState,
  ground: Ground,
  isMeasuring: boolean,
): Promise<void> {
  if (state.isMeasuring === isMeasuring) return ground.claim.requireInPlace();
  state.isMeasuring = isMeasuring;
  await write(state, ground);
}

/** How a run goes on. */
export interface GoingOn {
  /** What the process before it has left. */
  readonly left: Left;
  /** Settings that change with this resume. */
  readonly changed: ChangedSettings;
  /** Whether the run had begun, so that there must be a record of how it ended. */
  readonly began: boolean;
  /** Whether it had all the iterations that were asked for. */
  readonly wasFinished: boolean;
}

/** Takes up what had happened when the run ended, that it goes on, and which settings change. */
export async function resumeIncidents(
  state: RunState,
  ground: Ground,
  { left: { progress }, changed, began, wasFinished }: GoingOn,
): Promise<void> {
  if (!isReal(state)) {
    if (!isChange(changed)) return;
    state.changes = [{ resume: null, values: changed }];
    return await write(state, ground);
  }
  const { previousHash, last } = state;
  const finish = progress === null && wasFinished;
  const pending = progress === null
    ? began && !wasFinished ? null : []
    : pendingAfter(progress, previousHash, last);
  state.pending = pending ?? lost(progress);
  if (isChange(changed)) {
    const resume = countIncidents(state.pending).resumed + 1;
    state.changes = [...state.changes, { resume, values: changed }];
  }
  const reason = finish ? RESUMED_AFTER.finish : endingOf(pending, progress);
  await noteIncident(state, ground, "resumed", reason);
}

/** Removes what a process that ended has left, where it says nothing any more. */
export function removeLeft({ dir, claim }: Ground): void {
  claim.requireInPlace();
  removeProgress(dir);
}

/** What a measurement may have come to that is not on record any more. */
function lost(progress: ProgressRecord | null): readonly Incident[] {
  const what = progress === null ? "was not there" : "did not follow the last record";
  return withIncident([], "failed", `${PROGRESS_FILE} ${what}: how the run ended is not on record`);
}

function endingOf(pending: readonly Incident[] | null, progress: ProgressRecord | null): string {
  if (pending === null) return RESUMED_AFTER.unknown;
  if (pending.at(-1)?.kind === "stopped") return RESUMED_AFTER.error;
  return progress?.isMeasuring ? RESUMED_AFTER.cutOff : RESUMED_AFTER.interruption;
}

async function readProgressLeft(dir: string): Promise<ProgressRecord | null> {
  try {
    return await readProgress(dir);
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    throw new SoakError("artifact", error.what, {
      ...(error.where === undefined ? {} : { where: error.where }),
      remedy: "remove it and resume again, which counts as a failed measurement",
      cause: error,
    });
  }
}

/**
 * Puts on record that the run ends by an error, as far as that can be written. Where the system, or
 * whoever else writes to its runtime, is the cause, what was measured is thrown away.
 */
export async function noteStop(state: RunState, ground: Ground, error: unknown): Promise<void> {
  if (!isReal(state)) return;
  const what = error instanceof SoakError ? error.what : String(error);
  const reason = printable(state.system.redact(what), 500);
  state.isMeasuring = false;
  try {
    if (isForeign(error)) await noteIncident(state, ground, "failed", reason);
    await noteIncident(state, ground, "stopped", reason);
  } catch {
    // The error on its way is told; the next resume is on record in any case.
  }
}

/** Whether something else than this run, and than the disk, is at fault: a file is not as written. */
function isForeign(error: unknown): boolean {
  return error instanceof SoakError &&
    (error instanceof ForeignChange || error.kind === "artifact");
}

/** Ends the record of incidents of a run that is finished: the summaries have all of them. */
export function closeIncidents(state: RunState, ground: Ground): void {
  if (isReal(state)) removeLeft(ground);
}

/** Whether what happens to the system is on record, or it is a simulated one. */
export function isReal({ run }: Pick<RunState, "run">): boolean {
  return run.system.kind !== "mock";
}

function write(
  { previousHash, pending, changes, isMeasuring }: RunState,
  ground: Ground,
): Promise<void> {
  ground.claim.requireInPlace();
  return writeProgress(ground.dir, {
    previousHash,
    incidents: pending,
    ...(changes.length > 0 ? { settings: changes } : {}),
    isMeasuring,
  });
}
