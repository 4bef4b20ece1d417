/**
 * The KPIs of the last iterations: a verdict, and whether the configuration is ready to freeze.
 *
 * @module
 */

import { byGuard, type Guard } from "../model/guards.ts";
import type { Profile } from "../model/profile.ts";
import type { IterationFacts } from "../proof/audit_sink.ts";

/** Statistics of one KPI over the window; `null` where it was never measured. */
export interface KpiStatistics {
  /** Arithmetic mean. */
  readonly mean: number | null;
  /** Median. */
  readonly median: number | null;
  /** Smallest value. */
  readonly min: number | null;
  /** Largest value. */
  readonly max: number | null;
  /** Where the values are going, as far as they stand out from their scatter. */
  readonly trend: "rising" | "falling" | "flat";
}

/** `POST_SOAK_SNAPSHOT.json`. */
export interface Snapshot {
  /** Version of this shape. */
  readonly schema_version: 1;
  /** PASS, WARN or FAIL by how many iterations of the window met every KPI. */
  readonly verdict: "PASS" | "WARN" | "FAIL";
  /** How many iterations of the window met every KPI. */
  readonly pass_count_last8: number;
  /** Which iterations of the window did not. */
  readonly missed_last8: readonly number[];
  /** How many iterations in a row, up to the last one, did not. */
  readonly misses_at_end: number;
  /** Iterations of the window under the state that the run ends with, and how many met every KPI. */
  readonly final_state: { readonly iterations: number; readonly on_target: number };
  /** Iterations in the run. */
  readonly iterations_total: number;
  /** Iterations in the window. */
  readonly iterations_analyzed: number;
  /** How many of the run's first iterations are not judged. */
  readonly warmup: number;
  /** Statistics by KPI. */
  readonly kpi_last8: Readonly<Record<string, KpiStatistics>>;
  /** In how many iterations of the window each guard held. */
  readonly guards_last8: Readonly<Record<Guard, number>>;
  /**
   * Whether the configuration settled: the verdict is not FAIL, the freeze was entered within the
   * window, the state that the run ends with was on target in most of its iterations there, and the
   * last {@linkcode MISSES_AT_END} iterations did not all miss a KPI.
   */
  readonly freeze_ready: boolean;
  /** KPI values in the window that stand far out from the others. */
  readonly anomalies_count: number;
  /** How often the window came back to a state that it had left before. */
  readonly signature_loops: number;
  /** First and last time in the window, UTC; `null` when it is empty. */
  readonly time_range: { readonly from: string; readonly to: string } | null;
}

/**
 * So many misses in a row at the end are not taken for noise: where a quarter misses, which is
 * what a window of 8 lets pass, chance makes them once in 64 runs.
 */
export const MISSES_AT_END = 3;

/** A value further than this many deviations from the median is an anomaly. */
const ANOMALY_DEVIATIONS = 5;

/** The least deviation that is reckoned with, as a share of the median. */
const LEAST_DEVIATION = 0.005;

/** Makes the median absolute deviation comparable with a standard deviation. */
const MAD_TO_SIGMA = 1.4826;

/** The smallest number out of `n` whose share is at least `part` of `whole`. */
export function leastOf(n: number, part: number, whole: number): number {
  return Math.ceil(n * part / whole);
}

/** The last iterations of a run, as they come in. */
export class SnapshotWindow {
  readonly #profile: Profile;
  readonly #window: IterationFacts[] = [];
  #total = 0;

