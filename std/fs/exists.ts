/** What else {@linkcode exists} and {@linkcode existsSync} ask of a path. */
export interface ExistsOptions {
  /**
   * Whether it must be readable.
   *
   * @default {false}
   */
  isReadable?: boolean;
  /**
   * Whether it must be a directory.
   *
   * @default {false}
   */
  isDirectory?: boolean;
  /**
   * Whether it must be a file.
   *
   * @default {false}
   */
  isFile?: boolean;
}

/**
 * Tells whether a path exists and is what the options ask for.
 *
 * @param path The path to look at; links are followed.
 * @param options What else is asked of it.
 * @returns Whether it is all of that.
 * @throws {TypeError} when it should be both a file and a directory.
 */
export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  refuseBothKinds(options);
  try {
    const info = await Deno.stat(path);
    if (!isOfKind(info, options)) return false;
    if (options?.isReadable) {
      if (info.isDirectory) await Deno.readDir(path)[Symbol.asyncIterator]().next();
      else (await Deno.open(path)).close();
    }
    return true;
  } catch (error) {
    return isThereAfter(error, options);
  }
}

/**
 * Tells whether a path exists and is what the options ask for, synchronously.
 *
 * @param path The path to look at; links are followed.
 * @param options What else is asked of it.
 * @returns Whether it is all of that.
 * @throws {TypeError} when it should be both a file and a directory.
 */
export function existsSync(path: string | URL, options?: ExistsOptions): boolean {
  refuseBothKinds(options);
  try {
    const info = Deno.statSync(path);
    if (!isOfKind(info, options)) return false;
    if (options?.isReadable) {
      if (info.isDirectory) Deno.readDirSync(path)[Symbol.iterator]().next();
      else Deno.openSync(path).close();
    }
    return true;
  } catch (error) {
    return isThereAfter(error, options);
  }
}

function refuseBothKinds(options: ExistsOptions | undefined): void {
  if (options?.isDirectory && options.isFile) {
    throw new TypeError("A path cannot be both a file and a directory");
  }
}

function isOfKind(info: Deno.FileInfo, options: ExistsOptions | undefined): boolean {
  if (options?.isDirectory) return info.isDirectory;
  if (options?.isFile) return info.isFile;
  return true;
}

/** What a refusal says of existence; anything but "missing" and "not yours" is not an answer. */
function isThereAfter(error: unknown, options: ExistsOptions | undefined): boolean {
  if (error instanceof Deno.errors.NotFound) return false;
  if (error instanceof Deno.errors.PermissionDenied) return !options?.isReadable;
  throw error;
}
