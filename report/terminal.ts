/**
 * What a terminal gets to see: safe text, colours, aligned tables, lines that fit. Makes strings and
 * prints nothing.
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

/** A command to copy, at the end of a line; an error that begins with a command's name is none. */
const COMMAND = /(?<=: )(?<!^soak: )soak [a-z].*$/;

/**
 * Breaks a line at spaces, so that it fits; it goes on two columns further in. A word that is too
 * long stays whole, and so does a command at the end if it fits a line of its own.
 *
 * @param columns Width of the terminal; where it is infinite, the line stays as it is.
 */
export function wrapLine(line: string, columns: number): string[] {
  if (displayWidth(line) <= columns) return [line];
  const start = /^ */.exec(line)?.[0] ?? "";
  const further = start.length + 4 < columns ? `${start}  ` : "";
  const at = COMMAND.exec(line)?.index ?? line.length;
  const command = line.slice(at);
  const isWhole = command !== "" && displayWidth(command) <= columns - further.length;
  const words = (isWhole ? line.slice(0, at) : line).slice(start.length).split(/( +)/);
  if (isWhole) words.splice(-1, 1, command);
  const lines: string[] = [];
  let current = start;
  let gap = "";
  words.forEach((word, i) => {
    // With a capturing group, split() puts what matched at the odd places.
    if (i % 2 === 1) {
      gap = word;
    } else if (current.trim() !== "" && displayWidth(current + gap + word) > columns) {
      lines.push(current);
      current = further + word;
    } else {
      current += gap + word;
    }
  });
  return [...lines, current];
}

/** How wide a text is on a terminal, in code points. */
export function displayWidth(text: string): number {
  return [...text.split(OWN_SGR).join("")].length;
}
