/**
 * The KPI values for which a rule fires.
 *
 * @module
 */

import type { Condition, Rule } from "./profile.ts";

/** The values of one KPI for which a rule fires, with the conditions that bound them. */
export interface Interval {
  /** The condition that bounds them from below, if one does. */
  readonly low: Condition | null;
  /** The condition that bounds them from above, if one does. */
  readonly high: Condition | null;
}

/** The values of each KPI that a rule looks at. */
export type Region = ReadonlyMap<string, Interval>;

/** Whether a condition bounds values from below. */
export const isLow = ({ op }: Condition): boolean => op === ">" || op === ">=";
/** Whether the constant itself does not meet the condition. */
export const isOpen = ({ op }: Condition): boolean => op === ">" || op === "<";

/** Whether every value that meets one bound meets the other; both are of the same side. */
export function implies(strong: Condition, weak: Condition): boolean {
  if (strong.value === weak.value) return isOpen(strong) || !isOpen(weak);
  return isLow(weak) ? strong.value > weak.value : strong.value < weak.value;
}

/** The values for which a rule fires. */
export function regionOf(rule: Rule): Region {
  const region = new Map<string, Interval>();
  for (const condition of rule.when) {
    const interval = region.get(condition.kpi) ?? { low: null, high: null };
    const side = isLow(condition) ? "low" : "high";
    const earlier = interval[side];
    if (earlier === null || implies(condition, earlier)) {
      region.set(condition.kpi, { ...interval, [side]: condition });
    }
  }
  return region;
}

/** Whether no value lies in an interval. */
export function isEmpty({ low, high }: Interval): boolean {
  if (low === null || high === null) return false;
  return low.value > high.value || (low.value === high.value && (isOpen(low) || isOpen(high)));
}

/** Whether a rule fires wherever another one does. */
export function contains(outer: Region, inner: Region): boolean {
  return [...outer].every(([kpi, { low, high }]) => {
    const inside = inner.get(kpi);
    return met(inside?.low, low) && met(inside?.high, high);
  });
}

function met(strong: Condition | null | undefined, weak: Condition | null): boolean {
  if (weak === null) return true;
  return strong !== null && strong !== undefined && implies(strong, weak);
}

/** A condition in words. */
export const shown = ({ kpi, op, value }: Condition): string => `${kpi} ${op} ${value}`;

/** Whether there are values for which both rules fire. */
export function overlap(one: Region, other: Region): boolean {
  return [...one].every(([kpi, { low, high }]) => {
    const also = other.get(kpi);
    return !isEmpty({ low: tighter(low, also?.low), high: tighter(high, also?.high) });
  });
}

function tighter(one: Condition | null, other: Condition | null | undefined): Condition | null {
  if (one === null || other === null || other === undefined) return one ?? other ?? null;
  return implies(one, other) ? one : other;
}
