import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "../../base/json_value.ts";
import {
  type AppliedStep,
  EMPTY_HISTORY,
  evaluateGuards,
  GUARDS,
  observeIteration,
  rememberApplied,
  type ValueChange,
  velocityBudget,
} from "../../model/guards.ts";
import { marketMaker } from "../../model/market_maker.ts";
import type { ParameterValues } from "../../model/profile.ts";
import { primaryGuard, type ProposalContext, skipReason } from "../../model/skip_reason.ts";
import { acceptableTargets, CHANGED, historyOf, situation } from "../kit/arbitraries.ts";
import { MIXED } from "../kit/mixed_profile.ts";
import { naiveGuards, type PastIteration } from "../kit/naive_guards.ts";

const START = Date.UTC(2025, 0, 1);
const MINUTE = 60_000;

/** Iterations five minutes apart that meet no KPI, with what was applied after each. */
function tuned(...applied: readonly (readonly ValueChange[] | null)[]): PastIteration[] {
  return applied.map((steps, i) => ({
    timeMs: START + 5 * MINUTE * i,
    kpisMet: false,
    applied: steps,
  }));
}

/** Iterations five minutes apart that met every KPI or did not. */
function measured(...kpisMet: readonly boolean[]): PastIteration[] {
  return kpisMet.map((met, i) => ({ timeMs: START + 5 * MINUTE * i, kpisMet: met, applied: null }));
}

function holding(
  iterations: readonly PastIteration[],
  runtime: JsonObject,
  proposal: ParameterValues,
): string[] {
  const evaluation = evaluateGuards(historyOf(iterations), runtime, proposal, MIXED);
  return GUARDS.filter((guard) => evaluation[guard].holds);
}

/** A runtime with a tail age, and guard settings that keep other guards out of the way. */
function tail(tail_age_ms: number, tuner: JsonObject = {}): JsonObject {
  return { engine: { tail_age_ms }, tuner: { cooldown_iters: 0, ...tuner } };
}

function step(from: number, to: number): AppliedStep[] {
  return [{ key: "tail_age_ms", from, to }];
}

const UP = { tail_age_ms: 610 };

Deno.test("evaluateGuards() agrees with the naive guards over random histories", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(
      situation,
      fc.oneof(
        acceptableTargets(CHANGED),
        acceptableTargets(MIXED.parameters),
        fc.constant({}),
      ),
      fc.boolean(),
      ({ iterations, runtime }, targets, stand) => {
        const proposal = stand ? currentValues(runtime, Object.keys(targets)) : targets;
        const evaluation = evaluateGuards(historyOf(iterations), runtime, proposal, MIXED);
        const found = Object.fromEntries(GUARDS.map((guard) => [guard, evaluation[guard].holds]));
        const expected = naiveGuards(iterations, runtime, proposal, MIXED);
        assertEquals(found, expected);
        for (const guard of GUARDS) {
          const outcome = `${guard} ${expected[guard]}`;
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }
      },
    ),
    { seed: 20250101, numRuns: 6000 },
  );
  for (const guard of GUARDS) {
    for (const outcome of [`${guard} true`, `${guard} false`]) {
      assert((seen.get(outcome) ?? 0) >= 100, `${outcome} was hardly ever tried`);
    }
  }
});

function currentValues(runtime: JsonObject, keys: readonly string[]): Record<string, number> {
  const sections: Record<string, Record<string, number>> = JSON.parse(JSON.stringify(runtime));
  const values: Record<string, number> = {};
  for (const { key, path } of MIXED.parameters) {
    const [section = "", name = ""] = path.split(".");
    const value = sections[section]?.[name];
    if (keys.includes(key) && value !== undefined) values[key] = value;
  }
  return values;
}

