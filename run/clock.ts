/**
 * Time within a run.
 *
 * @module
 */

import type { RunRecord } from "../record/records.ts";

/** Tells the time of an iteration that is measured now, in ms since the epoch. */
export type Clock = (iteration: number) => number;

/**
 * The clock of a simulated run is virtual. That of a real one is set by the time of day once, and
 * runs by itself from then on: the guards reckon with hours, and a reading of a clock that somebody
 * sets would end them early, or not for days.
 */
export function openClock(
  { system, startedUtc }: RunRecord,
  anchorMs: number,
  elapsedMs: () => number,
): Clock {
  if (system.kind === "mock") {
    const startMs = Date.parse(startedUtc);
    return (iteration) => startMs + (iteration - 1) * system.iterationSeconds * 1000;
  }
  const since = elapsedMs();
  return () => Math.floor(anchorMs + (elapsedMs() - since));
}
