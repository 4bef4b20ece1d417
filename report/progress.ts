/**
 * How far a run has come: a line that is drawn again and again on a terminal, and lines that follow
 * each other where nothing can be drawn again. Makes strings and prints nothing.
 *
 * @module
 */

import type { Phase } from "../model/phase.ts";
import type { Kpi, KpiValues } from "../model/profile.ts";
import { printable } from "../base/text.ts";
import { displayWidth, type Style } from "./terminal.ts";

/** Options for {@linkcode Progress}. */
export interface ProgressOptions {
  /** Iterations of the whole run. */
  readonly total: number;
  /**
   * Iterations that were done before; more than none when resuming.
   *
   * @default {0}
   */
  readonly done?: number;
  /**
   * The KPIs that are shown against their targets.
   *
   * @default {[]}
   */
  readonly kpis?: readonly Kpi[];
  /**
   * How long is waited between two iterations, in ms.
   *
   * @default {0}
   */
  readonly pauseMs?: number;
  /** Colours. */
  readonly style: Style;
  /** When the work began, in ms on any clock. */
  readonly startMs: number;
}

/** What an iteration came to. */
export interface ProgressStep {
  /** The iteration just done, from 1. */
  readonly iteration: number;
  /** Its KPI verdict. */
  readonly verdict: "PASS" | "FAIL";
  /** Its KPIs. */
  readonly kpis: KpiValues;
}

/** A run of very short iterations has about so many plain lines. */
const MAX_LINES = 24;

/** Where iterations take long, each has a plain line: one is due after this time, in ms. */
const LINE_MS = 10_000;

/** As wide as `waiting for readiness`, so that what follows keeps its place. */
const PHASE_WIDTH = 21;

/** As wide as `59m59s` and `99d23h`. */
const DURATION_WIDTH = 6;

const LEFT_WIDTH = "about  left".length + DURATION_WIDTH;

/** Narrower terminals have better use for their columns than a word, and than a bar. */
const WORD_COLUMNS = 92;
const BAR_COLUMNS = 120;
const BAR_WIDTH = 20;

/** Reports progress as strings. */
export class Progress {
  readonly #options: ProgressOptions;
  #phase: { readonly phase: Phase; readonly sinceMs: number } | null = null;
  #step: ProgressStep | null = null;
  #stepMs: number;
  #lineMs: number;

