/**
 * Checks the chain of states: each runtime against the one before with its change re-applied.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { sha256Hex } from "../base/hash.ts";
import {
  firstDifference,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from "../base/json_value.ts";
import { utcText } from "../base/utc.ts";
import { type SettingProblem, settingProblems } from "../model/guard_settings.ts";
import {
  applyDeltas,
  getAllParams,
  type ParameterProblem,
  validateDeltas,
  validateRuntime,
} from "../model/params.ts";
import type { ParameterValues, Profile } from "../model/profile.ts";
import type { RealSystem } from "../model/system_spec.ts";
import { type Recorded, RUN_FILE, summaryFile } from "../record/artifacts.ts";
import type { IterationRecord, RunRecord } from "../record/records.ts";
import { found, type RecordFinding } from "./findings.ts";

/** A runtime with what follows from it, worked out once for as long as it stays. */
export interface State {
  /** The runtime. */
  readonly runtime: JsonObject;
  /** Its canonical text. */
  readonly text: string;
  /** The hash of that. */
  readonly hash: string;
  /** The parameters' values, by flat key. */
  readonly values: ParameterValues;
  /** What is wrong with them. */
  readonly problems: readonly ParameterProblem[];
  /** Which guard settings in it the profile does not allow. */
  readonly loosened: readonly SettingProblem[];
}

/** What one iteration leaves for the next to be compared with. */
export interface Expectation {
  /** The iteration's record. */
  readonly record: IterationRecord;
  /** The state that must come next, re-applied; `null` if the deltas can't be applied. */
  readonly next: State | null;
}

/** Works out the state of a runtime. */
export async function stateOf(runtime: JsonObject, profile: Profile): Promise<State> {
  const { parameters } = profile;
  const text = canonicalJson(runtime);
  const values = getAllParams(runtime, parameters);
  const problems = validateRuntime(runtime, parameters);
  const loosened = settingProblems(runtime, profile);
  return { runtime, text, hash: await sha256Hex(text), values, problems, loosened };
}

/** Whether two runtimes are the same; `false` may also mean that it takes the text to tell. */
export function sameRuntime(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return Object.is(a, b);
  }
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (!isJsonObject(a) || !isJsonObject(b) || keys.length !== others.length) return false;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? "";
    if (key !== others[i] || !sameRuntime(a[key], b[key])) return false;
  }
  return true;
}

/** Re-applies a change that is recorded as applied to the recorded runtime. */
export async function expectNext(
  record: IterationRecord,
  { profile }: RunRecord,
): Promise<Expectation> {
  const { deltas } = record.tuning;
  const { parameters } = profile;
  if (validateDeltas(deltas, parameters).length > 0) return { record, next: null };
  return {
    record,
    next: await stateOf(applyDeltas(record.runtime, deltas, parameters).runtime, profile),
  };
}

/** Checks that a record's bytes are canonical and that it names the record before it. */
export function auditRecordChain(
  { record, canonical }: Recorded<IterationRecord>,
  lastFileHash: string | null,
): RecordFinding[] {
  const findings: RecordFinding[] = [];
  if (!canonical) {
    findings.push(
      found("not_canonical", "the file is not in canonical form: another hand wrote it"),
    );
  }
  if (lastFileHash !== null && record.previousHash !== lastFileHash) {
    const before = record.iteration === 1 ? RUN_FILE : summaryFile(record.iteration - 1);
    findings.push(found(
      "record_chain_broken",
      `previous_hash is not the hash of ${before}: that file, or this one, was changed afterwards`,
      record.previousHash,
      lastFileHash,
    ));
  }
  return findings;
}

/**
 * Checks that a version stands in a summary only where another one went on with the run.
 *
 * @param before Version that made the record before; `null` after a gap.
 */
export function auditVersion(
  { toolVersion, incidents = [] }: IterationRecord,
  before: string | null,
  run: RunRecord,
): RecordFinding[] {
  if (toolVersion === run.toolVersion) {
    const message = "tool_version is the version that started the run, where none is recorded";
    return [found("version_at_odds", message, toolVersion, null)];
  }
  const changed = before !== null && before !== (toolVersion ?? run.toolVersion);
  const wasResumed = incidents.some(({ kind }) => kind === "resumed");
  if (!changed || wasResumed || run.system.kind === "mock") return [];
  const message = "another version made it than the record before, yet the run was not resumed";
  return [found("version_at_odds", message, toolVersion ?? null, before)];
}