Deno.test("evaluateGuards() agrees with the naive guards at every point of one long history", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 60, max: 1500 }), fc.boolean(), fc.nat(60)), {
        minLength: 150,
        maxLength: 150,
      }),
      fc.integer({ min: 2, max: 6 }),
      (events, oscillation_window) => {
        const iterations: PastIteration[] = [];
        let history = EMPTY_HISTORY;
        let value = 600;
        let timeMs = START;
        for (const [seconds, kpisMet, steps] of events) {
          timeMs += seconds * 1000;
          const iteration = iterations.length + 1;
          history = observeIteration(history, { iteration, timeMs, kpisMet });
          iterations.push({ timeMs, kpisMet, applied: null });
          const runtime = tail(value, { oscillation_window });
          const proposal = { tail_age_ms: 500 + 5 * steps };
          const evaluation = evaluateGuards(history, runtime, proposal, marketMaker);
          const found = Object.fromEntries(GUARDS.map((guard) => [guard, evaluation[guard].holds]));
          assertEquals(found, naiveGuards(iterations, runtime, proposal, marketMaker));
          if (GUARDS.some((guard) => evaluation[guard].holds)) continue;
          const applied = step(value, proposal.tail_age_ms);
          history = rememberApplied(history, applied);
          iterations[iteration - 1] = { timeMs, kpisMet, applied };
          value = proposal.tail_age_ms;
        }
      },
    ),
    { seed: 7, numRuns: 25 },
  );
});

Deno.test("evaluateGuards() lets the first proposal of a run pass", () => {
  assertEquals(holding(measured(false), tail(600), UP), []);
});

Deno.test("freeze holds from the second iteration in a row that meets every KPI", () => {
  assertEquals(holding(measured(false, true), tail(600), UP), []);
  assertEquals(holding(measured(false, true, true), tail(600), UP), ["freeze"]);
  assertEquals(holding(measured(true, true, true, true, true, true, true), tail(600), UP), [
    "freeze",
  ]);
});

Deno.test("freeze thaws at the first missed KPI, and needs a whole new row", () => {
  assertEquals(holding(measured(true, true, true, false), tail(600), UP), []);
  assertEquals(holding(measured(true, true, true, false, true), tail(600), UP), []);
  assertEquals(holding(measured(true, true, false, true, true), tail(600), UP), ["freeze"]);
});

Deno.test("freeze takes freeze_after from the runtime", () => {
  assertEquals(holding(measured(true, true), tail(600, { freeze_after: 3 }), UP), []);
  assertEquals(holding(measured(true), tail(600, { freeze_after: 1 }), UP), ["freeze"]);
});

Deno.test("oscillation holds when three changes, the proposal included, flip each time", () => {
  const upDown = tuned(step(600, 610), step(610, 600), null);
  assertEquals(holding(upDown, tail(600), { tail_age_ms: 610 }), ["oscillation"]);
  assertEquals(holding(upDown, tail(600), { tail_age_ms: 590 }), []);
});

Deno.test("oscillation needs a full window, and looks no further back", () => {
  assertEquals(holding(tuned(step(600, 610), null), tail(610), { tail_age_ms: 600 }), []);
  const older = tuned(step(600, 610), step(610, 600), step(600, 590), null);
  assertEquals(holding(older, tail(590), { tail_age_ms: 600 }), []);
  assertEquals(holding(older, tail(590, { oscillation_window: 2 }), { tail_age_ms: 600 }), [
    "oscillation",
  ]);
});

Deno.test("oscillation looks at each key by itself, and iterations without a change do not count", () => {
  const others = tuned(
    [{ key: "min_interval_ms", from: 55, to: 60 }],
    [{ key: "tail_age_ms", from: 600, to: 590 }, { key: "min_interval_ms", from: 60, to: 55 }],
    null,
    null,
  );
  const runtime = {
    engine: { tail_age_ms: 590, min_interval_ms: 55 },
    tuner: { cooldown_iters: 0 },
  };
  assertEquals(holding(others, runtime, { tail_age_ms: 600 }), []);
  assertEquals(holding(others, runtime, { tail_age_ms: 600, min_interval_ms: 57 }), [
    "oscillation",
  ]);
});

