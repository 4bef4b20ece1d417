/**
 * Programs that are started: each in a process group of its own, with its output in a log, and
 * ended together with whatever it started itself.
 *
 * @module
 */

import { printable } from "../base/text.ts";
import { settledWithin, sleep } from "../base/wait.ts";
import type { OutputLog } from "./output_log.ts";
import { requireExecutable, startError, startFailure } from "./program.ts";
import { Watchdog, watched } from "./watchdog.ts";

/** What to start. */
export interface ChildOptions {
  /** The program and its arguments; they reach it as they are, whatever is in them. */
  readonly command: readonly string[];
  /**
   * Environment variables to add to those that are inherited. One whose name no shell variable can
   * have, such as `a.b`, is inherited only if the shell that starts the program passes it on.
   */
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

/** How long to wait for what follows from the end of processes, such as that of output, in ms. */
const DRAIN_MS = 1000;

/**
 * How long to look for an end that came in time but is not known yet, in ms. While this process was
 * stopped, both its timer and the program's end went by, and the timer is what it sees first.
 */
const LATE_MS = 100;

/** Programs to kill at once if this process exits while they run. */
const living = new Set<Child>();

function killTheLiving(): void {
  for (const child of living) child.kill();
}

/** A program that was started, and whatever it has started itself. */
export class Child {
  /** Its process id, which is that of its process group too. */
  readonly pid: number;
  /**
   * Settled when the program has ended; what it started may still run. Rejected with a
   * `SoakError` if it could not be started.
   */
  readonly ended: Promise<Ending>;
  readonly #graceMs: number;
  readonly #output: Promise<void>;
  readonly #streams: readonly ReadableStreamDefaultReader<Uint8Array>[];
  /** `null` where there are no process groups, or no shell. */
  readonly #watchdog: Watchdog | null;
  #hasEnded = false;

  /** Starts a program. */
  constructor(options: ChildOptions) {
    const { log, graceSeconds } = options;
    // A line that no program prints.
    const failed = `[soak: it could not be started: ${crypto.randomUUID()}]`;
    const { child, stdin } = spawn(options, failed);
    this.pid = child.pid;
    this.#graceMs = graceSeconds * 1000;
    if (living.size === 0) globalThis.addEventListener("unload", killTheLiving);
    living.add(this);
    this.#watchdog = stdin === null ? null : new Watchdog(stdin, child.stdout);
    const streams = stdin === null ? [child.stdout, child.stderr] : [child.stderr];
    this.#streams = streams.map((stream) => stream.getReader());
    this.#output = Promise.all(this.#streams.map((reader) => pump(reader, log))).then(() => {});
    this.ended = this.#ending(options, child.status, failed);
    this.ended.catch(() => {}); // whoever stops it need not have asked how it ended
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

  /** Kills the program and everything in its process group. */
  kill(): void {
    this.#signalGroup("SIGKILL");
  }

  /** Tells whether the program ends within a time. */
  async endsWithin(ms: number): Promise<boolean> {
    if (!await settledWithin(this.ended, ms)) await settledWithin(this.ended, LATE_MS);
    return this.#hasEnded;
  }

  /**
   * Ends the program, if it still runs, and everything in its process group: SIGTERM first, and
   * SIGKILL for what is left after the grace period.
   */
  async stop(): Promise<boolean> {
    this.#signalGroup("SIGTERM");
    const inTime = this.#hasEnded || await this.endsWithin(this.#graceMs);
    if (inTime) await this.#leftoversEnd();
    this.kill();
    await this.ended.catch(() => {});
    if (!await settledWithin(this.#output, DRAIN_MS)) {
      // Something that left the process group still holds the other end.
      for (const stream of this.#streams) await stream.cancel().catch(() => {});
    }
    await this.#output;
    await this.#watchdog?.dismissed(DRAIN_MS);
    living.delete(this);
    if (living.size === 0) globalThis.removeEventListener("unload", killTheLiving);
    return !inTime;
  }

  /** Waits a while for the end of what the program has started and left. */
  async #leftoversEnd(): Promise<void> {
    const deadline = performance.now() + Math.min(this.#graceMs, LEFTOVER_MS);
    for (;;) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || !await this.#watchdog?.seesOthers(leftMs)) return;
      await sleep(10);
    }
  }

  /** The group's id is that of nobody else while the program or the watchdog is there. */
  #signalGroup(signal: Deno.Signal): void {
    if (this.#hasEnded && !this.#watchdog?.isThere) return;
    try {
      Deno.kill(isWindows ? this.pid : -this.pid, signal);
    } catch {
      // It has ended by now.
    }
  }

  async #ending(
    { command: [program = ""], log }: ChildOptions,
    status: Promise<Deno.CommandStatus>,
    failed: string,
  ): Promise<Ending> {
    const { success, code, text } = await status.then(known, unnamed);
    this.#hasEnded = true;
    if (this.#watchdog !== null && (code === 126 || code === 127)) {
      await settledWithin(this.#output, DRAIN_MS);
      if (log.endsWith(`${failed}\n`)) throw startFailure(program, code, log.lastLines());
    }
    return { success, text };
  }
}

/** How a program ended, and its exit code if it has one. */
interface Status extends Ending {
  readonly code: number | null;
}

function known({ success, code, signal }: Deno.CommandStatus): Status {
  const text = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
  return { success, code, text };
}

/** The runtime fails to tell of an end by a signal that it has no name for, a real-time one. */
function unnamed(error: unknown): Status {
  const number = /signal: (\d+)/.exec(String(error))?.[1];
  const text = number === undefined
    ? `ended, and how is not known: ${printable(String(error), 200)}`
    : `was killed by signal ${number}`;
  return { success: false, code: null, text };
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
  const timedOut = !await child.endsWithin(timeoutSeconds * 1000);
  if (timedOut) options.log.note(`not done after ${timeoutSeconds} s: sending SIGTERM`);
  const killed = await child.stop();
  if (!timedOut) return { ...await child.ended, timedOut };
  const text = `took longer than ${timeoutSeconds} s` +
    (killed ? `, ignored SIGTERM for ${options.graceSeconds} s and was killed` : "");
  return { success: false, text, timedOut };
}

interface Spawned {
  readonly child: Deno.ChildProcess;
  /** What a watchdog listens to; `null` if there is none. */
  readonly stdin: WritableStream<Uint8Array> | null;
}

/**
 * Starts a program in a process group of its own: Ctrl-C in the terminal does not reach it, and all
 * of it can be ended together. It is watched over unless the system has no groups or no shell.
 */
function spawn({ command, env, graceSeconds }: ChildOptions, failed: string): Spawned {
  const [program = "", ...args] = command;
  const how = { env: { ...env }, stdout: "piped", stderr: "piped", detached: !isWindows } as const;
  try {
    if (!isWindows) {
      if (program.includes("/")) requireExecutable(program);
      const [shell = "", ...rest] = watched(command, failed, graceSeconds);
      const child = new Deno.Command(shell, { ...how, args: rest, stdin: "piped" }).spawn();
      return { child, stdin: child.stdin };
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw startError(program, error);
  }
  try {
    const child = new Deno.Command(program, { ...how, args, stdin: "null" }).spawn();
    return { child, stdin: null };
  } catch (error) {
    throw startError(program, error);
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
