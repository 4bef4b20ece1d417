import config from "../../deno.json" with { type: "json" };
import { inRepository } from "./repository.ts";

/**
 * After this many ms something hangs, on however slow a machine. It is for tests that fail: no other
 * comes near it.
 */
export const HANG_MS = 120_000;

/** The entry point. */
export const MAIN = inRepository("main.ts");

/** What `deno task soak` allows: all that is needed unless a real system is soaked. */
export const PERMISSIONS: readonly string[] = config.tasks.soak.command.split(" ")
  .filter((word) => word.startsWith("--allow-"));

/** How a process is started. */
export interface ProcessOptions {
  /** Its permission flags; those of `deno task soak` unless given. */
  readonly permissions?: readonly string[];
  /** Its working directory. */
  readonly cwd?: string;
  /** Variables on top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program with its arguments that starts the process, such as `strace`. */
  readonly under?: readonly string[];
}

/** How a process ended. */
export interface Ended {
  /** Exit code, as a shell tells it. */
  readonly code: number;
  /** The signal that ended it, if one did. */
  readonly signal: Deno.Signal | null;
  /** What it wrote. */
  readonly stdout: string;
  /** What it complained about. */
  readonly stderr: string;
}

/** Starts the real command line. */
export function spawnSoak(
  args: readonly string[],
  options: ProcessOptions = {},
): Deno.ChildProcess {
  const { permissions = PERMISSIONS, under = [], cwd, env = {} } = options;
  const [program = Deno.execPath(), ...before] = [...under, Deno.execPath()];
  return new Deno.Command(program, {
    args: [...before, "run", "--no-prompt", "--cached-only", ...permissions, MAIN, ...args],
    ...(cwd === undefined ? {} : { cwd }),
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Waits for a process and takes what it wrote; a process that hangs is killed. */
export async function ended(child: Deno.ChildProcess): Promise<Ended> {
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, HANG_MS);
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  if (hung) throw new Error(`the process did not end within ${HANG_MS} ms`);
  const decoder = new TextDecoder();
  return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs the real command line. */
export function soak(args: readonly string[], options: ProcessOptions = {}): Promise<Ended> {
  return ended(spawnSoak(args, options));
}

/** The most memory that a process has in use until its end, in MiB; only Linux tells. */
export async function peakMiB(child: Deno.ChildProcess, end: Promise<unknown>): Promise<number> {
  let over = false;
  let peak = 0;
  end.finally(() => over = true).catch(() => {});
  while (!over) {
    try {
      const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // it has just ended
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return peak;
}
