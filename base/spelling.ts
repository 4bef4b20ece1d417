/**
 * The valid word that a misspelt one was most likely meant to be.
 *
 * @module
 */

import { closestMatch } from "leven";

/**
 * Finds the nearest of the words known.
 *
 * @param word What was written, however long.
 * @param known What is valid.
 * @returns The only one that contains the word, or else the nearest that is not too far off.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const known = ["tail_age_ms", "max_age_ms", "tick_size"];
 * assertEquals(nearestSpelling("tail_age", known), "tail_age_ms");
 * assertEquals(nearestSpelling("tcik_size", known), "tick_size");
 * assertEquals(nearestSpelling("spread", known), undefined);
 * ```
 */
export function nearestSpelling(word: string, known: readonly string[]): string | undefined {
  const meant = word.slice(0, 64).toLowerCase();
  const containing = known.filter((name) => meant.length > 2 && name.includes(meant));
  if (containing.length === 1) return containing[0];
  const maxDistance = meant.length < 4 ? 1 : Math.max(2, Math.floor(meant.length / 4));
  return closestMatch(meant, known, { maxDistance });
}
