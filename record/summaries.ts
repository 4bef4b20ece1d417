/**
 * Reads the summaries of a run for the audit: in order, a few ahead, and whatever state they
 * are in.
 *
 * @module
 */

import type { Recorded } from "./artifacts.ts";
import type { IterationRecord } from "./records.ts";
import { SoakError } from "../base/errors.ts";
import type { FindingCode } from "../proof/findings.ts";
import { osError } from "../base/oserror.ts";
import { SummaryReader } from "./summary_reader.ts";

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
    readonly code: FindingCode;
    readonly message: string;
  }
  | {
    readonly kind: "missing";
    readonly iteration: number;
    /** The last one that is missing without a break. */
    readonly upTo: number;
  };

/**
 * Reads summaries from the first one on.
 *
 * @param dir The run directory.
 * @param highest The highest number that there is.
 * @returns What became of each, in order; a gap of any length comes as one.
 * @throws {SoakError} Of kind `"system"`, if the directory can't be read.
 */
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

/**
 * Lists the numbers of all summaries in a directory.
 *
 * @param dir The run directory.
 * @returns The numbers, in order.
 * @throws {SoakError} Of kind `"system"`, if it can't be listed.
 */
export async function summaryNumbers(dir: string): Promise<number[]> {
  const numbers: number[] = [];
  try {
    for await (const { name } of Deno.readDir(dir)) {
      const digits = /^ITER_SUMMARY_([1-9]\d{0,14})\.json$/.exec(name)?.[1];
      if (digits !== undefined) numbers.push(Number(digits));
    }
  } catch (error) {
    throw osError("cannot list the directory", dir, error);
  }
  return numbers.sort((a, b) => a - b);
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
