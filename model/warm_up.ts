/**
 * The warm-up of a run: its first iterations, which are recorded and proven but not judged.
 *
 * @module
 */

import type { GateSettings } from "./profile.ts";

/** The fewest iterations that a run with a warm-up must leave to be judged: half the window. */
export function leastJudged({ window }: Pick<GateSettings, "window">): number {
  return Math.ceil(window / 2);
}

/** Why a run can't have so long a warm-up, and the remedy; `null` if it can. */
export function warmUpMistake(
  iterations: number,
  warmup: number,
  gate: Pick<GateSettings, "window">,
): readonly [what: string, remedy: string] | null {
  const [left, least] = [Math.max(0, iterations - warmup), leastJudged(gate)];
  if (warmup === 0 || left >= least) return null;
  const what = `a warm-up of ${warmup} leaves ${left} of ${iterations} iterations to be judged, ` +
    `and the profile's window of ${gate.window} needs at least ${least}`;
  return [what, `run at least ${warmup + least} iterations, or warm up for fewer`];
}
