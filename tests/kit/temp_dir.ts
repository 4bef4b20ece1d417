import { join } from "@std/path";

/** A temp directory, with a space in its name, that goes when it is disposed of. */
export interface TempDir extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  /** The path of a file or folder in it. */
  file(name: string): string;
}

const PREFIX = "soak test ";

/** Linux's file system in memory. */
const MEMORY = "/dev/shm";

/** Makes a temp directory where the system keeps them: on a disk, as a rule. */
export async function tempDir(): Promise<TempDir> {
  return at(await Deno.makeTempDir({ prefix: PREFIX }));
}

/**
 * Makes a temp directory in memory where there is such a file system, for tests that write many
 * runs and whose files need not outlast a power loss.
 *
 * The runtime lets nobody below `/dev` who may not do everything. So it is not for the real command
 * line under its own permissions; nor for programs, which containers don't let start from there.
 */
export async function memoryDir(): Promise<TempDir> {
  try {
    return at(await Deno.makeTempDir({ dir: MEMORY, prefix: PREFIX }));
  } catch (error) {
    const { NotFound, NotCapable, PermissionDenied } = Deno.errors;
    if (![NotFound, NotCapable, PermissionDenied].some((kind) => error instanceof kind)) {
      throw error;
    }
    return await tempDir();
  }
}

function at(path: string): TempDir {
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** The names of what is in a folder, sorted. */
export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** The text of every file in a folder, by name. */
export function textsIn(folder: string): Record<string, string> {
  return Object.fromEntries(
    namesIn(folder).map((name) => [name, Deno.readTextFileSync(join(folder, name))]),
  );
}

/** Makes a folder that holds exactly these files. */
export function fillFolder(folder: string, texts: Readonly<Record<string, string>>): void {
  Deno.mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    Deno.writeTextFileSync(join(folder, name), text);
  }
}
