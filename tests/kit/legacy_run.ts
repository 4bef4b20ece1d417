/**
 * Makes a run directory in the shape of the older reference implementation, with its defects:
 * increments in `proposed_deltas`, nothing really applied, reasons that don't hold up.
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

/** Files of such a run, by name. */
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

function summaryOf(iteration: number, step: Step): object {
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
      risk_ratio: 0.3,
      runtime_utc: "2025-01-01T12:00:00Z",
      slippage_bps: null,
    },
    tuning: tuningOf(step),
  };
}

if (import.meta.main) {
  const [dir] = Deno.args;
  if (dir === undefined) throw new Error("which directory?");
  await Deno.mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries(await makeLegacyRun())) {
    await Deno.writeTextFile(join(dir, name), text);
  }
}
