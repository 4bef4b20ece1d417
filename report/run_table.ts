/**
 * What a run did, as a short table: one line for each stretch of iterations that are alike.
 *
 * @module
 */

import { printable } from "../base/text.ts";
import { type Guard, GUARDS } from "../model/guards.ts";
import { countIncidents, incidentText } from "../model/incident.ts";
import type { Profile } from "../model/profile.ts";
import { primaryGuard } from "../model/skip_reason.ts";
import { valueText } from "../model/value.ts";
import type { IterationRecord } from "../record/records.ts";
import type { TuningCounts } from "../record/tuning_report.ts";
import { type Page, page, type Style, table } from "./terminal.ts";

/** The table has this many lines at the most; beyond it, stretches in the middle are left out. */
const MAX_LINES = 30;

interface Stretch {
  readonly first: number;
  readonly last: IterationRecord;
}

/** Collects a run's iterations as they come, without keeping them all. */
export class RunTable {
  readonly #warmup: number;
  readonly #head: Stretch[] = [];
  readonly #tail: Stretch[] = [];
  #left = 0;

  /** Starts empty; so many of the run's first iterations are a warm-up. */
  constructor(warmup = 0) {
    this.#warmup = warmup;
  }

  /** Takes in the next iteration. */
  take(record: IterationRecord): void {
    const rows = this.#tail.length > 0 ? this.#tail : this.#head;
    const current = rows.at(-1);
    const isJudged = record.iteration === this.#warmup + 1;
    if (current !== undefined && !isJudged && alike(current.last, record)) {
      rows[rows.length - 1] = { first: current.first, last: record };
    } else if (this.#head.length < MAX_LINES / 2) {
      this.#head.push({ first: record.iteration, last: record });
    } else {
      this.#tail.push({ first: record.iteration, last: record });
      if (this.#tail.length > MAX_LINES / 2) {
        this.#tail.shift();
        this.#left++;
      }
    }
  }

  /** Renders the table. */
  render(profile: Profile, style: Style): Page {
    if (this.#head.length === 0) return page([]);
    const kpis = profile.kpis.filter(({ target }) => target !== null).map(({ key }) => key);
    const header = ["iteration", ...kpis, "KPIs", "what was done"].map(style.dim);
    const align = ["right", ...kpis.map(() => "right" as const), "left", "left"] as const;
    const row = (stretch: Stretch): string[] =>
      tableRow(stretch, kpis, style, stretch.first <= this.#warmup);
    const left = this.#left === 0 ? [] : [["…"]];
    return page(
      table([header, ...this.#head.map(row), ...left, ...this.#tail.map(row)], { align }),
    );
  }
}

/**
 * Whether two iterations in a row are the same story: neither changed anything, same reason, and
 * nothing happened in between.
 */
function alike(a: IterationRecord, b: IterationRecord): boolean {
  return !a.tuning.applied && !b.tuning.applied && a.kpiVerdict === b.kpiVerdict &&
    a.incidents === undefined && b.incidents === undefined && whatWasDone(a) === whatWasDone(b);
}

function guardOf({ tuning }: IterationRecord): Guard | null {
  return tuning.skipReason === null ? null : primaryGuard(tuning.skipReason);
}

function tableRow(
  { first, last }: Stretch,
  kpis: readonly string[],
  style: Style,
  isWarmUp: boolean,
): string[] {
  const met = last.kpiVerdict === "PASS" ? style.green("PASS") : style.red("FAIL");
  return [
    first === last.iteration ? String(first) : `${first}–${last.iteration}`,
    ...kpis.map((key) => shortNumber(last.kpis[key])),
    isWarmUp ? `${last.kpiVerdict} ${style.dim("warm-up")}` : met,
    whatWasDone(last) + whatHappened(last),
  ];
}

function whatHappened({ incidents }: IterationRecord): string {
  return incidents === undefined ? "" : ` (${incidentText(countIncidents(incidents))})`;
}

/** Six digits tell enough in a table; the summaries have all of them. */
function shortNumber(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : String(Number(value.toPrecision(6)));
}

const HELD_BY: Readonly<Record<Guard, string>> = {
  freeze: "frozen: KPIs hold",
  oscillation: "held back: oscillation",
  velocity: "held back: velocity",
  cooldown: "cooling down",
  no_op: "nothing to change",
};

function whatWasDone(record: IterationRecord): string {
  if (record.failure !== null) return `not measured: ${printable(record.failure, 60)}`;
  const { tuning } = record;
  if (!tuning.applied) {
    const guard = guardOf(record);
    if (guard !== "no_op") return guard === null ? "–" : HELD_BY[guard];
    return printable(tuning.skipReason?.note ?? HELD_BY.no_op, 60);
  }
  const [first, ...more] = tuning.changes;
  if (first === undefined) return "–";
  const [from, to] = [first.from, first.to].map((value) => printable(valueText(value), 60));
  const change = `${printable(first.key, 60)} ${from} → ${to}`;
  return more.length === 0 ? change : `${change} and ${more.length} more`;
}

/** One line that says what the tuner did over a run. */
export function renderCounts({ count, applied, skipped }: TuningCounts): string {
  const reasons = GUARDS.filter((guard) => skipped[guard] > 0)
    .map((guard) => `${skipped[guard]} ${guard}`);
  const held = count - applied;
  return `${count} ${
    count === 1 ? "iteration" : "iterations"
  }: ${applied} applied a change, ${held} did not` +
    (reasons.length === 0 ? "" : ` (${reasons.join(", ")})`);
}
