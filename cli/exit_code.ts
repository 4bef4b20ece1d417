/**
 * The exit codes that CI scripts branch on, what each means, and what leads to it.
 *
 * @module
 */

import { type ErrorKind, SoakError } from "../base/errors.ts";
import type { Verdict } from "../proof/verdict.ts";

/** The exit codes by name. */
export const EXIT = {
  passed: 0,
  failed: 1,
  usage: 2,
  inconclusive: 3,
  unable: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** What each exit code means, as the help says it. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: "passed",
  1: "ran, and the gate, verification or comparison failed",
  2: "usage error",
  3: "inconclusive: records missing or unreadable, or nothing to judge",
  4: "could not do the work: disk, permission, the system under test",
  130: "interrupted (143: terminated); soak run --resume goes on",
};

const EXIT_OF_ERROR: Readonly<Record<ErrorKind, number>> = {
  usage: EXIT.usage,
  artifact: EXIT.inconclusive,
  system: EXIT.unable,
};

/**
 * What went wrong first, where closing what was open went wrong too. The later error says less: it
 * often follows from the same cause, and what it lost is the smaller loss.
 */
export function firstError(error: unknown): unknown {
  return error instanceof SuppressedError ? firstError(error.suppressed) : error;
}

/** The exit code of an error; one that is not ours is a bug, and the work was not done. */
export function exitOfError(error: unknown): number {
  return error instanceof SoakError ? EXIT_OF_ERROR[error.kind] : EXIT.unable;
}

/** The exit code of a verification's or a gate's verdict. */
export const EXIT_OF_VERDICT: Readonly<Record<Verdict, number>> = {
  PASS: EXIT.passed,
  FAIL: EXIT.failed,
  INCONCLUSIVE: EXIT.inconclusive,
};
