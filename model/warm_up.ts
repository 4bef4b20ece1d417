/**
 * The warm-up of a run: its first iterations, which are recorded and proven but not judged.
 *
 * @module
 */

import type { GateSettings } from "./profile.ts";

/**
 * The fewest iterations that a run must leave to be judged after a warm-up: as many as that has, so
 * that it can't take a long run's evidence away, but no more than the window and at least half of it.
 */
export function leastJudged(warmup: number, { window }: Pick<GateSettings, "window">): number {
  return Math.max(Math.ceil(window / 2), Math.min(warmup, window));
}

/** Why a run can't have so long a warm-up, and the remedy; `null` if it can. */
export function warmUpMistake(
  iterations: number,
  warmup: number,
  gate: Pick<GateSettings, "window">,
): readonly [what: string, remedy: string] | null {
  const [left, least] = [Math.max(0, iterations - warmup), leastJudged(warmup, gate)];
  if (warmup === 0 || left >= least) return null;
  const what = `a warm-up of ${warmup} leaves ${left} of ${iterations} iterations to be judged, ` +
    `and with the profile's window of ${gate.window} it needs at least ${least}`;
  return [what, `run at least ${warmup + least} iterations, or warm up for fewer`];
}