  /** Starts empty, with the profile's window and KPIs. */
  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** Takes in the next iteration. */
  take(facts: IterationFacts): void {
    this.#total++;
    this.#window.push(facts);
    if (this.#window.length > this.#profile.gate.window) this.#window.shift();
  }

  /** The snapshot of what came in so far; of a warm-up, nothing is in the window. */
  snapshot(warmup = 0): Snapshot {
    const window = this.#window.filter(({ iteration }) => iteration > warmup);
    const { gate, kpis } = this.#profile;
    const n = window.length;
    const missed = window.filter(({ kpisMet }) => !kpisMet).map(({ iteration }) => iteration);
    const passed = n - missed.length;
    const isEnough = (least: number): boolean => n > 0 && passed >= leastOf(n, least, gate.window);
    const verdict = isEnough(gate.pass) ? "PASS" : isEnough(gate.warn) ? "WARN" : "FAIL";
    const final = window.filter(({ ranUnder }) => ranUnder === window.at(-1)?.stateHash);
    const finalMet = final.filter(({ kpisMet }) => kpisMet).length;
    const misses = n - 1 - window.findLastIndex(({ kpisMet }) => kpisMet);
    const guards = byGuard((guard) => window.filter(({ guards }) => guards[guard]).length);
    const series = kpis.map(({ key }) => [key, valuesOf(window, key)] as const);
    const [first, last] = [window[0], window.at(-1)];
    return {
      schema_version: 1,
      verdict,
      pass_count_last8: passed,
      missed_last8: missed,
      misses_at_end: misses,
      final_state: { iterations: final.length, on_target: finalMet },
      iterations_total: this.#total,
      iterations_analyzed: n,
      warmup,
      kpi_last8: Object.fromEntries(series.map(([key, values]) => [key, statistics(values)])),
      guards_last8: guards,
      freeze_ready: verdict !== "FAIL" && misses < MISSES_AT_END && guards.freeze > 0 &&
        finalMet > final.length / 2,
      anomalies_count: series.reduce((sum, [, values]) => sum + anomalies(values), 0),
      signature_loops: loops(window.map(({ stateHash }) => stateHash)),
      time_range: first === undefined || last === undefined
        ? null
        : { from: first.utc, to: last.utc },
    };
  }
}

/**
 * Takes a snapshot of a run's last iterations.
 *
 * @param iterations All iterations, in order; only the profile's window of them is kept.
 * @param profile The profile with the window, the KPIs and the thresholds.
 * @param warmup How many of the run's first iterations are not judged.
 * @returns The snapshot.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { marketMaker } from "../model/market_maker.ts";
 *
 * const guards = { freeze: true, oscillation: false, velocity: false, cooldown: false, no_op: true };
 * const iterations = Array.from({ length: 10 }, (_, i) => ({
 *   iteration: i + 1,
 *   utc: "2025-01-01T00:00:00Z",
 *   kpis: { risk_ratio: 0.3 },
 *   kpisMet: i >= 4,
 *   guards,
 *   ranUnder: "",
 *   stateHash: "",
 * }));
 * const { verdict, pass_count_last8, freeze_ready } = takeSnapshot(iterations, marketMaker);
 * assertEquals({ verdict, pass_count_last8, freeze_ready }, {
 *   verdict: "PASS",
 *   pass_count_last8: 6,
 *   freeze_ready: true,
 * });
 * ```
 */
export function takeSnapshot(
  iterations: Iterable<IterationFacts>,
  profile: Profile,
  warmup = 0,
): Snapshot {
  const window = new SnapshotWindow(profile);
  for (const facts of iterations) window.take(facts);
  return window.snapshot(warmup);
}

/** Whether the window is all that a warm-up leaves of the run. */
export function isAllAfterWarmUp(
  { iterations_analyzed, iterations_total, warmup }: Snapshot,
): boolean {
  return warmup > 0 && iterations_analyzed === iterations_total - warmup;
}

/** The iterations of the window in words: `the last 8`, `the 4 after a warm-up of 4`. */
export function windowText(snapshot: Snapshot): string {
  const { iterations_analyzed: n, warmup } = snapshot;
  return isAllAfterWarmUp(snapshot) ? `the ${n} after a warm-up of ${warmup}` : `the last ${n}`;
}

function valuesOf(window: readonly IterationFacts[], key: string): number[] {
  return window.flatMap(({ kpis }) => {
    const value = Object.hasOwn(kpis, key) ? kpis[key] : null;
    return value === null || value === undefined ? [] : [value];
  });
}

function statistics(values: readonly number[]): KpiStatistics {
  if (values.length === 0) return { mean: null, median: null, min: null, max: null, trend: "flat" };
  return {
    mean: mean(values),
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    trend: trend(values),
  };
}

/** The mean, also of values whose sum is beyond what a number can hold. */
function mean(values: readonly number[]): number {
  const plain = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Number.isFinite(plain)
    ? plain
    : values.reduce((sum, value) => sum + value / values.length, 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return Number.isInteger(middle) ? mean([sorted[middle - 1] ?? NaN, upper]) : upper;
}

/** A least-squares line that rises or falls by more than twice the scatter around it. */
function trend(unscaled: readonly number[]): KpiStatistics["trend"] {
  const n = unscaled.length;
  const scale = Math.max(...unscaled.map(Math.abs));
  if (n < 3 || scale === 0) return "flat";
  const values = unscaled.map((value) => value / scale);
  const meanX = (n - 1) / 2;
  const meanY = values.reduce((sum, y) => sum + y, 0) / n;
  let [xx, xy] = [0, 0];
  for (const [x, y] of values.entries()) {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * (y - meanY);
  }
  const slope = xy / xx;
  const residuals = values.map((y, x) => y - meanY - slope * (x - meanX));
  const scatter = Math.sqrt(residuals.reduce((sum, r) => sum + r * r, 0) / (n - 2));
  const change = slope * (n - 1);
  if (Math.abs(change) <= 2 * scatter || change === 0) return "flat";
  return change > 0 ? "rising" : "falling";
}

function anomalies(values: readonly number[]): number {
  if (values.length < 3) return 0;
  const middle = median(values);
  const scatter = median(values.map((value) => Math.abs(value - middle))) * MAD_TO_SIGMA;
  // Values that hardly differ must not make anomalies of each other.
  const deviation = Math.max(scatter, Math.abs(middle) * LEAST_DEVIATION);
  if (deviation === 0) return values.filter((value) => value !== middle).length;
  return values.filter((value) => Math.abs(value - middle) > ANOMALY_DEVIATIONS * deviation).length;
}

function loops(hashes: readonly string[]): number {
  const left = new Set<string>();
  let count = 0;
  for (const [i, hash] of hashes.entries()) {
    const before = hashes[i - 1];
    if (before === undefined || hash === before) continue;
    left.add(before);
    if (left.has(hash)) count++;
  }
  return count;
}
