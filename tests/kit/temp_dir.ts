import { join } from "@std/path";

/** A temp directory, with a space in its name, that goes when it is disposed of. */
export interface TempDir extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  /** The path of a file or folder in it. */
  file(name: string): string;
}

/** Makes a temp directory. */
export async function tempDir(): Promise<TempDir> {
  const path = await Deno.makeTempDir({ prefix: "soak test " });
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
