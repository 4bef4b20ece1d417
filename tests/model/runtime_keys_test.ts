import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "../../base/json_value.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, getAllParams } from "../../model/params.ts";
import type { Parameter, Profile } from "../../model/profile.ts";
import { nestRuntime, unknownKeys } from "../../model/runtime_keys.ts";

const defaults = Object.fromEntries(
  marketMaker.parameters.map((parameter) => [parameter.key, parameter.default]),
);

Deno.test("whatever part of a runtime is flat, it means the same as the nested one", () => {
  const nested = applyDeltas({ note: "kept" }, defaults).runtime;
  const keys = marketMaker.parameters.map(({ key }) => key);
  fc.assert(fc.property(fc.subarray(keys), fc.boolean(), (flat, dotted) => {
    const rest = keys.filter((key) => !flat.includes(key));
    const pick = (some: readonly string[]) => some.map((key) => [key, defaults[key] ?? 0] as const);
    const top = pick(flat).map(([key, value]) => {
      const path = marketMaker.parameters.find((each) => each.key === key)?.path ?? key;
      return [dotted ? path : key, value] as const;
    });
    const given = {
      ...applyDeltas({ note: "kept" }, Object.fromEntries(pick(rest))).runtime,
      ...Object.fromEntries(top),
    };
    const { runtime, flat: taken, problems } = nestRuntime(given, marketMaker);
    assertEquals(runtime, nested);
    assertEquals(taken.map(({ key }) => key), top.map(([key]) => key));
    assertEquals(problems, []);
    assertEquals(unknownKeys(runtime, marketMaker).map(({ path }) => path), ["note"]);
  }));
});

Deno.test("a flat key is taken for a path at the top, too, and never from another parameter", () => {
  const at = (key: string, path: string): Parameter => ({
    key,
    path,
    kind: "boolean",
    default: false,
    description: "",
  });
  const parameters = [at("rate", "rate_hz"), at("x", "y"), at("y", "x"), at("z", "z")];
  const given = { rate: true, x: true, y: false, z: true };
  const { runtime, flat, problems } = nestRuntime(given, { ...marketMaker, parameters });
  assertEquals(runtime, { rate_hz: true, x: true, y: false, z: true });
  assertEquals([flat, problems], [[{ key: "rate", path: "rate_hz" }], []]);
});

Deno.test("what is nested already stays as it is, a runtime with all parameters too", () => {
  const nested = applyDeltas({}, defaults).runtime;
  assertStrictEquals(nestRuntime(nested, marketMaker).runtime, nested);
  assertEquals(unknownKeys(nested, marketMaker), []);
  assertEquals(getAllParams(nested), defaults);
});

Deno.test("a flat key beside the same value in its place is taken, beside another it is named", () => {
  const engine = { min_interval_ms: 60 };
  const same = nestRuntime({ engine, min_interval_ms: 60 }, marketMaker);
  assertEquals([same.runtime, same.problems], [{ engine }, []]);
  const other: JsonObject = { engine, min_interval_ms: 65, tail_age_ms: 600 };
  const { runtime, flat, problems } = nestRuntime(other, marketMaker);
  assertEquals(runtime, { engine: { min_interval_ms: 60, tail_age_ms: 600 }, min_interval_ms: 65 });
  assertEquals(flat, [{ key: "tail_age_ms", path: "engine.tail_age_ms" }]);
  const message = "min_interval_ms is 65 at the top and 60 at engine.min_interval_ms";
  assertEquals(problems, [{ key: "min_interval_ms", message }]);
});

Deno.test("a flat key whose place is blocked is named, and nothing is lost", () => {
  const given = { engine: 5, min_interval_ms: 65 };
  const { runtime, problems } = nestRuntime(given, marketMaker);
  assertEquals(runtime, given);
  const message = "engine is not an object, so that min_interval_ms has no place in it";
  assertEquals(problems, [{ key: "min_interval_ms", message }]);
});

Deno.test("guard settings may stand at the top as well, where no parameter has their name", () => {
  const { parameters } = marketMaker;
  const profile: Profile = {
    ...marketMaker,
    parameters: parameters.slice(0, 1).map((each) => ({ ...each, key: "hz", path: "hz" })),
  };
  const { runtime, flat } = nestRuntime({ hz: 10, velocity_cap: 0.1 }, profile);
  assertEquals(runtime, { hz: 10, tuner: { velocity_cap: 0.1 } });
  assertEquals(flat, [{ key: "velocity_cap", path: "tuner.velocity_cap" }]);
  assertEquals(unknownKeys(runtime, profile), []);
});

Deno.test("what nothing uses is listed with its path and what was most likely meant", () => {
  const runtime = {
    engine: { min_intervall_ms: 65, "odd key": [1] },
    risk: { tail_age_ms: 600 },
    tuner: { Velocity_cap: 9 },
    "engine.tail_age_ms": 700,
    empty: {},
  };
  assertEquals(unknownKeys(runtime, marketMaker), [
    { path: "engine.min_intervall_ms", near: "engine.min_interval_ms" },
    { path: 'engine["odd key"]' },
    { path: "risk.tail_age_ms", near: "engine.tail_age_ms" },
    { path: "tuner.Velocity_cap", near: "tuner.velocity_cap" },
    { path: '["engine.tail_age_ms"]', near: "engine.tail_age_ms" },
  ]);
});
