/**
 * Files out: all of a file or nothing, and none of it lost.
 *
 * The calls are synchronous. Each costs a few microseconds where the runtime's asynchronous ones
 * cost some fifty, and only a flush to disk is ever worth waiting for.
 *
 * @module
 */

import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { osError, SoakError } from "./errors.ts";
import { notRegular, openRegularFile } from "./read_file.ts";
import { printable } from "./text.ts";

/** Writes a file: all of it or nothing. See {@linkcode AtomicFile} for what is promised. */
export function atomicWrite(path: string, bytes: Uint8Array): { size: number } {
  using file = AtomicFile.create(path);
  file.write(bytes);
  return file.commit();
}

/**
 * A file that appears under its name only when it is complete.
 *
 * What is written goes to a temp file in the same folder, created exclusively under a random name.
 * {@linkcode AtomicFile.commit} flushes it, renames it over the target and flushes the folder. Up
 * to the rename any failure, or leaving without a commit, removes the temp file and leaves the
 * target as it was. If only the last flush fails, the new content is in place, but a power loss
 * may bring back the old. The target keeps its mode, though not its owner; a target that is a
 * symbolic link, a folder or a device is refused. The temp file of a killed process stays behind,
 * for {@linkcode removeStaleTemps} to recognise by its lock, which died with the process.
 */
export class AtomicFile implements Disposable {
  readonly #path: string;
  readonly #temp: string;
  #file: Deno.FsFile | undefined;
  #size = 0;

  private constructor(path: string, temp: string, file: Deno.FsFile) {
    this.#path = path;
    this.#temp = temp;
    this.#file = file;
  }

  /** Starts a file. */
  static create(path: string): AtomicFile {
    try {
      const mode = modeOf(path);
      for (;;) {
        const temp = tempPath(path);
        const file = createTemp(temp, mode);
        if (file !== undefined) return new AtomicFile(path, temp, file);
      }
    } catch (error) {
      throw osError("cannot create a temp file beside the file", path, error);
    }
  }

  /** Appends to the file. */
  write(chunk: Uint8Array): void {
    const file = this.#open();
    this.#orAbort("cannot write the file", () => {
      for (let done = 0; done < chunk.length;) done += file.writeSync(chunk.subarray(done));
    });
    this.#size += chunk.length;
  }

  /** Puts the file in place. */
  commit(): { size: number } {
    const file = this.#open();
    // The folder is opened before anything is final, so that only its flush can fail afterwards.
    using folder = this.#openFolder();
    // Before the rename: else a power loss may leave the new name on a file without content.
    this.#orAbort("cannot flush the file to disk", () => file.syncSync());
    this.#orAbort("cannot replace the file", () => {
      // Locks are mandatory there: until close() nobody could read the file under its new name.
      if (Deno.build.os === "windows") file.unlockSync();
      Deno.renameSync(this.#temp, this.#path);
    });
    // Closed only now: without its lock the temp file would look like a dead process's.
    file.close();
    this.#file = undefined;
    try {
      folder?.syncSync();
    } catch (error) {
      throw osError("wrote the file, but cannot flush its folder to disk", this.#path, error);
    }
    return { size: this.#size };
  }

  /** Gives the file up: the temp file is removed, the target is as it was. */
  abort(): void {
    if (this.#file === undefined) return;
    removeTemp(this.#file, this.#temp);
    this.#file = undefined;
  }

  /** Gives the file up, unless it was committed. */
  [Symbol.dispose](): void {
    this.abort();
  }

  #open(): Deno.FsFile {
    if (this.#file !== undefined) return this.#file;
    throw new SoakError("system", "the file was already committed or given up", {
      where: printable(this.#path),
    });
  }

  #openFolder(): Deno.FsFile | undefined {
    if (Deno.build.os === "windows") return undefined; // has no such call, and needs none
    return this.#orAbort("cannot open the folder", () => Deno.openSync(dirname(this.#path)));
  }

  #orAbort<T>(action: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      this.abort();
      throw osError(action, this.#path, error);
    }
  }
}

/**
 * Removes the temp files that killed processes left in a folder. Those of living ones are locked
 * and stay.
 */
export function removeStaleTemps(folder: string): string[] {
  let name: string | undefined;
  try {
    const removed: string[] = [];
    for (const entry of Deno.readDirSync(folder)) {
      name = entry.name;
      if (entry.isFile && isTempName(name) && removeIfStale(join(folder, name))) {
        removed.push(name);
      }
    }
    return removed;
  } catch (error) {
    if (name === undefined && error instanceof Deno.errors.NotFound) return [];
    const path = name === undefined ? folder : join(folder, name);
    throw osError("cannot clean up temp files", path, error);
  }
}

const TEMP_SUFFIX = ".soak-tmp";

function isTempName(name: string): boolean {
  return name.startsWith(".") && name.endsWith(TEMP_SUFFIX);
}

function tempPath(path: string): string {
  const random = crypto.getRandomValues(new Uint8Array(12)).toHex();
  // Cut short, for a file's name may have no more than 255 bytes.
  return join(dirname(path), `.${basename(path).slice(0, 64)}.${random}${TEMP_SUFFIX}`);
}

/** Creates and locks a temp file, or returns nothing if a cleaner was quicker than the lock. */
function createTemp(temp: string, mode: number | undefined): Deno.FsFile | undefined {
  // Never wider than the target's mode; createNew neither follows a link nor opens what exists.
  const file = Deno.openSync(temp, { write: true, createNew: true, mode: mode ?? 0o666 });
  try {
    const locked = file.tryLockSync(true);
    const info = file.statSync();
    if (!locked || info.nlink === 0) {
      removeTemp(file, temp);
      return undefined;
    }
    if (mode !== undefined && info.mode !== null && (info.mode & 0o7777) !== mode) {
      Deno.chmodSync(temp, mode);
    }
    return file;
  } catch (error) {
    removeTemp(file, temp);
    throw error;
  }
}

/** Called where an error is already on its way, so that a second one would only hide the first. */
function removeTemp(file: Deno.FsFile, temp: string): void {
  try {
    Deno.removeSync(temp);
  } catch {
    // removeStaleTemps() gets it later
  }
  file.close();
}

function removeIfStale(temp: string): boolean {
  try {
    using file = openRegularFile(temp);
    if (!file.tryLockSync(true)) return false;
    Deno.removeSync(temp); // while locked, so that its owner can't have begun to write
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // renamed or removed by its owner
    throw error;
  }
}

function modeOf(path: string): number | undefined {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  if (!info.isFile) throw notRegular(path, info, "system");
  return info.mode === null ? undefined : info.mode & 0o7777;
}
