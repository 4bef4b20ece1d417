import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  EMPTY_HISTORY,
  type GuardHistory,
  observeIteration,
  rememberApplied,
} from "../../model/guards.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, findParameter } from "../../model/params.ts";
import type { KpiValues, ParameterValues, Profile } from "../../model/profile.ts";
import { isCounted, rangeOf } from "../../model/scale.ts";
import {
  auditProposal,
  type ExpectedProposal,
  expectedProposal,
} from "../../proof/audit_tuning.ts";
import type { IterationRecord } from "../../record/records.ts";
import { propose } from "../../run/tuner.ts";
import { parameterValue } from "../kit/arbitraries.ts";
import { MIXED } from "../kit/mixed_profile.ts";

const HASH = "0".repeat(64);

function record(kpis: KpiValues, values: ParameterValues): IterationRecord {
  return {
    iteration: 1,
    previousHash: HASH,
    runtime: applyDeltas({}, values, MIXED.parameters).runtime,
    effectiveParams: values,
    utc: "2025-01-01T00:00:00Z",
    stateHash: HASH,
    kpis,
    kpiVerdict: "FAIL",
    kpiReasons: [],
    failure: null,
    tuning: {
      proposedDeltas: {},
      applied: false,
      deltas: {},
      changedKeys: [],
      changes: [],
      oldHash: HASH,
      stateHash: HASH,
      skipReason: null,
      rationale: "",
    },
  };
}

function expected(
  record: IterationRecord,
  history: GuardHistory,
  profile: Profile,
): ExpectedProposal {
  const context = { autoTune: true, last: false, kpisMet: false, failure: null };
  return expectedProposal(record, { profile, history, context });
}

const kpis = fc.record({
  risk_ratio: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
  net_bps: fc.double({ min: -3, max: 4, noNaN: true }),
  maker_taker_ratio: fc.double({ min: 0.5, max: 1, noNaN: true }),
  p95_latency_ms: fc.double({ min: 250, max: 420, noNaN: true }),
  adverse_bps_p95: fc.double({ min: 1, max: 6, noNaN: true }),
  slippage_bps_p95: fc.double({ min: 1, max: 5, noNaN: true }),
});

const values = fc.record(Object.fromEntries(
  MIXED.parameters.filter(({ path }) => !path.startsWith("tuner."))
    .map((parameter) => [parameter.key, parameterValue(parameter)]),
));

/** Earlier changes of the keys that rules name, so that guards get in the way. */
const past = fc.array(
  fc.record({
    key: fc.constantFrom(
      ...["tail_age_ms", "min_interval_ms", "impact_cap_ratio", "concurrency_limit"],
      ...["post_only", "quote_mode", "lot"],
    ),
    up: fc.boolean(),
    share: fc.double({ min: 0.01, max: 0.9, noNaN: true }),
    good: fc.boolean(),
  }),
  { maxLength: 6 },
);

/** Rules for parameters of every kind in any order and with any protection. */
const rules = fc.shuffledSubarray([...MIXED.rules], { minLength: 1 }).chain((chosen) =>
  fc.tuple(...chosen.map(() => fc.integer({ min: 0, max: 2 }))).map((protections) =>
    chosen.map((rule, i) => ({ ...rule, protection: protections[i] ?? 0 }))
  )
);

function historyOf(
  steps: readonly { key: string; up: boolean; share: number; good: boolean }[],
): GuardHistory {
  let history = EMPTY_HISTORY;
  let iteration = 1;
  const observe = (kpisMet: boolean): void => {
    const timeMs = iteration * 300_000;
    history = observeIteration(history, { iteration, timeMs, kpisMet });
    iteration += 2;
  };
  for (const { key, up, share, good } of steps) {
    observe(good);
    const parameter = findParameter(key, MIXED.parameters);
    assert(parameter !== undefined);
    const way = up ? 1 : -1;
    const to = isCounted(parameter) ? way : way * share * rangeOf(parameter);
    history = rememberApplied(history, [{ key, from: 0, to }]);
  }
  observe(false);
  return history;
}

Deno.test("the verifier and the tuner work out the same proposal, each in its own way", async () => {
  let [moved, oscillating, spent] = [0, 0, 0];
  await fc.assert(
    fc.property(kpis, values, past, rules, (kpis, values, steps, rules) => {
      const history = historyOf(steps);
      const profile = { ...MIXED, rules };
      const iteration = record(kpis, values);
      const runtime = iteration.runtime;
      const { changes, withheld } = propose({ profile, runtime, kpis, history });
      if (changes.length > 0) moved++;
      if (withheld.oscillation.length > 0) oscillating++;
      if (withheld.velocity.length > 0) spent++;
      assertEquals(expected(iteration, history, profile), {
        changes: changes.map((change) => ({ ...change })),
        withheld,
      });
    }),
    { seed: 5, numRuns: 3000 },
  );
  assert(moved > 1000, `${moved} proposals`);
  assert(oscillating > 50, `${oscillating} left alone because they would oscillate`);
  assert(spent > 50, `${spent} left alone because their allowance is spent`);
});

const BAD = { risk_ratio: 0.7, net_bps: -1, maker_taker_ratio: 0.8, p95_latency_ms: 300 };
const START = { min_interval_ms: 55, impact_cap_ratio: 0.11, tail_age_ms: 600 };

function audit(
  tuning: Partial<IterationRecord["tuning"]>,
  over: Partial<IterationRecord> = {},
): string[] {
  const base = record(BAD, START);
  const iteration = { ...base, ...over, tuning: { ...base.tuning, ...tuning } };
  const history = observeIteration(EMPTY_HISTORY, { iteration: 1, timeMs: 0, kpisMet: false });
  const context = { autoTune: true, last: false, kpisMet: false, failure: iteration.failure };
  const expected = expectedProposal(iteration, { profile: marketMaker, history, context });
  return auditProposal(iteration, expected).map(({ code }) => code);
}

const ASKED = { min_interval_ms: 60, impact_cap_ratio: 0.1, tail_age_ms: 630 };

Deno.test("a proposal is the one that the rules ask for, or a finding", () => {
  assertEquals(audit({ proposedDeltas: ASKED }), []);
  assertEquals(audit({ proposedDeltas: {} }), ["proposal_missing"]);
  assertEquals(audit({ proposedDeltas: { ...ASKED, tail_age_ms: 631 } }), ["proposal_wrong"]);
  assertEquals(audit({ proposedDeltas: { ...ASKED, max_age_ms: 3010 } }), ["proposal_wrong"]);
  assertEquals(audit({ proposedDeltas: { tail_age_ms: 630 } }), ["proposal_wrong"]);
});

Deno.test("nothing is to be proposed where nothing was measured", () => {
  assertEquals(audit({ proposedDeltas: {} }, { failure: "timed out" }), []);
  assertEquals(audit({ proposedDeltas: ASKED }, { failure: "timed out" }), ["proposal_wrong"]);
});
