/**
 * Failing system calls, in words: what failed, on which file, and what to do about it.
 *
 * @module
 */

import { type ErrorKind, SoakError } from "./errors.ts";
import { printable } from "./text.ts";

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

/**
 * Puts an error from a file call into words.
 *
 * @param action What could not be done, for example `cannot write the file`.
 * @param path The file it could not be done to.
 * @param error What the call threw. A `SoakError` is returned as it is.
 * @param kind Whose fault it is: the machine's, as a rule.
 * @returns An error of one line with the file, the cause and a remedy.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const full = Object.assign(new Error("No space left on device (os error 28)"), {
 *   code: "ENOSPC",
 * });
 * assertEquals(
 *   osError("cannot write the file", "run/a.json", full).message,
 *   "cannot write the file: no space left on device (run/a.json); free some space and run again",
 * );
 * ```
 */
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

/**
 * Tells which system error an exception stands for.
 *
 * @param error What a file call threw.
 * @returns The name that the system's manual uses, such as `ENOSPC`, if the runtime knows it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * try {
 *   Deno.statSync("/no/such/file");
 * } catch (error) {
 *   assertEquals(osErrorCode(error), "ENOENT");
 * }
 * ```
 */
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
