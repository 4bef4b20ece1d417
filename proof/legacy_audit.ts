/**
 * Judges the iterations of an older run. What it finds is told once, however many iterations show
 * it; what its scripts do by design is no contradiction.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import { printable } from "../base/text.ts";
import { byGuard } from "../model/guards.ts";
import { marketMaker } from "../model/market_maker.ts";
import { getAllParams, validateDeltas } from "../model/params.ts";
import { judgeKpis } from "../model/profile.ts";
import { summaryFile, TUNING_REPORT_FILE } from "../record/artifacts.ts";
import type { AuditSink } from "./audit_sink.ts";
import { type FindingCode, findingIn, found } from "./findings.ts";
import type { Increments, LegacyEntry, LegacyIteration, LegacyReport } from "./legacy_record.ts";
import type { LegacyEnd } from "./legacy_runtime.ts";
import { isClose, storedAt } from "./legacy_states.ts";
import type { JudgedProposal, Outcome } from "./outcome.ts";
import type { OlderRun } from "./verdict.ts";

/** An older run, as far as it could be read. */
export interface LegacyRun {
  /** Its iterations in order; `null` where there is a gap. */
  readonly readings: readonly (LegacyIteration | null)[];
  /** Its report; `null` if it can't be compared with anything. */
  readonly report: LegacyReport | null;
  /** What it ends with. */
  readonly end: LegacyEnd;
}

/** Judges an older run. */
export function auditLegacy(run: LegacyRun, sink: AuditSink): OlderRun {
  const { readings, report, end } = run;
  const stored = storedIncrements(run);
  const cause = stored.size === 0 ? null : causeText(stored);
  if (cause !== null) {
    const message = `increments were stored as values: ${
      stored.size === 1 ? "a parameter holds its" : `${stored.size} parameters hold their`
    } last increment`;
    sink.finding(findingIn(end.file, null, found("increments_stored", message)));
  }
  const findings = new LegacyFindings();
  const auditor = new LegacyAuditor(run, stored, findings);
  for (const reading of readings) {
    if (reading === null) {
      auditor.gap();
      continue;
    }
    auditor.take(reading);
    if (report !== null) {
      compareWithReport(reading, report.entries.get(reading.iteration), findings);
    }
    see(reading, sink);
  }
  for (const iteration of report?.doubled ?? []) {
    findings.add(iteration, "report_mismatch", "it is in the report more than once");
  }
  for (const finding of findings.all()) sink.finding(finding);
  for (const proposal of auditor.proposals) sink.proposal(proposal);
  const records = readings.filter((reading) => reading !== null);
  return {
    cause,
    notes: [...endNotes(run, stored), ...auditor.notes(), ...kpiNotes(records)],
  };
}

/** The last increment of each parameter. */
function lastIncrements({ readings }: LegacyRun): ReadonlyMap<string, number> {
  return new Map(readings.flatMap((reading) => Object.entries(reading?.stored ?? {})));
}

/**
 * The parameters whose final value is their last increment; none unless one of them can't be a
 * value, for a proposal may well be of values.
 */
function storedIncrements(run: LegacyRun): ReadonlyMap<string, number> {
  const { runtime } = run.end;
  if (runtime === null) return new Map();
  const stored = new Map<string, number>();
  for (const [key, increment] of lastIncrements(run)) {
    const value = storedAt(runtime, key)?.value;
    if (value !== undefined && isClose(value, increment)) stored.set(key, value);
  }
  const impossible = validateDeltas(Object.fromEntries(stored), marketMaker.parameters)
    .some(({ code }) => code === "out_of_bounds");
  return impossible ? stored : new Map();
}

/** How many parameters a sentence names. */
const MAX_NAMED = 6;

function causeText(stored: ReadonlyMap<string, number>): string {
  const pairs = [...stored].map(([key, value], i) =>
    `${printable(key, 60)} ${i === 0 ? "is " : ""}${short(value)}`
  );
  return `increments were stored as values: ${listText(pairs)} in the final runtime`;
}

/** A number without the noise of decimal arithmetic. */
function short(value: number): string {
  return String(Number(value.toPrecision(12)));
}

