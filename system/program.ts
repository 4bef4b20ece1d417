/**
 * Why a program can't be started, in words: before it is tried, and after.
 *
 * @module
 */

import { osError, SoakError } from "../base/errors.ts";
import { isFile } from "../base/read_file.ts";
import { printable, shellWord } from "../base/text.ts";
import { notPermitted } from "./permission.ts";

const isWindows = Deno.build.os === "windows";

/** Any of the permissions to execute a file. */
const EXECUTABLE = 0o111;

/**
 * Refuses a program that certainly can't be started. One that passes may still fail to: only
 * starting it tells.
 *
 * @param flag What it is asked for by, if there are several.
 */
export function requireProgram(program: string, flag?: string): void {
  try {
    requireStartable(program);
  } catch (error) {
    if (flag === undefined || !(error instanceof SoakError)) throw error;
    const { kind, what, where = "", remedy } = error;
    throw new SoakError(kind, what, {
      where: `${flag} ${where}`.trimEnd(),
      ...(remedy === undefined ? {} : { remedy }),
      cause: error,
    });
  }
}

function requireStartable(program: string): void {
  if (program === "") throw notFound(program);
  requirePermission(program);
  if (isWindows) return; // which adds extensions to names, each in its turn
  if (program.includes("/")) requireExecutable(program);
  else requireOnPath(program);
}

/** Puts into words why a program could not be started. */
export function startError(program: string, error: unknown): SoakError {
  if (error instanceof Deno.errors.NotFound) return notFound(program, error);
  if (error instanceof Deno.errors.PermissionDenied) return notExecutable(program, error);
  if (/format|ENOEXEC/i.test(String(error))) return notProgram(program, error);
  return osError("cannot start the command", program, error);
}

/** The same for a shell that could not become the program, from its exit code and its words. */
export function startFailure(program: string, code: number, words: string): SoakError {
  if (code === 127) return notFound(program);
  if (/permission denied|is a directory/i.test(words)) return notExecutable(program);
  // Bash says this first, and then what it thinks of the program as a script.
  if (/\bexec format error\b/i.test(words)) return notProgram(program);
  return startError(program, new Error(words.split(": ").at(-1)));
}

function requirePermission(program: string): void {
  const { state } = Deno.permissions.requestSync({ name: "run", command: program });
  if (state === "granted") return;
  throw notPermitted("cannot start the command", printable(program, 200), "--allow-run");
}

/** Refuses a path at which there is certainly no program. */
export function requireExecutable(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw notFound(path, error);
    return; // starting it finds better words
  }
  if (!info.isFile || ((info.mode ?? EXECUTABLE) & EXECUTABLE) === 0) throw notExecutable(path);
  if (isTextOnly(path)) throw notProgram(path);
}

/** Whether it is a text that names no interpreter. A shell would take it for a script of its own. */
function isTextOnly(path: string): boolean {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(256);
    const start = bytes.subarray(0, file.readSync(bytes) ?? 0);
    return !start.includes(0) && !/^#![ \t]*[^\s]/.test(new TextDecoder().decode(start));
  } catch {
    return false; // a program need not be readable
  }
}

/** The shell looks, since reading PATH takes a permission that starting programs does not. */
function requireOnPath(name: string): void {
  let found: Deno.CommandOutput;
  try {
    found = new Deno.Command("sh", {
      args: ["-c", 'command -v -- "$1"', "sh", name],
      stdin: "null",
      stderr: "null",
    }).outputSync();
  } catch {
    return; // no shell to ask
  }
  if (!found.success) throw notFound(name);
  const path = new TextDecoder().decode(found.stdout).trimEnd();
  if (path.startsWith("/") && isTextOnly(path)) throw notProgram(name);
}

function notFound(program: string, cause?: unknown): SoakError {
  const isHere = !program.includes("/") && isFile(program);
  return new SoakError("system", "the command was not found", {
    where: printable(program, 200),
    remedy: isHere
      ? `it is not on PATH; did you mean ${shellWord(`./${program}`)}?`
      : "check its path, PATH and, if it is a script, its first line",
    cause,
  });
}

function notProgram(program: string, cause?: unknown): SoakError {
  return new SoakError("system", "the command is not a program", {
    where: printable(program, 200),
    remedy: "a script needs a first line like #!/bin/sh",
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
