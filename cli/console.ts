/**
 * What a command may do to the outside: print, show progress, know its surroundings.
 *
 * @module
 */

import { osError, SoakError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { type Page, sanitize, type Style, style, useColor, wrapLine } from "../report/terminal.ts";

/** Where a command writes and what it needs to know of its surroundings. */
export interface Io {
  /** Writes a line of a result as it is: for programs, or to be copied. */
  out(line: string): void;
  /** Writes lines of a result for people, broken at spaces where the terminal is narrow. */
  page(lines: Page): void;
  /** Writes a line of a diagnostic, broken in the same way. */
  err(line: string): void;
  /**
   * Shows a line on the terminal that the next one takes the place of, and whatever else is printed;
   * an empty one takes it away.
   */
  status(line: string): void;
  /** Colours for results. */
  readonly outStyle: Style;
  /** Colours for diagnostics. */
  readonly errStyle: Style;
  /** Whether diagnostics go to a terminal that can draw a line again. */
  readonly redraws: boolean;
  /** Width of the terminal for results now; infinite if they do not go to one. */
  readonly outColumns: number;
  /** Width of the terminal for diagnostics now; infinite if they do not go to one. */
  readonly errColumns: number;
  /** `SOURCE_DATE_EPOCH`, if it is set. */
  readonly sourceDateEpoch: string | undefined;
  /** Whether `SOAK_DEBUG` asks for stack traces. */
  readonly debug: boolean;
  /** Time in ms, for progress. */
  nowMs(): number;
  /** Aborted by the first SIGINT or SIGTERM, with the exit code as its reason. */
  readonly signal: AbortSignal;
  /** How to go on, should a second signal end the process at once; `null` if there is no way. */
  goOn: string | null;
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
  const isDumb = environment("TERM") === "dumb";
  const redraws = Deno.stderr.isTerminal() && !isDumb;
  const outColor = useColor({ isTerminal: Deno.stdout.isTerminal() && !isDumb, noColor });
  const errColor = useColor({ isTerminal: redraws, noColor });
  let drawn = false;
  const status = (line: string): void => {
    if (line === "" && !drawn) return;
    writeDiagnostic(`\r${sanitize(line, errColor)}\x1b[K`);
    drawn = line !== "";
  };
  const lines = (text: string, color: boolean, columns: number): string =>
    wrapLine(sanitize(text, color), columns).map((line) => `${line}\n`).join("");
  const widthOf = (stream: { isTerminal(): boolean }): number =>
    stream.isTerminal() ? terminalColumns() : Infinity;
  return {
    out(line) {
      status("");
      write("standard output", `${sanitize(line, outColor)}\n`);
    },
    page(text) {
      status("");
      const columns = widthOf(Deno.stdout);
      const safe = text.split("\n").map((line) => lines(line, outColor, columns));
      write("standard output", safe.join(""));
    },
    err(line) {
      status("");
      writeDiagnostic(lines(line, errColor, widthOf(Deno.stderr)));
    },
    status,
    outStyle: style(outColor),
    errStyle: style(errColor),
    redraws,
    get outColumns() {
      return widthOf(Deno.stdout);
    },
    get errColumns() {
      return widthOf(Deno.stderr);
    },
    sourceDateEpoch: environment("SOURCE_DATE_EPOCH"),
    debug: environment("SOAK_DEBUG") === "1",
    nowMs: () => performance.now(),
    signal,
    goOn: null,
  };
}

/** Width of the terminal; some do not tell. */
function terminalColumns(): number {
  try {
    const { columns } = Deno.consoleSize();
    return columns >= 1 ? columns : 80;
  } catch {
    return 80;
  }
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
