/**
 * The profile that `soak profile init` writes: small, complete, and about no system in particular.
 *
 * @module
 */

import { DEFAULT_GATE, DEFAULT_GUARDS, type Profile } from "./profile.ts";

/** A starting point for the profile of a service that takes requests. */
export const startingPoint: Profile = {
  name: "my-service",
  description: "A service that takes requests. Rename it, then put in your own parameters, KPIs " +
    "and rules.",
  parameters: [
    {
      key: "concurrency",
      path: "server.concurrency",
      kind: "integer",
      min: 1,
      max: 64,
      step: 1,
      unit: "requests",
      default: 8,
      description: "Requests that are worked on at the same time.",
    },
    {
      key: "timeout_ms",
      path: "server.timeout_ms",
      kind: "integer",
      min: 100,
      max: 2000,
      step: 50,
      unit: "ms",
      default: 500,
      description: "Time after which a request is given up.",
    },
    {
      key: "cache_mib",
      path: "cache.size_mib",
      kind: "integer",
      min: 16,
      max: 512,
      step: 16,
      unit: "MiB",
      default: 64,
      description: "Memory for cached answers.",
    },
  ],
  kpis: [
    {
      key: "p95_latency_ms",
      unit: "ms",
      better: "lower",
      target: 250,
      metric: "latency_p95_ms",
      description: "95 % of the requests are answered within this time.",
    },
    {
      key: "error_ratio",
      unit: "ratio",
      better: "lower",
      target: 0.01,
      metric: "error_ratio",
      description: "Share of the requests that failed: 0.01 is 1 %.",
    },
    {
      key: "throughput_rps",
      unit: "1/s",
      better: "higher",
      target: 200,
      metric: "throughput_rps",
      description: "Requests answered each second.",
    },
  ],
  rules: [
    {
      name: "errors-high",
      description: "Requests fail: give each more time, and take fewer at once.",
      protection: 2,
      when: [{ kpi: "error_ratio", op: ">", value: 0.01 }],
      then: [{ param: "timeout_ms", add: 200 }, { param: "concurrency", add: -4, limit: 4 }],
    },
    {
      name: "latency-high",
      description: "Answers are late, but they come: cache more.",
      protection: 1,
      when: [
        { kpi: "p95_latency_ms", op: ">", value: 250 },
        { kpi: "error_ratio", op: "<=", value: 0.01 },
      ],
      then: [{ param: "cache_mib", add: 64 }],
    },
    {
      name: "throughput-low",
      description: "Answers are good but too few: work on more requests at once.",
      protection: 0,
      when: [
        { kpi: "throughput_rps", op: "<", value: 200 },
        { kpi: "p95_latency_ms", op: "<=", value: 250 },
        { kpi: "error_ratio", op: "<=", value: 0.01 },
      ],
      then: [{ param: "concurrency", multiply: 1.5, limit: 48 }],
    },
  ],
  guards: DEFAULT_GUARDS,
  gate: DEFAULT_GATE,
  starts: {
    busy: { concurrency: 16, cache_mib: 128 },
  },
};