Deno.test("velocity lets a step of exactly the cap pass, and holds the next larger one", () => {
  assertEquals(holding(measured(false), tail(600), { tail_age_ms: 675 }), []);
  assertEquals(holding(measured(false), tail(600), { tail_age_ms: 676 }), ["velocity"]);
  assertEquals(holding(measured(false), tail(600), { tail_age_ms: 524 }), ["velocity"]);
});

Deno.test("velocity lets a decimal step of exactly the cap pass", () => {
  const { min, max } = { min: 0.08, max: 0.12 };
  for (let k = 80; k <= 110; k++) {
    const runtime = { risk: { impact_cap_ratio: k / 1000 } };
    const proposal = { impact_cap_ratio: (k + 10) / 1000 };
    assert((max - min) * 0.25 < 0.0100001);
    assertEquals(holding(measured(false), runtime, proposal), [], String(k));
  }
});

Deno.test("velocity adds up a key's steps within the hour, whatever their direction", () => {
  const spent = tuned(step(600, 670), step(670, 600), step(600, 550), null);
  const runtime = tail(550, { oscillation_window: 6 });
  assertEquals(holding(spent, runtime, { tail_age_ms: 585 }), []);
  assertEquals(holding(spent, runtime, { tail_age_ms: 586 }), ["velocity"]);
  assertEquals(holding(spent, runtime, { tail_age_ms: 515 }), []);
  assertEquals(holding(spent, runtime, { tail_age_ms: 514 }), ["velocity"]);
});

Deno.test("velocity forgets a step once it is a whole hour old, not a second before", () => {
  const after = (seconds: number): PastIteration[] => [
    { timeMs: START, kpisMet: false, applied: step(500, 575) },
    { timeMs: START + 1000 * 1000, kpisMet: false, applied: step(575, 650) },
    { timeMs: START + 2000 * 1000, kpisMet: false, applied: step(650, 725) },
    { timeMs: START + seconds * 1000, kpisMet: false, applied: null },
  ];
  assertEquals(holding(after(3599), tail(725), { tail_age_ms: 730 }), ["velocity"]);
  assertEquals(holding(after(3600), tail(725), { tail_age_ms: 730 }), []);
});

Deno.test("velocity counts the steps of one key only", () => {
  const others = tuned(
    [{ key: "min_interval_ms", from: 40, to: 50 }],
    [
      { key: "min_interval_ms", from: 50, to: 60 },
    ],
    [{ key: "min_interval_ms", from: 60, to: 70 }],
    null,
  );
  const runtime = {
    engine: { tail_age_ms: 600, min_interval_ms: 70 },
    tuner: { cooldown_iters: 0 },
  };
  assertEquals(holding(others, runtime, { tail_age_ms: 675 }), []);
  assertEquals(holding(others, runtime, { min_interval_ms: 71 }), ["velocity"]);
});

Deno.test("cooldown holds until the iterations between two changes have passed", () => {
  const runtime = { engine: { tail_age_ms: 610 } };
  const proposal = { tail_age_ms: 620 };
  const change = step(600, 610);
  assertEquals(holding(tuned(change, null), runtime, proposal), ["cooldown"]);
  assertEquals(holding(tuned(change, null, null), runtime, proposal), []);
});

Deno.test("cooldown takes cooldown_iters from the runtime, and 0 switches it off", () => {
  const past = tuned(step(600, 610), null, null);
  assertEquals(holding(past, tail(610, { cooldown_iters: 3 }), { tail_age_ms: 620 }), ["cooldown"]);
  assertEquals(holding(tuned(step(600, 610), null), tail(610), { tail_age_ms: 620 }), []);
});

Deno.test("cooldown's explanation says how many iterations are left", () => {
  const history = historyOf(tuned(step(600, 610), null));
  const runtime = { tuner: { cooldown_iters: 4 } };
  const { cooldown } = evaluateGuards(history, runtime, {}, marketMaker);
  assertStringIncludes(cooldown.detail, "3 left");
});