/** "a, b and c"; of a long list the beginning. */
function listText(items: readonly string[]): string {
  const shown = items.length > MAX_NAMED
    ? [...items.slice(0, MAX_NAMED), `${items.length - MAX_NAMED} more`]
    : items;
  const last = shown.at(-1) ?? "";
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(", ")} and ${last}`;
}

/** What the final runtime says by itself. */
function endNotes(run: LegacyRun, stored: ReadonlyMap<string, number>): string[] {
  const { end } = run;
  if (end.runtime === null) return end.notes.slice();
  const twice = [...lastIncrements(run).keys()].flatMap((key) => twiceText(end.runtime ?? {}, key));
  const values = getAllParams(end.runtime, marketMaker.parameters);
  const beyond = validateDeltas(values, marketMaker.parameters)
    .filter(({ key }) => !stored.has(key)).map(({ message }) => message);
  return [
    ...end.notes,
    ...(twice.length === 0 ? [] : [
      `Twice in the runtime file, at the top and nested: ${
        listText(twice)
      }; which the system read ` +
      "is not recorded",
    ]),
    ...(beyond.length === 0 ? [] : [
      `Bounds: by those of the built-in profile, which may not be the run's, ${listText(beyond)}`,
    ]),
  ];
}

/** A parameter that stands at the top of a runtime as well, with another value. */
function twiceText(runtime: JsonObject, key: string): string[] {
  const at = storedAt(runtime, key);
  const flat = Object.hasOwn(runtime, key) ? runtime[key] : undefined;
  return at === null || at.path.length === 1 || typeof flat !== "number" || flat === at.value
    ? []
    : [`${printable(key, 60)} (${short(flat)}, ${short(at.value)})`];
}

/** How the run's KPI verdicts compare with those of a profile that it may never have seen. */
function kpiNotes(records: readonly LegacyIteration[]): string[] {
  const judged = records.filter(({ kpiVerdict }) => kpiVerdict !== null);
  if (judged.length === 0) return [];
  const passed = judged.filter(({ kpiVerdict }) => kpiVerdict === "PASS").length;
  const recorded =
    `KPIs: recorded as met in ${passed} of ${judged.length} iterations, by targets ` +
    "that are not recorded";
  const comparable = judged.filter(({ kpis }) =>
    marketMaker.kpis.every(({ key, target }) => target === null || Object.hasOwn(kpis, key))
  );
  if (comparable.length < judged.length) return [recorded];
  const ours = judged.filter(({ kpis }) => judgeKpis(marketMaker, kpis).verdict === "PASS").length;
  return [
    `${recorded}; by those of the built-in profile ${marketMaker.name} they are met in ${ours}`,
  ];
}

/** Passes an iteration on. A freeze is only claimed, and must not make a run ready for one. */
function see(record: LegacyIteration, sink: AuditSink): void {
  const held = record.reason?.guards ?? [];
  sink.seen({
    iteration: record.iteration,
    utc: record.utc,
    kpis: record.kpis,
    kpisMet: judgeKpis(marketMaker, record.kpis).verdict === "PASS",
    guards: byGuard((guard) => guard !== "freeze" && held.includes(guard)),
    ranUnder: record.oldHash ?? "",
    stateHash: record.stateHash ?? "",
    applied: record.applied,
    profile: marketMaker,
  });
}

function compareWithReport(
  record: LegacyIteration,
  entry: LegacyEntry | undefined,
  findings: LegacyFindings,
): void {
  const wrong = entry === undefined ? "it is not in the report" : difference(entry, record);
  if (wrong === null) return;
  const message = `the report and the summary are at odds: ${wrong}`;
  findings.add(record.iteration, "report_mismatch", message);
}

/** What an entry says otherwise than its summary; `null` if nothing. */
function difference(
  { applied, stateHash, proposed }: LegacyEntry,
  record: LegacyIteration,
): string | null {
  if (applied !== undefined && applied !== record.applied) return "applied differs";
  if (stateHash !== null && record.stateHash !== null && stateHash !== record.stateHash) {
    return "state_hash differs";
  }
  return proposed === undefined || (proposed !== null && areSame(proposed, record.proposed))
    ? null
    : "proposed_deltas differ";
}

function areSame(a: Increments, b: Increments): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

/** Findings of the same kind in several iterations, as one. */
class LegacyFindings {
  readonly #kinds = new Map<string, {
    readonly code: FindingCode;
    readonly message: string;
    readonly values: readonly [unknown, unknown];
    readonly iterations: number[];
  }>();

  /** Takes in what one iteration shows; of the values, the first iteration's are told. */
  add(
    iteration: number,
    code: FindingCode,
    message: string,
    recorded?: unknown,
    recomputed?: unknown,
  ): void {
    const name = `${code} ${message}`;
    const kind = this.#kinds.get(name);
    if (kind !== undefined) kind.iterations.push(iteration);
    else {
      const values = [recorded, recomputed] as const;
      this.#kinds.set(name, { code, message, values, iterations: [iteration] });
    }
  }

  /** All of them, each with the first iteration that shows it. */
  all(): ReturnType<typeof findingIn>[] {
    return [...this.#kinds.values()].map(({ code, message, values, iterations }) => {
      const first = iterations[0] ?? 0;
      const file = code === "report_mismatch" ? TUNING_REPORT_FILE : summaryFile(first);
      const where = iterations.length === 1 ? "" : ` (${iterationsText(iterations)})`;
      return findingIn(file, first, found(code, message + where, ...values));
    });
  }
}

