/**
 * The command line: parse, dispatch, exit code.
 *
 * @module
 */

import { type Console, EXIT } from "./cli/console.ts";
import { type ErrorKind, SoakError } from "./base/errors.ts";
import { type Command, parseOptions } from "./cli/options.ts";
import { osError } from "./base/oserror.ts";
import { printable } from "./base/text.ts";
import { sanitize, style, useColor } from "./report/terminal.ts";

const EXIT_OF_ERROR: Readonly<Record<ErrorKind, number>> = {
  usage: EXIT.usage,
  artifact: EXIT.inconclusive,
  system: EXIT.unable,
};

/**
 * Gives up what a command does not need: only a real system needs programs and the network. An
 * executable has both permissions built in.
 */
function dropPermissions(command: Command): void {
  const real = command.command === "run" && command.system.kind !== "mock";
  if (real) return;
  Deno.permissions.revokeSync({ name: "run" });
  Deno.permissions.revokeSync({ name: "net" });
}

/** Commands are loaded when they are used: the gate starts faster without the simulation. */
async function dispatch(command: Command, console: Console): Promise<number> {
  switch (command.command) {
    case "run":
      return await (await import("./cli/run.ts")).commandRun(command, console);
    case "replay":
      return await (await import("./cli/run.ts")).commandReplay(command, console);
    case "verify":
      return await (await import("./cli/verify.ts")).commandVerify(command, console);
    case "gate":
      return await (await import("./cli/verify.ts")).commandGate(command, console);
    case "apply":
      return await (await import("./cli/apply.ts")).commandApply(command, console);
    case "params":
      return await (await import("./cli/params.ts")).commandParams(command, console);
    case "profile":
      return await (await import("./cli/profile.ts")).commandProfile(command, console);
    case "hash":
      return await (await import("./cli/hash.ts")).commandHash(command, console);
    case "help":
      return await (await import("./cli/help.ts")).commandHelp(command, console);
    case "version":
      return await (await import("./cli/help.ts")).commandVersion(console);
  }
}

const STREAMS = { "standard output": Deno.stdout, "standard error": Deno.stderr } as const;

/** Writes all of a text; a reader that has gone away is no reason to change the exit code. */
function write(name: keyof typeof STREAMS, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += writeSome(STREAMS[name], bytes.subarray(done));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw osError("cannot write", name, error);
  }
}

/** Writes what fits; a pipe that another program made non-blocking may take nothing at first. */
function writeSome(stream: typeof Deno.stdout, bytes: Uint8Array): number {
  try {
    return stream.writeSync(bytes);
  } catch (error) {
    if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    return 0;
  }
}

/** Diagnostics that can't be written are lost: there is nowhere left to say so. */
function writeDiagnostic(text: string): void {
  try {
    write("standard error", text);
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
  }
}

/** An environment variable, taken as unset where reading it was not allowed. */
function environment(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

function makeConsole(signal: AbortSignal): Console {
  const noColor = environment("NO_COLOR");
  const outColor = useColor({ isTerminal: Deno.stdout.isTerminal(), noColor });
  const errColor = useColor({ isTerminal: Deno.stderr.isTerminal(), noColor });
  return {
    out: (text) => write("standard output", `${sanitize(text, outColor)}\n`),
    err: (text) => writeDiagnostic(`${sanitize(text, errColor)}\n`),
    progress: (text) => text !== "" && writeDiagnostic(text),
    outStyle: style(outColor),
    errStyle: style(errColor),
    redraws: Deno.stderr.isTerminal(),
    columns: Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
    sourceDateEpoch: environment("SOURCE_DATE_EPOCH"),
    nowMs: () => performance.now(),
    signal,
  };
}

/**
 * Commands with something to finish or to clean up. All others leave signals to the system, which
 * ends them at once, busy or waiting: what they write appears whole or not at all.
 */
const ENDS_IN_ORDER: readonly Command["command"][] = ["run", "replay"];

/** The first signal asks for an orderly end, the second one is left to the system. */
function listenForSignals(controller: AbortController, console: Console): Disposable {
  const codes = new Map<Deno.Signal, number>([["SIGINT", EXIT.interrupted]]);
  if (Deno.build.os !== "windows") codes.set("SIGTERM", EXIT.terminated);
  const listeners = [...codes].map(([signal, code]) => {
    const listener = (): void => {
      // Without a listener the system acts, even while the program is too busy to listen.
      stop();
      controller.abort(code);
      console.progress(console.redraws ? "\r\x1b[K" : "");
      console.err("soak: stopping when the step at hand is done; once more stops at once");
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  const stop = (): void => {
    for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
  };
  return { [Symbol.dispose]: stop };
}

function reportError(error: unknown, console: Console): number {
  const known = error instanceof SoakError;
  const message = error instanceof Error ? error.message : String(error);
  const remedy = known ? "" : "; this is a bug in soak, SOAK_DEBUG=1 shows where";
  console.err(`soak: ${printable(message)}${remedy}`);
  if (environment("SOAK_DEBUG") === "1" && error instanceof Error) {
    console.err(error.stack ?? "");
  }
  return known ? EXIT_OF_ERROR[error.kind] : EXIT.unable;
}

/**
 * Runs the command line.
 *
 * @param args The arguments.
 * @returns The exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  const console = makeConsole(signal);
  try {
    const command = parseOptions(args);
    dropPermissions(command);
    if (!ENDS_IN_ORDER.includes(command.command)) return await dispatch(command, console);
    using _listening = listenForSignals(controller, console);
    return await dispatch(command, console);
  } catch (error) {
    // Work that has nothing to keep throws the signal's reason: the exit code.
    if (signal.aborted && error === signal.reason && typeof error === "number") return error;
    return reportError(error, console);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
