/**
 * A measurement of a real system: what it is, and reading one that a program wrote.
 *
 * @module
 */

import { SoakError, type SoakErrorOptions } from "../base/errors.ts";
import { decodeJson } from "../base/json.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { readRegularFile } from "../base/read_file.ts";
import { printable, shellWord } from "../base/text.ts";
import type { IncidentKind } from "../model/incident.ts";
import type { OnPhase } from "../model/phase.ts";
import type {
  KpiValues,
  Parameter,
  ParameterValue,
  ParameterValues,
  Profile,
} from "../model/profile.ts";
import { isReportable, kindText } from "../model/value.ts";
import { NO_SECRETS, type Secrets } from "./secrets.ts";

/** What the system is asked to run under. */
export interface MeasureRequest {
  /** Number of the iteration, from 1. */
  readonly iteration: number;
  /** The runtime in force. */
  readonly runtime: JsonObject;
  /** The file that holds it. */
  readonly runtimePath: string;
  /** The run directory. */
  readonly dir: string;
  /** Aborted when the run is to end after this iteration. */
  readonly signal: AbortSignal | undefined;
  /** Puts on record that an attempt is made; fails if the run directory is no longer the run's. */
  readonly onAttempt: () => Promise<void>;
  /**
   * Puts an incident on record, before anything comes of it; returns how often there was one of its
   * kind in this run so far.
   */
  readonly onIncident: (kind: IncidentKind, reason: string) => Promise<number>;
  /** Is told what happens now. */
  readonly onPhase: OnPhase;
}

/** What one iteration showed. */
export interface Measurement {
  /** KPIs by key; `null` where there is no value. */
  readonly kpis: KpiValues;
  /** What the system says it is running with, by flat parameter key. */
  readonly effectiveParams: ParameterValues;
  /** Why the iteration could not be measured; `null` if it was. */
  readonly failure: string | null;
}

/** A system under test. Disposing of it stops whatever it started. */
export interface System extends AsyncDisposable {
  /** Runs one iteration. */
  measure(request: MeasureRequest): Promise<Measurement | null>;
  /** Takes into account an iteration that an earlier process ran, under the given runtime. */
  fastForward(runtime: JsonObject): void;
  /** Text without the secrets of the system, fit for a record. */
  redact(text: string): string;
}

/** Values as they were read, whether from a file or from queries. */
export interface Reading {
  /** KPIs by key. */
  readonly kpis: Readonly<Record<string, number>>;
  /** Effective parameters by flat key. */
  readonly effectiveParams: ParameterValues;
}

/** A log that tells why something failed. */
export interface TellingLog {
  /** Where it is. */
  readonly path: string;
  /** Its last lines when it failed. */
  readonly last: string;
}

/** What else is known of a measurement that could not be taken. */
export interface MeasurementErrorOptions extends SoakErrorOptions {
  /** The log that tells more than that of the iteration, and its end by then. */
  readonly log?: TellingLog | undefined;
}

/** A measurement that could not be taken; it can be tried again. */
export class MeasurementError extends SoakError {
  /** The log that tells more than that of the iteration, if there is one. */
  readonly log: TellingLog | undefined;

  /** Says that a measurement could not be taken, and which log tells more. */
  constructor(what: string, { log, ...options }: MeasurementErrorOptions = {}) {
    super("system", what, options);
    this.log = log;
  }
}

/** Says that a measurement could not be taken. */
export function notMeasured(
  what: string,
  options: MeasurementErrorOptions = {},
): MeasurementError {
  return new MeasurementError(what, options);
}

/**
 * What to do once it is mended. What failed stays on record: where nothing is measured yet, a new
 * run costs no more and has a clean one.
 *
 * @param more What else may help.
 */
export function howToGoOn(
  { iteration, dir }: Pick<MeasureRequest, "iteration" | "dir">,
  more?: string,
): string {
  const resume = `soak run --resume --out ${shellWord(dir)}`;
  const notes = [
    ...(iteration > 1 ? ["the gate counts what failed"] : []),
    ...(more === undefined ? [] : [more]),
  ];
  return (iteration > 1 ? `mend it and go on with: ${resume}` : "mend it and start the run anew") +
    (notes.length === 0 ? "" : ` (${notes.join("; ")})`);
}

/** What a program reports that leaves everything to queries. */
const NOTHING: Reading = { kpis: {}, effectiveParams: {} };

/** The largest output that is read: 1 MiB. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** Which KPIs a program has to report; the others come from queries. */
export interface Wanted {
  /** Keys of KPIs that must be there. */
  readonly kpis: readonly string[];
  /** Parameters whose values may be there. */
  readonly params: readonly Parameter[];
}

/** What a program has to report itself. */
export function wantedFrom(profile: Profile, queried: boolean): Wanted {
  const own = <T extends { readonly key: string; readonly query?: string }>(all: readonly T[]) =>
    all.filter(({ query }) => !queried || query === undefined);
  return { kpis: own(profile.kpis).map(({ key }) => key), params: own(profile.parameters) };
}