/** "iteration 3", "iterations 4 to 6 and 9"; of a long list the beginning. */
function iterationsText(iterations: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const iteration of iterations) {
    const last = ranges.at(-1);
    if (last !== undefined && iteration === last[1] + 1) last[1] = iteration;
    else ranges.push([iteration, iteration]);
  }
  const texts = ranges.flatMap(([from, to]) =>
    from === to ? [`${from}`] : to === from + 1 ? [`${from}`, `${to}`] : [`${from} to ${to}`]
  );
  return `iteration${iterations.length === 1 ? "" : "s"} ${listText(texts)}`;
}

/** A proposal whose end may not be known yet. */
interface Waiting {
  readonly record: LegacyIteration;
  outcome: Outcome;
  reason: string;
}

const STORED = "its increments were stored as values";

/** Judges the iterations of one older run, in order. */
class LegacyAuditor {
  readonly #end: LegacyEnd;
  readonly #stored: ReadonlyMap<string, number>;
  readonly #findings: LegacyFindings;
  readonly #waiting: Waiting[] = [];
  /** The iteration that set each parameter last. */
  readonly #lastSetBy: ReadonlyMap<string, number>;
  /** What has been stored so far, by parameter. */
  readonly #values = new Map<string, number>();
  #changes = 0;
  /** The last iteration that was read; `null` before the first and after a gap. */
  #before: LegacyIteration | null = null;
  /** The last state hash that is known to stand; `null` if none is. */
  #state: string | null = null;
  readonly #rewritten: number[] = [];
  readonly #recomputed: number[] = [];

