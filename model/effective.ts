/**
 * Where a system says that it runs with something else than the runtime has. Who runs a system and
 * who proves a run go by this one definition, each on its own.
 *
 * @module
 */

import { quotedValue } from "./value.ts";

/** A parameter that is in effect with another value than the runtime's. */
export interface Difference<Value = unknown> {
  /** Its flat key. */
  readonly key: string;
  /** What the system says it runs with. */
  readonly effective: Value;
  /** What the runtime has; `undefined` if it has no value for it. */
  readonly wanted: Value | undefined;
}

/**
 * Compares what a system reported with what it was told. A parameter that it does not report
 * contradicts nothing.
 *
 * @param effective What the system says it runs with, by flat key.
 * @param told What the runtime has, by flat key.
 * @param among The parameters to compare, in the order of the result.
 */
export function differences<Value>(
  effective: Readonly<Record<string, Value>>,
  told: Readonly<Record<string, Value>>,
  among: readonly { readonly key: string }[],
): Difference<Value>[] {
  const found: Difference<Value>[] = [];
  for (const { key } of among) {
    if (!Object.hasOwn(effective, key)) continue;
    const value = effective[key];
    const wanted = Object.hasOwn(told, key) ? told[key] : undefined;
    if (value !== undefined && value !== wanted) found.push({ key, effective: value, wanted });
  }
  return found;
}

/** A difference in words: `tail_age_ms 600 instead of 630`. */
export function differenceText({ key, effective, wanted }: Difference): string {
  return `${key} ${quotedValue(effective)} instead of ${quotedValue(wanted)}`;
}
