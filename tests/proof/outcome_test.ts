import { assertEquals } from "@std/assert";
import { marketMaker } from "../../model/market_maker.ts";
import type { SkipReason } from "../../model/skip_reason.ts";
import { type Aftermath, judgeProposal, type PendingProposal } from "../../proof/outcome.ts";
import type { TuningRecord } from "../../record/records.ts";

const [OLD, NEW] = ["a".repeat(64), "b".repeat(64)];
const NO_OP: SkipReason = {
  freeze: false,
  oscillation: false,
  velocity: false,
  cooldown: false,
  no_op: true,
  note: "every target equals the current value",
};

function pending(tuning: Partial<TuningRecord>, trueReason?: SkipReason | null): PendingProposal {
  const targets = { tail_age_ms: 630 };
  return {
    hash: OLD,
    trueReason,
    record: {
      iteration: 1,
      previousHash: OLD,
      runtime: { engine: { tail_age_ms: 600 } },
      effectiveParams: {},
      utc: "2025-01-01T00:00:00Z",
      stateHash: NEW,
      kpis: {},
      kpiVerdict: "PASS",
      kpiReasons: [],
      failure: null,
      tuning: {
        proposedDeltas: targets,
        applied: true,
        deltas: targets,
        changedKeys: ["tail_age_ms"],
        changes: [],
        oldHash: OLD,
        stateHash: NEW,
        skipReason: null,
        rationale: "",
        ...tuning,
      },
    },
  };
}

const SKIPPED = { applied: false, deltas: {}, changedKeys: [], stateHash: OLD };
const AFTER: Aftermath = {
  runtime: { engine: { tail_age_ms: 630 } },
  hash: NEW,
  effectiveParams: { tail_age_ms: 630 },
};
const BEFORE: Aftermath = { ...AFTER, runtime: { engine: { tail_age_ms: 600 } }, hash: OLD };

function outcome(proposal: PendingProposal, next: Aftermath | null): string {
  return judgeProposal(proposal, next, marketMaker.parameters).outcome;
}

Deno.test("full: every target in the next runtime and in effect, and nothing less", () => {
  assertEquals(outcome(pending({}), AFTER), "full");
  assertEquals(outcome(pending({}), { ...AFTER, effectiveParams: { tail_age_ms: 629 } }), "fail");
  assertEquals(outcome(pending({}), { ...AFTER, effectiveParams: {} }), "fail");
  assertEquals(outcome(pending({}), { ...AFTER, hash: OLD }), "fail");
  assertEquals(outcome(pending({}), { ...AFTER, runtime: BEFORE.runtime }), "fail");
  assertEquals(outcome(pending({ deltas: {} }), AFTER), "fail");
  assertEquals(outcome(pending({ deltas: { tail_age_ms: 640 } }), AFTER), "fail");
});

Deno.test("unproven: what would show it is missing", () => {
  assertEquals(outcome(pending({}), null), "unproven");
  assertEquals(outcome(pending({}), { ...AFTER, effectiveParams: null }), "unproven");
  assertEquals(outcome(pending({ ...SKIPPED, skipReason: NO_OP }, undefined), BEFORE), "unproven");
});

Deno.test("partial_ok: not applied, for a reason that is true", () => {
  assertEquals(outcome(pending({ ...SKIPPED, skipReason: NO_OP }, NO_OP), BEFORE), "partial_ok");
  const other = { ...NO_OP, no_op: false, cooldown: true };
  assertEquals(outcome(pending({ ...SKIPPED, skipReason: other }, NO_OP), BEFORE), "fail");
  assertEquals(outcome(pending({ ...SKIPPED, skipReason: null }, NO_OP), BEFORE), "fail");
  assertEquals(outcome(pending({ ...SKIPPED, skipReason: NO_OP }, null), BEFORE), "fail");
});

Deno.test("fail: said to be held back, yet the runtime changed", () => {
  assertEquals(outcome(pending({ ...SKIPPED, skipReason: NO_OP }, NO_OP), AFTER), "fail");
});

Deno.test("a target that names no parameter fails and breaks nothing", () => {
  const targets = { constructor: 1 };
  assertEquals(outcome(pending({ proposedDeltas: targets, deltas: targets }), AFTER), "fail");
});