Deno.test("no_op holds when every target equals its value, and for an empty proposal", () => {
  assertEquals(holding(measured(false), tail(600), { tail_age_ms: 600 }), ["no_op"]);
  assertEquals(holding(measured(false), tail(600), {}), ["no_op"]);
  const runtime = { engine: { tail_age_ms: 600, min_interval_ms: 55 } };
  assertEquals(holding(measured(false), runtime, { tail_age_ms: 600, min_interval_ms: 56 }), []);
});

Deno.test("no_op does not hold for a parameter that the runtime lacks", () => {
  assertEquals(holding(measured(false), {}, { tail_age_ms: 600 }), []);
});

Deno.test("evaluateGuards() reports all guards that hold, not only the first", () => {
  const past: PastIteration[] = [
    { timeMs: START, kpisMet: true, applied: step(600, 700) },
    { timeMs: START + MINUTE, kpisMet: true, applied: step(700, 600) },
    { timeMs: START + 2 * MINUTE, kpisMet: true, applied: null },
  ];
  assertEquals(holding(past, { engine: { tail_age_ms: 600 } }, { tail_age_ms: 700 }), [
    "freeze",
    "oscillation",
    "velocity",
    "cooldown",
  ]);
});

Deno.test("rememberApplied() and observeIteration() leave the history they were given as it was", () => {
  const before = historyOf(tuned(step(600, 610), step(610, 600), null));
  const copy = structuredClone(before);
  rememberApplied(before, step(600, 620));
  observeIteration(before, { iteration: 4, timeMs: START + 1e9, kpisMet: true });
  assertEquals(before, copy);
});

Deno.test("a history does not grow with the number of iterations", () => {
  let history = EMPTY_HISTORY;
  for (let i = 1; i <= 5000; i++) {
    history = observeIteration(history, {
      iteration: i,
      timeMs: START + i * 5 * MINUTE,
      kpisMet: false,
    });
    history = rememberApplied(history, step(600, i % 2 === 0 ? 601 : 599));
  }
  const size = [...history.directions.values()].reduce((sum, list) => sum + list.length, 0) +
    history.steps.length;
  assert(size < 100, `${size} entries`);
});

/** A runtime with a switch and a list, and guard settings that keep other guards out of the way. */
function mode(quote_mode: string, post_only = false, tuner: JsonObject = {}): JsonObject {
  return { engine: { quote_mode, post_only }, tuner: { cooldown_iters: 0, ...tuner } };
}

const turned = (to: boolean): ValueChange[] => [{ key: "post_only", from: !to, to }];

Deno.test("velocity lets one place of a switch or a list pass, however small the cap", () => {
  for (const velocity_cap of [0.01, 0.25, 0.49]) {
    const runtime = mode("normal", false, { velocity_cap, max_delta_per_hour: 0.01 });
    assertEquals(holding(measured(false), runtime, { quote_mode: "wide" }), []);
    assertEquals(holding(measured(false), runtime, { quote_mode: "tight" }), []);
    assertEquals(holding(measured(false), runtime, { post_only: true }), []);
    assertEquals(holding(measured(false), runtime, { quote_mode: "very wide" }), ["velocity"]);
  }
});

Deno.test("velocity lets as many places pass as the cap has whole ones", () => {
  const held = (velocity_cap: number) =>
    ["normal", "wide", "very wide", "off"].filter((quote_mode) =>
      holding(measured(false), mode("tight", false, { velocity_cap, max_delta_per_hour: 2 }), {
        quote_mode,
      }).length > 0
    );
  assertEquals(held(0.25), ["wide", "very wide", "off"]);
  assertEquals(held(0.5), ["very wide", "off"]);
  assertEquals(held(0.74), ["very wide", "off"]);
  assertEquals(held(0.75), ["off"]);
  assertEquals(held(1), []);
});

