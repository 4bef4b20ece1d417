/**
 * The one error class that a user is meant to read, and failing system calls put into its words.
 *
 * @module
 */

import { printable } from "./text.ts";

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

/** The first that matches an error's code and text is its remedy. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/ENOSPC|no space/i, "free some space and run again"],
  [/EDQUOT|quota/i, "free some space or raise the quota, and run again"],
  [/EROFS|read-only file system/i, "use another folder, or remount the file system for writing"],
  [/EIO\b|input\/output/i, "check the disk's health before running again"],
  [/EMFILE|ENFILE|too many open/i, "raise the limit on open files (ulimit -n) and run again"],
  [/EFBIG|file too large/i, "raise the limit on file size (ulimit -f) and run again"],
  [/EACCES|EPERM/, "check who may read and write the file and its folder"],
  [/EEXIST/, "move what is in the way, or choose another path"],
  [/ENOENT/, "check the path, and create the folder if it is missing"],
  [/ENOTDIR|ELOOP|ENAMETOOLONG|EINVAL|EISDIR/, "check the path"],
  [/EBUSY|ETXTBSY/, "stop what is using the file and run again"],
  [/ENOLCK|ENOSYS|ENOTSUP|no locks|not supported/i, "use a file system that has file locks"],
];

/** Puts an error from a file call into words. */
export function osError(
  action: string,
  path: string,
  error: unknown,
  kind: ErrorKind = "system",
): SoakError {
  if (error instanceof SoakError) return error;
  const where = printable(path);
  if (error instanceof Deno.errors.NotCapable) {
    const flag = /--allow-[a-z]+/.exec(error.message)?.[0] ?? "--allow-all";
    return new SoakError("system", `${action}: not permitted to this program`, {
      where,
      remedy: `run it with ${flag}`,
      cause: error,
    });
  }
  const cause = causeText(error);
  const clue = `${osErrorCode(error) ?? ""} ${cause}`;
  const remedy = REMEDIES.find(([pattern]) => pattern.test(clue))?.[1] ?? "run again";
  return new SoakError(kind, `${action}: ${cause}`, { where, remedy, cause: error });
}

/** Tells which system error an exception stands for. */
export function osErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** The system's own words, without the number and the path that the runtime appends to them. */
function causeText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const text = /^(.+?)(?: \(os error \d+\)|: [a-z]+ ')/s.exec(message)?.[1] ?? message;
  return printable(text.charAt(0).toLowerCase() + text.slice(1), 200);
}

/** Why something over the network failed, without the address that the runtime puts before it. */
export function networkCause(error: unknown): string {
  const told = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = told instanceof Error ? told.message : String(told);
  const cause = /\): (?:client error \(Connect\): )?(.*)$/s.exec(text)?.[1] ?? text;
  return printable(cause.replace(/ \(os error \d+\)$/, ""), 200);
}
