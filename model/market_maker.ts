/**
 * The built-in profile of an auto-tuned market-making bot.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import {
  type Action,
  type Condition,
  DEFAULT_GATE,
  DEFAULT_GUARDS,
  type Kpi,
  type NumberParameter,
  type Profile,
  type Rule,
} from "./profile.ts";

function parameter(
  path: string,
  kind: NumberParameter["kind"],
  [min, max, step]: readonly [number, number, number],
  unit: string,
  initial: number,
  description: string,
): NumberParameter {
  const key = path.slice(path.lastIndexOf(".") + 1);
  return { key, path, kind, min, max, step, unit, default: initial, description };
}

function kpi(
  key: string,
  unit: string,
  better: Kpi["better"],
  target: number | null,
  metric: string,
  description: string,
): Kpi {
  return { key, unit, better, target, metric, description };
}

function rule(
  name: string,
  protection: number,
  when: readonly Condition[],
  then: readonly Action[],
): Rule {
  return { name, protection, when, then };
}

/**
 * The built-in profile of an auto-tuned market-making bot.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const tail = marketMaker.parameters.find((parameter) => parameter.key === "tail_age_ms");
 * assertEquals([tail?.path, tail?.min, tail?.max], ["engine.tail_age_ms", 500, 800]);
 * ```
 */