Deno.test("velocity lets a switch be turned once within the hour, and says so in places", () => {
  const past = tuned(turned(true), null);
  assertEquals(holding(past, mode("tight", true), { post_only: false }), ["velocity"]);
  const { velocity } = evaluateGuards(
    historyOf(past),
    mode("tight", true),
    { post_only: false },
    MIXED,
  );
  assertEquals(velocity.detail, "post_only 2 places in an hour, cap 1 place");
  const list = { quote_mode: "off" };
  const far = evaluateGuards(historyOf(measured(false)), mode("normal"), list, MIXED);
  assertEquals(far.velocity.detail, "quote_mode step 3 places, cap 1 place");
  const later = past.map((iteration, i) => ({ ...iteration, timeMs: START + 60 * MINUTE * i }));
  assertEquals(holding(later, mode("tight", true), { post_only: false }), []);
});

Deno.test("oscillation holds when a switch would be turned for the third time in a row", () => {
  const twice = tuned(turned(true), turned(false), null);
  const loose = { max_delta_per_hour: 3 };
  assertEquals(holding(twice, mode("tight", false, loose), { post_only: true }), ["oscillation"]);
  assertEquals(
    holding(twice, mode("tight", false, { ...loose, oscillation_window: 4 }), { post_only: true }),
    [],
  );
});

Deno.test("oscillation goes by the order of a list, not by what its values are", () => {
  const moved = (from: number, to: number): ValueChange[] => [{ key: "lot", from, to }];
  const modes = (from: string, to: string): ValueChange[] => [{ key: "quote_mode", from, to }];
  // In the list, "off" is above "tight": as texts it would be the other way round.
  const past = tuned(modes("tight", "normal"), modes("normal", "tight"), null);
  assertEquals(
    holding(past, mode("tight", false, { max_delta_per_hour: 2 }), {
      quote_mode: "normal",
    }),
    ["oscillation"],
  );
  const lots = tuned(moved(10, 25), moved(25, 50), null);
  const runtime = { risk: { lot: 50 }, tuner: { cooldown_iters: 0, max_delta_per_hour: 2 } };
  assertEquals(holding(lots, runtime, { lot: 25 }), []);
  assertEquals(holding(lots, runtime, { lot: 100 }), []);
});

Deno.test("no_op holds for the value itself, not for one that looks like it", () => {
  assertEquals(holding(measured(false), mode("tight", true), { post_only: true }), ["no_op"]);
  assertEquals(holding(measured(false), mode("tight"), { quote_mode: "tight" }), ["no_op"]);
  for (const value of [1, "true"]) {
    assertEquals(holding(measured(false), mode("tight", true), { post_only: value }), []);
  }
});

Deno.test("velocityBudget() tells how far a parameter may still move", () => {
  const settings = { ...marketMaker.guards, velocity_cap: 0.25, max_delta_per_hour: 0.75 };
  const budgetAfter = (...past: readonly (readonly AppliedStep[] | null)[]) =>
    velocityBudget("tail_age_ms", historyOf(tuned(...past)), settings, marketMaker);
  assertEquals(budgetAfter(null), { step: 75, hour: 225 });
  assertEquals(budgetAfter(step(600, 670), step(670, 610), null), { step: 75, hour: 95 });
  assertEquals(budgetAfter(step(500, 800), null), { step: 75, hour: 0 });
});

const CONTEXT: ProposalContext = { autoTune: true, last: false, kpisMet: false, failure: null };

function noteFor(
  iterations: readonly PastIteration[],
  proposal: Readonly<Record<string, number>>,
  context: Partial<ProposalContext> = {},
): string | undefined {
  const runtime = { engine: { tail_age_ms: 610 } };
  const evaluation = evaluateGuards(historyOf(iterations), runtime, proposal, marketMaker);
  return skipReason(evaluation, { ...CONTEXT, ...context })?.note;
}

