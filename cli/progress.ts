/**
 * Progress on its way: what moves a line on a terminal, and writes plain ones elsewhere.
 *
 * @module
 */

import type { Phase } from "../model/phase.ts";
import { Progress, type ProgressOptions, type ProgressStep } from "../report/progress.ts";
import type { Io } from "./console.ts";

/** How often progress is drawn on a terminal, in ms. */
const DRAW_MS = 250;

/** Progress on its way: on a terminal it moves by itself until it is disposed of. */
export interface ShownProgress extends Disposable {
  /** Takes in what happens now. */
  phase(phase: Phase): void;
  /** Takes in an iteration that is done. */
  step(step: ProgressStep): void;
}

/** Shows progress over iterations, as far as the terminal can. */
export function showProgress(
  io: Io,
  { startMs = io.nowMs(), ...options }:
    & Omit<ProgressOptions, "style" | "startMs">
    & Partial<Pick<ProgressOptions, "startMs">>,
): ShownProgress {
  const progress = new Progress({ ...options, style: io.errStyle, startMs });
  const draw = (): void => io.status(progress.line(io.nowMs(), io.errColumns));
  const timer = io.redraws ? setInterval(draw, DRAW_MS) : null;
  if (io.redraws) draw();
  return {
    phase: (phase) => progress.phase(phase, io.nowMs()),
    step(step) {
      const nowMs = io.nowMs();
      progress.step(step, nowMs);
      const line = io.redraws ? null : progress.plainLine(nowMs);
      if (line !== null) io.err(line);
    },
    [Symbol.dispose]() {
      if (timer !== null) clearInterval(timer);
      io.status("");
    },
  };
}
