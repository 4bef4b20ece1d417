/**
 * Verifies runs of the older reference implementation: no `SOAK_RUN.json`, increments instead of
 * targets, and neither runtimes nor effective parameters in the summaries. Such a record can be
 * disproven in places but never proven, and that is what comes out.
 *
 * @module
 */

import { join } from "@std/path/join";
import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import { decodeJson } from "../base/json.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { readRegularFile } from "../base/read_file.ts";
import { byGuard, type Guard } from "../model/guards.ts";
import { marketMaker } from "../model/market_maker.ts";
import { getAllParams, validateDeltas } from "../model/params.ts";
import { judgeKpis } from "../model/profile.ts";
import { RUNTIME_FILE, summaryFile, TUNING_REPORT_FILE } from "../record/artifacts.ts";
import { summaryNumbers } from "../record/summaries.ts";
import type { AuditSink } from "./audit_sink.ts";
import { type FindingCode, findingIn, found } from "./findings.ts";
import { isLegacySummary, type LegacyIteration, parseLegacySummary } from "./legacy_record.ts";
import type { Outcome } from "./outcome.ts";
import type { Tally } from "./verdict.ts";

/** What no run of that kind can prove. */
const UNPROVABLE = [
  "how the run was started: there is no SOAK_RUN.json, so it is read as an older one",
  "that a change took effect: no runtime is recorded with the iterations, so no hash can be " +
  "computed again and no change re-applied",
  "what the system ran with: no effective parameters are recorded",
  "which values were wanted: proposals are increments, not targets",
  "that a guard held: their settings are not recorded",
  "that the record is as it was written: no summary names the hash of the one before",
];

/** Tells whether a directory holds a run of the older implementation. */
export async function isLegacyRun(dir: string): Promise<boolean> {
  for (const number of await summaryNumbers(dir)) {
    const value = jsonOrError(join(dir, summaryFile(number)));
    if (!(value instanceof SoakError)) return isLegacySummary(value);
  }
  return false;
}

/** Verifies a run of the older implementation. */
export async function verifyLegacyRun(dir: string, tally: Tally): Promise<readonly string[]> {
  const auditor = new LegacyAuditor(tally);
  const times = new Set<string>();
  const report = await readLegacyReport(dir, tally);
  let before = 0;
  for (const number of await summaryNumbers(dir)) {
    if (number > before + 1) {
      const file = summaryFile(before + 1);
      tally.note("summary_missing", file, `nothing is there before ${summaryFile(number)}`);
      auditor.gap();
    }
    before = number;
    const record = readLegacySummary(dir, number, tally);
    if (record === null) {
      auditor.gap();
      continue;
    }
    if (times.size < 2) times.add(record.utc);
    auditor.take(record);
    compareWithReport(record, report, tally);
  }
  const runtime = await readJsonNoting(dir, RUNTIME_FILE, "runtime", tally);
  const wrong = runtime === null
    ? new Map()
    : await auditFinalRuntime(runtime, auditor.stateHash, tally);
  auditor.finish(wrong);
  return times.size === 1 && before > 1
    ? [...UNPROVABLE, "how much time passed: every iteration has the same runtime_utc"]
    : UNPROVABLE;
}

function jsonOrError(path: string): JsonValue | SoakError {
  try {
    return decodeJson(readRegularFile(path), path);
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return error;
    throw error;
  }
}

function readLegacySummary(dir: string, number: number, tally: Tally): LegacyIteration | null {
  const file = summaryFile(number);
  const path = join(dir, file);
  try {
    const record = parseLegacySummary(decodeJson(readRegularFile(path), path), path);
    if (record.iteration === number) return record;
    const told = `it says that it is of iteration ${record.iteration}`;
    tally.note("summary_misnumbered", file, told, number);
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    tally.note("summary_unreadable", file, error.message, number);
  }
  return null;
}

async function readJsonNoting(
  dir: string,
  file: string,
  what: "runtime" | "report",
  tally: Tally,
): Promise<{ readonly data: JsonObject; readonly fileHash: string } | null> {
  const path = join(dir, file);
  try {
    const bytes = readRegularFile(path);
    const data = decodeJson(bytes, path);
    if (isJsonObject(data)) return { data, fileHash: await sha256Hex(bytes) };
    tally.note(`${what}_unreadable`, file, "the file is not a JSON object");
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    if (error.cause instanceof Deno.errors.NotFound) {
      tally.note(`${what}_missing`, file, "the file is not there");
    } else {
      tally.note(`${what}_unreadable`, file, error.message);
    }
  }
  return null;
}

