import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { isJsonObject, type JsonObject } from "../../base/json_value.ts";
import { marketMaker, PARAM_KEYS } from "../../model/market_maker.ts";
import {
  applyDeltas,
  findParameter,
  getAllParams,
  getFromRuntime,
  setInRuntime,
  validateDeltas,
  validateRuntime,
} from "../../model/params.ts";
import type { Parameter } from "../../model/profile.ts";
import { roundToStep } from "../../model/scale.ts";
import { acceptableTargets, parameterValue } from "../kit/arbitraries.ts";

function parsed(text: string): JsonObject {
  const value = parseJson(text);
  assert(isJsonObject(value));
  return value;
}

function required(key: string): Parameter {
  const parameter = findParameter(key);
  assert(parameter !== undefined);
  return parameter;
}

/** Any runtime: objects where the parameters' sections are, with anything else beside them. */
const anyRuntime: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom("risk", "engine", "tuner", "market", "note", "__proto__", "constructor"),
  fc.dictionary(
    fc.oneof(fc.constantFrom(...PARAM_KEYS, "__proto__", "toString"), fc.string()),
    fc.jsonValue({ maxDepth: 2 }),
  ),
).map((runtime) => parsed(canonicalJson(runtime)));

/** What is left of a runtime when its parameters are taken out: a sorted line for each value. */
function withoutParameters(runtime: JsonObject): string[] {
  const paths = new Set(marketMaker.parameters.map(({ path }) => path));
  return Object.entries(runtime).flatMap(([section, content]) =>
    isJsonObject(content)
      ? Object.entries(content)
        .map(([key, value]) => [`${section}.${key}`, value] as const)
        .filter(([path]) => !paths.has(path))
        .map(([path, value]) => `${path}=${canonicalJson(value)}`)
      : [`${section}=${canonicalJson(content)}`]
  ).sort();
}

Deno.test("getFromRuntime() finds what setInRuntime() set, for every key and value", () => {
  fc.assert(
    fc.property(
      anyRuntime,
      fc.constantFrom(...marketMaker.parameters).chain((parameter) =>
        fc.tuple(fc.constant(parameter.key), parameterValue(parameter))
      ),
      (runtime, [key, value]) => {
        const before = getAllParams(runtime);
        const next = setInRuntime(runtime, key, value);
        assertEquals(getFromRuntime(next, key), value);
        assertEquals(getAllParams(next), { ...before, [key]: value });
      },
    ),
    { seed: 2, numRuns: 1000 },
  );
});

Deno.test("applyDeltas() sets every target and nothing else, and leaves its input untouched", () => {
  fc.assert(
    fc.property(anyRuntime, acceptableTargets(marketMaker.parameters), (runtime, targets) => {
      const before = canonicalJson(runtime);
      const next = applyDeltas(runtime, targets).runtime;
      assertEquals(canonicalJson(runtime), before);
      assertEquals(getAllParams(next), { ...getAllParams(runtime), ...targets });
      assertEquals(withoutParameters(next), withoutParameters(runtime));
    }),
    { seed: 3, numRuns: 1000 },
  );
});

Deno.test("applyDeltas() counts the targets, also one that equals the present value", () => {
  const runtime = { engine: { tail_age_ms: 600 } };
  const count = (deltas: Record<string, number>): number => applyDeltas(runtime, deltas).count;
  assertEquals(count({ tail_age_ms: 600, min_interval_ms: 60 }), 2);
  assertEquals(count({ tail_age_ms: 600 }), 1);
  assertEquals(count({}), 0);
});

Deno.test("applyDeltas() twice is the same as once", () => {
  fc.assert(
    fc.property(anyRuntime, acceptableTargets(marketMaker.parameters), (runtime, targets) => {
      const once = applyDeltas(runtime, targets).runtime;
      assertEquals(canonicalJson(applyDeltas(once, targets).runtime), canonicalJson(once));
    }),
    { seed: 4, numRuns: 300 },
  );
});

Deno.test("applyDeltas() does not depend on the order of the targets", () => {
  fc.assert(
    fc.property(anyRuntime, acceptableTargets(marketMaker.parameters), (runtime, targets) => {
      const reversed = Object.fromEntries(Object.entries(targets).reverse());
      assertEquals(
        canonicalJson(applyDeltas(runtime, reversed).runtime),
        canonicalJson(applyDeltas(runtime, targets).runtime),
      );
    }),
    { seed: 5, numRuns: 300 },
  );
});

