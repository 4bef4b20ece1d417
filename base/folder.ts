/**
 * Folders that outlast a power loss.
 *
 * @module
 */

import { dirname } from "@std/path/dirname";
import { osError } from "./errors.ts";

/**
 * Makes a folder and those above it, as far as they are missing; says whether it was. An error of
 * kind `"system"` says that it can't be made.
 */
export function makeFolder(path: string): boolean {
  try {
    const missing = missingFolders(path);
    // One by one, so that none is there before the one that it is in outlasts a power loss.
    for (const folder of missing) {
      Deno.mkdirSync(folder, { recursive: true });
      flushFolder(dirname(folder));
    }
    Deno.mkdirSync(path, { recursive: true }); // says what else may be in its place
    return missing.length > 0;
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
export function flushFolder(path: string): void {
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
