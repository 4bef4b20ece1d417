/**
 * The summaries of a run: which there are, and reading them in order, a few ahead, whatever state
 * they are in.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { readSummary, type Recorded, summaryFile } from "./artifacts.ts";
import type { IterationRecord } from "./records.ts";

/** Which summaries a run directory has. */
export interface SummaryListing {
  /** The highest number of a summary, up to the limit; 0 if there are none. */
  readonly highest: number;
  /** Names of summaries beyond the limit, sorted. */
  readonly beyond: readonly string[];
  /** Names of summaries too far from the ones before to look for all in between, sorted. */
  readonly detached: readonly string[];
  /** Names that look like a summary's but are not one, sorted. */
  readonly misnamed: readonly string[];
}

/** One planted file named after iteration 999999999 must not keep anyone busy for days. */
const MAX_GAP = 1000;

/** Lists the summaries of a run directory by name, without reading them. */
export async function listSummaries(dir: string, limit: number): Promise<SummaryListing> {
  let highest = 0;
  let count = 0;
  const beyond: string[] = [];
  const misnamed: string[] = [];
  for await (const { name, number } of entriesOf(dir)) {
    if (number === null) misnamed.push(name);
    else if (number > limit) beyond.push(name);
    else {
      highest = Math.max(highest, number);
      count++;
    }
  }
  const detached: string[] = [];
  if (highest - count > MAX_GAP) {
    const numbers = (await summaryNumbers(dir)).filter((number) => number <= limit);
    const cut = numbers.findIndex((number, i) => number - (numbers[i - 1] ?? 0) > MAX_GAP);
    if (cut >= 0) {
      highest = numbers[cut - 1] ?? 0;
      detached.push(...numbers.slice(cut).map(summaryFile));
    }
  }
  return { highest, beyond: beyond.sort(), detached: detached.sort(), misnamed: misnamed.sort() };
}

/** Lists the numbers of all summaries in a run directory, in order. */
export async function summaryNumbers(dir: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { number } of entriesOf(dir)) {
    if (number !== null && number < 1e15) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

/** The files that are a summary, or look like one: then their number is `null`. */
async function* entriesOf(
  dir: string,
): AsyncGenerator<{ readonly name: string; readonly number: number | null }> {
  try {
    for await (const { name } of Deno.readDir(dir)) {
      if (!name.toUpperCase().startsWith("ITER_SUMMARY")) continue;
      const digits = /^ITER_SUMMARY_([1-9]\d*)\.json$/.exec(name)?.[1];
      yield { name, number: digits === undefined ? null : Number(digits) };
    }
  } catch (error) {
    throw directoryError(error, dir);
  }
}

function directoryError(cause: unknown, dir: string): SoakError {
  if (cause instanceof Deno.errors.NotFound) {
    return new SoakError("artifact", "no such directory", {
      where: dir,
      remedy: "run `soak run` first, or name the run with --path",
      cause,
    });
  }
  if (cause instanceof Deno.errors.NotADirectory) {
    return new SoakError("artifact", "not a directory", {
      where: dir,
      remedy: "name the folder that `soak run` made, not a file",
      cause,
    });
  }
  return new SoakError("system", "the directory can't be read", {
    where: dir,
    remedy: "check its permissions",
    cause,
  });
}

/** What became of reading a summary. */
export type SummaryReading =
  | {
    readonly kind: "read";
    readonly iteration: number;
    readonly summary: Recorded<IterationRecord>;
  }
  | {
    readonly kind: "unusable";
    readonly iteration: number;
    readonly code: "summary_unreadable" | "summary_misnumbered";
    readonly message: string;
  }
  | {
    readonly kind: "missing";
    readonly iteration: number;
    /** The last one that is missing without a break. */
    readonly upTo: number;
  };

/** Reads summaries from the first one on; a gap of any length comes as one. */
export async function* readSummaries(dir: string, highest: number): AsyncGenerator<SummaryReading> {
  const reader = new SummaryReader(dir, highest);
  let present: readonly number[] | null = null;
  for (let iteration = 1; iteration <= highest; iteration++) {
    const reading = await readOne(reader, iteration);
    if (reading.kind !== "missing") {
      yield reading;
      continue;
    }
    // A listing tells how far the gap goes: looking for each file could take for ever.
    present ??= await summaryNumbers(dir);
    const upTo = (firstAbove(present, iteration) ?? highest + 1) - 1;
    yield { ...reading, upTo };
    iteration = upTo;
  }
}

async function readOne(reader: SummaryReader, iteration: number): Promise<SummaryReading> {
  try {
    const summary = await reader.read(iteration);
    const told = summary.record.iteration;
    if (told === iteration) return { kind: "read", iteration, summary };
    const message = `it says that it is of iteration ${told}`;
    return { kind: "unusable", iteration, code: "summary_misnumbered", message };
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    if (error.cause instanceof Deno.errors.NotFound) {
      return { kind: "missing", iteration, upTo: iteration };
    }
    return { kind: "unusable", iteration, code: "summary_unreadable", message: error.message };
  }
}

function firstAbove(sorted: readonly number[], bound: number): number | undefined {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) > bound) high = middle;
    else low = middle + 1;
  }
  return sorted[low];
}

/** How many summaries are read at once. */
const AHEAD = 16;

/**
 * Reads summaries in batches. Their hashes are worked out together, which takes a fraction of the
 * time that one after the other would; memory holds one batch, however long the run is.
 */
class SummaryReader {
  readonly #dir: string;
  readonly #highest: number;
  #batch = new Map<number, Promise<Recorded<IterationRecord>>>();

  constructor(dir: string, highest: number) {
    this.#dir = dir;
    this.#highest = highest;
  }

  /** Reads a summary, and those after it along with it. */
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
