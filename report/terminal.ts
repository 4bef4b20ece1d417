/**
 * What a terminal gets to see: safe text, colours, a progress line, aligned tables. Makes strings
 * and prints nothing.
 *
 * @module
 */

import { printable } from "../base/text.ts";

/** Start and end codes (SGR) of the styles. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
} as const;

/** Functions that style text, or leave it as it is when colour is off. */
export type Style = Readonly<Record<keyof typeof STYLES, (text: string) => string>>;

// deno-lint-ignore no-control-regex
const OWN_SGR = /\x1b\[(?:1|2|22|31|32|33|39)m/;
const KEPT = new RegExp(`(${OWN_SGR.source})`);

/**
 * Makes text safe to print on one line: with colour, the codes that {@linkcode style} makes stay;
 * every other control, bidi or invisible character, line feed, line or paragraph separator and lone
 * surrogate shows as an escape.
 */
export function sanitize(text: string, allowColor: boolean): string {
  if (!allowColor) return printable(text);
  // With a capturing group, split() puts what matched at the odd places.
  return text.split(KEPT).map((part, i) => i % 2 === 1 ? part : printable(part)).join("");
}

declare const PAGE: unique symbol;

/** Lines that are ready to print. Only {@linkcode page} makes one: text can't add lines to it. */
export type Page = string & { readonly [PAGE]: true };

/** Puts lines together. A line feed within one of them shows as an escape. */
export function page(lines: readonly string[]): Page {
  return lines.map((line) => sanitize(line, true)).join("\n") as Page;
}

/** The styles for text on a terminal. */
export function style(color: boolean): Style {
  const wrap = (name: keyof typeof STYLES) => (text: string): string => {
    const [start, end] = STYLES[name];
    return color ? `\x1b[${start}m${text}\x1b[${end}m` : text;
  };
  return {
    bold: wrap("bold"),
    dim: wrap("dim"),
    red: wrap("red"),
    green: wrap("green"),
    yellow: wrap("yellow"),
  };
}

/** What decides on colour. */
export interface ColorOptions {
  /** Whether the stream is a terminal. */
  readonly isTerminal: boolean;
  /** The environment's `NO_COLOR`; any value but the empty one turns colour off. */
  readonly noColor: string | undefined;
}

/** Decides whether a stream gets colour. */
export function useColor({ isTerminal, noColor }: ColorOptions): boolean {
  return isTerminal && (noColor === undefined || noColor === "");
}

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
  /** Whether the stream is a terminal, so that a line can be redrawn. */
  readonly isTerminal: boolean;
  /**
   * Width of the terminal.
   *
   * @default {80}
   */
  readonly columns?: number;
  /** Whether to use colour. */
  readonly color: boolean;
  /** When the work began, in ms on any clock. */
  readonly startMs: number;
}

/** How far a run has come. */
export interface ProgressStep {
  /** The iteration just done, from 1. */
  readonly iteration: number;
  /** Its KPI verdict. */
  readonly verdict: "PASS" | "FAIL";
  /** Changes applied so far. */
  readonly applied: number;
}

/** A terminal is redrawn at most this often, so that short iterations don't wait for it. */
const REDRAW_MS = 100;

/** Lines written where nothing can be redrawn, whatever the number of iterations. */
const MAX_LINES = 24;

/** Wide enough for `59m59s` and `99d23h`. */
const DURATION_WIDTH = 6;

const MIN_BAR = 10;
const MAX_BAR = 32;

/**
 * Reports progress as strings, to be written as they are: one line that is redrawn on a
 * terminal, and otherwise some two dozen plain lines, among them the first and the last.
 */
export class Progress {
  readonly #options: ProgressOptions;
  #drawnMs = -Infinity;

