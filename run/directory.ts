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
import { osError, osErrorCode, SoakError } from "../base/errors.ts";
import { flushFolder, makeFolder } from "../base/folder.ts";
import { acquireLock, type Lock } from "../base/lock.ts";
import { printable, shellWord } from "../base/text.ts";
import { LOCK_FILE, readRun, RUN_FILE, RUNTIME_FILE, summaryFile } from "../record/artifacts.ts";

/** The lock of the runtime file, as the pipeline takes it. */
const RUNTIME_LOCK_FILE = `${RUNTIME_FILE}.lock`;

/** A run directory that no other process runs in, until it is disposed of. */
export interface ClaimedDirectory extends Disposable {
  /** Where an earlier run was moved to by {@linkcode ClaimedDirectory.clear}, if there was one. */
  readonly archived: string | null;
  /** Makes the directory an empty one; an earlier run in it is moved aside first. */
  clear(): Promise<void>;
  /** Fails if the directory was moved or replaced, so that others may run under its name. */
  requireInPlace(): void;
}

/**
 * Claims a run directory. The lock is in the directory itself, so that all who reach it meet, by
 * whatever name: a link, another mount.
 */
export async function claimDirectory(dir: string, mustExist: boolean): Promise<ClaimedDirectory> {
  const name = resolve(dir);
  const place: Place = { dir, name, path: withoutLink(name) };
  if (mustExist) requireDirectory(dir);
  const claim = new Claim(place, await lockFolder(place, !mustExist));
  try {
    if (mustExist) removeStaleTemps(place.path);
    return claim;
  } catch (error) {
    claim[Symbol.dispose]();
    throw error;
  }
}

/** A run directory as it was asked for, by its whole name, and where that leads if it is a link. */
interface Place {
  readonly dir: string;
  readonly name: string;
  readonly path: string;
}

/** A folder that is locked, and whether it was made for that. */
interface LockedFolder {
  readonly lock: Lock;
  readonly made: boolean;
}

class Claim implements ClaimedDirectory {
  readonly #place: Place;
  #lock: Lock;
  /** Whether the folder goes again at the end: it was made for this claim, and no run began. */
  #isUnused: boolean;
  #archived: string | null = null;

  constructor(place: Place, { lock, made }: LockedFolder) {
    this.#place = place;
    this.#lock = lock;
    this.#isUnused = made;
  }

  get archived(): string | null {
    return this.#archived;
  }

  async clear(): Promise<void> {
    const { dir, path } = this.#place;
    removeStaleTemps(path);
    const names = new Set(listNames(path));
    names.delete(LOCK_FILE);
    if (names.size > 0 && !names.has(RUN_FILE)) {
      throw new SoakError("usage", "the directory has files in it but no soak run", {
        where: printable(dir),
        remedy: names.has(summaryFile(1))
          ? "a run of other scripts is not moved aside: move it yourself, or choose another --out"
          : "choose another --out, or empty it",
      });
    }
    if (names.size > 0) await this.#moveAside(path);
    this.#isUnused = false;
  }

  async #moveAside(path: string): Promise<void> {
    const archive = freeName(dirname(path), archiveName(basename(path), await startStamp(path)));
    await archiveRun(path, archive, this.#lock);
    this.#archived = archive;
    const earlier = this.#lock;
    try {
      // Whoever is quicker here has the directory, and this run refuses.
      this.#lock = (await lockFolder(this.#place, true)).lock;
    } finally {
      earlier.release(join(archive, LOCK_FILE));
    }
  }

  requireInPlace(): void {
    if (this.#lock.isInPlace()) return;
    throw new SoakError("system", "the run directory was moved or replaced, or its lock removed", {
      where: printable(this.#place.dir),
      remedy: "put the run back in its place, and go on with --resume",
    });
  }

  [Symbol.dispose](): void {
    this.#lock.release();
    if (this.#isUnused) removeIfEmpty(this.#place.path);
  }
}

/** Where a link leads, so that a run is moved aside and not the link; any other path as it is. */
function withoutLink(path: string): string {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.realPathSync(path) : path;
  } catch {
    return path; // what is wrong with it is said in better words by who opens it
  }
}

/** Locks a run directory under the name that it was asked for by, so that a link is watched too. */
async function lockFolder({ name, path }: Place, make: boolean): Promise<LockedFolder> {
  for (let attempt = 0;; attempt++) {
    const made = make && makeFolder(path);
    try {
      const lock = await acquireLock(join(name, LOCK_FILE), { wait: false, owner: "soak run" });
      return { lock, made };
    } catch (error) {
      // Someone who gave up may have removed the folder in between, or moved an old run aside.
      const gone = error instanceof SoakError && error.cause instanceof Deno.errors.NotFound;
      if (make && gone && attempt < 20) continue;
      if (made) removeIfEmpty(path);
      throw error;
    }
  }
}

function removeIfEmpty(path: string): void {
  try {
    if (Deno.lstatSync(path).isDirectory) Deno.removeSync(path);
  } catch {
    // someone else uses it, or it can stay
  }
}

function requireDirectory(dir: string): void {
  if (infoOf(() => Deno.statSync(dir), dir)?.isDirectory) return;
  throw new SoakError("usage", "there is no run to resume", {
    where: printable(dir),
    remedy: "start one without --resume",
  });
}

function listNames(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch (error) {
    throw osError("cannot list the folder", path, error);
  }
}

async function archiveRun(path: string, archive: string, claim: Lock): Promise<void> {
  // A `soak apply` that is at work on the old runtime would else replace that of the new run.
  const lockPath = join(path, RUNTIME_LOCK_FILE);
  using lock = await acquireLock(lockPath, { wait: true, owner: "soak run" });
  // Windows renames no folder with an open file in it, be it one of these locks or that of an apply
  // that comes in between: then the rename fails, and nothing is lost.
  if (Deno.build.os === "windows") { for (const held of [lock, claim]) held.release(); }
  try {
    moveSync(path, archive);
    flushFolder(dirname(path));
  } catch (error) {
    throw notMoved(path, archive, error);
  }
  lock.release(join(archive, RUNTIME_LOCK_FILE));
}

/** The error of a run that can't be moved aside. Nothing was done yet: the run is where it was. */
function notMoved(path: string, archive: string, error: unknown): SoakError {
  const where = printable(path);
  const code = osErrorCode(error);
  if (code === "EBUSY" || code === "EXDEV") {
    const what =
      "cannot move the earlier run aside: the folder is a mount point or in a container's image";
    const remedy = `empty it, or choose a folder in it: --out ${shellWord(join(path, "latest"))}`;
    return new SoakError("system", what, { where, remedy, cause: error });
  }
  const failure = osError(`cannot move the earlier run to ${printable(archive)}`, path, error);
  if (!(error instanceof Deno.errors.PermissionDenied)) return failure;
  return new SoakError("system", failure.what, {
    where,
    remedy: "choose another --out, in a folder that can be written to",
    cause: error,
  });
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

/** What an earlier run is called: `latest` says nothing of it, any other name goes with its start. */
function archiveName(name: string, stamp: string): string {
  return name === "latest" ? stamp : `${name}-${stamp}`;
}

function freeName(parent: string, name: string): string {
  for (let n = 1;; n++) {
    const path = join(parent, n === 1 ? name : `${name}-${n}`);
    if (infoOf(() => Deno.lstatSync(path), path) === null) return path;
  }
}
