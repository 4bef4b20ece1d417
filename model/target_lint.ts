/**
 * Rules seen from the targets that they work for: where a KPI misses its target and none fires.
 *
 * @module
 */

import type { Condition, Kpi, Rule } from "./profile.ts";
import { type Part, type SoundParts, warning } from "./profile_lint.ts";
import { type Interval, isEmpty, isOpen, type Region, regionOf, shown } from "./rule_region.ts";
import type { ProfileProblem } from "./schema_check.ts";

/** Names targets that rules seem to work for, but don't: a gap before they start, a wrong operator. */
export function targetProblems({ kpis, rules, kpiKeys, complete }: SoundParts): ProfileProblem[] {
  if (!complete.has("kpis") || !complete.has("rules") || kpiKeys === null) return [];
  // A condition on a KPI that there is none of may have been meant for any.
  if (rules.some(({ item }) => item.when.some(({ kpi }) => !kpiKeys.includes(kpi)))) return [];
  const fields = rules.map((rule) => ({ rule, region: regionOf(rule.item) }))
    .filter(({ region }) => ![...region.values()].some(isEmpty));
  const byKey = new Map(kpis.map(({ item }) => [item.key, item]));
  return kpis.flatMap(({ item }) => {
    const missed = missedFrom(item);
    if (missed === null) return [];
    const spans = fields.flatMap(({ rule, region }) => spansOf(item, rule, region));
    const gap = firstGap(missed, spans);
    if (gap === "all") return reversed(item, spans, byKey);
    return gap === null ? [] : [gapProblem(item, gap)];
  });
}

/** A place between values: just before a value (0), or just after it (1). */
interface Edge {
  readonly value: number;
  readonly after: 0 | 1;
}

/** The values of a KPI for which a rule fires, worse ones to the right. */
interface Span {
  readonly rule: Part<Rule>;
  readonly region: Region;
  readonly from: Edge;
  readonly to: Edge;
  /** The condition that begins it; `null` if none does. */
  readonly first: Condition | null;
  /** The condition that ends it. */
  readonly last: Condition | null;
}

const compare = (a: Edge, b: Edge): number =>
  a.value < b.value ? -1 : a.value > b.value ? 1 : a.after - b.after;

/** 1 if larger values of a KPI are worse, else -1. */
const worse = ({ better }: Kpi): 1 | -1 => better === "lower" ? 1 : -1;

/** Where a KPI begins to miss its target; `null` without one. */
function missedFrom(kpi: Kpi): Edge | null {
  return kpi.target === null ? null : { value: kpi.target * worse(kpi), after: 1 };
}

function spansOf(kpi: Kpi, rule: Part<Rule>, region: Region): Span[] {
  const interval = region.get(kpi.key);
  return interval === undefined ? [] : [{ rule, region, ...boundsOf(kpi, interval) }];
}

function boundsOf(kpi: Kpi, { low, high }: Interval): Pick<Span, "from" | "to" | "first" | "last"> {
  const sign = worse(kpi);
  const [first, last] = sign > 0 ? [low, high] : [high, low];
  return {
    first,
    last,
    from: first === null
      ? { value: -Infinity, after: 0 }
      : { value: sign * first.value, after: isOpen(first) ? 1 : 0 },
    to: last === null
      ? { value: Infinity, after: 1 }
      : { value: sign * last.value, after: isOpen(last) ? 0 : 1 },
  };
}

/** Values that miss a target and for which no rule fires, between what ends before and begins after. */
interface Gap {
  readonly before: Span | null;
  readonly next: Span | null;
}

/** The first gap from an edge on; `"all"` if there is nothing else. */
function firstGap(start: Edge, spans: readonly Span[]): Gap | "all" | null {
  const working = spans.filter(({ to }) => compare(to, start) > 0);
  if (working.length === 0) return "all";
  let reached = start;
  let before: Span | null = null;
  for (const next of working.toSorted((a, b) => compare(a.from, b.from))) {
    if (compare(next.to, reached) <= 0) continue;
    if (compare(next.from, reached) > 0 && !isSlight(reached, next.from)) return { before, next };
    reached = next.to;
    before = next;
  }
  return reached.value === Infinity ? null : { before, next: null };
}

/** A single value, or none between two counts: above 10 and from 11 on are the same for those. */
function isSlight(from: Edge, to: Edge): boolean {
  if (from.value === to.value) return true;
  return from.after === 1 && to.after === 0 && Number.isInteger(from.value) &&
    to.value === from.value + 1;
}

function gapProblem(kpi: Kpi, { before, next }: Gap): ProfileProblem {
  const misses = `${kpi.key} misses its target ${worse(kpi) > 0 ? "above" : "below"} ${kpi.target}`;
  const start = next?.first ?? null;
  const end = before?.last ?? null;
  if (next !== null && start !== null) {
    const message = end === null
      ? `${misses}, but rule ${next.rule.item.name} waits for ${shown(start)}: in between, the ` +
        "gate fails and nothing is tuned for it"
      : `${misses}, but no rule for it fires between ${shown(end)} and ${shown(start)}`;
    return warning(placeOf(next.rule, start), message);
  }
  const name = before?.rule.item.name ?? "";
  const message = `${misses}, but no rule for it fires beyond ${end === null ? "" : shown(end)}, ` +
    `where ${name} ends`;
  return warning(before === null || end === null ? "$.rules" : placeOf(before.rule, end), message);
}

function placeOf({ item, path }: Part<Rule>, condition: Condition): string {
  return `${path}.when[${item.when.indexOf(condition)}].value`;
}

/**
 * A rule that fires only while a KPI meets its target, when none does that works for it. With a
 * reason in another KPI it is one that does not want to make this one worse.
 */
function reversed(
  kpi: Kpi,
  spans: readonly Span[],
  byKey: ReadonlyMap<string, Kpi>,
): ProfileProblem[] {
  const suspect = spans.find((span) =>
    span.last !== null && (span.region.size === 1 || span.last.value === kpi.target) &&
    ![...span.region].some(([key, interval]) =>
      key !== kpi.key && isReason(byKey.get(key), interval)
    )
  );
  if (suspect === undefined || suspect.last === null) return [];
  const { rule, last } = suspect;
  const message = `rule ${rule.item.name} fires only while ${kpi.key} meets its target of ` +
    `${kpi.target} (${shown(last)}), and none fires when it misses it`;
  const remedy = 'is the operator the wrong way round, or "better" of the KPI?';
  return [warning(placeOf(rule, last).replace(/value$/, "op"), message, { remedy })];
}

/** Whether something may be wrong with a KPI where a rule fires. */
function isReason(kpi: Kpi | undefined, interval: Interval): boolean {
  const missed = kpi === undefined ? null : missedFrom(kpi);
  return kpi === undefined || missed === null || compare(boundsOf(kpi, interval).to, missed) > 0;
}
