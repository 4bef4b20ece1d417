/**
 * The simulated system: KPIs that respond to parameters, with noise and disturbances.
 *
 * @module
 */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { skipN } from "pure-rand/utils/skipN";
import { SoakError } from "../base/errors.ts";
import type { JsonObject } from "../base/json_value.ts";
import { getAllParams } from "../model/params.ts";
import type {
  KpiValues,
  Parameter,
  ParameterValue,
  ParameterValues,
  Profile,
} from "../model/profile.ts";
import { placeOf, scaleOf, valueAt } from "../model/scale.ts";
import type { MockFault } from "../model/system_spec.ts";

/** Options for {@linkcode createMock}. */
export interface MockOptions {
  /** The profile; it must have the market-maker's KPIs. */
  readonly profile: Profile;
  /** Seed of the noise, an integer from 0 to 4294967295. */
  readonly seed: number;
  /**
   * How the system misbehaves.
   *
   * @default {null}
   */
  readonly fault?: MockFault | null;
}

/** One simulated iteration. */
export interface MockMeasurement {
  /** KPIs by key, rounded to what a real system would report. */
  readonly kpis: KpiValues;
  /** What the system says it is running with, by flat parameter key. */
  readonly effectiveParams: ParameterValues;
}

/** A simulated system; each call of `measure` is one iteration. */
export interface Mock {
  /** Runs one iteration. */
  measure(runtime: JsonObject): MockMeasurement;
}

interface Response {
  /** Value at the reference parameters. */
  readonly base: number;
  /** Change of the KPI for one unit of a parameter away from the reference. */
  readonly slopes: Readonly<Record<string, number>>;
  /** What the system can reach at all. */
  readonly range: readonly [number, number];
  /** Half-width of the uniform noise. */
  readonly noise: number;
  /** Effect of a disturbance of size 1. */
  readonly shock: number;
  /** Decimals that are reported. */
  readonly decimals: number;
}

/** Parameters at which each response has its base value: the profile's bad start. */
const REFERENCE: Readonly<Record<string, number>> = {
  impact_cap_ratio: 0.11,
  max_delta_ratio: 0.15,
  base_spread_bps_delta: 0.1,
  min_interval_ms: 55,
  tail_age_ms: 600,
  concurrency_limit: 20,
  replace_rate_per_min: 300,
};

/** Steady-state KPIs as linear functions of the parameters, limited to a range. */
const RESPONSES: Readonly<Record<string, Response>> = {
  risk_ratio: {
    base: 0.68,
    slopes: {
      impact_cap_ratio: 14,
      min_interval_ms: -0.01,
      tail_age_ms: -0.0004,
      max_delta_ratio: 1,
    },
    range: [0.15, 0.95],
    noise: 0.008,
    shock: 0.2,
    decimals: 4,
  },
  maker_taker_ratio: {
    base: 0.8,
    slopes: {
      min_interval_ms: 0.004,
      base_spread_bps_delta: 1.2,
      replace_rate_per_min: -0.0008,
    },
    range: [0.4, 0.96],
    noise: 0.004,
    shock: -0.02,
    decimals: 4,
  },
  net_bps: {
    base: -1.5,
    slopes: {
      impact_cap_ratio: -170,
      max_delta_ratio: -70,
      base_spread_bps_delta: 28,
      tail_age_ms: 0.008,
    },
    range: [-6, 8],
    noise: 0.12,
    shock: -2.5,
    decimals: 3,
  },
  p95_latency_ms: {
    base: 352,
    slopes: {
      concurrency_limit: 5,
      tail_age_ms: -0.05,
      min_interval_ms: -0.8,
    },
    range: [180, 600],
    noise: 3,
    shock: 40,
    decimals: 1,
  },
  adverse_bps_p95: {
    base: 5.4,
    slopes: {
      impact_cap_ratio: 60,
      max_delta_ratio: 30,
      base_spread_bps_delta: -10,
    },
    range: [0.8, 9],
    noise: 0.06,
    shock: 1.2,
    decimals: 3,
  },
  slippage_bps_p95: {
    base: 3.4,
    slopes: { base_spread_bps_delta: -25, tail_age_ms: -0.004 },
    range: [0.5, 8],
    noise: 0.06,
    shock: 0.8,
    decimals: 3,
  },
};

/** Share of the distance to the steady state that is covered within one iteration. */
const RESPONSE_RATE = 0.5;

/** Disturbances come in seasons: so many iterations from the start of one to the next. */
const SEASON_PERIOD = 50;

/** Where in each period a season begins and ends. */
const [SEASON_START, SEASON_END] = [25, 35];

/** Random numbers passed over at the start of a stream. */
const WARM_UP = 64;

/** Chance of a disturbance in each iteration of a season. */
const DISTURBANCE_CHANCE = 0.3;

/** Share of a disturbance that is left after an iteration. */
const DISTURBANCE_DECAY = 0.55;

/**
 * Starts a simulated market-making bot.
 *
 * Its KPIs follow the effective parameters as a first-order response with bounded noise; in
 * iterations 25 to 34 of every 50, disturbances strike. It starts badly, and nothing but
 * better parameters brings it on target. The same options always give the same numbers.
 */
