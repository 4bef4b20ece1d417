import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { JsonValue } from "../../base/json_value.ts";
import {
  GUARD_SETTINGS,
  type GuardSetting,
  guardSettings,
  settingProblems,
} from "../../model/guard_settings.ts";
import { evaluateGuards, GUARDS } from "../../model/guards.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { DEFAULT_GUARDS, type GuardSettings, type Profile } from "../../model/profile.ts";
import {
  acceptableTargets,
  CHANGED,
  historyOf,
  situation,
  tunerSettings,
} from "../kit/arbitraries.ts";

/** The built-in profile with guard settings that are no parameters. */
function fixed(guards: Partial<GuardSettings> = {}): Profile {
  return {
    ...marketMaker,
    name: "fixed",
    parameters: marketMaker.parameters.filter(({ path }) => !path.startsWith("tuner.")),
    guards: { ...DEFAULT_GUARDS, ...guards },
  };
}

/** What is wrong with one setting in a runtime. */
function problem(name: string, value: JsonValue, profile: Profile = fixed()): string | undefined {
  const problems = settingProblems({ tuner: { [name]: value } }, profile);
  assert(problems.length <= 1);
  return problems[0]?.message;
}

Deno.test("guardSettings() takes numbers from tuner in the runtime, else the profile's", () => {
  assertEquals(guardSettings({}, marketMaker), marketMaker.guards);
  assertEquals(guardSettings({ tuner: [1] }, marketMaker), marketMaker.guards);
  const runtime = { tuner: { velocity_cap: 0.5, cooldown_iters: "3", freeze_after: null } };
  assertEquals(guardSettings(runtime, marketMaker), { ...marketMaker.guards, velocity_cap: 0.5 });
});

Deno.test("settingProblems() allows what is as strict as the profile or stricter, and nothing else", () => {
  const cases: readonly (readonly [GuardSetting, readonly number[], readonly JsonValue[]])[] = [
    ["freeze_after", [2], [1, 3, 0, -3, 2.5, "2", null, true, [2], {}]],
    ["freeze_iters", [4, 5, 1000], [3, 0, -1, 4.5, 1001, "4"]],
    ["oscillation_window", [2, 3], [4, 1, 0, -1, 2.5, 65, "3"]],
    ["velocity_cap", [0.25, 0.1, 1e-9], [0.26, 1, 1e9, 0, -0.1, "0.1", null]],
    ["max_delta_per_hour", [0.75, 0.1, 1e-9], [0.76, 1e300, 0, -1, "0.1"]],
    ["cooldown_iters", [1, 2, 1000], [0, -7, 1.5, 1001, "3", null]],
  ];
  for (const [name, allowed, refused] of cases) {
    for (const value of allowed) assertEquals(problem(name, value), undefined, `${name} ${value}`);
    for (const value of refused) {
      const message = problem(name, value);
      assertStringIncludes(message ?? "", `tuner.${name} is ${JSON.stringify(value)}, but the`);
    }
  }
});

Deno.test("settingProblems() says what the profile allows", () => {
  assertEquals(
    problem("velocity_cap", 1e9),
    "tuner.velocity_cap is 1000000000, but the profile allows a number above 0 and at most 0.25",
  );
  assertEquals(
    problem("cooldown_iters", -7),
    "tuner.cooldown_iters is -7, but the profile allows an integer from 1 to 1000",
  );
  assertEquals(
    problem("oscillation_window", 0),
    "tuner.oscillation_window is 0, but the profile allows an integer from 2 to 3",
  );
  assertEquals(
    problem("freeze_after", 1),
    "tuner.freeze_after is 1, but the profile allows 2 only",
  );
});

Deno.test("settingProblems() takes the bounds of a parameter where there is one", () => {
  assertEquals(problem("velocity_cap", 1, marketMaker), undefined);
  assertEquals(problem("cooldown_iters", 0, marketMaker), undefined);
  assertEquals(
    problem("velocity_cap", 100, marketMaker),
    "velocity_cap must be from 0.05 to 1 range, not 100",
  );
  const [found] = settingProblems({ tuner: { cooldown_iters: 0.5 } }, marketMaker);
  assertEquals([found?.name, found?.parameter], ["cooldown_iters", "cooldown_iters"]);
});

Deno.test("settingProblems() has nothing to say of what is no guard setting", () => {
  for (const runtime of [{}, { tuner: 1 }, { tuner: [] }, { tuner: { own: -1 } }]) {
    assertEquals(settingProblems(runtime, fixed()), []);
  }
});

Deno.test("no guard that the profile's settings hold is let go by settings that are allowed", () => {
  const kept = new Map<string, number>();
  fc.assert(
    fc.property(
      situation,
      tunerSettings,
      tunerSettings,
      acceptableTargets(CHANGED),
      ({ iterations, runtime }, guards, wished, proposal) => {
        const profile = fixed(guards);
        const tuner = Object.fromEntries(
          GUARD_SETTINGS.flatMap((name) => {
            const value = wished[name];
            if (value === undefined || problem(name, value, profile) !== undefined) return [];
            if (value !== profile.guards[name]) kept.set(name, (kept.get(name) ?? 0) + 1);
            return [[name, value]];
          }),
        );
        const history = historyOf(iterations);
        const { tuner: _, ...plain } = runtime;
        const before = evaluateGuards(history, plain, proposal, profile);
        const after = evaluateGuards(history, { ...plain, tuner }, proposal, profile);
        for (const guard of GUARDS) {
          assert(after[guard].holds || !before[guard].holds, guard);
        }
        assertEquals(after.freeze.holds, before.freeze.holds);
      },
    ),
    { seed: 20250101, numRuns: 4000 },
  );
  for (const name of GUARD_SETTINGS) {
    const least = name === "freeze_after" ? 0 : 100;
    assert((kept.get(name) ?? 0) >= least, `${name} was hardly ever made stricter`);
  }
});