Deno.test("applyDeltas() works on a frozen runtime", () => {
  const runtime = Object.freeze({ engine: Object.freeze({ tail_age_ms: 600, own: "kept" }) });
  assertEquals(applyDeltas(runtime, { tail_age_ms: 630 }).runtime, {
    engine: { tail_age_ms: 630, own: "kept" },
  });
});

Deno.test("applyDeltas() of nothing changes nothing", () => {
  const runtime = { engine: { tail_age_ms: 1 }, own: [1, null] };
  assertEquals(applyDeltas(runtime, {}).runtime, runtime);
});

Deno.test("applyDeltas() refuses all targets when one of them is not acceptable", () => {
  const runtime = { engine: { tail_age_ms: 600, min_interval_ms: 55 } };
  const error = assertThrows(
    () => applyDeltas(runtime, { min_interval_ms: 60, tail_age_ms: 801 }).runtime,
    SoakError,
    "tail_age_ms must be from 500 to 800 ms, not 801",
  );
  assertEquals(error.kind, "usage");
  assertEquals(runtime, { engine: { tail_age_ms: 600, min_interval_ms: 55 } });
});

Deno.test("applyDeltas() says how many more targets are not acceptable", () => {
  assertThrows(
    () => applyDeltas({}, { x: 1, tail_age_ms: 600, y: 2, z: 3 }).runtime,
    SoakError,
    "x is not a parameter (and 2 more)",
  );
});

Deno.test("a key that is no parameter's gets the nearest one that is", () => {
  const hint = "did you mean tail_age_ms? soak params list shows all";
  for (const key of ["tail_age", "TAIL_AGE_MS", "tail_aeg_ms"]) {
    assertThrows(() => applyDeltas({}, { [key]: 1 }).runtime, SoakError, hint);
    assertThrows(() => getFromRuntime({}, key), SoakError, hint);
  }
  assertThrows(() => getFromRuntime({}, "x"), SoakError, "(x); soak params list shows all");
});

Deno.test("applyDeltas() refuses to replace something that is not an object by a section", () => {
  for (const engine of [1, "engine", null, [], [{}]]) {
    const error = assertThrows(() => applyDeltas({ engine }, { tail_age_ms: 600 }), SoakError);
    assertStringIncludes(
      error.message,
      "engine is not an object, so that tail_age_ms has no place in it",
    );
  }
});

Deno.test("applyDeltas() refuses keys that every object inherits", () => {
  for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const deltas = parsed(`{"${key}":1}`);
    assertEquals(validateDeltas(deltas).map(({ key, code }) => [key, code]), [[
      key,
      "unknown_key",
    ]]);
    assertThrows(() => applyDeltas({}, { [key]: 1 }).runtime, SoakError, "is not a parameter");
    assertThrows(() => getFromRuntime({}, key), SoakError, "no such parameter");
  }
});

Deno.test("applyDeltas() keeps __proto__ and constructor in a runtime as plain data", () => {
  const runtime = parsed(
    '{"__proto__":{"polluted":1},"constructor":{"prototype":2},' +
      '"engine":{"__proto__":{"tail_age_ms":700}}}',
  );
  assertEquals(getFromRuntime(runtime, "tail_age_ms"), undefined);
  assertEquals(
    canonicalJson(applyDeltas(runtime, { tail_age_ms: 600 }).runtime),
    '{"__proto__":{"polluted":1},"constructor":{"prototype":2},' +
      '"engine":{"__proto__":{"tail_age_ms":700},"tail_age_ms":600}}',
  );
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
});

Deno.test("applyDeltas() sets a deep path, making the objects on the way", () => {
  const deep: Parameter = { ...required("tail_age_ms"), path: "a.b.c.tail" };
  assertEquals(applyDeltas({ a: { x: 1 } }, { tail_age_ms: 600 }, [deep]).runtime, {
    a: { x: 1, b: { c: { tail: 600 } } },
  });
});

Deno.test("applyDeltas() rounds 0.1 + 0.01 to 0.11", () => {
  assertEquals(
    canonicalJson(applyDeltas({}, { impact_cap_ratio: 0.1 + 0.01 }).runtime),
    '{"risk":{"impact_cap_ratio":0.11}}',
  );
});

