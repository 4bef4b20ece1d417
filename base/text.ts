/**
 * Words for people: text from data made safe for one line, and the word that was meant.
 *
 * @module
 */

import { closestMatch } from "leven";

/**
 * Control, format (bidi overrides, zero width), lone surrogate, line or paragraph separator, and
 * whatever else is invisible by itself, such as fillers and variation selectors.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Escapes whatever could move the cursor, hide or reorder text, or break the line. All else stays
 * readable as it is.
 */
export function printable(text: string, maxLength = Infinity): string {
  const shown = text.length > maxLength ? text.slice(0, maxLength) : text;
  return shown.replace(UNSAFE, escapeCodePoint) + (shown === text ? "" : "…");
}

function escapeCodePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
}

/**
 * The lines of a JSON document for people. What {@linkcode printable} escapes is escaped as JSON
 * does it, so that the lines together still parse to the same value.
 */
export function jsonLines(value: unknown): string[] {
  return JSON.stringify(value, null, 2).split("\n").map((line) =>
    line.replace(UNSAFE, (character) => character.split("").map(escapeCodePoint).join(""))
  );
}

/** A path as a shell takes it, in one piece, for a command that a person may copy. */
export function shellWord(text: string): string {
  const safe = printable(text);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}

/**
 * The valid word that a misspelt one was most likely meant to be: the only one that it begins, else
 * the only one that contains it, else the one in which two neighbours are swapped, else the nearest
 * that is not too far off.
 */
export function nearestSpelling(word: string, known: readonly string[]): string | undefined {
  const meant = word.slice(0, 64).toLowerCase();
  const names = new Map(known.map((name) => [name.toLowerCase(), name]));
  const folded = [...names.keys()];
  const only = (matches: (name: string) => boolean): string | undefined => {
    const [match, another] = meant.length > 2 ? folded.filter(matches) : [];
    return another === undefined ? match : undefined;
  };
  const maxDistance = meant.length < 4 ? 1 : Math.max(2, Math.floor(meant.length / 4));
  const same = names.get(meant);
  if (same !== undefined) return same;
  const near = only((name) => name.startsWith(meant)) ?? only((name) => name.includes(meant)) ??
    folded.find((name) => isSwapped(meant, name)) ?? closestMatch(meant, folded, { maxDistance });
  return near === undefined ? undefined : names.get(near);
}

/** Whether two words differ by two neighbouring letters in the other order, which is one slip. */
function isSwapped(word: string, other: string): boolean {
  let at = 0;
  while (at < word.length && word[at] === other[at]) at++;
  const [first = "", second = ""] = [...word.slice(at, at + 2)];
  return second !== "" && word.slice(0, at) + second + first + word.slice(at + 2) === other;
}

/** The remedy `did you mean …?` for a misspelt word; no remedy where no valid one is near. */
export function didYouMean(word: string, known: readonly string[]): { readonly remedy?: string } {
  const near = nearestSpelling(word, known);
  return near === undefined ? {} : { remedy: `did you mean ${near}?` };
}

/** A ratio with six digits at most, cut off: what is short of a threshold must not look like it. */
export function ratioText(ratio: number): string {
  return String(Math.floor(ratio * 1e6 + 1e-6) / 1e6);
}
