/**
 * An advisory lock between processes, bound to a file's path. It dies with its process.
 *
 * @module
 */

import { osError, SoakError } from "./errors.ts";
import { printable } from "./text.ts";
import { sleep } from "./wait.ts";

/** Who holds a lock, by their own account. */
export interface LockHolder {
  /** The process. */
  readonly pid: number;
  /** When it took the lock, in ISO 8601, UTC. */
  readonly started: string;
  /** What it is doing, if it said. */
  readonly owner?: string;
}

/** How {@linkcode acquireLock} goes about a lock that is held. */
export interface LockOptions {
  /** Whether to wait until the lock is free. */
  readonly wait: boolean;
  /** What this process is doing, for those who find the lock held: `soak run`, say. */
  readonly owner?: string;
  /**
   * Whether to hold it together with all others that only share it, and with nobody else. That
   * needs no right to write where the lock's file is there already.
   *
   * @default {false}
   */
  readonly shared?: boolean;
}

/** A lock held. It is released by hand, by `using`, or by the end of the process. */
export class Lock implements Disposable {
  /** The lock file. */
  readonly path: string;
  /** Whether its file was there already: as a rule, left behind by a process that was killed. */
  readonly takenOver: boolean;
  readonly #shared: boolean;
  #file: Deno.FsFile | undefined;

  /** Takes charge of a lock file; see {@linkcode acquireLock} for how to get a lock. */
  constructor(path: string, file: Deno.FsFile, how: { takenOver: boolean; shared: boolean }) {
    this.path = path;
    this.takenOver = how.takenOver;
    this.#shared = how.shared;
    this.#file = file;
  }

  /** Whether the path still leads to the file that is locked; if not, others are free to lock it. */
  isInPlace(): boolean {
    try {
      return this.#file !== undefined && isSameFile(this.#file, this.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotADirectory) return false;
      throw osError("cannot look at the lock file", this.path, error);
    }
  }

