/**
 * Files in: regular ones only, and never more than a limit.
 *
 * @module
 */

import { type ErrorKind, osError, osErrorCode, SoakError } from "./errors.ts";
import { printable } from "./text.ts";

/** The largest file that is read unless a caller says otherwise: 64 MiB. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Reads a regular file whole. Never waits for a FIFO or a terminal, and never reads more than the
 * limit, even if the file grows meanwhile. Symbolic links are followed. An error of kind
 * `"artifact"` says that it is missing (`cause` is then a `Deno.errors.NotFound`), no regular file
 * or too large; one of kind `"system"`, that it can't be read.
 */
export function readRegularFile(path: string, maxBytes = MAX_FILE_BYTES): Uint8Array<ArrayBuffer> {
  try {
    using file = openRegularFile(path, maxBytes);
    return readToEnd(file, path, maxBytes);
  } catch (error) {
    const kind = isPathFault(path, error) ? "artifact" : "system";
    throw osError("cannot read the file", path, error, kind);
  }
}

/**
 * Opens a regular file for reading. What is none or too large is an error of kind `"artifact"`;
 * errors of the system come as they are.
 */
export function openRegularFile(path: string, maxBytes = Infinity): Deno.FsFile {
  // Opening a FIFO waits for a writer, and there is no way here to open without waiting: look first.
  requireRegular(path, Deno.statSync(path), maxBytes);
  const file = Deno.openSync(path);
  try {
    // Something else may have come under the name since; what is open now stays what it is.
    requireRegular(path, file.statSync(), maxBytes);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function requireRegular(path: string, info: Deno.FileInfo, maxBytes: number): void {
  if (!info.isFile) throw notRegular(path, info, "artifact");
  if (info.size > maxBytes) throw tooLarge(path, maxBytes);
}

/** Says that something is not a regular file. */
export function notRegular(path: string, info: Deno.FileInfo, kind: ErrorKind): SoakError {
  return new SoakError(kind, `${describeType(info)}, not a regular file`, {
    where: printable(path),
    remedy: info.isSymlink ? "name the file it points to" : "check the path",
  });
}

/** What something is that is not what it should be, for example `a FIFO`. */
export function describeType(info: Deno.FileInfo): string {
  if (info.isFile) return "a file";
  if (info.isDirectory) return "a folder";
  if (info.isSymlink) return "a symbolic link";
  if (info.isFifo) return "a FIFO";
  if (info.isSocket) return "a socket";
  return "a device";
}

/** Most files fit in here; only their bytes are copied out. */
const scratch = new Uint8Array(64 * 1024);

function readToEnd(file: Deno.FsFile, path: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  let buffer = scratch;
  let length = 0;
  for (;;) {
    const read = file.readSync(buffer.subarray(length));
    if (read === null) {
      return buffer === scratch ? buffer.slice(0, length) : buffer.subarray(0, length);
    }
    length += read;
    if (length > maxBytes) throw tooLarge(path, maxBytes);
    if (length === buffer.length) {
      // One byte more than the limit is enough to see that it was broken.
      const wanted = Math.max(file.statSync().size + 1, length * 2);
      const larger = new Uint8Array(Math.min(wanted, maxBytes + 1));
      larger.set(buffer);
      buffer = larger;
    }
  }
}

/** Whether it is the path that is wrong, not the machine. */
function isPathFault(path: string, error: unknown): boolean {
  return path === "" || error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.FilesystemLoop || error instanceof Deno.errors.IsADirectory ||
    error instanceof TypeError || /ENAMETOOLONG/.test(osErrorCode(error) ?? "");
}

function tooLarge(path: string, maxBytes: number): SoakError {
  return new SoakError("artifact", `larger than ${maxBytes} bytes`, {
    where: printable(path),
    remedy: "check that it is the right file",
  });
}

/** Whether there is a regular file at a path, as far as can be told. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