  /** Starts reporting. */
  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#stepMs = this.#lineMs = options.startMs;
  }

  /** Takes in what happens now. */
  phase(phase: Phase, nowMs: number): void {
    this.#phase = { phase, sinceMs: nowMs };
  }

  /** Takes in an iteration that is done. */
  step(step: ProgressStep, nowMs: number): void {
    this.#step = step;
    this.#stepMs = nowMs;
    this.#phase = null;
  }

  /**
   * The line on a terminal, narrower than it: a full line would make the terminal wrap, and so would
   * the `^C` that it shows behind the line.
   */
  line(nowMs: number, columns: number): string {
    const width = (columns >= 1 ? columns : 80) - 3;
    const { total } = this.#options;
    const bar = columns >= BAR_COLUMNS ? `${progressBar(this.#done / total)}  ` : "";
    const word = columns >= WORD_COLUMNS ? "iteration " : "";
    const current = String(Math.min(this.#done + 1, total)).padStart(String(total).length);
    const count = `${bar}${word}${current}/${total}`;
    const elapsed = duration(nowMs - this.#options.startMs).padStart(DURATION_WIDTH);
    const leftMs = this.#leftMs(nowMs);
    const left = (leftMs === null ? "" : `about ${duration(leftMs)} left`).padEnd(LEFT_WIDTH);
    const phase = phaseText(this.#phase, nowMs).padEnd(PHASE_WIDTH);
    const head = [
      [count, phase, elapsed, left],
      [count, phase, elapsed],
      [count, phase],
      [count],
    ].map((parts) => parts.join("  ")).find((text) => text.length <= width);
    if (head === undefined) return count.slice(0, Math.max(0, width));
    return (head + this.#kpiText(width - head.length - 2)).trimEnd();
  }

  /** The plain line about the last iteration, if it is time for one. */
  plainLine(nowMs: number): string | null {
    const step = this.#step;
    if (step === null || !this.#isLineDue(step.iteration, nowMs)) return null;
    this.#lineMs = nowMs;
    const { total, startMs } = this.#options;
    const kpis = this.#kpis(step.kpis).map(({ text }) => text);
    const leftMs = this.#leftMs(nowMs) ?? 0;
    const left = leftMs < 1000 ? "" : `, about ${duration(leftMs)} left`;
    return `iteration ${step.iteration}/${total}: ${[step.verdict, ...kpis].join(", ")}; ` +
      `${duration(nowMs - startMs)} elapsed${left}`;
  }

  get #done(): number {
    return this.#step?.iteration ?? this.#options.done ?? 0;
  }

  /** How long it will take, going by the iterations of this process; `null` before the first. */
  #leftMs(nowMs: number): number | null {
    const { total, done = 0, pauseMs = 0, startMs } = this.#options;
    const own = this.#done - done;
    if (own === 0 || this.#phase?.phase.name === "stopping") return null;
    // The first one of a process was not waited for.
    const eachMs = (this.#stepMs - startMs + pauseMs) / own;
    const here = Math.max(0, eachMs - (nowMs - this.#stepMs));
    const left = total - this.#done;
    return left === 0 ? 0 : eachMs * (left - 1) + here;
  }

  #isLineDue(iteration: number, nowMs: number): boolean {
    const { total, done = 0 } = this.#options;
    const every = Math.max(1, Math.ceil((total - done) / (MAX_LINES - 1)));
    return iteration === done + 1 || iteration === total || (iteration - done) % every === 0 ||
      nowMs - this.#lineMs >= LINE_MS;
  }

  /** KPIs of the last iteration, missed ones first: as many as there is room for, or their number. */
  #kpiText(room: number): string {
    const kpis = this.#step === null ? [] : this.#kpis(this.#step.kpis);
    if (kpis.length === 0) return "";
    const { red, green } = this.#options.style;
    const sorted = [...kpis.filter(({ met }) => !met), ...kpis.filter(({ met }) => met)];
    for (let count = sorted.length; count > 0; count--) {
      const shown = sorted.slice(0, count);
      const rest = count < sorted.length ? ", …" : "";
      if (displayWidth(shown.map(({ text }) => text).join(", ") + rest) > room) continue;
      return `  ${shown.map(({ text, met }) => (met ? green : red)(text)).join(", ")}${rest}`;
    }
    const met = kpis.filter(({ met }) => met).length;
    const counted = `${met} of ${kpis.length} KPIs met`;
    return counted.length <= room ? `  ${(met === kpis.length ? green : red)(counted)}` : "";
  }

  #kpis(values: KpiValues): { readonly text: string; readonly met: boolean }[] {
    return (this.#options.kpis ?? []).flatMap(({ key, better, target }) => {
      if (target === null) return [];
      const name = printable(key, 60);
      const value = Object.hasOwn(values, key) ? values[key] : undefined;
      if (value === null || value === undefined) {
        return [{ text: `${name} not measured`, met: false }];
      }
      const met = better === "lower" ? value <= target : value >= target;
      const relation = better === "lower" ? (met ? "≤" : ">") : met ? "≥" : "<";
      return [{ text: `${name} ${shortNumber(value)} ${relation} ${target}`, met }];
    });
  }
}

/** Six digits tell enough where people watch; the summaries have all of them. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function phaseText(
  now: { readonly phase: Phase; readonly sinceMs: number } | null,
  nowMs: number,
): string {
  if (now === null) return "";
  const { phase: { name, seconds }, sinceMs } = now;
  const ms = nowMs - sinceMs;
  if (seconds !== undefined) {
    const length = seconds * 1000;
    return `${name} ${inSeconds(Math.min(ms, length))} of ${inSeconds(length)}`;
  }
  // What is over at once needs no time beside it, what is not asks for one.
  return ms < 3000 ? name : `${name} ${inSeconds(ms)}`;
}

/** A short time in seconds, a longer one in its two largest units. */
function inSeconds(ms: number): string {
  return ms < 100_000 ? `${Math.floor(ms / 1000)} s` : duration(ms);
}

function progressBar(share: number): string {
  const inner = BAR_WIDTH - 2;
  const full = Math.round(Math.min(1, Math.max(0, share)) * inner);
  return `[${"=".repeat(full)}${" ".repeat(inner - full)}]`;
}

/** A time span in its two largest units, for example `3m04s`. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.floor(seconds / unit));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (days) return `${days}d${two((hours ?? 0) % 24)}h`;
  if (hours) return `${hours}h${two((minutes ?? 0) % 60)}m`;
  return minutes ? `${minutes}m${two(seconds % 60)}s` : `${seconds}s`;
}
