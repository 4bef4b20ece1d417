/**
 * The command line: parse, dispatch, exit code.
 *
 * @module
 */

import { type Console, EXIT } from "./console.ts";
import { type ErrorKind, SoakError } from "./errors.ts";
import { type Command, parseOptions } from "./options.ts";
import { printable } from "./printable.ts";
import { sanitize, style, useColor } from "./terminal.ts";

const EXIT_OF_ERROR: Readonly<Record<ErrorKind, number>> = {
  usage: EXIT.usage,
  artifact: EXIT.inconclusive,
  system: EXIT.unable,
};

/** Commands are loaded when they are used: the gate starts faster without the simulation. */
async function dispatch(command: Command, console: Console): Promise<number> {
  switch (command.command) {
    case "run":
      return await (await import("./command_run.ts")).commandRun(command, console);
    case "replay":
      return await (await import("./command_run.ts")).commandReplay(command, console);
    case "verify":
      return await (await import("./command_verify.ts")).commandVerify(command, console);
    case "gate":
      return await (await import("./command_verify.ts")).commandGate(command, console);
    case "apply":
      return await (await import("./command_params.ts")).commandApply(command, console);
    case "params":
      return await (await import("./command_params.ts")).commandParams(command, console);
    case "hash":
      return await (await import("./command_params.ts")).commandHash(command, console);
    case "help":
      return await (await import("./command_help.ts")).commandHelp(command, console);
    case "version":
      return await (await import("./command_help.ts")).commandVersion(console);
  }
}

/** Writes all of a text; a reader that has gone away is no reason to change the exit code. */
function write(stream: typeof Deno.stdout, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function makeConsole(signal: AbortSignal): Console {
  const noColor = Deno.env.get("NO_COLOR");
  const outColor = useColor({ isTerminal: Deno.stdout.isTerminal(), noColor });
  const errColor = useColor({ isTerminal: Deno.stderr.isTerminal(), noColor });
  return {
    out: (text) => write(Deno.stdout, `${sanitize(text, outColor)}\n`),
    err: (text) => write(Deno.stderr, `${sanitize(text, errColor)}\n`),
    progress: (text) => text !== "" && write(Deno.stderr, text),
    outStyle: style(outColor),
    errStyle: style(errColor),
    redraws: Deno.stderr.isTerminal(),
    columns: Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
    sourceDateEpoch: Deno.env.get("SOURCE_DATE_EPOCH"),
    nowMs: () => performance.now(),
    signal,
  };
}

/** The first signal asks for an orderly end, the second one ends at once. */
function listenForSignals(): AbortSignal {
  const controller = new AbortController();
  const listen = (signal: Deno.Signal, code: number): void =>
    Deno.addSignalListener(signal, () => {
      if (controller.signal.aborted) Deno.exit(code);
      controller.abort(code);
    });
  listen("SIGINT", EXIT.interrupted);
  if (Deno.build.os !== "windows") listen("SIGTERM", EXIT.terminated);
  return controller.signal;
}

function reportError(error: unknown, console: Console): number {
  const known = error instanceof SoakError;
  const message = error instanceof Error ? error.message : String(error);
  const remedy = known ? "" : "; this is a bug in soak, SOAK_DEBUG=1 shows where";
  console.err(`soak: ${printable(message)}${remedy}`);
  if (Deno.env.get("SOAK_DEBUG") === "1" && error instanceof Error) {
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
  const console = makeConsole(listenForSignals());
  try {
    return await dispatch(parseOptions(args), console);
  } catch (error) {
    return reportError(error, console);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