/** Checks the recorded runtime, whose state is given, against what must be there. */
export function auditRuntime(
  record: IterationRecord,
  { text, hash }: State,
  expected: Expectation | null,
  run: RunRecord,
): RecordFinding[] {
  if (expected === null) {
    return record.iteration === 1 && hash !== run.initialHash
      ? [found(
        "initial_hash_mismatch",
        "the first runtime does not hash to SOAK_RUN.json's initial_hash",
        run.initialHash,
        hash,
      )]
      : [];
  }
  const findings: RecordFinding[] = [];
  const before = record.iteration - 1;
  if (hash !== expected.record.tuning.stateHash) {
    findings.push(found(
      "runtime_hash_mismatch",
      `runtime_overrides does not hash to the state_hash of iteration ${before}`,
      expected.record.tuning.stateHash,
      hash,
    ));
  }
  if (expected.next !== null && text !== expected.next.text) {
    findings.push(found(
      "runtime_not_next",
      `runtime_overrides is not that of iteration ${before} with its change re-applied` +
        differenceText(expected.next.runtime, record.runtime),
    ));
  }
  return findings;
}

/** Checks the hashes that an iteration records of its own step. */
export function auditHashes(
  record: IterationRecord,
  hash: string,
  { next }: Expectation,
): RecordFinding[] {
  const { applied, oldHash, stateHash } = record.tuning;
  const findings: RecordFinding[] = [];
  if (record.stateHash !== stateHash) {
    findings.push(found(
      "summary_hash_mismatch",
      "summary.state_hash and tuning.state_hash are at odds",
      record.stateHash,
      stateHash,
    ));
  }
  if (oldHash !== hash) {
    findings.push(found(
      "old_hash_mismatch",
      "tuning.old_hash is not the hash of runtime_overrides",
      oldHash,
      hash,
    ));
  }
  if (!applied && stateHash !== oldHash) {
    findings.push(found(
      "hash_changed_unapplied",
      "nothing was applied, yet state_hash differs from old_hash",
      stateHash,
      oldHash,
    ));
  } else if (applied && stateHash === oldHash) {
    findings.push(found(
      "signature_stuck",
      "a change is recorded as applied, yet state_hash equals old_hash",
      stateHash,
      next?.hash,
    ));
  } else if (applied && next !== null && stateHash !== next.hash) {
    findings.push(found(
      "state_hash_mismatch",
      "state_hash is not the hash of runtime_overrides with the deltas applied",
      stateHash,
      next.hash,
    ));
  }
  return findings;
}

/** Checks an iteration's time against the run's virtual clock, or the time before. */
export function auditTime(
  record: IterationRecord,
  lastTimeMs: number,
  run: RunRecord,
): RecordFinding[] {
  const timeMs = Date.parse(record.utc);
  const { system, startedUtc } = run;
  if (system.kind === "mock") {
    const wanted = Date.parse(startedUtc) + (record.iteration - 1) * system.iterationSeconds * 1000;
    // Compared as text: the clock gives one spelling of a time, and a run is the same to the byte.
    const spelt = utcText(wanted);
    return record.utc === spelt ? [] : [found(
      "time_wrong",
      "runtime_utc is not what the run's virtual clock gives",
      record.utc,
      spelt,
    )];
  }
  if (timeMs < lastTimeMs) {
    return [found(
      "time_backwards",
      "runtime_utc lies before that of the iteration before",
      record.utc,
      new Date(lastTimeMs).toISOString(),
    )];
  }
  const leastMs = 1000 * leastSeconds(record, system);
  // Times are cut off to ms, and so are timers; beyond that, no clock is taken at its word.
  if (timeMs - lastTimeMs >= 0.99 * leastMs - 50) return [];
  return [found(
    "time_too_short",
    "less time went by since the iteration before, or the start, than the recorded settings make it",
    timeMs - lastTimeMs,
    leastMs,
  )];
}

/**
 * The time that an iteration takes at least. A process waits before each but its first; and what a
 * service was measured in is an interval, while a measurement that failed may have had none.
 */
function leastSeconds(
  { iteration, failure, incidents = [] }: IterationRecord,
  system: RealSystem,
): number {
  const isFirst = iteration === 1 || incidents.some(({ kind }) => kind === "resumed");
  const pause = isFirst ? 0 : system.pauseSeconds;
  return system.kind === "service" && failure === null ? pause + system.intervalSeconds : pause;
}

/** The first place where two runtimes differ, as a clause; empty if they don't. */
export function differenceText(wanted: JsonObject, found: JsonObject): string {
  const difference = firstDifference(wanted, found);
  if (difference === null) return "";
  const { path, left, right } = difference;
  return `: ${path.replace(/^\$\.?/, "")} should be ${left}, is ${right}`;
}
