/**
 * What a run did, as a short table: one line for each stretch of iterations that are alike.
 *
 * @module
 */

import { printable } from "../base/text.ts";
import { type Difference, differences, differenceText } from "../model/effective.ts";
import { type Guard, GUARDS } from "../model/guards.ts";
import { countIncidents, incidentText } from "../model/incident.ts";
import { getAllParams } from "../model/params.ts";
import type { Parameter, Profile } from "../model/profile.ts";
import { primaryGuard } from "../model/skip_reason.ts";
import { valueText } from "../model/value.ts";
import type { IterationRecord } from "../record/records.ts";
import type { TuningCounts } from "../record/tuning_report.ts";
import { shortNumber } from "./progress.ts";
import { displayWidth, type Page, page, type Style, table, wrapLine } from "./terminal.ts";

/** The table has this many lines at the most; beyond it, stretches in the middle are left out. */
const MAX_LINES = 30;

/**
 * What is known of a change: written to the runtime, then seen in effect (`applied`), or seen not to
 * be (`not in effect`).
 */
type Fate = "written" | "applied" | "not in effect";

/** How many iterations' changes came to what. */
export type ChangeCounts = Readonly<Record<Fate, number>>;

interface Stretch {
  readonly first: number;
  last: IterationRecord;
  /** The least and the greatest value of each KPI. */
  readonly kpis: Map<string, readonly [least: number, greatest: number]>;
  /** What became of the change, if one was written. */
  fate: Fate;
  /** What the system began to run with at its first iteration, otherwise than the runtime says. */
  readonly differing: readonly Difference[];
}

/** Collects a run's iterations as they come, without keeping them all. */
export class RunTable {
  readonly #warmup: number;
  readonly #parameters: readonly Parameter[];
  /** Keys that differ and whose row says so, be it that a change is not in effect. */
  #told: ReadonlySet<string> = new Set();
  readonly #head: Stretch[] = [];
  readonly #tail: Stretch[] = [];
  readonly #counts: Record<Fate, number> = { written: 0, applied: 0, "not in effect": 0 };
  /** The last change, until a measurement shows what became of it. */
  #open: Stretch | null = null;
  #left = 0;

  /**
   * Starts empty; so many of the run's first iterations are a warm-up, and these parameters are
   * compared with what the system says of them.
   */
  constructor(warmup = 0, parameters: readonly Parameter[] = []) {
    this.#warmup = warmup;
    this.#parameters = parameters;
  }

  /** Takes in the next iteration. */
  take(record: IterationRecord): void {
    const changed = this.#settle(record);
    const differing = this.#differing(record, changed);
    const rows = this.#tail.length > 0 ? this.#tail : this.#head;
    const current = rows.at(-1);
    const isJudged = record.iteration === this.#warmup + 1;
    const isNews = isJudged || differing.length > 0;
    if (current !== undefined && !isNews && alike(current.last, record)) {
      current.last = record;
      return widen(current, record);
    }
    const stretch: Stretch = {
      first: record.iteration,
      last: record,
      kpis: new Map(),
      fate: "written",
      differing,
    };
    widen(stretch, record);
    if (record.tuning.applied) {
      this.#open = stretch;
      this.#counts.written++;
    }
    if (this.#head.length < MAX_LINES / 2) {
      this.#head.push(stretch);
    } else {
      this.#tail.push(stretch);
      if (this.#tail.length > MAX_LINES / 2) {
        this.#tail.shift();
        this.#left++;
      }
    }
  }

