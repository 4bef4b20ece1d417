/**
 * `TUNING_REPORT.json`: what the tuner did over a run, derived from the summaries.
 *
 * @module
 */

import { join } from "@std/path/join";
import { AtomicFile } from "../base/atomic_file.ts";
import { canonicalJson } from "../base/canonical.ts";
import { eventLoopTurn } from "../base/wait.ts";
import { byGuard, type Guard } from "../model/guards.ts";
import { primaryGuard } from "../model/skip_reason.ts";
import { readSummary, TUNING_REPORT_FILE } from "./artifacts.ts";
import { type TuningRecord, tuningToJson } from "./records.ts";

/** Counts for the end of `TUNING_REPORT.json`. */
export interface TuningCounts {
  /** Iterations so far. */
  readonly count: number;
  /** Iterations that applied something. */
  readonly applied: number;
  /** Iterations that did not, by the first guard that held. */
  readonly skipped: Readonly<Record<Guard, number>>;
}

/** The text of `TUNING_REPORT.json`, piece by piece, so that no run is too long for it. */
export class TuningReportText {
  #count = 0;
  #applied = 0;
  readonly #skipped = byGuard(() => 0);

  /** The piece for the next iteration. */
  next(iteration: number, tuning: TuningRecord): string {
    const opening = this.#count === 0 ? '{"iterations":[' : ",";
    this.#count++;
    if (tuning.applied) this.#applied++;
    const guard = tuning.skipReason === null ? null : primaryGuard(tuning.skipReason);
    if (guard !== null) this.#skipped[guard]++;
    return opening + canonicalJson(tuningToJson(tuning, iteration));
  }

  /** The piece after the last iteration, whose summary has the given hash. */
  end(lastHash: string): string {
    const opening = this.#count === 0 ? '{"iterations":[' : "";
    return `${opening}],"summary":${canonicalJson({ ...this.counts(), last_hash: lastHash })}}`;
  }

  /** The counts so far. */
  counts(): TuningCounts {
    return { count: this.#count, applied: this.#applied, skipped: { ...this.#skipped } };
  }
}

/** Rebuilds `TUNING_REPORT.json` from the summaries. */
export async function rebuildTuningReport(
  dir: string,
  iterations: number,
  runHash: string,
): Promise<TuningCounts> {
  const text = new TuningReportText();
  const encoder = new TextEncoder();
  using file = AtomicFile.create(join(dir, TUNING_REPORT_FILE));
  let lastHash = runHash;
  for (let i = 1; i <= iterations; i++) {
    const { record, fileHash } = await readSummary(dir, i);
    lastHash = fileHash;
    file.write(encoder.encode(text.next(i, record.tuning)));
    await eventLoopTurn();
  }
  file.write(encoder.encode(text.end(lastHash)));
  file.commit();
  return text.counts();
}
