/**
 * Text from data, made safe for a line that a person reads.
 *
 * @module
 */

/** Control, format (bidi overrides, zero width), lone surrogate and line or paragraph separator. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Escapes whatever could move the cursor, hide or reorder text, or break the line. All else stays
 * readable as it is.
 *
 * @param text Text that may come from anywhere.
 * @param maxLength The longest result, counted in UTF-16 units before escaping; what is cut off
 * shows as `…`.
 * @returns One line without control characters.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(printable("\x1b[31mred\n"), "\\u001b[31mred\\u000a");
 * assertEquals(printable("abcdef", 3), "abc…");
 * ```
 */
export function printable(text: string, maxLength = Infinity): string {
  const shown = text.length > maxLength ? text.slice(0, maxLength) : text;
  return shown.replace(UNSAFE, escapeCodePoint) + (shown === text ? "" : "…");
}

function escapeCodePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
}

/** A path as a shell takes it, in one piece, for a command that a person may copy. */
export function shellWord(text: string): string {
  const safe = printable(text);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}
