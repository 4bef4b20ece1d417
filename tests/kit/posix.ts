import { assert } from "@std/assert";

/** Whether the system is one with signals, file modes and special files. */
export const posix = Deno.build.os !== "windows";

/** Makes a named pipe, which blocks whoever opens it. */
export async function makeFifo(path: string): Promise<void> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert(success);
}

/** Waits until somebody opens a file; only Linux tells. */
export async function isOpened(path: string): Promise<void> {
  for await (const { kind } of Deno.watchFs(path)) {
    if (kind === "access") return;
  }
}
