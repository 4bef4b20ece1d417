/**
 * Compares `TUNING_REPORT.json` with what the summaries give, byte by byte and in one pass.
 *
 * @module
 */

import { join } from "@std/path/join";
import { osError, SoakError } from "../base/errors.ts";
import { decodeCanonical } from "../base/json.ts";
import { openRegularFile, readRegularFile } from "../base/read_file.ts";
import { TUNING_REPORT_FILE } from "../record/artifacts.ts";
import type { TuningRecord } from "../record/records.ts";
import { TuningReportText } from "../record/tuning_report.ts";
import { type Finding, findingIn, found } from "./findings.ts";

/** Reads a tuning report alongside the summaries. */
export class ReportCheck implements Disposable {
  readonly #dir: string;
  readonly #text = new TuningReportText();
  readonly #buffer = new Uint8Array(65_536);
  /** What the summaries give is ASCII; any other byte becomes something that is not. */
  readonly #decoder = new TextDecoder("latin1");
  /** Text that was read, of which what lies before `#at` is done with. */
  #window = "";
  #at = 0;
  #file: Deno.FsFile | null;
  /** The iteration at which the report departs from the summaries; 0 for its end. */
  #departure: number | null = null;
  #known = true;

  private constructor(dir: string, file: Deno.FsFile) {
    this.#dir = dir;
    this.#file = file;
  }

  /** Opens the report of a run. */
  static open(dir: string): ReportCheck | null {
    const path = join(dir, TUNING_REPORT_FILE);
    try {
      return new ReportCheck(dir, openRegularFile(path));
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return null;
      if (cause instanceof SoakError) throw cause;
      const kind = cause instanceof Deno.errors.FilesystemLoop ? "artifact" : "system";
      throw osError("cannot open the report", path, cause, kind);
    }
  }

  /** Takes the next iteration's tuning as its summary has it. */
  next(iteration: number, tuning: TuningRecord): void {
    this.#expect(this.#text.next(iteration, tuning), iteration);
  }

  /** Takes note that a summary can't be read, so that the report can't be compared any more. */
  gap(): void {
    this.#known = false;
  }

  /** Compares the end. */
  finish(lastHash: string | null): Finding | null {
    if (lastHash === null) {
      this.gap();
    } else {
      this.#expect(this.#text.end(lastHash), 0);
      this.#fill(1);
      if (this.#known && this.#departure === null && this.#window.length > this.#at) {
        this.#departure = 0;
      }
    }
    const damage = this.#departure === null && this.#known ? null : this.#damage();
    const departure = this.#departure;
    if (damage !== null) {
      const finding = found("report_unreadable", `the report is damaged: ${damage}`);
      return findingIn(TUNING_REPORT_FILE, null, finding);
    }
    if (departure === null) return null;
    const message = departure === 0
      ? "the report's end is not what the summaries give"
      : `the report departs from the summary of iteration ${departure}`;
    const iteration = departure === 0 ? null : departure;
    return findingIn(TUNING_REPORT_FILE, iteration, found("report_mismatch", message));
  }

  /** Closes the report. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = null;
  }

  #expect(text: string, iteration: number): void {
    if (!this.#known || this.#departure !== null) return;
    this.#fill(text.length);
    if (this.#window.startsWith(text, this.#at)) this.#at += text.length;
    else this.#departure = iteration;
  }

  /** Reads on until so much lies ahead, or the file ends. */
  #fill(size: number): void {
    while (this.#window.length - this.#at < size) {
      const count = this.#file?.readSync(this.#buffer) ?? null;
      if (count === null) return;
      const more = this.#decoder.decode(this.#buffer.subarray(0, count));
      this.#window = this.#window.slice(this.#at) + more;
      this.#at = 0;
    }
  }

  /** Why the report is not JSON; `null` if it is. */
  #damage(): string | null {
    const path = join(this.#dir, TUNING_REPORT_FILE);
    try {
      decodeCanonical(readRegularFile(path), path);
      return null;
    } catch (error) {
      if (error instanceof SoakError && error.kind === "artifact") return error.what;
      throw error;
    }
  }
}