Deno.test("validateDeltas() accepts both bounds and refuses the next step beyond them", () => {
  for (const { key, min, max, step } of marketMaker.parameters) {
    assertEquals(validateDeltas({ [key]: min }), []);
    assertEquals(validateDeltas({ [key]: max }), []);
    for (const beyond of [min - step, max + step]) {
      assertEquals(validateDeltas({ [key]: beyond }).map(({ code }) => code), ["out_of_bounds"]);
    }
  }
});

Deno.test("validateDeltas() refuses whatever is not a finite number", () => {
  for (const value of [NaN, Infinity, -Infinity, "600", null, true, [600], {}, undefined, 600n]) {
    assertEquals(validateDeltas({ tail_age_ms: value }).map(({ code }) => code), ["wrong_kind"]);
  }
});

Deno.test("validateDeltas() refuses a fraction for an integer, and rounds none away", () => {
  for (const value of [600.5, 600.0001, 799.9999999999999]) {
    assertEquals(validateDeltas({ tail_age_ms: value }).map(({ code }) => code), ["wrong_kind"]);
  }
});

Deno.test("validateDeltas() reports every problem, in the order of the targets", () => {
  const deltas = { nonsense: 1, tail_age_ms: 1, min_interval_ms: "x", impact_cap_ratio: 0.1 };
  assertEquals(validateDeltas(deltas).map(({ key, code }) => `${key} ${code}`), [
    "nonsense unknown_key",
    "tail_age_ms out_of_bounds",
    "min_interval_ms wrong_kind",
  ]);
});

Deno.test("validateRuntime() names each parameter that is missing or not acceptable", () => {
  const runtime = { engine: { tail_age_ms: "600", min_interval_ms: 39, concurrency_limit: 20 } };
  const problems = validateRuntime(runtime, [
    required("tail_age_ms"),
    required("min_interval_ms"),
    required("concurrency_limit"),
    required("tick_size"),
  ]);
  assertEquals(problems.map(({ key, code }) => `${key} ${code}`), [
    "tail_age_ms wrong_kind",
    "min_interval_ms out_of_bounds",
    "tick_size missing",
  ]);
});

Deno.test("getAllParams() lists only numbers, in the profile's order", () => {
  const runtime = { risk: { impact_cap_ratio: 0.1 }, engine: { tail_age_ms: "600" }, market: [] };
  assertEquals(getAllParams({ ...runtime, tuner: { cooldown_iters: 2, own: 1 } }), {
    impact_cap_ratio: 0.1,
    cooldown_iters: 2,
  });
  const all = applyDeltas(
    {},
    Object.fromEntries(marketMaker.parameters.map((p) => [p.key, p.max])),
  ).runtime;
  assertEquals(Object.keys(getAllParams(all)), [...PARAM_KEYS]);
});

/** A decimal's value in units of 10 to the minus 20, exactly. */
function exact(value: number): bigint {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return BigInt(whole + fraction) * 10n ** BigInt(20 + Number(exponent) - fraction.length);
}

Deno.test("roundToStep() always ends on the grid, at its nearest point, and stays there", () => {
  const steps = [1, 10, 2, 0.1, 0.01, 0.005, 0.001, 0.0001, 0.25, 0.02, 1e-7, 2.5e-7];
  fc.assert(
    fc.property(
      fc.constantFrom(...steps),
      fc.double({ min: -1e4, max: 1e4, noNaN: true }),
      (step, value) => {
        const rounded = roundToStep(value, { step });
        assertEquals(exact(rounded) % exact(step), 0n);
        assert(Math.abs(rounded - value) <= step / 2 * (1 + 1e-6) + 1e-11);
        assertEquals(roundToStep(rounded, { step }), rounded);
        assert(!Object.is(rounded, -0));
      },
    ),
    { seed: 6, numRuns: 5000 },
  );
});

Deno.test("roundToStep() keeps a long sum of steps exact", () => {
  const step = 0.001;
  let value = 0.08;
  for (let i = 1; i <= 40; i++) {
    value = roundToStep(value + step, { step });
    assertEquals(String(value), String((80 + i) / 1000));
  }
});
