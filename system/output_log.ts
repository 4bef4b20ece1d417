/**
 * The log of what a program printed: its beginning and its end, however much there was between.
 *
 * @module
 */

import { dirname } from "@std/path/dirname";
import { osError, SoakError } from "../base/errors.ts";
import { describeType } from "../base/read_file.ts";
import { printable } from "../base/text.ts";
import { NO_SECRETS, type Secrets } from "./secrets.ts";

/** How much of the beginning is kept, in bytes. */
export const LOG_HEAD_BYTES = 8 * 1024 * 1024;

/** How much of the end is kept, in bytes. */
export const LOG_TAIL_BYTES = 64 * 1024;

/** What programs put around text to colour it. */
// deno-lint-ignore no-control-regex
const ANSI_STYLE = /\x1b\[[\d;]*m/g;

/** A log file that never grows beyond a limit, nor does what is held of it in memory. */
export class OutputLog implements Disposable {
  /** Where it is. */
  readonly path: string;
  /** What must not get into it. */
  readonly secrets: Secrets;
  readonly #file: Deno.FsFile;
  #written = 0;
  #total = 0;
  /** The last chunks, at least {@linkcode LOG_TAIL_BYTES} of them once there is that much. */
  readonly #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #error: unknown = undefined;
  #closed = false;

  /**
   * Opens a new log, with nothing in it that must not be told. Where there is one by that name, of
   * an earlier process, it stays as it is, and the new one is numbered: after `x.log` comes
   * `x.2.log`.
   */
  constructor(path: string, secrets: Secrets = NO_SECRETS) {
    this.secrets = secrets;
    try {
      makeOwnFolder(dirname(path));
      ({ path: this.path, file: this.#file } = createNext(path));
    } catch (error) {
      throw osError("cannot write the log", path, error);
    }
  }

  /** Adds to the log. A write that fails is reported by {@linkcode OutputLog.close}. */
  write(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#total += chunk.length;
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    while (this.#tailBytes - (this.#tail[0]?.length ?? 0) >= LOG_TAIL_BYTES) {
      this.#tailBytes -= this.#tail.shift()?.length ?? 0;
    }
    const room = LOG_HEAD_BYTES - this.#written;
    if (room > 0) this.#append(chunk.subarray(0, room));
  }

  /** Adds a line of our own. */
  note(text: string): void {
    this.write(new TextEncoder().encode(`[soak: ${printable(this.secrets.text(text))}]\n`));
  }

  /** The last lines, three at most unless told, fit for a line that a person reads. */
  lastLines(count = 3): string {
    const text = new TextDecoder().decode(this.#end(4096)).replaceAll(ANSI_STYLE, "");
    const lines = text.split(/[\r\n]+/)
      .map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("[soak: "));
    return lines.slice(-count).map((line) => printable(line, 200)).join(" | ");
  }

  /** Whether what was added last is this. */
  endsWith(text: string): boolean {
    return new TextDecoder().decode(this.#end(text.length)) === text;
  }

  /** Completes the log. */
  close(): void {
    if (this.#closed) return;
    const beyond = this.#total - this.#written;
    if (beyond > 0 && this.#error === undefined) {
      const end = this.#end(Math.min(LOG_TAIL_BYTES, beyond));
      const left = beyond - end.length;
      if (left > 0) {
        this.#append(new TextEncoder().encode(`\n[soak: ${left} bytes are left out here]\n`));
      }
      this.#append(end);
    }
    this.#closed = true;
    this.#file.close();
    if (this.#error !== undefined) {
      throw osError("cannot write the log", this.path, this.#error);
    }
  }

  /** Completes the log as far as it can be written. */
  [Symbol.dispose](): void {
    try {
      this.close();
    } catch {
      // There is an error on its way already, and its log is the lesser loss.
    }
  }

  #append(bytes: Uint8Array): void {
    if (this.#error !== undefined) return;
    try {
      for (let done = 0; done < bytes.length;) {
        done += this.#file.writeSync(bytes.subarray(done));
      }
      this.#written += bytes.length;
    } catch (error) {
      this.#error = error;
    }
  }

  #end(length: number): Uint8Array {
    const all = new Uint8Array(this.#tailBytes);
    let at = 0;
    for (const chunk of this.#tail) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all.subarray(Math.max(0, all.length - length));
  }
}

/** Makes a folder, or finds it there; a link to one would lead the logs elsewhere. */
function makeOwnFolder(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return Deno.mkdirSync(path, { recursive: true });
  }
  if (!info.isDirectory) throw inTheWay(path, info, "a folder");
}

/** Creates the first file of a series that is not there yet; never opens what is. */
function createNext(first: string): { readonly path: string; readonly file: Deno.FsFile } {
  let path = first;
  for (let n = 2;; n++) {
    try {
      // Neither follows a link nor waits for a FIFO: it is there, and that is all.
      return { path, file: Deno.openSync(path, { write: true, createNew: true }) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    const info = Deno.lstatSync(path);
    if (!info.isFile) throw inTheWay(path, info, "a regular file");
    path = first.replace(/\.log$/, `.${n}.log`);
  }
}

function inTheWay(path: string, info: Deno.FileInfo, wanted: string): SoakError {
  const where = printable(path);
  const remedy = "move it away and go on with --resume";
  const what = `cannot write the log: ${describeType(info)}, not ${wanted}`;
  return new SoakError("system", what, { where, remedy });
}
