/**
 * Creates a directory and its parents where they are missing.
 *
 * @param dir The directory that is to exist.
 * @throws {Error} when the path is taken by something that is not a directory.
 */
export async function ensureDir(dir: string | URL): Promise<void> {
  try {
    await Deno.mkdir(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    requireDirectory(await Deno.stat(dir), dir);
  }
}

/**
 * Creates a directory and its parents where they are missing, synchronously.
 *
 * @param dir The directory that is to exist.
 * @throws {Error} when the path is taken by something that is not a directory.
 */
export function ensureDirSync(dir: string | URL): void {
  try {
    Deno.mkdirSync(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    requireDirectory(Deno.statSync(dir), dir);
  }
}

function requireDirectory(info: Deno.FileInfo, dir: string | URL): void {
  if (!info.isDirectory) throw new Error(`Not a directory: ${dir}`);
}
