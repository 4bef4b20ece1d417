/**
 * The records of the older reference implementation, as far as they are of use.
 *
 * @module
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { Shape } from "../base/shape.ts";
import { type Guard, GUARDS } from "../model/guards.ts";
import type { KpiValues } from "../model/profile.ts";

/** Why an older run says that nothing was applied. */
export interface LegacyReason {
  /** The guards that it names. */
  readonly guards: readonly Guard[];
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
  readonly proposed: Readonly<Record<string, number>>;
  /** Whether they are said to have been applied. */
  readonly applied: boolean;
  /** Increments that are said to have been applied. */
  readonly deltas: Readonly<Record<string, number>>;
  /** State hash before; `null` if it is not recorded. */
  readonly oldHash: string | null;
  /** State hash after; `null` if it is not recorded. */
  readonly stateHash: string | null;
  /** Why nothing was applied; `null` if that is not said. */
  readonly reason: LegacyReason | null;
}

/** Tells whether a summary was written by the older implementation. */
export function isLegacySummary(value: JsonValue): boolean {
  return isJsonObject(value) && isJsonObject(value["tuning"]) &&
    !Object.hasOwn(value, "previous_hash") && !Object.hasOwn(value, "runtime_overrides");
}

/** Reads a summary of an older run. */
export function parseLegacySummary(value: JsonValue, file: string): LegacyIteration {
  const shape = new Shape(value, file).object(["iteration", "summary", "tuning"], null);
  const summary = shape.get("summary").object([], null);
  const tuning = shape.get("tuning").object(["applied"], null);
  const verdict = summary.get("kpi_verdict").value;
  const utc = summary.get("runtime_utc").value;
  return {
    iteration: shape.get("iteration").integer(1),
    utc: typeof utc === "string" ? utc : "",
    kpis: kpisOf(summary),
    kpiVerdict: verdict === "PASS" || verdict === "FAIL" ? verdict : null,
    proposed: increments(tuning.get("proposed_deltas")),
    applied: tuning.get("applied").boolean(),
    deltas: increments(tuning.get("deltas")),
    oldHash: hash(tuning.get("old_hash")),
    stateHash: hash(tuning.get("state_hash")),
    reason: reasonOf(tuning.get("skip_reason")),
  };
}

function kpisOf(summary: Shape): KpiValues {
  const entries = Object.entries(summary.json())
    .filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return Object.fromEntries(entries);
}

function increments(shape: Shape): Readonly<Record<string, number>> {
  if (shape.value === undefined || shape.value === null) return {};
  return Object.fromEntries(shape.fields().map(([key, field]) => [key, field.number()]));
}

function hash(shape: Shape): string | null {
  return shape.value === undefined || shape.value === null || shape.value === ""
    ? null
    : shape.hash();
}

function reasonOf(shape: Shape): LegacyReason | null {
  const { value } = shape;
  if (value === undefined || value === null || value === "") return null;
  if (typeof value === "string") return { guards: [], note: value };
  const fields: JsonObject = shape.json();
  const note = fields["note"];
  return {
    guards: GUARDS.filter((guard) => Object.hasOwn(fields, guard) && fields[guard] === true),
    note: typeof note === "string" ? note : "",
  };
}
