/**
 * What happens to a real system: on disk at once, and then in the next summary. A simulated system
 * has no incidents, and its run ends byte for byte alike however often it was interrupted.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { sameHash } from "../base/hash.ts";
import { printable } from "../base/text.ts";
import {
  countIncidents,
  type Incident,
  type IncidentKind,
  withIncident,
} from "../model/incident.ts";
import { PROGRESS_FILE, readProgress, removeProgress, writeProgress } from "../record/artifacts.ts";
import type { ProgressRecord } from "../record/records.ts";
import type { RunState } from "./state.ts";

/** Puts an incident on record; returns how often there was one of its kind in the run so far. */
export async function noteIncident(
  state: RunState,
  dir: string,
  kind: IncidentKind,
  reason: string,
): Promise<number> {
  state.pending = withIncident(state.pending, kind, reason);
  await write(state, dir);
  return countIncidents(state.pending, state.incidents)[kind];
}

/** Starts the record of incidents, without which a run does not go on unnoticed. */
export async function openIncidents(state: RunState, dir: string): Promise<void> {
  if (isReal(state)) await write(state, dir);
}

/** Takes up what had happened when the run ended, and that it goes on. */
export async function resumeIncidents(state: RunState, dir: string): Promise<void> {
  if (!isReal(state)) return;
  state.pending = pendingIn(await readProgress(dir), state);
  const ending = state.pending.at(-1)?.kind === "stopped" ? "an error" : "an interruption";
  await noteIncident(state, dir, "resumed", `after ${ending}`);
}

/** What has happened since the last record, which by now may be a later one than it was then. */
function pendingIn(progress: ProgressRecord | null, state: RunState): readonly Incident[] {
  if (progress === null) {
    const reason = `${PROGRESS_FILE} was not there: how the run had ended is not on record`;
    return state.iteration === 0 ? [] : withIncident([], "failed", reason);
  }
  if (sameHash(progress.previousHash, state.previousHash)) return progress.incidents;
  // The record has taken in all but an error that came while it was written.
  const last = progress.incidents.at(-1);
  return last?.kind === "stopped" ? withIncident([], last.kind, last.reason) : [];
}

/** Puts on record that the run ends by an error, as far as that can be written. */
export async function noteStop(state: RunState, dir: string, error: unknown): Promise<void> {
  if (!isReal(state)) return;
  const what = error instanceof SoakError ? error.what : String(error);
  const reason = printable(state.system.redact(what), 500);
  try {
    await noteIncident(state, dir, "stopped", reason);
  } catch {
    // The error on its way is told; the next resume is on record in any case.
  }
}

/** Ends the record of incidents of a run that is finished: the summaries have all of them. */
export function closeIncidents(state: RunState, dir: string): void {
  if (isReal(state)) removeProgress(dir);
}

function isReal({ run }: RunState): boolean {
  return run.system.kind !== "mock";
}

function write({ previousHash, pending }: RunState, dir: string): Promise<void> {
  return writeProgress(dir, { previousHash, incidents: pending });
}
