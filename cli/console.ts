/**
 * What a command may do to the outside, given to it by `main.ts`.
 *
 * @module
 */

import type { Style } from "../report/terminal.ts";

/** Where a command writes and what it needs to know of its surroundings. */
export interface Console {
  /** Writes a result, with a line feed after it. */
  out(text: string): void;
  /** Writes a diagnostic, with a line feed after it. */
  err(text: string): void;
  /** Writes progress as it is. */
  progress(text: string): void;
  /** Colours for results. */
  readonly outStyle: Style;
  /** Colours for diagnostics. */
  readonly errStyle: Style;
  /** Whether progress can redraw its line. */
  readonly redraws: boolean;
  /** Width of the terminal. */
  readonly columns: number;
  /** `SOURCE_DATE_EPOCH`, if it is set. */
  readonly sourceDateEpoch: string | undefined;
  /** Time in ms, for progress. */
  nowMs(): number;
  /** Aborted by the first SIGINT or SIGTERM, with the exit code as its reason. */
  readonly signal: AbortSignal;
}

/** The exit codes that CI scripts branch on. */
export const EXIT = {
  passed: 0,
  failed: 1,
  usage: 2,
  inconclusive: 3,
  unable: 4,
  interrupted: 130,
  terminated: 143,
} as const;
