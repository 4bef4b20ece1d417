/**
 * The runtime file that an older run ended with: its scripts keep it in the run directory or one
 * level up.
 *
 * @module
 */

import { join } from "@std/path/join";
import { SoakError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import { decodeJson } from "../base/json.ts";
import { isJsonObject, type JsonObject } from "../base/json_value.ts";
import { readRegularFile } from "../base/read_file.ts";
import { RUNTIME_FILE } from "../record/artifacts.ts";
import { findingIn, found } from "./findings.ts";
import type { LegacyIteration } from "./legacy_record.ts";
import { type LegacyRuntime, LegacyStates } from "./legacy_states.ts";
import type { Tally } from "./verdict.ts";

/** The file one level up, as it is named from the run directory. */
const RUNTIME_ABOVE = `../${RUNTIME_FILE}`;

/** What became of reading a runtime file. */
type RuntimeReading =
  | { readonly kind: "read"; readonly runtime: LegacyRuntime }
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable"; readonly why: string };

function readRuntime(path: string): RuntimeReading {
  try {
    const bytes = readRegularFile(path);
    const data = decodeJson(bytes, path);
    return isJsonObject(data)
      ? { kind: "read", runtime: { data, bytes } }
      : { kind: "unreadable", why: "the file is not a JSON object" };
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    return error.cause instanceof Deno.errors.NotFound
      ? { kind: "missing" }
      : { kind: "unreadable", why: error.message };
  }
}

/** The file one level up is no part of the run: that it can't be read must not end anything. */
function readRuntimeAbove(dir: string): RuntimeReading {
  try {
    return readRuntime(join(dir, RUNTIME_ABOVE));
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
    return { kind: "unreadable", why: error.message };
  }
}

/** What an older run ends with. */
export interface LegacyEnd {
  /** The runtime file, as it is named from the run directory. */
  readonly file: string;
  /** What is in it; `null` if there is none that can be read. */
  readonly runtime: JsonObject | null;
  /** The states that lead up to it; `null` if they can't be known. */
  readonly states: LegacyStates | null;
  /** Where it was found, if that needs saying, in sentences. */
  readonly notes: readonly string[];
}

/** Finds the runtime file that the run ended with, in the run directory or one level up. */
export async function readLegacyEnd(
  dir: string,
  readings: readonly (LegacyIteration | null)[],
  tally: Tally,
): Promise<LegacyEnd> {
  const changes = readings.map((reading) => reading?.stored ?? {})
    .filter((stored) => Object.keys(stored).length > 0);
  const lastHash = lastStateHash(readings);
  const own = readRuntime(join(dir, RUNTIME_FILE));
  const above = readRuntimeAbove(dir);
  if (own.kind === "read") {
    const states = await LegacyStates.of(own.runtime, changes);
    const other = await compareAbove(above, states, lastHash);
    if (lastHash !== null && !states.isLast(lastHash)) {
      const hint = other === "last" ? `, but ${RUNTIME_ABOVE} is` : "";
      const message = `the runtime file is not the last recorded state${hint}`;
      const hash = await sha256Hex(own.runtime.bytes);
      const finding = found("final_runtime_mismatch", message, lastHash, hash);
      tally.finding(findingIn(RUNTIME_FILE, null, finding));
    }
    const notes = other === null || other === "same"
      ? []
      : [`Runtime file: the one in the run directory counts; ${RUNTIME_ABOVE} is another state`];
    return { file: RUNTIME_FILE, runtime: own.runtime.data, states, notes };
  }
  if (own.kind === "unreadable") {
    tally.note("runtime_unreadable", RUNTIME_FILE, own.why);
    return NO_END;
  }
  if (above.kind === "read") {
    const states = await LegacyStates.of(above.runtime, changes);
    if (lastHash === null || states.isLast(lastHash)) {
      const tie = lastHash === null
        ? "no state hash ties it to this run"
        : "it is the last recorded state";
      const notes = [`Runtime file: ${RUNTIME_ABOVE}, found one level up; ${tie}`];
      return { file: RUNTIME_ABOVE, runtime: above.runtime.data, states, notes };
    }
  }
  tally.note("runtime_missing", RUNTIME_FILE, missingWords(above));
  return NO_END;
}

const NO_END: LegacyEnd = { file: RUNTIME_FILE, runtime: null, states: null, notes: [] };

/** Where the runtime file was looked for. */
function missingWords(above: RuntimeReading): string {
  const here = "the file is not in the run directory";
  if (above.kind === "missing") return `${here}, nor one level up`;
  return above.kind === "read"
    ? `${here}, and ${RUNTIME_ABOVE} is not the last recorded state: it may be another run's`
    : `${here}, and the one above can't be read: ${above.why}`;
}

/** What a second runtime file, one level up, is to the one in the run directory. */
async function compareAbove(
  above: RuntimeReading,
  own: LegacyStates,
  lastHash: string | null,
): Promise<"same" | "last" | "other" | null> {
  if (above.kind !== "read") return null;
  const states = await LegacyStates.of(above.runtime, []);
  if (states.sharesLast(own)) return "same";
  return lastHash !== null && states.isLast(lastHash) ? "last" : "other";
}

/** The state hash that a run ends with; `null` if the record does not tell. */
function lastStateHash(readings: readonly (LegacyIteration | null)[]): string | null {
  let state: string | null = null;
  for (const reading of readings) {
    if (reading === null) state = null;
    else if (reading.stateHash !== null || reading.applied) state = reading.stateHash;
  }
  return state;
}
