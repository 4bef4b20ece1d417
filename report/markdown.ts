/**
 * Text from data in a Markdown document.
 *
 * @module
 */

import { printable } from "../base/text.ts";

/** Letters and digits, joined by one character at a time that means nothing between them. */
const NAME =
  "[\\p{L}\\p{N}][\\p{L}\\p{N}\\p{M}]*(?:(?:[_.'\\u2019]|-(?!\\p{N}))[\\p{L}\\p{N}][\\p{L}\\p{N}\\p{M}]*)*";
const NUMBER = "[-+]?\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?";
/** Signs that stand alone: = ≤ ≥ → × and dashes. */
const SIGN = "[=\\u2264\\u2265\\u2192\\u00d7\\u2013\\u2014]";

/**
 * A word that no reader of Markdown takes for anything but a word: no mark-up, mention, emoji,
 * formula, reference to an issue, nor an address that becomes a link by itself.
 */
const INERT = new RegExp(
  `^(?:["(]*(?!.*www\\.)(?:${NAME}|${NUMBER})[,;:.%!?)"\\u2026]*|${SIGN})$`,
  "iu",
);

/**
 * Text as Markdown that shows it and does nothing else: ordinary words stand as they are, and what
 * could be anything else is in code spans. Escaping would not do: a site that links `@name`,
 * `:emoji:` or an address does so after escapes and entities are undone, but never in code.
 *
 * In a code span only a backtick has a meaning, and in a table a bar; both show as
 * {@linkcode printable} shows what it escapes.
 *
 * @param text What to show, which may not begin a line.
 * @param maxLength How much of it, in UTF-16 code units.
 */
export function markdown(text: string, maxLength = 400): string {
  const shown: string[] = [];
  let code: string[] = [];
  const closeCode = (): void => {
    if (code.length > 0) shown.push(code.join(" ").replace(/^(.+?)([,;]?)$/s, "`$1`$2"));
    code = [];
  };
  for (const word of printable(text, maxLength).split(" ")) {
    if (word === "") continue;
    if (INERT.test(word)) {
      closeCode();
      shown.push(word);
    } else {
      code.push(word.replaceAll("`", "\\u0060").replaceAll("|", "\\u007c"));
    }
  }
  closeCode();
  return shown.join(" ");
}