/** The report's entries by iteration; `null` if there is no such report. */
async function readLegacyReport(
  dir: string,
  tally: Tally,
): Promise<ReadonlyMap<JsonValue | undefined, JsonObject> | null> {
  const report = await readJsonNoting(dir, TUNING_REPORT_FILE, "report", tally);
  const entries = report?.data["iterations"];
  if (report === null) return null;
  if (!Array.isArray(entries)) {
    tally.note("report_unreadable", TUNING_REPORT_FILE, "there is no list of iterations in it");
    return null;
  }
  return new Map(entries.filter(isJsonObject).map((entry) => [entry["iteration"], entry]));
}

function compareWithReport(
  { iteration, applied, proposed, stateHash }: LegacyIteration,
  report: ReadonlyMap<JsonValue | undefined, JsonObject> | null,
  tally: Tally,
): void {
  if (report === null) return;
  const entry = report.get(iteration);
  const wrong = entry === undefined
    ? "it is not in the report"
    : entry["applied"] !== applied
    ? "applied differs"
    : (entry["state_hash"] ?? null) !== stateHash
    ? "state_hash differs"
    : canonicalJson(entry["proposed_deltas"] ?? {}) !== canonicalJson(proposed)
    ? "proposed_deltas differ"
    : null;
  if (wrong === null) return;
  const message = `the report and the summary are at odds: ${wrong}`;
  tally.note("report_mismatch", TUNING_REPORT_FILE, message, iteration);
}

/** Checks the runtime file; returns the parameters whose value is not acceptable. */
async function auditFinalRuntime(
  { data, fileHash }: { readonly data: JsonObject; readonly fileHash: string },
  stateHash: string | null,
  tally: Tally,
): Promise<ReadonlyMap<string, number>> {
  const canonicalHash = await sha256Hex(canonicalJson(data));
  if (stateHash !== null && stateHash !== fileHash && stateHash !== canonicalHash) {
    const message = "the runtime file is not the last recorded state";
    const finding = found("final_runtime_mismatch", message, stateHash, fileHash);
    tally.finding(findingIn(RUNTIME_FILE, null, finding));
  }
  const values = getAllParams(data, marketMaker.parameters);
  const problems = validateDeltas(values, marketMaker.parameters);
  for (const { message } of problems) tally.note("value_out_of_bounds", RUNTIME_FILE, message);
  return new Map(problems.map(({ key }) => [key, values[key] ?? NaN]));
}

/** A proposal whose end is not known yet. */
interface Waiting {
  readonly record: LegacyIteration;
  outcome: Outcome;
  reason: string;
}

const UNPROVEN_APPLIED = "said to be applied, but no runtime is recorded that shows it";

/** Judges the iterations of one older run, in order. */
class LegacyAuditor {
  readonly #sink: AuditSink;
  readonly #waiting: Waiting[] = [];
  /** The last iteration that was read; `null` before the first and after a gap. */
  #before: LegacyIteration | null = null;
  /** The last state hash that is known to stand; `null` if none is. */
  #state: string | null = null;

  /** Starts with where to report to. */
  constructor(sink: AuditSink) {
    this.#sink = sink;
  }

  /** State hash after the last iteration; `null` if the record does not tell. */
  get stateHash(): string | null {
    return this.#state;
  }

  /** Takes note that iterations are missing. */
  gap(): void {
    this.#before = null;
    this.#state = null;
  }