  /** Starts reporting. */
  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** What to write after an iteration; often nothing. */
  update(step: ProgressStep, nowMs: number): string {
    const { isTerminal, total, startMs } = this.#options;
    if (!isTerminal) {
      return this.#isLineDue(step.iteration) ? plainLine(step, total, nowMs - startMs) : "";
    }
    if (nowMs - this.#drawnMs < REDRAW_MS && step.iteration < total) return "";
    this.#drawnMs = nowMs;
    return `\r${this.#line(step, nowMs)}\x1b[K`;
  }

  /** What to write at the end, before anything else is. */
  finish(): string {
    const drawn = this.#drawnMs > -Infinity;
    this.#drawnMs = -Infinity;
    return drawn ? "\r\x1b[K" : "";
  }

  #isLineDue(iteration: number): boolean {
    const { total, done = 0 } = this.#options;
    const every = Math.max(1, Math.ceil((total - done) / (MAX_LINES - 1)));
    return iteration === done + 1 || iteration === total || (iteration - done) % every === 0;
  }

  #line(step: ProgressStep, nowMs: number): string {
    const { total, done = 0, startMs, color } = this.#options;
    const { red, green } = style(color);
    const elapsedMs = nowMs - startMs;
    const here = step.iteration - done;
    const etaMs = here > 0 ? elapsedMs / here * (total - step.iteration) : NaN;
    // Every part keeps its width as numbers grow, and so the bar does too.
    const count = (value: number): string => String(value).padStart(String(total).length);
    const time = (ms: number): string => duration(ms).padStart(DURATION_WIDTH);
    const parts = [
      `${count(step.iteration)}/${total}`,
      step.verdict,
      `${count(step.applied)} applied`,
      time(elapsedMs),
      `ETA ${time(etaMs)}`,
    ];
    const { columns = 80 } = this.#options;
    // A full line would make the terminal wrap, and then there are two lines to clear.
    const width = (columns >= 1 ? columns : 80) - 1;
    while (parts.length > 1 && parts.join("  ").length > width) parts.pop();
    const text = parts.join("  ").slice(0, width);
    const bar = progressBar(step.iteration / total, width - text.length - 2);
    const verdict = step.verdict === "PASS" ? green : red;
    return bar + text.replace(step.verdict, verdict);
  }
}

function plainLine(step: ProgressStep, total: number, elapsedMs: number): string {
  const { iteration, verdict, applied } = step;
  const elapsed = duration(elapsedMs);
  return `iteration ${iteration}/${total}: ${verdict}, ${applied} applied, ${elapsed} elapsed\n`;
}

/** A bar and the space after it, at most `room` + 2 wide; empty if that is too narrow. */
function progressBar(share: number, room: number): string {
  const inner = Math.min(MAX_BAR, room) - 2;
  if (inner < MIN_BAR - 2) return "";
  const full = Math.round(Math.min(1, Math.max(0, share)) * inner);
  return `[${"=".repeat(full)}${" ".repeat(inner - full)}]  `;
}

/** A time span in its two largest units, for example `3m04s`. */
function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "?";
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.floor(seconds / unit));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (days) return `${days}d${two((hours ?? 0) % 24)}h`;
  if (hours) return `${hours}h${two((minutes ?? 0) % 60)}m`;
  return minutes ? `${minutes}m${two(seconds % 60)}s` : `${seconds}s`;
}

/** Options for {@linkcode table}. */
export interface TableOptions {
  /**
   * How each column is aligned; `"left"` where nothing is said.
   *
   * @default {[]}
   */
  readonly align?: readonly ("left" | "right")[];
}

/**
 * Aligns cells in columns, two spaces apart, a line for each row. Width counts code points; codes
 * made by {@linkcode style} have none.
 */
export function table(
  cells: readonly (readonly string[])[],
  options: TableOptions = {},
): string[] {
  const { align = [] } = options;
  const rows = cells.map((row) => row.map((cell) => sanitize(cell, true)));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell)));
  }
  return rows.map((row) =>
    row.map((cell, i) => {
      const padding = " ".repeat((widths[i] ?? 0) - displayWidth(cell));
      return align[i] === "right" ? padding + cell : cell + padding;
    }).join("  ").trimEnd()
  );
}

function displayWidth(text: string): number {
  return [...text.split(OWN_SGR).join("")].length;
}