  /**
   * Releases the lock and removes its file. A second call does nothing.
   *
   * @param path Where the file is by now, if the folder that it is in was moved.
   */
  release(path = this.path): void {
    if (this.#file === undefined) return;
    try {
      // Before the lock goes: afterwards the file may be someone else's. One that can't be removed
      // does no harm, for a lock file that nobody has locked is free to take.
      if (this.#isLast(this.#file) && isSameFile(this.#file, path)) Deno.removeSync(path);
    } catch {
      // left for the next holder
    }
    this.#file.close();
    this.#file = undefined;
  }

  /** Whether nobody shares the lock. */
  #isLast(file: Deno.FsFile): boolean {
    if (!this.#shared) return true;
    try {
      file.truncateSync(0); // or those who still share the lock would go by this process's name
    } catch {
      // opened for reading only: it has no name of ours in it
    }
    // In two steps, for not every system exchanges one lock for another.
    file.unlockSync();
    return file.tryLockSync(true);
  }

  /** Releases the lock. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * Takes a lock. Its file exists while the lock is held; one that a dead process left behind is
 * taken over. It is not the file that the lock is to protect, since that one gets replaced. Fails
 * when the lock is held and not to be waited for, when something other than a lock file has its
 * name, or when the file can't be created or locked.
 */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock> {
  const { wait, owner, shared = false } = options;
  for (let attempt = 0;; attempt++) {
    const { found, holder } = tryAcquire(path, shared);
    if (found !== undefined) return introduce(path, found, { owner, shared });
    // A holder writes down who it is right after locking; give it the moment that this takes.
    if (!wait && (holder !== undefined || attempt >= 5)) throw held(path, holder);
    // A lock is held for milliseconds by one that applies and for days by one that runs; the random
    // part keeps those who wait from meeting again each time.
    await sleep(Math.min(1 + attempt, 20) * (0.5 + Math.random()));
  }
}

/** A lock file, and whether it was there already. */
interface LockFile {
  readonly file: Deno.FsFile;
  readonly old: boolean;
}

/** A lock file that is locked now, or who holds it, by what that process wrote into it. */
type Attempt =
  | { readonly found: LockFile; readonly holder?: undefined }
  | { readonly found?: undefined; readonly holder: LockHolder | undefined };

/** Opens and locks the lock file, unless it is held. */
function tryAcquire(path: string, shared: boolean): Attempt {
  try {
    for (;;) {
      const found = openLockFile(path, shared);
      if (found === undefined) continue;
      const { file } = found;
      let kept = false;
      try {
        if (!file.tryLockSync(!shared)) return { holder: readHolder(file) };
        // Between open and lock its holder may have removed it: then this is a lock on nothing.
        kept = isSameFile(file, path);
        if (kept) return { found };
      } finally {
        if (!kept) file.close();
      }
    }
  } catch (error) {
    throw osError("cannot lock", path, error, isPathFault(error) ? "artifact" : "system");
  }
}

/** Whether it is the path that is wrong: then so is that of the file that the lock protects. */
function isPathFault(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.FilesystemLoop;
}

/** Creates the lock file or opens the one that is there; nothing if it vanished in between. */
function openLockFile(path: string, shared: boolean): LockFile | undefined {
  let failure: unknown;
  try {
    return { file: Deno.openSync(path, { read: true, write: true, createNew: true }), old: false };
  } catch (error) {
    failure = error;
  }
  const isThere = failure instanceof Deno.errors.AlreadyExists;
  if (!isThere && !shared) throw failure;
  const file = openOldLockFile(path, shared);
  if (file !== undefined) return { file, old: true };
  if (isThere) return undefined;
  throw failure;
}

/** Opens a lock file that is there already; nothing if it is not. */
function openOldLockFile(path: string, shared: boolean): Deno.FsFile | undefined {
  try {
    const info = Deno.lstatSync(path);
    // A link could make a write to the lock file a write to any other.
    if (!info.isFile || (info.nlink ?? 1) > 1) {
      throw new SoakError("system", "not a lock file: something else has its name", {
        where: printable(path),
        remedy: "check what it is and remove it",
      });
    }
    try {
      return Deno.openSync(path, { read: true, write: true });
    } catch (error) {
      if (!shared || error instanceof Deno.errors.NotFound) throw error;
      return Deno.openSync(path);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function isSameFile(file: Deno.FsFile, path: string): boolean {
  let there: Deno.FileInfo;
  try {
    there = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const here = file.statSync();
  return there.isFile && here.ino === there.ino && here.dev === there.dev;
}

/** Writes down who holds the lock. */
function introduce(
  path: string,
  { file, old }: LockFile,
  { owner, shared }: { readonly owner: string | undefined; readonly shared: boolean },
): Lock {
  const holder: LockHolder = {
    pid: Deno.pid,
    started: new Date().toISOString(),
    ...(owner === undefined ? {} : { owner }),
  };
  const lock = new Lock(path, file, { takenOver: old, shared });
  try {
    file.truncateSync(0);
    const bytes = new TextEncoder().encode(JSON.stringify(holder));
    for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    return lock;
  } catch (error) {
    if (shared) return lock; // it may be opened for reading only, and is held all the same
    lock.release();
    throw osError("cannot write the lock file", path, error);
  }
}

function readHolder(file: Deno.FsFile): LockHolder | undefined {
  try {
    const buffer = new Uint8Array(4096);
    const length = file.readSync(buffer) ?? 0;
    const found: unknown = JSON.parse(new TextDecoder().decode(buffer.subarray(0, length)));
    return isHolder(found) ? found : undefined;
  } catch {
    // Not written yet, or, on Windows, locked against reading too: the lock is held all the same.
    return undefined;
  }
}

function isHolder(value: unknown): value is LockHolder {
  return typeof value === "object" && value !== null &&
    "pid" in value && Number.isSafeInteger(value.pid) &&
    "started" in value && typeof value.started === "string" &&
    (!("owner" in value) || typeof value.owner === "string");
}

function held(path: string, holder: LockHolder | undefined): SoakError {
  return new SoakError("system", `locked by ${describeHolder(holder)}`, {
    where: printable(path),
    remedy: "wait until it has ended, or stop it",
  });
}

function describeHolder(holder: LockHolder | undefined): string {
  if (holder === undefined) return "another process";
  const doing = holder.owner === undefined ? "" : ` (${printable(holder.owner, 80)})`;
  return `process ${holder.pid}${doing} since ${printable(holder.started, 40)}`;
}
