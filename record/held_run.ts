/**
 * Holds a run while it is judged, so that the answer is about what lies there when it is written.
 *
 * @module
 */

import { join } from "@std/path/join";
import { osError, SoakError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import { acquireLock, type Lock } from "../base/lock.ts";
import { readRegularFile } from "../base/read_file.ts";
import { printable } from "../base/text.ts";
import { LOCK_FILE, RUN_FILE } from "./artifacts.ts";

/** A run that, until this is disposed of, nobody goes on with or moves aside. */
export interface HeldRun extends Disposable {
  /** Fails if another run is in the directory by now, or another directory under its name. */
  requireSame(): Promise<void>;
}

/**
 * Holds a run together with all others that judge it. Fails while it is at work.
 *
 * Where it can't be locked the run is held by its looks alone: who may not write there, on a medium
 * for reading only say, must be able to judge it all the same.
 *
 * @param owner What this process is doing, for those who find the run held: `soak gate`, say.
 */
export async function holdRun(dir: string, owner: string): Promise<HeldRun> {
  const lock = await lockIfPossible(dir, owner);
  try {
    const judged = await looksOf(dir);
    return {
      async requireSame(): Promise<void> {
        const replaced = (lock !== null && !lock.isInPlace()) || await looksOf(dir) !== judged;
        if (!replaced) return;
        throw new SoakError("system", "the run was moved or replaced while it was judged", {
          where: printable(dir),
          remedy: "judge again what is there now",
        });
      },
      [Symbol.dispose]: () => lock?.release(),
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

async function lockIfPossible(dir: string, owner: string): Promise<Lock | null> {
  try {
    return await acquireLock(join(dir, LOCK_FILE), { wait: false, shared: true, owner });
  } catch (error) {
    // It is the system that refused, not a run at work: that one needs the very same lock.
    if (error instanceof SoakError && error.cause !== undefined) return null;
    throw error;
  }
}

/** What tells a run in its directory from any other; empty if there is none. */
async function looksOf(dir: string): Promise<string> {
  const { dev, ino } = infoOf(dir) ?? { dev: 0, ino: 0 };
  return `${dev}:${ino}:${await hashOf(join(dir, RUN_FILE))}`;
}

function infoOf(dir: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(dir);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw osError("cannot look at the run directory", dir, error);
  }
}

/** The hash of a file; empty if it can't be read, which whoever judges the run says. */
async function hashOf(path: string): Promise<string> {
  try {
    return await sha256Hex(readRegularFile(path));
  } catch (error) {
    if (error instanceof SoakError) return "";
    throw error;
  }
}
