/**
 * Programs that are started: each in a process group of its own, with its output in a log, and
 * ended together with whatever it started itself. And, in words, why one can't be started.
 *
 * @module
 */

import { osError, SoakError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { settledWithin, sleep } from "../base/wait.ts";
import type { OutputLog } from "./output_log.ts";

/** What to start. */
export interface ChildOptions {
  /** The program and its arguments; no shell is involved. */
  readonly command: readonly string[];
  /** Environment variables to add to those that are inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Where its output goes. */
  readonly log: OutputLog;
  /** Time between SIGTERM and SIGKILL, in seconds. */
  readonly graceSeconds: number;
}

/** How a program ended. */
export interface Ending {
  /** Whether it exited with code 0. */
  readonly success: boolean;
  /** How it ended, for example `exited with code 7`. */
  readonly text: string;
}

const isWindows = Deno.build.os === "windows";

/** How long a program's leftovers may take to end once it has exited itself, in ms. */
const LEFTOVER_MS = 1000;

/**
 * The same once nothing holds its output open any more. Processes that have ended but that nobody
 * collects, as in a container without an init, look alive: don't wait long for them.
 */
const SILENT_LEFTOVER_MS = 200;

/** How long to wait for the rest of the output of processes that have ended, in ms. */
const DRAIN_MS = 1000;

/**
 * Ends a process group when its standard input ends, which happens when the process that holds
 * the other end dies, however it does.
 */
const WATCHDOG = 'read -r _ || { kill -s TERM -- "-$1"; sleep "$2"; kill -s KILL -- "-$1"; }';

/** Process groups to kill at once if the process exits while they run. */
const living = new Set<number>();

function killTheLiving(): void {
  for (const pid of living) signalGroup(pid, "SIGKILL");
}

/** A program that was started, and whatever it has started itself. */
export class Child {
  /** Its process id, which is that of its process group too. */
  readonly pid: number;
  /** Settled when the program has ended; what it started may still run. */
  readonly ended: Promise<Ending>;
  readonly #graceMs: number;
  readonly #output: Promise<void>;
  readonly #streams: readonly ReadableStreamDefaultReader<Uint8Array>[];
  readonly #watchdog: Watchdog | null;
  #hasEnded = false;

  /** Starts a program. */
  constructor(options: ChildOptions) {
    const child = spawn(options);
    this.pid = child.pid;
    this.#graceMs = options.graceSeconds * 1000;
    if (living.size === 0) globalThis.addEventListener("unload", killTheLiving);
    living.add(child.pid);
    this.#watchdog = watch(child.pid, options.graceSeconds);
    this.ended = child.status.then(({ success, code, signal }) => {
      this.#hasEnded = true;
      const text = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
      return { success, text };
    });
    this.#streams = [child.stdout.getReader(), child.stderr.getReader()];
    this.#output = Promise.all(this.#streams.map((reader) => pump(reader, options.log)))
      .then(() => {});
  }

  /** Whether the program itself has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends a signal to the program, and to nothing that it has started. */
  signal(signal: Deno.Signal): void {
    if (this.#hasEnded) return;
    try {
      Deno.kill(this.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /**
   * Ends the program, if it still runs, and everything in its process group: SIGTERM first, and
   * SIGKILL for what is left after the grace period.
   */
  async stop(): Promise<boolean> {
    let killed = false;
    signalGroup(this.pid, "SIGTERM");
    if (!this.#hasEnded && !await settledWithin(this.ended, this.#graceMs)) {
      signalGroup(this.pid, "SIGKILL");
      killed = true;
    }
    await this.ended;
    await this.#endLeftovers();
    if (!await settledWithin(this.#output, DRAIN_MS)) {
      // Something that left the process group still holds the other end.
      for (const stream of this.#streams) await stream.cancel().catch(() => {});
    }
    await this.#output;
    await this.#watchdog?.dismiss();
    living.delete(this.pid);
    if (living.size === 0) globalThis.removeEventListener("unload", killTheLiving);
    return killed;
  }

  async #endLeftovers(): Promise<void> {
    if (isWindows) return;
    const start = performance.now();
    let limit = Math.min(this.#graceMs, LEFTOVER_MS);
    this.#output.then(() => limit = Math.min(limit, SILENT_LEFTOVER_MS));
    while (signalGroup(this.pid, 0)) {
      if (performance.now() - start >= limit) {
        signalGroup(this.pid, "SIGKILL");
        return;
      }
      await sleep(10);
    }
  }
}

/** How a command that ran to its end went. */
export interface CommandResult extends Ending {
  /** Whether it had to be ended because it took too long. */
  readonly timedOut: boolean;
}

/** Runs a command to its end, or for as long as it may take. */
export async function runToEnd(
  options: ChildOptions & { readonly timeoutSeconds: number },
): Promise<CommandResult> {
  const { timeoutSeconds } = options;
  const child = new Child(options);
  const timedOut = !await settledWithin(child.ended, timeoutSeconds * 1000);
  if (timedOut) options.log.note(`not done after ${timeoutSeconds} s: sending SIGTERM`);
  const killed = await child.stop();
  if (!timedOut) return { ...await child.ended, timedOut };
  const text = `took longer than ${timeoutSeconds} s` +
    (killed ? `, ignored SIGTERM for ${options.graceSeconds} s and was killed` : "");
  return { success: false, text, timedOut };
}

function spawn({ command, env }: ChildOptions): Deno.ChildProcess {
  const [program = "", ...args] = command;
  try {
    return new Deno.Command(program, {
      args,
      env: { ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // A process group of its own: Ctrl-C in the terminal does not reach it, and all of it can
      // be ended together.
      detached: !isWindows,
    }).spawn();
  } catch (error) {
    throw startError(program, error);
  }
}

/** Sends a signal to a process group; tells whether there is one. */
function signalGroup(pid: number, signal: Deno.Signal | 0): boolean {
  try {
    Deno.kill(isWindows ? pid : -pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  log: OutputLog,
): Promise<void> {
  const filter = log.secrets.stream();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      log.write(done ? filter.end() : filter.take(value));
      if (done) return;
    }
  } catch (error) {
    log.write(filter.end());
    log.note(`the output could not be read: ${printable(String(error), 200)}`);
  }
}

interface Watchdog {
  /** Sends it away. */
  dismiss(): Promise<void>;
}

/** Has a process group ended if this process dies; `null` where that is not possible. */
function watch(pid: number, graceSeconds: number): Watchdog | null {
  if (isWindows) return null;
  try {
    const dog = new Deno.Command("sh", {
      args: ["-c", WATCHDOG, "sh", String(pid), String(Math.ceil(graceSeconds))],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    return {
      async dismiss(): Promise<void> {
        const writer = dog.stdin.getWriter();
        await writer.write(new TextEncoder().encode("\n")).catch(() => {});
        await writer.close().catch(() => {});
        await dog.status;
      },
    };
  } catch {
    return null;
  }
}

/** Any of the permissions to execute a file. */
const EXECUTABLE = 0o111;

/**
 * Refuses a program that certainly can't be started. One that passes may still fail to: only
 * starting it tells.
 */
export function requireProgram(program: string): void {
  if (program === "") throw notFound(program);
  requirePermission(program);
  if (isWindows) return; // which adds extensions to names, each in its turn
  if (program.includes("/")) requireExecutable(program);
  else requireOnPath(program);
}

/** Puts into words why a program could not be started. */
function startError(program: string, error: unknown): SoakError {
  if (error instanceof Deno.errors.NotFound) return notFound(program, error);
  if (error instanceof Deno.errors.PermissionDenied) return notExecutable(program, error);
  if (/format|ENOEXEC/i.test(String(error))) {
    return new SoakError("system", "the command is not a program", {
      where: printable(program, 200),
      remedy: "a script needs a first line like #!/bin/sh",
      cause: error,
    });
  }
  return osError("cannot start the command", program, error);
}

function requirePermission(program: string): void {
  const { state } = Deno.permissions.requestSync({ name: "run", command: program });
  if (state === "granted") return;
  throw new SoakError("system", "cannot start the command: not permitted to this program", {
    where: printable(program, 200),
    remedy: "run it with --allow-run",
  });
}

function requireExecutable(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw notFound(path, error);
    return; // starting it finds better words
  }
  if (!info.isFile || ((info.mode ?? EXECUTABLE) & EXECUTABLE) === 0) throw notExecutable(path);
}

/** The shell looks, since reading PATH takes a permission that starting programs does not. */
function requireOnPath(name: string): void {
  let success: boolean;
  try {
    ({ success } = new Deno.Command("sh", {
      args: ["-c", 'command -v -- "$1"', "sh", name],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync());
  } catch {
    return; // no shell to ask
  }
  if (!success) throw notFound(name);
}

function notFound(program: string, cause?: unknown): SoakError {
  return new SoakError("system", "the command was not found", {
    where: printable(program, 200),
    remedy: "check its path, PATH and, if it is a script, its first line",
    cause,
  });
}

function notExecutable(program: string, cause?: unknown): SoakError {
  return new SoakError("system", "the command may not be executed", {
    where: printable(program, 200),
    remedy: "check that it is a program, and its permissions: chmod +x",
    cause,
  });
}
