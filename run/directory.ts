/**
 * Claims a run directory for one process, and makes room for a new run in it.
 *
 * @module
 */

import { moveSync } from "@std/fs/move";
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import { removeStaleTemps } from "../base/atomic_file.ts";
import { osError, SoakError } from "../base/errors.ts";
import { acquireLock } from "../base/lock.ts";
import { printable } from "../base/text.ts";
import { readRun, RUN_FILE, RUNTIME_FILE } from "../record/artifacts.ts";

/** The lock of the runtime file, as the pipeline takes it. */
const LOCK_FILE = `${RUNTIME_FILE}.lock`;

/** A run directory that no other process runs in. */
export interface ClaimedDirectory extends Disposable {
  /** Where an earlier run was moved to by {@linkcode ClaimedDirectory.clear}, if there was one. */
  readonly archived: string | null;
  /** Makes the directory an empty one; an earlier run in it is moved aside first. */
  clear(): Promise<void>;
}

/** Claims a run directory until disposed. */
export async function claimDirectory(dir: string, mustExist: boolean): Promise<ClaimedDirectory> {
  const path = resolve(dir);
  if (mustExist) requireDirectory(dir);
  else makeDirectory(dirname(path));
  const lock = await acquireLock(`${path}.lock`, { wait: false, owner: "soak run" });
  let archived: string | null = null;
  try {
    if (mustExist) removeStaleTemps(path);
  } catch (error) {
    lock.release();
    throw error;
  }
  return {
    get archived(): string | null {
      return archived;
    },
    async clear(): Promise<void> {
      archived = await clearDirectory(dir, path);
    },
    [Symbol.dispose](): void {
      lock.release();
    },
  };
}

function requireDirectory(dir: string): void {
  if (infoOf(() => Deno.statSync(dir), dir)?.isDirectory) return;
  throw new SoakError("usage", "there is no run to resume", {
    where: printable(dir),
    remedy: "start one without --resume",
  });
}

function makeDirectory(path: string): void {
  try {
    const missing = missingFolders(path);
    Deno.mkdirSync(path, { recursive: true });
    for (const folder of missing) flushFolder(dirname(folder));
  } catch (cause) {
    throw osError("cannot make the folder", path, cause);
  }
}

/** The folders on the way to a path that are not there yet, from the outermost. */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      Deno.lstatSync(folder);
      break;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) break; // mkdir() finds better words
      missing.unshift(folder);
    }
  }
  return missing;
}

/** Makes what was made or renamed in a folder outlast a power loss. */
function flushFolder(path: string): void {
  if (Deno.build.os === "windows") return; // has no such call, and needs none
  let folder: Deno.FsFile;
  try {
    folder = Deno.openSync(path);
  } catch (error) {
    // One may be allowed to write into a folder without being allowed to open it.
    if (error instanceof Deno.errors.PermissionDenied) return;
    if (error instanceof Deno.errors.NotCapable) return;
    throw error;
  }
  using _folder = folder;
  folder.syncSync();
}

async function clearDirectory(dir: string, path: string): Promise<string | null> {
  makeDirectory(path);
  removeStaleTemps(path);
  const names = new Set(listNames(path));
  if (names.size === 0) return null;
  if (!names.has(RUN_FILE)) {
    throw new SoakError("usage", "the directory has files in it but no soak run", {
      where: printable(dir),
      remedy: "choose another --out, or empty it",
    });
  }
  const archive = freeName(dirname(path), await startStamp(dir), basename(path));
  await archiveRun(path, archive);
  makeDirectory(path);
  return archive;
}

function listNames(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch (error) {
    throw osError("cannot list the folder", path, error);
  }
}

async function archiveRun(path: string, archive: string): Promise<void> {
  // A `soak apply` that is at work on the old runtime would else replace that of the new run.
  using lock = await acquireLock(join(path, LOCK_FILE), { wait: true, owner: "soak run" });
  // Windows renames no folder with an open file in it, be it this lock or that of an apply that
  // comes in between: then the rename fails, and nothing is lost.
  if (Deno.build.os === "windows") lock.release();
  try {
    moveSync(path, archive);
    flushFolder(dirname(path));
  } catch (error) {
    throw osError(`cannot move the earlier run to ${printable(archive)}`, path, error);
  }
  // The lock's file was moved with the folder, where releasing the lock won't look for it.
  await Deno.remove(join(archive, LOCK_FILE)).catch(() => {});
}

/** The start of the run in a directory, fit for a file name: `20250101T000000Z`. */
async function startStamp(dir: string): Promise<string> {
  try {
    const { record } = await readRun(dir);
    return record.startedUtc.replaceAll(/[-:]|\.\d+/g, "");
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return "unreadable";
    throw error;
  }
}

/** What is known about a path, or `null` if nothing is there. */
function infoOf(look: () => Deno.FileInfo, path: string): Deno.FileInfo | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw osError("cannot look at the file", path, error);
  }
}

function freeName(parent: string, stamp: string, taken: string): string {
  for (let n = 1;; n++) {
    const name = n === 1 ? stamp : `${stamp}-${n}`;
    if (name === taken) continue;
    const path = join(parent, name);
    if (infoOf(() => Deno.lstatSync(path), path) === null) return path;
  }
}