  /** Starts with the end, the parameters that hold increments, and where to report to. */
  constructor(
    { readings, end }: LegacyRun,
    stored: ReadonlyMap<string, number>,
    findings: LegacyFindings,
  ) {
    this.#end = end;
    this.#stored = stored;
    this.#findings = findings;
    this.#lastSetBy = new Map(
      readings.flatMap((reading) =>
        Object.keys(reading?.stored ?? {}).map((key) => [key, reading?.iteration ?? 0] as const)
      ),
    );
  }

  /** The proposals, judged. */
  get proposals(): readonly JudgedProposal[] {
    return this.#waiting.map(({ record: { iteration, applied, proposed }, outcome, reason }) => {
      return { iteration, proposedDeltas: proposed, applied, outcome, reason };
    });
  }

  /** Takes note that iterations are missing. */
  gap(): void {
    this.#before = null;
    this.#state = null;
  }

  /** Judges the next iteration. */
  take(record: LegacyIteration): void {
    this.#auditState(record);
    if (Object.keys(record.stored).length > 0) this.#changes++;
    for (const [key, value] of Object.entries(record.stored)) this.#values.set(key, value);
    const isProven = record.stateHash !== null &&
      this.#end.states?.isAfter(record.stateHash, this.#changes) === true;
    if (isProven) this.#recomputed.push(record.iteration);
    const [outcome, reason] = record.applied
      ? this.#judgeApplied(record, isProven)
      : this.#judgeSkipped(record);
    if (Object.keys(record.proposed).length > 0) this.#waiting.push({ record, outcome, reason });
    this.#before = record;
    if (record.stateHash !== null || record.applied) this.#state = record.stateHash;
  }

  /** What the recorded hashes prove, in sentences. */
  notes(): string[] {
    const notes: string[] = [];
    if (this.#changes > 0 && this.#recomputed.length > 0) {
      const what = this.#stored.size > 0 ? "increments stored as values" : "recorded deltas in it";
      const where = iterationsText(this.#recomputed);
      notes.push(`Recomputed: the state hashes of ${where}, those of a runtime with the ${what}`);
    }
    if (this.#rewritten.length > 0) {
      const where = iterationsText(this.#rewritten);
      const what = "something wrote the same values in another layout, which changed the hash";
      notes.push(`Rewritten: before ${where} ${what}`);
    }
    return notes;
  }

  #auditState({ iteration, applied, ...hashes }: LegacyIteration): void {
    const { oldHash, stateHash, summaryHash, recordedHash } = hashes;
    if (stateHash === null) {
      const message =
        "no SHA-256 is recorded as state hash: whether the state changed is not proven";
      this.#findings.add(iteration, "hash_missing", message, recordedHash);
    }
    if (stateHash !== null && summaryHash !== null && summaryHash !== stateHash) {
      const message = "summary.state_hash and tuning.state_hash are at odds";
      this.#findings.add(iteration, "summary_hash_mismatch", message, summaryHash, stateHash);
    }
    if (oldHash !== null && this.#state !== null && oldHash !== this.#state) {
      this.#auditChain(iteration, this.#state, oldHash);
    }
    if (!applied && oldHash !== null && stateHash !== null && !this.#areOne(oldHash, stateHash)) {
      const message = "nothing was applied, yet state_hash differs from old_hash";
      this.#findings.add(iteration, "hash_changed_unapplied", message, stateHash, oldHash);
    }
  }

  #auditChain(iteration: number, left: string, oldHash: string): void {
    if (this.#areOne(left, oldHash)) {
      this.#rewritten.push(iteration);
      return;
    }
    const message = "old_hash is not the last state_hash before it, though nothing lies between";
    this.#findings.add(iteration, "state_chain_broken", message, oldHash, left);
    const before = this.#waiting.at(-1);
    if (before?.record === this.#before && before.record.applied && before.outcome !== "fail") {
      before.reason = `iteration ${iteration} does not start from the state hash that it left`;
    }
  }

  #areOne(a: string, b: string): boolean {
    return a === b || this.#end.states?.same(a, b) === true;
  }

  #judgeApplied(record: LegacyIteration, isProven: boolean): [Outcome, string] {
    const { iteration, reason, stored, oldHash, stateHash } = record;
    if (reason !== null) {
      const message = "a change was applied, yet a skip reason is recorded";
      this.#findings.add(iteration, "skip_reason_unneeded", message, reason.note);
    }
    if (oldHash !== null && stateHash !== null && this.#areOne(oldHash, stateHash)) {
      const message = "a change is recorded as applied, yet the state is the one before";
      this.#findings.add(iteration, "signature_stuck", message, stateHash, oldHash);
      return ["fail", "said to be applied, yet the state did not change"];
    }
    const isLast = Object.keys(stored).some((key) =>
      this.#stored.has(key) && this.#lastSetBy.get(key) === iteration
    );
    if (this.#stored.size > 0 && (isProven || isLast)) return ["fail", STORED];
    if (isProven) {
      return ["unproven", "it was in the runtime file, but no measurement shows it in effect"];
    }
    return [
      "unproven",
      stateHash === null
        ? "said to be applied, but no SHA-256 is recorded as its state hash"
        : "said to be applied, but no runtime is recorded that shows it",
    ];
  }

  /** Judges what was held back: the skip reason may be untrue whatever happened before. */
  #judgeSkipped({ iteration, reason, proposed }: LegacyIteration): [Outcome, string] {
    const moves = Object.values(proposed).some((increment) => increment !== 0);
    const report = (code: FindingCode, message: string, recorded?: unknown): void =>
      this.#findings.add(iteration, code, message, recorded);
    if (reason === null) {
      if (moves) report("skip_reason_missing", "nothing was applied and no reason says why");
      return ["fail", "not applied, and no reason says why"];
    }
    const idle = reason.guards.find((guard) => guard === "velocity" || guard === "oscillation");
    if (reason.deniesAll) {
      report(
        "skip_reason_false",
        "the skip reason says of every guard that it is clear",
        reason.note,
      );
    } else if (!moves && idle !== undefined) {
      report("skip_reason_false", `${idle} is named, yet nothing was to move`, reason.note);
    } else if (moves && reason.guards.includes("no_op")) {
      if (this.#isStored(proposed)) {
        return ["fail", `held back as no_op, for ${STORED} before: they were there already`];
      }
      report("skip_reason_false", "no_op is named, yet increments are not zero", reason.note);
    } else return ["unproven", "held back, and the guard can't be recomputed"];
    return ["fail", "not applied, and the skip reason does not hold up"];
  }

  /** Whether the same increments have been stored before, so that to store them changes nothing. */
  #isStored(proposed: Increments): boolean {
    return this.#stored.size > 0 &&
      Object.entries(proposed).every(([key, value]) => this.#values.get(key) === value);
  }
}