Deno.test("skipReason() is null when no guard holds", () => {
  assertEquals(noteFor(measured(false), { tail_age_ms: 620 }), undefined);
});

Deno.test("skipReason() has all six fields, and its flags are the guards' findings", () => {
  fc.assert(
    fc.property(situation, acceptableTargets(CHANGED), ({ iterations, runtime }, targets) => {
      const evaluation = evaluateGuards(historyOf(iterations), runtime, targets, MIXED);
      const reason = skipReason(evaluation, CONTEXT);
      if (reason === null) {
        assert(GUARDS.every((guard) => !evaluation[guard].holds));
        return;
      }
      assertEquals(Object.keys(reason).sort(), [...GUARDS, "note"].sort());
      for (const guard of GUARDS) assertEquals(reason[guard], evaluation[guard].holds);
      const first = GUARDS.find((guard) => reason[guard]);
      assertEquals(primaryGuard(reason), first);
      if (first !== "no_op") assert(reason.note.startsWith(`${first}: `), reason.note);
      assert(reason.note !== "");
    }),
    { seed: 8, numRuns: 1000 },
  );
});

Deno.test("skipReason() names the first guard by priority: freeze before all others", () => {
  const frozen: PastIteration[] = [
    { timeMs: START, kpisMet: true, applied: step(600, 610) },
    { timeMs: START + MINUTE, kpisMet: true, applied: null },
  ];
  assert(noteFor(frozen, { tail_age_ms: 800 })?.startsWith("freeze: "));
  assert(noteFor(tuned(step(600, 610), null), { tail_age_ms: 800 })?.startsWith("velocity: "));
  assert(noteFor(tuned(step(600, 610), null), {})?.startsWith("cooldown: "));
});

Deno.test("skipReason() tells in its note why nothing was proposed", () => {
  assertEquals(noteFor(measured(true), {}, { kpisMet: true }), "all KPIs on target");
  assertEquals(noteFor(measured(false), {}), "no rule fires");
  const atLimits = { fired: true, oscillation: [], velocity: [] };
  assertEquals(
    noteFor(measured(false), {}, { withheld: atLimits }),
    "the rules that fire have no step left to take",
  );
  assertEquals(noteFor(measured(false), {}, { autoTune: false }), "auto-tune is off");
  assertStringIncludes(noteFor(measured(false), {}, { last: true }) ?? "", "last iteration");
  assertStringIncludes(noteFor(measured(false), {}, { failure: "no answer" }) ?? "", "no answer");
  assertEquals(
    noteFor(measured(false), { tail_age_ms: 610 }),
    "every target equals the current value",
  );
});

Deno.test("primaryGuard() is the first flag by priority, or null", () => {
  const none = {
    freeze: false,
    oscillation: false,
    velocity: false,
    cooldown: false,
    no_op: false,
  };
  assertEquals(primaryGuard(none), null);
  for (const [i, guard] of GUARDS.entries()) {
    const flags = { ...none, no_op: true, [guard]: true };
    assertEquals(primaryGuard(flags), guard, String(i));
  }
});

Deno.test("a guard that leaves nothing to propose holds, and is what the skip reason names", () => {
  const history = observeIteration(EMPTY_HISTORY, { iteration: 1, timeMs: 0, kpisMet: false });
  for (const guard of ["oscillation", "velocity"] as const) {
    const withheld = { fired: true, oscillation: [], velocity: [], [guard]: ["tail_age_ms"] };
    const held = evaluateGuards(history, {}, {}, marketMaker, withheld);
    const context = { autoTune: true, last: false, kpisMet: false, failure: null, withheld };
    const reason = skipReason(held, context);
    assertEquals([reason?.[guard], reason?.no_op], [true, true]);
    assertStringIncludes(reason?.note ?? "", `${guard}: tail_age_ms`);
    const proposed = evaluateGuards(history, {}, { max_age_ms: 3100 }, marketMaker, withheld);
    assertEquals(proposed[guard].holds, false, "something else was proposed");
  }
});
