/**
 * What a command may do to the outside: print, show progress, know its surroundings.
 *
 * @module
 */

import { osError, SoakError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { type Page, Progress, sanitize, type Style, style, useColor } from "../report/terminal.ts";

/** Where a command writes and what it needs to know of its surroundings. */
export interface Io {
  /** Writes a line of a result. */
  out(line: string): void;
  /** Writes lines of a result. */
  page(lines: Page): void;
  /** Writes a line of a diagnostic. */
  err(line: string): void;
  /** Writes progress as it is. */
  progress(text: string): void;
  /** Colours for results. */
  readonly outStyle: Style;
  /** Colours for diagnostics. */
  readonly errStyle: Style;
  /** Whether progress can redraw its line. */
  readonly redraws: boolean;
  /** Width of the terminal. */
  readonly columns: number;
  /** `SOURCE_DATE_EPOCH`, if it is set. */
  readonly sourceDateEpoch: string | undefined;
  /** Whether `SOAK_DEBUG` asks for stack traces. */
  readonly debug: boolean;
  /** Time in ms, for progress. */
  nowMs(): number;
  /** Aborted by the first SIGINT or SIGTERM, with the exit code as its reason. */
  readonly signal: AbortSignal;
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

/** Opens the process's own surroundings. */
export function openIo(signal: AbortSignal): Io {
  const noColor = environment("NO_COLOR");
  const outColor = useColor({ isTerminal: Deno.stdout.isTerminal(), noColor });
  const errColor = useColor({ isTerminal: Deno.stderr.isTerminal(), noColor });
  return {
    out: (line) => write("standard output", `${sanitize(line, outColor)}\n`),
    page: (lines) => {
      const safe = lines.split("\n").map((line) => `${sanitize(line, outColor)}\n`);
      write("standard output", safe.join(""));
    },
    err: (line) => writeDiagnostic(`${sanitize(line, errColor)}\n`),
    progress: (text) => text !== "" && writeDiagnostic(text),
    outStyle: style(outColor),
    errStyle: style(errColor),
    redraws: Deno.stderr.isTerminal(),
    columns: Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
    sourceDateEpoch: environment("SOURCE_DATE_EPOCH"),
    debug: environment("SOAK_DEBUG") === "1",
    nowMs: () => performance.now(),
    signal,
  };
}

/** Progress over iterations, as far as the terminal can show it. */
export function openProgress(io: Io, total: number, done = 0, startMs = io.nowMs()): Progress {
  return new Progress({
    total,
    done,
    isTerminal: io.redraws,
    columns: io.columns,
    color: io.errStyle.red("x") !== "x",
    startMs,
  });
}

/** Says in one line what went wrong. */
export function reportError(error: unknown, io: Io): void {
  const message = error instanceof Error ? error.message : String(error);
  const isBug = !(error instanceof SoakError);
  const remedy = isBug ? "; this is a bug in soak, SOAK_DEBUG=1 shows where" : "";
  io.err(`soak: ${printable(message)}${remedy}`);
  if (io.debug && error instanceof Error) {
    const stack = (error.stack ?? "").replace(error.message, () => printable(error.message));
    for (const line of stack.split("\n")) io.err(line);
  }
}