  /** Judges the next iteration. */
  take(record: LegacyIteration): void {
    const { verdict } = judgeKpis(marketMaker, record.kpis);
    this.#auditKpis(record, verdict);
    this.#auditState(record);
    const reasonHolds = this.#auditReason(record);
    if (Object.keys(record.proposed).length > 0) {
      this.#waiting.push({ record, ...judged(record, reasonHolds) });
    }
    const held = record.reason?.guards ?? [];
    this.#sink.seen({
      iteration: record.iteration,
      utc: record.utc,
      kpis: record.kpis,
      kpisMet: verdict === "PASS",
      guards: byGuard((guard) => held.includes(guard)),
      ranUnder: record.oldHash ?? "",
      stateHash: record.stateHash ?? "",
      applied: record.applied,
      profile: marketMaker,
    });
    this.#before = record;
    if (record.stateHash !== null || record.applied) this.#state = record.stateHash;
  }

  /** Judges the end. */
  finish(outOfBounds: ReadonlyMap<string, number>): void {
    const settled = new Set<string>();
    for (const waiting of this.#waiting.toReversed()) {
      if (!waiting.record.applied) continue;
      for (const key of Object.keys(waiting.record.proposed)) {
        const value = outOfBounds.get(key);
        if (value !== undefined && !settled.has(key) && waiting.outcome !== "fail") {
          waiting.outcome = "fail";
          waiting.reason = `${key} is ${value} in the final runtime, which is out of its bounds`;
        }
        settled.add(key);
      }
    }
    for (const { record, outcome, reason } of this.#waiting) {
      const { iteration, applied, proposed } = record;
      this.#sink.proposal({ iteration, proposedDeltas: proposed, applied, outcome, reason });
    }
  }

  #auditKpis({ iteration, kpis, kpiVerdict }: LegacyIteration, verdict: "PASS" | "FAIL"): void {
    const measured = marketMaker.kpis.every(({ key, target }) =>
      target === null || Object.hasOwn(kpis, key)
    );
    if (kpiVerdict === null || kpiVerdict === verdict || !measured) return;
    const { reasons } = judgeKpis(marketMaker, kpis);
    const why = reasons.length === 0 ? "" : `: ${reasons.join(", ")}`;
    const message = `by the market-maker targets the KPI values give ${verdict}${why}`;
    this.#report(iteration, "kpi_verdict_wrong", message, kpiVerdict, verdict);
  }

  #auditState({ iteration, oldHash, stateHash, applied, deltas }: LegacyIteration): void {
    if (oldHash === null || stateHash === null) {
      this.#report(iteration, "hash_missing", "old_hash or state_hash is not recorded");
    }
    if (oldHash !== null && this.#state !== null && oldHash !== this.#state) {
      const message = "old_hash is not the last state_hash before it, though nothing lies between";
      this.#report(iteration, "state_chain_broken", message, oldHash, this.#state);
      const before = this.#waiting.at(-1);
      if (before?.record === this.#before && before.record.applied) {
        before.outcome = "fail";
        before.reason = `iteration ${iteration} does not start from the state that it left`;
      }
    }
    if (applied && stateHash !== null && stateHash === oldHash) {
      const message = "a change is recorded as applied, yet state_hash equals old_hash";
      this.#report(iteration, "signature_stuck", message, stateHash);
    }
    if (!applied && oldHash !== null && stateHash !== null && stateHash !== oldHash) {
      const message = "nothing was applied, yet state_hash differs from old_hash";
      this.#report(iteration, "hash_changed_unapplied", message, stateHash, oldHash);
    }
    if (!applied && Object.keys(deltas).length > 0) {
      const message = "nothing was applied, yet deltas are recorded";
      this.#report(iteration, "deltas_without_apply", message, deltas);
    }
  }

  /** Whether the skip reason could be true. */
  #auditReason(record: LegacyIteration): boolean {
    const { iteration, applied, reason, proposed } = record;
    if (applied) {
      if (reason === null) return true;
      const message = "a change was applied, yet a skip reason is recorded";
      this.#report(iteration, "skip_reason_unneeded", message, reason.note);
      return false;
    }
    if (reason === null) {
      this.#report(iteration, "skip_reason_missing", "nothing was applied and no reason says why");
      return false;
    }
    const untrue = falsehood(reason.guards, proposed);
    if (untrue === null) return true;
    this.#report(iteration, "skip_reason_false", untrue, reason.note, proposed);
    return false;
  }

  #report(
    iteration: number,
    code: FindingCode,
    message: string,
    recorded?: unknown,
    recomputed?: unknown,
  ): void {
    const finding = found(code, message, recorded, recomputed);
    this.#sink.finding(findingIn(summaryFile(iteration), iteration, finding));
  }
}

/** Why a skip reason can't be true whatever happened before; `null` if it could be. */
function falsehood(
  guards: readonly Guard[],
  proposed: Readonly<Record<string, number>>,
): string | null {
  const moves = Object.values(proposed).some((increment) => increment !== 0);
  if (guards.length === 0) return "the reason names no guard";
  if (moves && guards.includes("no_op")) return "no_op is named, yet increments are not zero";
  const idle = guards.find((guard) => guard === "velocity" || guard === "oscillation");
  return !moves && idle !== undefined ? `${idle} is named, yet nothing was to move` : null;
}

function judged(
  { applied, oldHash, stateHash }: LegacyIteration,
  reasonHolds: boolean,
): { outcome: Outcome; reason: string } {
  if (!applied) {
    return reasonHolds
      ? { outcome: "unproven", reason: "held back, and the guard can't be recomputed" }
      : { outcome: "fail", reason: "not applied, and the skip reason does not hold up" };
  }
  return stateHash !== null && stateHash === oldHash
    ? { outcome: "fail", reason: "said to be applied, yet the state hash did not change" }
    : { outcome: "unproven", reason: UNPROVEN_APPLIED };
}
