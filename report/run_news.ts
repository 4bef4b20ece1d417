/**
 * What a run tells as soon as it knows it: values that are not in effect, restarts, attempts that
 * failed. One line each.
 *
 * @module
 */

import { printable } from "../base/text.ts";
import { type Difference, differenceText } from "../model/effective.ts";
import type { Phase } from "../model/phase.ts";
import type { IterationRecord } from "../record/records.ts";

/** A run that goes on being wrong does not fill a screen: the table and the records have the rest. */
const MAX_LINES = 40;

/** Tells what is new, and what has been told only when it changes. */
export class RunNews {
  /** The last change that no measurement has shown anything of. */
  #open: IterationRecord | null = null;
  /** What was told of a parameter, until it is in effect again. */
  readonly #told = new Map<string, string>();
  #lines = 0;

  /** Takes in an iteration that was recorded before: of it nothing is told. */
  recorded(record: IterationRecord): void {
    if (record.failure === null) this.#open = null;
    if (record.tuning.applied) this.#open = record;
  }

  /** What a phase tells that is no part of an ordinary iteration. */
  phase({ name, reason }: Phase, iteration: number): string[] {
    if (reason === undefined) return [];
    const next = name === "restarting" ? "it is started again" : name;
    return this.#limited([`iteration ${iteration}: ${printable(reason, 200)}; ${next}`]);
  }

  /** What an iteration tells, once it is recorded. */
  iteration(record: IterationRecord, differing: readonly Difference[]): string[] {
    const { iteration, failure } = record;
    if (failure !== null) {
      return this.#limited([`iteration ${iteration} was not measured: ${printable(failure)}`]);
    }
    const open = this.#open;
    const lines = [...this.#mismatch(record, differing, open), ...silence(record, open)];
    this.recorded(record);
    return this.#limited(lines);
  }

  #mismatch(
    { iteration }: IterationRecord,
    differing: readonly Difference[],
    open: IterationRecord | null,
  ): string[] {
    const texts = differing.map((difference) => [difference.key, differenceText(difference)]);
    const fresh = texts.filter(([key = "", text]) => this.#told.get(key) !== text);
    this.#told.clear();
    for (const [key = "", text = ""] of texts) this.#told.set(key, text);
    if (fresh.length === 0) return [];
    const changed = open !== null &&
      fresh.some(([key]) => open.tuning.changedKeys.includes(key ?? ""));
    const what = list(fresh.map(([, text = ""]) => printable(text, 120)));
    const change = changed ? `: the change of iteration ${open.iteration} is not in effect` : "";
    return [`iteration ${iteration} ran with ${what}${change}`];
  }

  #limited(lines: readonly string[]): string[] {
    const left = MAX_LINES - this.#lines;
    this.#lines += lines.length;
    if (left <= 0) return [];
    if (lines.length < left) return [...lines];
    const last = "what else happens is not told here any more; soak verify lists it";
    return [...lines.slice(0, left - 1), last];
  }
}

/** That a change can't be confirmed, for the system does not say what it runs with. */
function silence(record: IterationRecord, open: IterationRecord | null): string[] {
  if (open === null) return [];
  const keys = open.tuning.changedKeys.filter((key) => !Object.hasOwn(record.effectiveParams, key));
  if (keys.length === 0) return [];
  return [
    `iteration ${record.iteration} does not say what ${
      list(keys.map((key) => printable(key, 60)))
    } ` +
    `it ran with: the change of iteration ${open.iteration} is written, not seen in effect`,
  ];
}

/** A few words of many, which stay on one line. */
export function list(words: readonly string[]): string {
  return words.length <= 3
    ? words.join(", ")
    : `${words.slice(0, 3).join(", ")} and ${words.length - 3} more`;
}
