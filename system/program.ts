/**
 * Whether a program can be started at all, and in words why not.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { osError } from "../base/oserror.ts";
import { printable } from "../base/text.ts";

const isWindows = Deno.build.os === "windows";

/** Any of the permissions to execute a file. */
const EXECUTABLE = 0o111;

/**
 * Refuses a program that certainly can't be started. One that passes may still fail to: only
 * starting it tells.
 *
 * @param program A name to be looked up on the PATH, or a path.
 * @throws {SoakError} Of kind `"system"`, if it is missing, is not executable, or may not be
 * started by this process.
 */
export function requireProgram(program: string): void {
  if (program === "") throw notFound(program);
  requirePermission(program);
  if (isWindows) return; // which adds extensions to names, each in its turn
  if (program.includes("/")) requireExecutable(program);
  else requireOnPath(program);
}

/**
 * Puts into words why a program could not be started.
 *
 * @param program The program.
 * @param error What the attempt threw.
 * @returns An error of one line.
 */
export function startError(program: string, error: unknown): SoakError {
  if (error instanceof Deno.errors.NotFound) return notFound(program, error);
  if (error instanceof Deno.errors.PermissionDenied) return notExecutable(program, error);
  if (/format|ENOEXEC/i.test(String(error))) {
    return new SoakError("system", "the command is not a program", {
      where: printable(program, 200),
      remedy: "a script needs a first line like #!/bin/sh",
      cause: error,
    });
  }
  return osError("cannot start the command", program, error);
}

function requirePermission(program: string): void {
  const { state } = Deno.permissions.requestSync({ name: "run", command: program });
  if (state === "granted") return;
  throw new SoakError("system", "cannot start the command: not permitted to this program", {
    where: printable(program, 200),
    remedy: "run it with --allow-run",
  });
}

function requireExecutable(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw notFound(path, error);
    return; // starting it finds better words
  }
  if (!info.isFile || ((info.mode ?? EXECUTABLE) & EXECUTABLE) === 0) throw notExecutable(path);
}

/** The shell looks, since reading PATH takes a permission that starting programs does not. */
function requireOnPath(name: string): void {
  let success: boolean;
  try {
    ({ success } = new Deno.Command("sh", {
      args: ["-c", 'command -v -- "$1"', "sh", name],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync());
  } catch {
    return; // no shell to ask
  }
  if (!success) throw notFound(name);
}

function notFound(program: string, cause?: unknown): SoakError {
  return new SoakError("system", "the command was not found", {
    where: printable(program, 200),
    remedy: "check its path, PATH and, if it is a script, its first line",
    cause,
  });
}

function notExecutable(program: string, cause?: unknown): SoakError {
  return new SoakError("system", "the command may not be executed", {
    where: printable(program, 200),
    remedy: "check that it is a program, and its permissions: chmod +x",
    cause,
  });
}
