/**
 * Reads the summaries of a run in order, some way ahead.
 *
 * @module
 */

import { readSummary, type Recorded } from "./artifacts.ts";
import type { IterationRecord } from "./records.ts";

/** How many summaries are read at once. */
const AHEAD = 16;

/**
 * Reads summaries in batches. Their hashes are worked out together, which takes a fraction of the
 * time that one after the other would; memory holds one batch, however long the run is.
 */
export class SummaryReader {
  readonly #dir: string;
  readonly #highest: number;
  #batch = new Map<number, Promise<Recorded<IterationRecord>>>();

  /**
   * Starts with nothing read.
   *
   * @param dir The run directory.
   * @param highest The highest number of a summary.
   */
  constructor(dir: string, highest: number) {
    this.#dir = dir;
    this.#highest = highest;
  }

  /**
   * Reads a summary, and those after it along with it.
   *
   * @param iteration Its number.
   * @returns The record and its hash.
   * @throws {SoakError} If the file is missing, unreadable or not of the right shape.
   */
  read(iteration: number): Promise<Recorded<IterationRecord>> {
    const summary = this.#batch.get(iteration) ?? this.#readBatch(iteration);
    this.#batch.delete(iteration);
    return summary;
  }

  #readBatch(first: number): Promise<Recorded<IterationRecord>> {
    const wanted = readSummary(this.#dir, first);
    this.#batch = new Map();
    for (let i = first + 1; i < first + AHEAD && i <= this.#highest; i++) {
      const summary = readSummary(this.#dir, i);
      // It may never be asked for; whoever asks still gets the error.
      summary.catch(() => {});
      this.#batch.set(i, summary);
    }
    return wanted;
  }
}