  /** What became of the changes so far. */
  get changes(): ChangeCounts {
    return { ...this.#counts };
  }

  /** Renders the table; where it does not fit, KPIs stand below what was done. */
  render(profile: Profile, style: Style, columns = Infinity): Page {
    if (this.#head.length === 0) return page([]);
    const kpis = profile.kpis.filter(({ target }) => target !== null).map(({ key }) => key);
    const header = ["iteration", ...kpis, "KPIs", "what was done"].map(style.dim);
    const align = ["right", ...kpis.map(() => "right" as const), "left", "left"] as const;
    const row = (stretch: Stretch): string[] =>
      tableRow(stretch, kpis, style, stretch.first <= this.#warmup);
    const left = this.#left === 0 ? [] : [["…"]];
    const rows = [header, ...this.#head.map(row), ...left, ...this.#tail.map(row)];
    const lines = table(rows, { align });
    const fits = lines.every((line) => displayWidth(line) <= columns);
    return page(fits ? lines : stacked(rows, kpis, style, columns));
  }

  /** What differs and is not told yet; a change that is not in effect tells of its own keys. */
  #differing(
    { failure, effectiveParams, runtime }: IterationRecord,
    changed: readonly string[],
  ): readonly Difference[] {
    if (failure !== null || this.#parameters.length === 0) return [];
    const told = getAllParams(runtime, this.#parameters);
    const all = differences(effectiveParams, told, this.#parameters);
    const fresh = all.filter(({ key }) => !changed.includes(key) && !this.#told.has(key));
    this.#told = new Set(all.map(({ key }) => key));
    return fresh;
  }

  /** Says of the last change what this measurement shows of it; returns its keys. */
  #settle({ failure, effectiveParams }: IterationRecord): readonly string[] {
    const open = this.#open;
    if (open === null || failure !== null) return [];
    this.#open = null;
    const { deltas } = open.last.tuning;
    const keys = Object.keys(deltas);
    const among = keys.map((key) => ({ key }));
    const isSeen = keys.length > 0 && keys.every((key) => Object.hasOwn(effectiveParams, key));
    open.fate = differences(effectiveParams, deltas, among).length > 0
      ? "not in effect"
      : isSeen
      ? "applied"
      : "written";
    this.#counts.written--;
    this.#counts[open.fate]++;
    return keys;
  }
}

/** Puts an iteration's KPIs into the ranges of its stretch. */
function widen({ kpis }: Stretch, record: IterationRecord): void {
  for (const [key, value] of Object.entries(record.kpis)) {
    if (value === null) continue;
    const [least, greatest] = kpis.get(key) ?? [value, value];
    kpis.set(key, [Math.min(least, value), Math.max(greatest, value)]);
  }
}

/** The table for a narrow terminal: three columns, and the KPIs on lines of their own. */
function stacked(
  rows: readonly (readonly string[])[],
  kpis: readonly string[],
  style: Style,
  columns: number,
): string[] {
  const core = rows.map((row) => row.length === 1 ? row : [row[0] ?? "", ...row.slice(-2)]);
  const width = (i: number): number => Math.max(...core.map((row) => displayWidth(row[i] ?? "")));
  const indent = width(0) + 2;
  const done = Math.max(16, columns - indent - width(1) - 2);
  const lines: string[] = [];
  const cells: string[][] = [];
  const below: string[][] = [];
  core.forEach((row, i) => {
    const [first = "", verdict = "", what = ""] = row;
    const parts = wrapLine(what, done).map((part) => part.trimStart());
    cells.push([first, verdict, parts[0] ?? ""]);
    const values = (rows[i] ?? []).slice(1, -2);
    const more = i === 0 || row.length === 1
      ? []
      : wrapLine(kpis.map((key, k) => `${key} ${values[k]}`).join(", "), columns - indent);
    below.push([
      ...parts.slice(1).map((part) => " ".repeat(indent + width(1) + 2) + part),
      ...more.map((line) => " ".repeat(indent) + style.dim(line.trimStart())),
    ]);
  });
  table(cells, { align: ["right", "left", "left"] }).forEach((line, i) => {
    lines.push(line, ...below[i] ?? []);
  });
  return lines;
}

/**
 * Whether two iterations in a row are the same story: neither changed anything, same reason, and
 * nothing happened in between.
 */
function alike(a: IterationRecord, b: IterationRecord): boolean {
  return !a.tuning.applied && !b.tuning.applied && a.kpiVerdict === b.kpiVerdict &&
    a.incidents === undefined && b.incidents === undefined && whatWasHeld(a) === whatWasHeld(b);
}

function guardOf({ tuning }: IterationRecord): Guard | null {
  return tuning.skipReason === null ? null : primaryGuard(tuning.skipReason);
}

function tableRow(
  stretch: Stretch,
  kpis: readonly string[],
  style: Style,
  isWarmUp: boolean,
): string[] {
  const { first, last } = stretch;
  const met = last.kpiVerdict === "PASS" ? style.green("PASS") : style.red("FAIL");
  return [
    first === last.iteration ? String(first) : `${first}–${last.iteration}`,
    ...kpis.map((key) => rangeText(stretch.kpis.get(key))),
    isWarmUp ? `${last.kpiVerdict} ${style.dim("warm-up")}` : met,
    whatWasDone(stretch, style) + whatDiffered(stretch, style) + whatHappened(last),
  ];
}

/** The first parameter that differed, and how many more. */
function whatDiffered({ differing: [first, ...more] }: Stretch, style: Style): string {
  if (first === undefined) return "";
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  return ` (${style.red(`ran with ${printable(differenceText(first), 72)}${others}`)})`;
}

function whatHappened({ incidents }: IterationRecord): string {
  return incidents === undefined ? "" : ` (${incidentText(countIncidents(incidents))})`;
}

/** The values of a stretch; a minus sign and a dash would run into each other. */
function rangeText(range: readonly [least: number, greatest: number] | undefined): string {
  if (range === undefined) return "–";
  const [least, greatest] = range.map(shortNumber);
  if (least === greatest) return `${least}`;
  return range[0] < 0 ? `${least} to ${greatest}` : `${least}–${greatest}`;
}

const HELD_BY: Readonly<Record<Guard, string>> = {
  freeze: "frozen: KPIs hold",
  oscillation: "held back: oscillation",
  velocity: "held back: velocity",
  cooldown: "cooling down",
  no_op: "nothing to change",
};

/** As many changes as fit into this are shown, and at least one. */
const CHANGES_WIDTH = 72;

function whatWasDone({ last, fate }: Stretch, style: Style): string {
  if (!last.tuning.applied) return whatWasHeld(last);
  const changes = last.tuning.changes.map(({ key, from, to }) => {
    const [before, after] = [from, to].map((value) => printable(valueText(value), 40));
    return `${printable(key, 60)} ${before} → ${after}`;
  });
  let shown = Math.min(1, changes.length);
  const text = (count: number): string => {
    const more = changes.length - count;
    return changes.slice(0, count).join(", ") + (more > 0 ? ` and ${more} more` : "");
  };
  while (shown < changes.length && displayWidth(text(shown + 1)) <= CHANGES_WIDTH) shown++;
  const paint = fate === "applied" ? String : fate === "written" ? style.yellow : style.red;
  const mark = fate === "not in effect" ? `${fate}:` : fate;
  return `${paint(mark)} ${text(shown)}`;
}

function whatWasHeld(record: IterationRecord): string {
  if (record.failure !== null) return `not measured: ${printable(record.failure, 60)}`;
  const guard = guardOf(record);
  if (guard !== "no_op") return guard === null ? "–" : HELD_BY[guard];
  return printable(record.tuning.skipReason?.note ?? HELD_BY.no_op, 60);
}

/**
 * One line that says what the tuner did over a run.
 *
 * @param changes What became of the changes, which a report from the records alone does not know.
 */
export function renderCounts({ count, skipped }: TuningCounts, changes: ChangeCounts): string {
  const reasons = GUARDS.filter((guard) => skipped[guard] > 0)
    .map((guard) => `${skipped[guard]} ${guard}`);
  const { applied, written, "not in effect": refuted } = changes;
  const others = [
    ...(refuted > 0 ? [`${refuted} wrote one that is not in effect`] : []),
    ...(written > 0 ? [`${written} wrote one that was not seen in effect`] : []),
  ];
  const held = count - applied - refuted - written;
  return [
    `${count} ${count === 1 ? "iteration" : "iterations"}: ${applied} applied a change`,
    ...others,
    ...(others.length === 0 ? [`${held} did not`] : held === 0 ? [] : [`${held} made none`]),
  ].join(", ") + (reasons.length === 0 ? "" : ` (${reasons.join(", ")})`);
}
