/**
 * Makes run directories in the shape of the older reference implementation, with its defects:
 * increments in `proposed_deltas`, stored as if they were values; states that don't hang together;
 * reasons that don't hold up.
 *
 * @module
 */

import { join } from "@std/path";
import { sha256Hex } from "../../base/hash.ts";

/** One iteration, in short. */
interface Step {
  readonly increments: Readonly<Record<string, number>>;
  readonly applied: boolean;
  readonly reason: unknown;
  readonly hashes: readonly [string | null, string | null];
  readonly net: number;
  readonly verdict: string;
}

const NO_GUARD = { cooldown: false, velocity: false, oscillation: false, freeze: false };

/** Files of a run whose record contradicts itself, by name. */
export async function makeLegacyRun(): Promise<Record<string, string>> {
  const state = await Promise.all(["a", "b", "c"].map((text) => sha256Hex(text)));
  const [a = "", b = "", c = ""] = state;
  const noOp = { ...NO_GUARD, no_op: true, note: "no effective change" };
  const velocity = { ...NO_GUARD, velocity: true, no_op: false, note: "velocity cap exceeded" };
  const wide = { impact_cap_ratio: -0.01, tail_age_ms: 30 };
  const narrow = { min_interval_ms: 5 };
  const steps: Step[] = [
    { increments: wide, applied: true, reason: "", hashes: [a, b], net: -1, verdict: "FAIL" },
    { increments: wide, applied: false, reason: noOp, hashes: [a, a], net: 0, verdict: "FAIL" },
    { increments: narrow, applied: true, reason: "", hashes: [a, c], net: 1, verdict: "FAIL" },
    {
      increments: narrow,
      applied: false,
      reason: velocity,
      hashes: [null, null],
      net: 2,
      verdict: "PASS",
    },
    {
      increments: {},
      applied: false,
      reason: velocity,
      hashes: [null, null],
      net: 3,
      verdict: "PASS",
    },
    { increments: {}, applied: false, reason: noOp, hashes: [c, c], net: 3, verdict: "PASS" },
  ];
  const files: Record<string, string> = {};
  for (const [i, step] of steps.entries()) {
    files[`ITER_SUMMARY_${i + 1}.json`] = JSON.stringify(summaryOf(i + 1, step), null, 2);
  }
  const iterations = steps.map((step, i) => ({ iteration: i + 1, ...tuningOf(step) }));
  files["TUNING_REPORT.json"] = JSON.stringify({ iterations }, null, 2);
  const runtime = { risk: { impact_cap_ratio: -0.01 }, engine: { tail_age_ms: 30 } };
  files["runtime_overrides.json"] = JSON.stringify(runtime, null, 2);
  return files;
}

function tuningOf({ increments, applied, reason, hashes: [old, state] }: Step): object {
  return {
    applied,
    changed_keys: applied ? Object.keys(increments) : [],
    conditions: { net_bps: 1 },
    deltas: increments,
    old_hash: old,
    proposed_deltas: increments,
    rationale: "DRIVER: because",
    skip_reason: reason,
    state_hash: state,
  };
}

function summaryOf(iteration: number, step: Step, risk = 0.3): object {
  return {
    iteration,
    summary: {
      blocks: { total: 0 },
      fills: { maker_count: 1 },
      kpi_reasons: [],
      kpi_verdict: step.verdict,
      maker_taker_ratio: 0.9,
      net_bps: step.net,
      p95_latency_ms: 250,
      risk_ratio: risk,
      runtime_utc: "2025-01-01T12:00:00Z",
      slippage_bps: null,
    },
    tuning: tuningOf(step),
  };
}

/** How a run that stores its increments as values is to be. */
export interface StoringOptions {
  /** What is proposed and applied after the first and the third iteration. */
  readonly first?: Readonly<Record<string, number>>;
  /** As above. */
  readonly third?: Readonly<Record<string, number>>;
  /** The runtime before; its keys stand at the top. */
  readonly runtime?: Readonly<Record<string, number>>;
}

/** Where these scripts store what they are told to add. */
const GROUPS: Readonly<Record<string, string>> = {
  impact_cap_ratio: "risk",
  base_spread_bps_delta: "risk",
  tail_age_ms: "engine",
  min_interval_ms: "engine",
};

/**
 * Files of a run whose scripts store increments as values, by name. All its hashes are of states
 * that were there: of the bytes that the tuner wrote, without white space, or of those that were
 * written in between, with it.
 */
export async function makeStoringRun(
  options: StoringOptions = {},
): Promise<Record<string, string>> {
  const { runtime = { impact_cap_ratio: 0.1, min_interval_ms: 60, tail_age_ms: 600 } } = options;
  const { first = { impact_cap_ratio: -0.01, tail_age_ms: 30 } } = options;
  const { third = { min_interval_ms: 5, tail_age_ms: 30 } } = options;
  const noOp = { ...NO_GUARD, no_op: true, note: "no effective change" };
  const velocity = { ...NO_GUARD, velocity: true, no_op: false, note: "velocity cap exceeded" };
  const plan = [
    { increments: first, applied: true, reason: "" },
    { increments: first, applied: false, reason: noOp },
    { increments: third, applied: true, reason: "" },
    { increments: { min_interval_ms: 5 }, applied: false, reason: velocity, unhashed: true },
    { increments: {}, applied: false, reason: noOp },
    { increments: {}, applied: false, reason: noOp },
  ];
  const states: Record<string, unknown> = { ...runtime };
  const files: Record<string, string> = {};
  const entries: object[] = [];
  for (const [i, { increments, applied, reason, unhashed = false }] of plan.entries()) {
    const before = await sha256Hex(sorted(states, 2));
    if (applied) store(states, increments);
    const after = applied ? await sha256Hex(sorted(states)) : before;
    const hashes = unhashed ? [null, null] as const : [before, after] as const;
    const verdict = i < 2 ? "FAIL" : "PASS";
    const step = { increments, applied, reason, hashes, net: i, verdict };
    files[`ITER_SUMMARY_${i + 1}.json`] = JSON.stringify(summaryOf(i + 1, step, 0.68), null, 2);
    entries.push({ iteration: i + 1, ...tuningOf(step) });
  }
  files["TUNING_REPORT.json"] = JSON.stringify({ iterations: entries, summary: {} }, null, 2);
  files["runtime_overrides.json"] = sorted(states, 2);
  return files;
}

function store(runtime: Record<string, unknown>, increments: Readonly<Record<string, number>>) {
  for (const [key, value] of Object.entries(increments)) {
    const group = GROUPS[key] ?? "other";
    runtime[group] = { ...runtime[group] as object | undefined, [key]: value };
  }
}

/** JSON with its keys in order; indented by so many spaces, and none after a colon. */
function sorted(value: Readonly<Record<string, unknown>>, indent = 0): string {
  const ordered = JSON.stringify(
    value,
    (_, part) =>
      typeof part === "object" && part !== null
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
    indent,
  );
  return ordered.replaceAll('": ', '":');
}

if (import.meta.main) {
  const [dir] = Deno.args;
  if (dir === undefined) throw new Error("which directory?");
  await Deno.mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries(await makeStoringRun())) {
    await Deno.writeTextFile(join(dir, name), text);
  }
}
