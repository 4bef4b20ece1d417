/**
 * Claims a run directory for one process, and makes room for a new run in it.
 *
 * @module
 */

import { basename, dirname, join, resolve } from "@std/path";
import { readRun, RUN_FILE } from "./artifacts.ts";
import { removeStaleTemps } from "./atomic.ts";
import { SoakError } from "./errors.ts";
import { acquireLock } from "./lock.ts";

/** A run directory that no other process runs in. */
export interface ClaimedDirectory extends AsyncDisposable {
  /** Where an earlier run was moved to by {@linkcode ClaimedDirectory.clear}, if there was one. */
  readonly archived: string | null;
  /** Makes the directory an empty one; an earlier run in it is moved aside first. */
  clear(): Promise<void>;
}

/**
 * Claims a run directory until disposed.
 *
 * @param dir The run directory; its parents are made if need be.
 * @param mustExist Whether the directory is expected to be there already.
 * @returns The claim.
 * @throws {SoakError} If another process runs in it, or the directory can't be made.
 */
export async function claimDirectory(dir: string, mustExist: boolean): Promise<ClaimedDirectory> {
  const path = resolve(dir);
  if (mustExist) await requireDirectory(dir);
  else await makeDirectory(dirname(path));
  const lock = await acquireLock(`${path}.lock`, { wait: false, owner: "soak run" });
  let archived: string | null = null;
  try {
    if (mustExist) await removeStaleTemps(path);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return {
    get archived(): string | null {
      return archived;
    },
    async clear(): Promise<void> {
      archived = await clearDirectory(dir, path);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await lock.release();
    },
  };
}

async function requireDirectory(dir: string): Promise<void> {
  const info = await Deno.stat(dir).catch(() => null);
  if (info?.isDirectory) return;
  throw new SoakError("usage", "there is no run to resume", {
    where: dir,
    remedy: "start one without --resume",
  });
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (cause) {
    throw new SoakError("system", "the directory can't be made", {
      where: path,
      remedy: "check the permissions of its parent, and that no file is in its way",
      cause,
    });
  }
}

async function clearDirectory(dir: string, path: string): Promise<string | null> {
  await makeDirectory(path);
  await removeStaleTemps(path);
  const names = new Set<string>();
  for await (const { name } of Deno.readDir(path)) names.add(name);
  if (names.size === 0) return null;
  if (!names.has(RUN_FILE)) {
    throw new SoakError("usage", "the directory has files in it but no soak run", {
      where: dir,
      remedy: "choose another --out, or empty it",
    });
  }
  const archive = await freeName(dirname(path), await startStamp(dir), basename(path));
  try {
    await Deno.rename(path, archive);
  } catch (cause) {
    throw new SoakError("system", `the earlier run can't be moved to ${archive}`, {
      where: dir,
      remedy: "check the permissions of its parent",
      cause,
    });
  }
  await makeDirectory(path);
  return archive;
}

/** The start of the run in a directory, fit for a file name: `20250101T000000Z`. */
async function startStamp(dir: string): Promise<string> {
  try {
    const { record } = await readRun(dir);
    return record.startedUtc.replaceAll(/[-:]|\.\d+/g, "");
  } catch (error) {
    if (error instanceof SoakError) return "unreadable";
    throw error;
  }
}

async function freeName(parent: string, stamp: string, taken: string): Promise<string> {
  for (let n = 1;; n++) {
    const name = n === 1 ? stamp : `${stamp}-${n}`;
    if (name === taken) continue;
    const path = join(parent, name);
    const info = await Deno.lstat(path).catch(() => null);
    if (info === null) return path;
  }
}