/** Reads what a program wrote to `SOAK_OUTPUT`. */
export function readOutput(path: string, wanted: Wanted, secrets = NO_SECRETS): Reading {
  try {
    const bytes = readRegularFile(path, MAX_OUTPUT_BYTES);
    if (bytes.length === 0 && wanted.kpis.length === 0) return NOTHING;
    if (bytes.length === 0) throw notMeasured("SOAK_OUTPUT is empty");
    return decodeOutput(bytes, wanted, secrets);
  } catch (error) {
    if (!(error instanceof SoakError) || error instanceof MeasurementError) throw error;
    if (error.cause instanceof Deno.errors.NotFound) {
      if (wanted.kpis.length === 0) return NOTHING;
      throw notMeasured("nothing was written to SOAK_OUTPUT", { cause: error });
    }
    const what = error.where === undefined || error.where === printable(path)
      ? `SOAK_OUTPUT: ${error.what}`
      : `${error.where}: ${error.what}`;
    throw notMeasured(what, { cause: error });
  }
}

/** What is wrong is said of the document without secrets, for errors quote from it. */
function decodeOutput(bytes: Uint8Array, wanted: Wanted, secrets: Secrets): Reading {
  try {
    const { kpis, effectiveParams } = parseOutput(decodeJson(bytes, "SOAK_OUTPUT"), wanted);
    return { kpis, effectiveParams: withoutSecrets(effectiveParams, secrets) };
  } catch (error) {
    const shown = secrets.bytes(bytes);
    if (shown === bytes) throw error;
    parseOutput(decodeJson(shown, "SOAK_OUTPUT"), wanted);
    throw notMeasured("SOAK_OUTPUT has a secret where something else is expected");
  }
}

/** A text that the profile does not know may be anything, and is recorded. */
function withoutSecrets(values: ParameterValues, secrets: Secrets): ParameterValues {
  const shown = Object.entries(values).map(([key, value]) =>
    [key, typeof value === "string" ? secrets.text(value) : value] as const
  );
  return Object.fromEntries(shown);
}

/** Reads `{"kpis":{…},"effective_params":{…}}`. */
export function parseOutput(value: JsonValue, wanted: Wanted): Reading {
  if (!isJsonObject(value)) throw wrong("$", "an object", value);
  for (const field of Object.keys(value)) {
    if (field !== "kpis" && field !== "effective_params") {
      throw unknown("$", field, ["kpis", "effective_params"], "field");
    }
  }
  const kpis: [string, number][] = [];
  for (const [key, kpi] of entries(value, "kpis", wanted.kpis, "KPI")) {
    if (typeof kpi !== "number") throw wrong(`$.kpis.${key}`, "a number", kpi);
    kpis.push([key, kpi]);
  }
  const missing = wanted.kpis.find((key) => !kpis.some(([found]) => found === key));
  if (missing !== undefined) throw notMeasured(`SOAK_OUTPUT has no KPI ${missing}`);
  return { kpis: Object.fromEntries(kpis), effectiveParams: effectiveParams(value, wanted.params) };
}

function effectiveParams(document: JsonObject, wanted: readonly Parameter[]): ParameterValues {
  const field = "effective_params";
  const values: [string, ParameterValue][] = [];
  for (const [key, value] of entries(document, field, wanted.map(({ key }) => key), "parameter")) {
    const parameter = wanted.find((known) => known.key === key);
    if (parameter === undefined) continue;
    if (!isReportable(parameter, value)) {
      throw wrong(`$.${field}.${key}`, kindText(parameter), value);
    }
    values.push([key, value]);
  }
  return Object.fromEntries(values);
}

/** The fields of a part of the document, all of which are known. */
function entries(
  document: JsonObject,
  field: string,
  known: readonly string[],
  what: string,
): [string, JsonValue][] {
  const part = Object.hasOwn(document, field) ? document[field] : {};
  if (!isJsonObject(part)) throw wrong(`$.${field}`, "an object", part);
  const stray = Object.keys(part).find((key) => !known.includes(key));
  if (stray !== undefined) throw unknown(`$.${field}`, stray, known, what);
  return Object.entries(part);
}

function wrong(path: string, expected: string, value: JsonValue | undefined): MeasurementError {
  const found = value === undefined ? "nothing" : printable(JSON.stringify(value), 60);
  return notMeasured(`SOAK_OUTPUT: ${path}: expected ${expected}, found ${found}`);
}

function unknown(
  path: string,
  key: string,
  known: readonly string[],
  what: string,
): MeasurementError {
  const choices = known.length === 0 ? "none is expected" : `known: ${known.join(", ")}`;
  return notMeasured(
    `SOAK_OUTPUT: ${path}: there is no ${what} ${printable(JSON.stringify(key), 60)} (${
      printable(choices, 200)
    })`,
  );
}
