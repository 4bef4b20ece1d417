/**
 * The records of the older reference implementation, as far as they are of use.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { Shape } from "../base/shape.ts";
import { type Guard, GUARDS } from "../model/guards.ts";
import type { KpiValues } from "../model/profile.ts";

/** Changes of parameters by flat key: what these scripts propose. */
export type Increments = Readonly<Record<string, number>>;

/** Why an older run says that nothing was applied. */
export interface LegacyReason {
  /** The guards that it flags; none where it is a bare text. */
  readonly guards: readonly Guard[];
  /** Whether it says of every guard that it does not hold. */
  readonly deniesAll: boolean;
  /** Its note, or a bare text that stands for all of it. */
  readonly note: string;
}

/** One iteration of an older run. */
export interface LegacyIteration {
  /** Its number. */
  readonly iteration: number;
  /** When, as it says. */
  readonly utc: string;
  /** Numbers among the summary's fields, by name. */
  readonly kpis: KpiValues;
  /** The verdict; `null` if it gives none of ours. */
  readonly kpiVerdict: "PASS" | "FAIL" | null;
  /** Increments that were proposed. */
  readonly proposed: Increments;
  /** Whether they are said to have been applied. */
  readonly applied: boolean;
  /** Increments that are said to have been applied; empty if none were. */
  readonly stored: Increments;
  /** State hash before; `null` if no SHA-256 is recorded as such. */
  readonly oldHash: string | null;
  /** State hash after; `null` if no SHA-256 is recorded as such. */
  readonly stateHash: string | null;
  /** The state hash after in the summary's other place; `null` if no SHA-256 is there. */
  readonly summaryHash: string | null;
  /** What stands where the state hash after belongs. */
  readonly recordedHash: JsonValue;
  /** Why nothing was applied; `null` if that is not said. */
  readonly reason: LegacyReason | null;
}

/** Tells whether a summary was written by the older implementation. */
export function isLegacySummary(value: JsonValue): boolean {
  return isJsonObject(value) && isJsonObject(value["tuning"]) &&
    !Object.hasOwn(value, "previous_hash") && !Object.hasOwn(value, "effective_params");
}

/** Reads a summary of an older run. */
export function parseLegacySummary(value: JsonValue, file: string): LegacyIteration {
  const shape = new Shape(value, file).object(["iteration", "summary", "tuning"], null);
  const summary = shape.get("summary").object([], null);
  const tuning = shape.get("tuning").object(["applied"], null);
  const applied = tuning.get("applied").boolean();
  const deltas = increments(tuning.get("deltas"));
  const proposed = proposedIn(tuning);
  const utc = summary.get("runtime_utc").value;
  const verdict = summary.get("kpi_verdict").value;
  const tuningHash = sha256In(tuning.get("state_hash").value);
  const summaryHash = sha256In(summary.get("state_hash").value);
  return {
    iteration: shape.get("iteration").integer(1),
    utc: typeof utc === "string" ? utc : "",
    kpis: kpisOf(summary),
    kpiVerdict: verdict === "PASS" || verdict === "FAIL" ? verdict : null,
    proposed,
    applied,
    // What is suggested and then skipped stands in `deltas` as well.
    stored: applied ? firstOf(deltas, proposed) : {},
    oldHash: sha256In(tuning.get("old_hash").value),
    stateHash: tuningHash ?? summaryHash,
    summaryHash,
    recordedHash: tuning.get("state_hash").value ?? summary.get("state_hash").value ?? null,
    reason: reasonOf(tuning.get("skip_reason").value),
  };
}

/** What an entry of an older run's report says of its iteration. */
export interface LegacyEntry {
  /** What it says of whether the proposal was applied; `undefined` if nothing. */
  readonly applied: JsonValue | undefined;
  /** State hash after; `null` if no SHA-256 is recorded as such. */
  readonly stateHash: string | null;
  /** Increments that were proposed; `undefined` if none are named, `null` if they can't be read. */
  readonly proposed: Increments | null | undefined;
}

/** An older run's report: its entries by iteration, and whether one is given twice. */
export interface LegacyReport {
  /** Entries by iteration. */
  readonly entries: ReadonlyMap<number, LegacyEntry>;
  /** Iterations with more than one entry. */
  readonly doubled: readonly number[];
}

/**
 * Reads a report of an older run: an object with a list of iterations, or such a list alone. Where
 * no entry says which iteration it is of, they are numbered as they come. What is neither is an
 * error of kind `"artifact"`.
 */
export function parseLegacyReport(value: JsonValue, file: string): LegacyReport {
  const shape = new Shape(value, file);
  const list = Array.isArray(value) ? shape : shape.object(["iterations"], null).get("iterations");
  const items = list.items().map((item) => item.object([], null));
  const numbered = items.some((item) => item.has("iteration"));
  const entries = new Map<number, LegacyEntry>();
  const doubled = new Set<number>();
  for (const [i, item] of items.entries()) {
    const iteration = numbered ? item.get("iteration").integer(1) : i + 1;
    if (entries.has(iteration)) doubled.add(iteration);
    else entries.set(iteration, entryOf(item));
  }
  return { entries, doubled: [...doubled] };
}

function entryOf(item: Shape): LegacyEntry {
  return {
    applied: item.get("applied").value,
    stateHash: sha256In(item.get("state_hash").value),
    proposed: PROPOSED.some((name) => item.has(name)) ? proposedOrNull(item) : undefined,
  };
}

function proposedOrNull(item: Shape): Increments | null {
  try {
    return proposedIn(item);
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return null;
    throw error;
  }
}

/** A proposal stands under one of three names, according to the script's version. */
const PROPOSED = ["proposed_deltas", "suggested_deltas", "deltas"];

function proposedIn(tuning: Shape): Increments {
  return firstOf(...PROPOSED.map((name) => increments(tuning.get(name))));
}

/** The first that is not empty. */
function firstOf(...all: readonly Increments[]): Increments {
  return all.find((one) => Object.keys(one).length > 0) ?? {};
}

function kpisOf(summary: Shape): KpiValues {
  const entries = Object.entries(summary.json())
    .filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return Object.fromEntries(entries);
}

function increments(shape: Shape): Increments {
  if (shape.value === undefined || shape.value === null) return {};
  return Object.fromEntries(shape.fields().map(([key, field]) => [key, field.number()]));
}

/** A SHA-256 in hex, of either case; `null` for whatever else stands there. */
function sha256In(value: JsonValue | undefined): string | null {
  return typeof value === "string" && /^[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : null;
}

function reasonOf(value: JsonValue | undefined): LegacyReason | null {
  if (value === undefined || value === null || value === "") return null;
  if (isJsonObject(value)) return reasonIn(value);
  const note = typeof value === "string" ? value : canonicalJson(value);
  return { guards: [], deniesAll: false, note };
}

function reasonIn(fields: JsonObject): LegacyReason | null {
  const flags = GUARDS.filter((guard) => Object.hasOwn(fields, guard));
  const guards = flags.filter((guard) => fields[guard] === true);
  const note = typeof fields["note"] === "string" ? fields["note"] : "";
  if (guards.length === 0 && note === "") return null;
  return { guards, deniesAll: flags.length > 0 && guards.length === 0, note };
}
