/**
 * Checks the chain of states: each runtime against the one before with its change re-applied.
 *
 * @module
 */

import {
  type IterationRecord,
  type Recorded,
  RUN_FILE,
  type RunRecord,
  summaryFile,
} from "./artifacts.ts";
import { found, type RecordFinding } from "./findings.ts";
import { canonicalJson, type JsonObject, sha256Hex } from "./jsonx.ts";
import { applyDeltas, validateDeltas } from "./params.ts";

/** What one iteration leaves for the next to be compared with. */
export interface Expectation {
  /** The iteration's record. */
  readonly record: IterationRecord;
  /** The runtime that must come next, re-applied; `null` if the deltas can't be applied. */
  readonly next:
    | { readonly runtime: JsonObject; readonly text: string; readonly hash: string }
    | null;
}

/** Re-applies a recorded change to the recorded runtime, whose canonical text and hash are given. */
export async function expectNext(
  record: IterationRecord,
  text: string,
  hash: string,
  run: RunRecord,
): Promise<Expectation> {
  const { applied, deltas } = record.tuning;
  if (!applied) return { record, next: { runtime: record.runtime, text, hash } };
  const { parameters } = run.profile;
  if (validateDeltas(deltas, parameters).length > 0) return { record, next: null };
  const runtime = applyDeltas(record.runtime, deltas, parameters);
  const nextText = canonicalJson(runtime);
  return { record, next: { runtime, text: nextText, hash: await sha256Hex(nextText) } };
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

/** Checks the recorded runtime, given as canonical text and hash, against what must be there. */
export function auditRuntime(
  record: IterationRecord,
  text: string,
  hash: string,
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
        firstDifference(expected.next.runtime, record.runtime),
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
    return timeMs === wanted ? [] : [found(
      "time_wrong",
      "runtime_utc is not what the run's virtual clock gives",
      record.utc,
      new Date(wanted).toISOString(),
    )];
  }
  return timeMs >= lastTimeMs ? [] : [found(
    "time_backwards",
    "runtime_utc lies before that of the iteration before",
    record.utc,
    new Date(lastTimeMs).toISOString(),
  )];
}

/** The first place where two runtimes differ, as a clause; empty if they don't. */
export function firstDifference(wanted: unknown, found: unknown, path = ""): string {
  if (Object.is(wanted, found)) return "";
  if (isPlain(wanted) && isPlain(found)) {
    for (const key of [...new Set([...Object.keys(wanted), ...Object.keys(found)])].sort()) {
      const difference = firstDifference(
        Object.hasOwn(wanted, key) ? wanted[key] : undefined,
        Object.hasOwn(found, key) ? found[key] : undefined,
        path === "" ? key : `${path}.${key}`,
      );
      if (difference !== "") return difference;
    }
    return "";
  }
  const [a, b] = [JSON.stringify(wanted) ?? "nothing", JSON.stringify(found) ?? "nothing"];
  return a === b ? "" : `: ${path} should be ${a}, is ${b}`;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
