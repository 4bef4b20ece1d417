import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { JsonValue } from "../../base/json_value.ts";
import type { NumberParameter, Parameter } from "../../model/profile.ts";
import { printable } from "../../base/text.ts";
import { MeasurementError, parseOutput, wantedFrom } from "../../system/measurement.ts";
import { TINY } from "../kit/real_system.ts";

const WORKERS: Parameter = { ...TINY.parameters[0] as NumberParameter, key: "workers" };
const WANTED = { kpis: ["p95", "rps"], params: [WORKERS] };

Deno.test("parseOutput() reads KPIs and, if there are any, effective parameters", () => {
  const kpis = { p95: 1.5, rps: -3 };
  assertEquals(parseOutput({ kpis }, WANTED), { kpis, effectiveParams: {} });
  assertEquals(parseOutput({ kpis, effective_params: { workers: 4 } }, WANTED), {
    kpis,
    effectiveParams: { workers: 4 },
  });
});

Deno.test("parseOutput() names the first mistake, in one safe line", () => {
  const kpis = { p95: 1, rps: 2 };
  const cases: readonly (readonly [JsonValue, string])[] = [
    [null, "SOAK_OUTPUT: $: expected an object, found null"],
    [{ kpis: [] }, "SOAK_OUTPUT: $.kpis: expected an object, found []"],
    [{ kpis: { p95: 1 } }, "SOAK_OUTPUT has no KPI rps"],
    [{}, "SOAK_OUTPUT has no KPI p95"],
    [{ kpis: { ...kpis, p95: true } }, "SOAK_OUTPUT: $.kpis.p95: expected a number, found true"],
    [{ kpis, effective_params: { workers: "4" } }, "$.effective_params.workers"],
    [{ kpis, effective_params: { wrokers: 4 } }, 'no parameter "wrokers" (known: workers)'],
    [{ kpis: { "a\u001b[2J": 1 } }, 'no KPI "a\\u001b[2J"'],
  ];
  for (const [value, says] of cases) {
    assertThrows(() => parseOutput(value, WANTED), MeasurementError, says);
  }
});

Deno.test("parseOutput() reads every document or explains, and lets no other value through", () => {
  const key = fc.constantFrom("p95", "rps", "workers", "__proto__", "constructor", "x");
  const part = fc.dictionary(key, fc.oneof(fc.double(), fc.string(), fc.constant(null)));
  const document = fc.record({ kpis: part, effective_params: part }, { requiredKeys: [] });
  fc.assert(fc.property(fc.oneof(document, fc.jsonValue()), (value) => {
    try {
      const { kpis, effectiveParams } = parseOutput(value as JsonValue, WANTED);
      assertEquals(Object.keys(kpis).sort(), ["p95", "rps"]);
      assert(Object.keys(effectiveParams).every((name) => name === "workers"));
      for (const n of Object.values({ ...kpis, ...effectiveParams })) assert(typeof n === "number");
    } catch (error) {
      if (!(error instanceof MeasurementError)) throw error;
      assertEquals(printable(error.message), error.message);
    }
  }));
});

Deno.test("wantedFrom() leaves to queries what has one, if they are made", () => {
  const profile = { ...TINY, kpis: TINY.kpis.map((kpi) => ({ ...kpi, query: "x" })) };
  assertEquals(wantedFrom(profile, true), { kpis: [], params: TINY.parameters });
  assertEquals(wantedFrom(profile, false), { kpis: ["cost"], params: TINY.parameters });
});
