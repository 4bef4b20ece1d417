/**
 * Removes whatever is in a directory, or creates it.
 *
 * @param dir The directory that is to be empty.
 */
export async function emptyDir(dir: string | URL): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  const root = await Deno.realPath(dir);
  for (const entry of await Array.fromAsync(Deno.readDir(root))) {
    await Deno.remove(`${root}/${entry.name}`, { recursive: true });
  }
}
