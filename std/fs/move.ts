import { fromFileUrl, resolve, SEPARATOR } from "@std/path";

/** How {@linkcode move} and {@linkcode moveSync} treat what is already there. */
export interface MoveOptions {
  /**
   * Whether the destination is replaced when it exists.
   *
   * @default {false}
   */
  overwrite?: boolean;
}

/**
 * Moves a file or a directory.
 *
 * @param src What is moved.
 * @param dest Where it goes, its new name included.
 * @param options Whether the destination may be replaced.
 * @throws {Deno.errors.AlreadyExists} when the destination exists and may not be replaced.
 * @throws {Deno.errors.NotSupported} when a directory would go into itself.
 */
export async function move(
  src: string | URL,
  dest: string | URL,
  options?: MoveOptions,
): Promise<void> {
  if ((await Deno.stat(src)).isDirectory) refuseInside(src, dest);
  if (options?.overwrite) {
    if (absolute(src) === absolute(dest)) return;
    await ignoreMissing(() => Deno.remove(dest, { recursive: true }));
  } else if (await ignoreMissing(() => Deno.lstat(dest)) !== undefined) {
    throw new Deno.errors.AlreadyExists(`Already exists: ${dest}`);
  }
  await Deno.rename(src, dest);
}

/**
 * Moves a file or a directory, synchronously.
 *
 * @param src What is moved.
 * @param dest Where it goes, its new name included.
 * @param options Whether the destination may be replaced.
 * @throws {Deno.errors.AlreadyExists} when the destination exists and may not be replaced.
 * @throws {Deno.errors.NotSupported} when a directory would go into itself.
 */
export function moveSync(src: string | URL, dest: string | URL, options?: MoveOptions): void {
  if (Deno.statSync(src).isDirectory) refuseInside(src, dest);
  if (options?.overwrite) {
    if (absolute(src) === absolute(dest)) return;
    ignoreMissingSync(() => Deno.removeSync(dest, { recursive: true }));
  } else if (ignoreMissingSync(() => Deno.lstatSync(dest)) !== undefined) {
    throw new Deno.errors.AlreadyExists(`Already exists: ${dest}`);
  }
  Deno.renameSync(src, dest);
}

function refuseInside(src: string | URL, dest: string | URL): void {
  const [from, to] = [absolute(src), absolute(dest)];
  if (to === from || to.startsWith(`${from}${SEPARATOR}`)) {
    throw new Deno.errors.NotSupported(`Cannot move '${src}' into itself, '${dest}'`);
  }
}

function absolute(path: string | URL): string {
  return resolve(typeof path === "string" ? path : fromFileUrl(path));
}

async function ignoreMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function ignoreMissingSync<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