export function createMock(options: MockOptions): Mock {
  const { profile, seed, fault = null } = options;
  const unknown = profile.kpis.find(({ key }) => !Object.hasOwn(RESPONSES, key));
  if (unknown !== undefined) {
    throw new SoakError("usage", `the simulation has no KPI ${unknown.key}`, {
      where: `profile ${profile.name}`,
      remedy: "--mock simulates the market-maker profile; drive another system with --exec",
    });
  }
  const noise = randomStream(seed, 1);
  const faultRandom = randomStream(seed, 2);
  const receiver = createReceiver(profile.parameters, fault, faultRandom);
  let steady: Record<string, number> | null = null;
  let shock = 0;
  let iteration = 0;

  return {
    measure(runtime: JsonObject): MockMeasurement {
      iteration++;
      const effectiveParams = receiver(getAllParams(runtime, profile.parameters));
      shock = shock * DISTURBANCE_DECAY + disturbance(iteration, noise);
      const state: Record<string, number> = {};
      const kpis: Record<string, number> = {};
      for (const { key } of profile.kpis) {
        const response = RESPONSES[key];
        if (response === undefined) continue;
        const target = steadyState(response, effectiveParams);
        const before = steady?.[key] ?? target;
        const value = before + RESPONSE_RATE * (target - before);
        state[key] = value;
        const jitter = (2 * uniformFloat64(noise) - 1) * response.noise;
        kpis[key] = limited(value + response.shock * shock + jitter, response);
      }
      steady = state;
      return { kpis, effectiveParams };
    },
  };
}

/**
 * A stream of random numbers. The generator starts from nearly the bare seed, so that the first
 * numbers of neighbouring seeds are alike: they are passed over.
 */
function randomStream(seed: number, stream: number): RandomGenerator {
  const random = xoroshiro128plus(Math.imul(seed ^ Math.imul(stream, 0x9e3779b9), 0x85ebca6b));
  skipN(random, WARM_UP);
  return random;
}

function disturbance(iteration: number, random: RandomGenerator): number {
  const strikes = uniformFloat64(random);
  const size = uniformFloat64(random);
  const phase = iteration % SEASON_PERIOD;
  const inSeason = phase >= SEASON_START && phase < SEASON_END;
  return inSeason && strikes < DISTURBANCE_CHANCE ? 0.4 + 0.6 * size : 0;
}

function steadyState(response: Response, params: ParameterValues): number {
  let value = response.base;
  for (const [key, slope] of Object.entries(response.slopes)) {
    const reference = REFERENCE[key] ?? 0;
    const param = params[key];
    value += slope * ((typeof param === "number" ? param : reference) - reference);
  }
  const [low, high] = response.range;
  return Math.min(high, Math.max(low, value));
}

function limited(value: number, { range: [low, high], decimals }: Response): number {
  return Number(Math.min(high, Math.max(low, value)).toFixed(decimals));
}

/** How the system takes a runtime: faithfully, or with a fault. */
function createReceiver(
  parameters: readonly Parameter[],
  fault: MockFault | null,
  random: RandomGenerator,
): (wanted: ParameterValues) => ParameterValues {
  const byKey = new Map(parameters.map((parameter) => [parameter.key, parameter]));
  let asked: ParameterValues | null = null;
  let taken: ParameterValues = {};
  let pending: ParameterValues = {};

  return (wanted) => {
    const changed = Object.entries(wanted).filter(([key, value]) => asked?.[key] !== value);
    const first = asked === null;
    asked = wanted;
    taken = { ...taken, ...pending };
    pending = {};
    if (first || fault === null) return taken = { ...taken, ...Object.fromEntries(changed) };
    if (fault.kind === "drift") {
      taken = { ...taken, ...Object.fromEntries(changed) };
      if (uniformFloat64(random) < fault.rate) taken = { ...taken, ...drift(taken, byKey, random) };
      return taken;
    }
    if (changed.length === 0 || uniformFloat64(random) >= fault.rate) {
      return taken = { ...taken, ...Object.fromEntries(changed) };
    }
    switch (fault.kind) {
      case "ignore":
        return taken;
      case "late":
        pending = Object.fromEntries(changed);
        return taken;
      case "partial": {
        const kept = Math.floor(uniformFloat64(random) * changed.length);
        return taken = { ...taken, ...Object.fromEntries(changed.slice(0, kept)) };
      }
      case "clamp":
        return taken = { ...taken, ...clamp(changed, taken, byKey) };
    }
  };
}

function drift(
  taken: ParameterValues,
  byKey: ReadonlyMap<string, Parameter>,
  random: RandomGenerator,
): ParameterValues {
  const keys = Object.keys(taken);
  const key = keys[Math.floor(uniformFloat64(random) * keys.length)];
  const parameter = key === undefined ? undefined : byKey.get(key);
  if (key === undefined || parameter === undefined) return {};
  const { max, step } = scaleOf(parameter);
  const place = placeOf(parameter, taken[key] ?? parameter.default) ?? 0;
  return { [key]: valueAt(parameter, place + (place + step <= max ? step : -step)) };
}

function clamp(
  changed: readonly (readonly [string, ParameterValue])[],
  taken: ParameterValues,
  byKey: ReadonlyMap<string, Parameter>,
): ParameterValues {
  const values: Record<string, ParameterValue> = {};
  for (const [key, target] of changed) {
    const parameter = byKey.get(key);
    const from = taken[key] ?? target;
    if (parameter === undefined) continue;
    const [start = 0, end = 0] = [placeOf(parameter, from), placeOf(parameter, target)];
    const halfway = valueAt(parameter, start + (end - start) / 2);
    values[key] = halfway === target ? from : halfway;
  }
  return values;
}
