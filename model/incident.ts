/**
 * What happens to a real system while it is soaked, besides what is measured.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { changesToJson, type SettingsChange } from "./changed_settings.ts";

/**
 * A kind of incident:
 * - `died`: the service ended by itself; it was started again, at the latest by a resume;
 * - `failed`: an attempt to measure failed;
 * - `stopped`: the run ended by an error;
 * - `resumed`: it was gone on with, after an end of any kind ({@linkcode RESUMED_AFTER}).
 */
export type IncidentKind = "died" | "failed" | "stopped" | "resumed";

/** Every kind of incident. */
export const INCIDENT_KINDS: readonly IncidentKind[] = ["died", "failed", "stopped", "resumed"];

/** Something that happened, or the same several times in a row. */
export interface Incident {
  /** What happened. */
  readonly kind: IncidentKind;
  /** Why, or how, in one clause. */
  readonly reason: string;
  /** How often. */
  readonly times: number;
}

/** How often each kind of incident happened. */
export type IncidentCounts = Readonly<Record<IncidentKind, number>>;

/** Nothing happened. */
export const NO_INCIDENTS: IncidentCounts = { died: 0, failed: 0, stopped: 0, resumed: 0 };

/** A list that is longer counts on in its last entry of a kind, so that no record grows for ever. */
export const MAX_ENTRIES = 100;

/** What a run goes on after, in the words in which a resume is recorded. */
export const RESUMED_AFTER = {
  error: "after an error",
  finish: "after it was finished",
  interruption: "after an interruption",
  cutOff: "after an interruption that cut a measurement off",
  unknown: "after an end that is not on record",
} as const;

/** Adds to a list of incidents what happened next. */
export function withIncident(
  list: readonly Incident[],
  kind: IncidentKind,
  reason: string,
): readonly Incident[] {
  const same = (other: Incident): boolean => other.kind === kind;
  const again = list.at(-1)?.reason === reason && list.at(-1)?.kind === kind;
  const at = again || list.length >= MAX_ENTRIES ? list.findLastIndex(same) : -1;
  const counted = list[at];
  return counted === undefined
    ? [...list, { kind, reason, times: 1 }]
    : list.with(at, { kind, reason, times: counted.times + 1 });
}

/** What happened since a record, as far as that is on disk. */
export interface Pending {
  /** Hash of the record that it follows. */
  readonly previousHash: string;
  /** What happened. */
  readonly incidents: readonly Incident[];
  /** Which settings changed; left out if none did. */
  readonly settings?: readonly SettingsChange[];
}

/**
 * What of it the last record has not taken in; `null` if it follows neither that record nor the one
 * before, or is not what the last one took in.
 *
 * @param hash Hash of the last record.
 * @param last What the last record followed; `null` if it is the run's own.
 */
export function pendingAfter(
  { previousHash, incidents, settings }: Pending,
  hash: string,
  last: Pending | null,
): readonly Incident[] | null {
  if (previousHash === hash) return incidents;
  if (last === null || previousHash !== last.previousHash) return null;
  if (!areSame(settings ?? [], last.settings ?? [])) return null;
  if (isSame(incidents, last.incidents)) return [];
  // An error may still have come while the record was written.
  const { kind, reason } = incidents.at(-1) ?? { kind: "resumed", reason: "" };
  const isStop = kind === "stopped" &&
    isSame(incidents, withIncident(last.incidents, kind, reason));
  return isStop ? withIncident([], kind, reason) : null;
}

function areSame(a: readonly SettingsChange[], b: readonly SettingsChange[]): boolean {
  return canonicalJson(changesToJson(a)) === canonicalJson(changesToJson(b));
}

function isSame(a: readonly Incident[], b: readonly Incident[]): boolean {
  return a.length === b.length && a.every(({ kind, reason, times }, i) => {
    const other = b[i];
    return kind === other?.kind && reason === other.reason && times === other.times;
  });
}

/** Counts a list of incidents, on top of what was counted before. */
export function countIncidents(
  list: readonly Incident[],
  before: IncidentCounts = NO_INCIDENTS,
): IncidentCounts {
  const counts = { ...before };
  for (const { kind, times } of list) counts[kind] += times;
  return counts;
}

/** Incidents in words: `2 deaths, 1 failed measurement`; `none` if there are none. */
export function incidentText({ died, failed, stopped, resumed }: IncidentCounts): string {
  const parts = [
    ...(died > 0 ? [amount(died, "death")] : []),
    ...(failed > 0 ? [amount(failed, "failed measurement")] : []),
    ...(stopped > 0 ? [`stopped by an error ${often(stopped)}`] : []),
    ...(resumed > 0 ? [`resumed ${often(resumed)}`] : []),
  ];
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** So many of something: `no restart`, `1 restart`, `2 restarts`. */
export function amount(count: number, noun: string): string {
  return count === 0 ? `no ${noun}` : count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** How often: `once`, `3 times`. */
export function often(times: number): string {
  return times === 1 ? "once" : `${times} times`;
}
