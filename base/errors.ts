/**
 * The one error class that a user is meant to read.
 *
 * @module
 */

/**
 * What went wrong, as a CI script tells it apart:
 * - `"usage"`: the command line, a profile or a value given to it is wrong (exit 2);
 * - `"artifact"`: a recorded file is missing, unreadable or not what it should be (exit 3);
 * - `"system"`: the work could not be done: disk, permission, the system under test (exit 4).
 */
export type ErrorKind = "usage" | "artifact" | "system";

/** Where an error stands and what its reader can do about it. */
export interface SoakErrorOptions extends ErrorOptions {
  /** The file, field or flag at fault, for example `run/SOAK_RUN.json: $.seed`. */
  readonly where?: string;
  /** What the reader should do next, as an imperative clause. */
  readonly remedy?: string;
}

/**
 * An error with a kind, a place and a remedy. Its message reads
 * `what is wrong (where); what to do`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SoakError("usage", "no such parameter", {
 *   where: "tail_age",
 *   remedy: "did you mean tail_age_ms?",
 * });
 * assertEquals(error.message, "no such parameter (tail_age); did you mean tail_age_ms?");
 * ```
 */
export class SoakError extends Error {
  /** Always `"SoakError"`. */
  override readonly name = "SoakError";
  /** Which exit code the error leads to. */
  readonly kind: ErrorKind;
  /** What is wrong, without place and remedy. */
  readonly what: string;
  /** The file, field or flag at fault, if there is one. */
  readonly where: string | undefined;
  /** What to do next, if there is something to do. */
  readonly remedy: string | undefined;

  /**
   * Makes an error from its parts.
   *
   * @param kind Which exit code the error leads to.
   * @param what What is wrong, in one clause.
   * @param options The place, the remedy and the cause.
   */
  constructor(kind: ErrorKind, what: string, options: SoakErrorOptions = {}) {
    const { where, remedy, ...rest } = options;
    super(
      what + (where === undefined ? "" : ` (${where})`) +
        (remedy === undefined ? "" : `; ${remedy}`),
      rest,
    );
    this.kind = kind;
    this.what = what;
    this.where = where;
    this.remedy = remedy;
  }
}