export const marketMaker: Profile<NumberParameter> = {
  name: "market-maker",
  description: "An auto-tuned market-making bot: quoting, order flow and risk limits.",
  parameters: [
    parameter(
      "risk.base_spread_bps",
      "number",
      [0.05, 2, 0.005],
      "bps",
      0.2,
      "Quoted half-spread before adjustments.",
    ),
    parameter(
      "risk.base_spread_bps_delta",
      "number",
      [0.08, 0.25, 0.005],
      "bps",
      0.1,
      "Spread added when the market moves against the quotes.",
    ),
    parameter(
      "risk.impact_cap_ratio",
      "number",
      [0.08, 0.12, 0.001],
      "ratio",
      0.11,
      "Largest share of visible depth that one order may take.",
    ),
    parameter(
      "risk.max_delta_ratio",
      "number",
      [0.1, 0.16, 0.001],
      "ratio",
      0.15,
      "Largest inventory change within one quote cycle.",
    ),
    parameter(
      "risk.risk_limit_ratio",
      "number",
      [0.1, 0.8, 0.01],
      "ratio",
      0.4,
      "Share of capital at risk above which quoting stops.",
    ),
    parameter(
      "engine.replace_rate_per_min",
      "integer",
      [200, 320, 1],
      "1/min",
      300,
      "Order replacements allowed each minute.",
    ),
    parameter(
      "engine.concurrency_limit",
      "integer",
      [4, 40, 1],
      "orders",
      20,
      "Orders in flight at the same time.",
    ),
    parameter(
      "engine.tail_age_ms",
      "integer",
      [500, 800, 1],
      "ms",
      600,
      "Age from which a resting order counts as stale.",
    ),
    parameter(
      "engine.min_interval_ms",
      "integer",
      [40, 80, 1],
      "ms",
      55,
      "Shortest pause between two actions on one symbol.",
    ),
    parameter(
      "engine.max_age_ms",
      "integer",
      [1000, 10000, 10],
      "ms",
      3000,
      "Age at which an order is cancelled in any case.",
    ),
    parameter(
      "tuner.max_delta_per_hour",
      "number",
      [0.1, 2, 0.01],
      "range/h",
      0.75,
      "Sum of steps of one parameter within an hour, as a share of its range.",
    ),
    parameter(
      "tuner.cooldown_iters",
      "integer",
      [0, 10, 1],
      "iterations",
      2,
      "Fewest iterations from one applied change to the next.",
    ),
    parameter(
      "tuner.velocity_cap",
      "number",
      [0.05, 1, 0.01],
      "range",
      0.25,
      "Largest single step of a parameter, as a share of its range.",
    ),
    parameter(
      "tuner.oscillation_window",
      "integer",
      [3, 10, 1],
      "changes",
      3,
      "Changes of one parameter that may not flip direction each time.",
    ),
    parameter(
      "market.min_order_size",
      "number",
      [0.0001, 0.01, 0.0001],
      "base",
      0.001,
      "Smallest order the venue accepts.",
    ),
    parameter(
      "market.max_order_size",
      "number",
      [0.01, 10, 0.01],
      "base",
      1,
      "Largest order sent to the venue.",
    ),
    parameter(
      "market.tick_size",
      "number",
      [0.001, 1, 0.001],
      "quote",
      0.01,
      "Price increment of the venue.",
    ),
  ],
  kpis: [
    kpi(
      "risk_ratio",
      "ratio",
      "lower",
      0.42,
      "risk_ratio",
      "Share of time spent near or over risk limits.",
    ),
    kpi(
      "maker_taker_ratio",
      "ratio",
      "higher",
      0.85,
      "maker_taker",
      "Share of volume filled as maker.",
    ),
    kpi(
      "net_bps",
      "bps",
      "higher",
      2.7,
      "net_bps",
      "Net edge after fees, slippage and adverse selection.",
    ),
    kpi(
      "p95_latency_ms",
      "ms",
      "lower",
      350,
      "latency_p95",
      "95th percentile of order round trips.",
    ),
    kpi(
      "adverse_bps_p95",
      "bps",
      "lower",
      null,
      "adverse_bps_p95",
      "95th percentile of the price move against fills.",
    ),
    kpi(
      "slippage_bps_p95",
      "bps",
      "lower",
      null,
      "slippage_bps_p95",
      "95th percentile of slippage on taker fills.",
    ),
  ],
  rules: [
    rule("risk-high", 3, [{ kpi: "risk_ratio", op: ">=", value: 0.6 }], [
      { param: "min_interval_ms", add: 5 },
      { param: "impact_cap_ratio", add: -0.01 },
      { param: "tail_age_ms", add: 30 },
    ]),
    rule("risk-moderate", 2, [
      { kpi: "risk_ratio", op: ">=", value: 0.4 },
      { kpi: "risk_ratio", op: "<", value: 0.6 },
    ], [
      { param: "min_interval_ms", add: 5, limit: 75 },
      { param: "impact_cap_ratio", add: -0.005, limit: 0.09 },
    ]),
    rule("adverse-selection", 2, [{ kpi: "adverse_bps_p95", op: ">", value: 3.5 }], [
      { param: "impact_cap_ratio", add: -0.01 },
      { param: "max_delta_ratio", add: -0.01 },
    ]),
    rule("slippage", 2, [{ kpi: "slippage_bps_p95", op: ">", value: 2.5 }], [
      { param: "base_spread_bps_delta", add: 0.02 },
      { param: "tail_age_ms", add: 30 },
    ]),
    rule("latency-severe", 2, [{ kpi: "p95_latency_ms", op: ">", value: 360 }], [
      { param: "concurrency_limit", multiply: 0.85 },
      { param: "tail_age_ms", add: 75 },
    ]),
    rule("latency-elevated", 2, [
      { kpi: "p95_latency_ms", op: ">=", value: 330 },
      { kpi: "p95_latency_ms", op: "<=", value: 360 },
    ], [
      { param: "concurrency_limit", multiply: 0.9 },
      { param: "tail_age_ms", add: 50 },
    ]),
    rule("maker-share-low", 1, [
      { kpi: "maker_taker_ratio", op: "<", value: 0.85 },
      { kpi: "risk_ratio", op: "<=", value: 0.4 },
      { kpi: "net_bps", op: ">=", value: 2.7 },
    ], [
      { param: "replace_rate_per_min", multiply: 0.85 },
      { param: "min_interval_ms", add: 5 },
    ]),
    rule("risk-low", 0, [
      { kpi: "risk_ratio", op: "<", value: 0.35 },
      { kpi: "net_bps", op: ">=", value: 3 },
    ], [
      { param: "min_interval_ms", add: -3, limit: 50 },
      { param: "impact_cap_ratio", add: 0.005, limit: 0.1 },
    ]),
  ],
  guards: { ...DEFAULT_GUARDS, cooldown_iters: 2 },
  gate: DEFAULT_GATE,
};

/** The flat keys of the market-maker profile's parameters, in the profile's order. */
export const PARAM_KEYS: readonly string[] = marketMaker.parameters.map(({ key }) => key);

/** Tells whether a profile goes by the built-in one's name without being it. */
export function isImpostor(profile: Profile): boolean {
  return profile !== marketMaker && foldedName(profile.name) === foldedName(marketMaker.name) &&
    canonicalJson(profile) !== canonicalJson(marketMaker);
}

/** A name as a person reads it: `Market_Maker` and `market-maker` are one. */
function foldedName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}
