import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Action, BooleanParameter, NumberParameter } from "../../model/profile.ts";
import {
  actionTarget as targetOf,
  allowedShare,
  nearestPlace,
  placeOf,
  rangeOf,
  roundToStep,
  scaleOf,
  shareText,
  valueAt,
} from "../../model/scale.ts";
import { parameterValue } from "../kit/arbitraries.ts";
import { LOT, MIXED, POST_ONLY, QUOTE_MODE } from "../kit/mixed_profile.ts";

const NUMBER: NumberParameter = {
  key: "p",
  path: "p",
  kind: "number",
  min: -1000,
  max: 1000,
  step: 0.5,
  unit: "",
  default: 0,
  description: "",
};

const actionTarget = (action: Action, current: number): number => targetOf(action, current, NUMBER);

Deno.test("a value is at its place, and the place has that value, for every kind", () => {
  const any = fc.constantFrom(...MIXED.parameters)
    .chain((parameter) => fc.tuple(fc.constant(parameter), parameterValue(parameter)));
  fc.assert(fc.property(any, ([parameter, value]) => {
    const place = placeOf(parameter, value);
    assert(place !== undefined);
    assertEquals(valueAt(parameter, place), value);
    assertEquals(nearestPlace(parameter, place), place);
    const { min, max, step } = scaleOf(parameter);
    assert(place >= min && place <= max);
    assertEquals(roundToStep(place, { step }), place);
  }));
});

Deno.test("placeOf() has none for what is no value of the parameter", () => {
  for (const value of ["true", 1, 0, null, undefined, {}, []]) {
    assertEquals(placeOf(POST_ONLY, value), undefined);
  }
  for (const value of ["", "TIGHT", 0, true, null, undefined, ["tight"]]) {
    assertEquals(placeOf(QUOTE_MODE, value), undefined);
  }
  for (const value of ["10", 11, true, null]) assertEquals(placeOf(LOT, value), undefined);
  for (const value of ["1", true, null, undefined]) assertEquals(placeOf(NUMBER, value), undefined);
  assertEquals(placeOf(NUMBER, 5000), 5000);
});

Deno.test("valueAt() keeps to the values there are", () => {
  assertEquals([-9, 0, 1, 4, 9].map((place) => valueAt(QUOTE_MODE, place)), [
    ...["tight", "tight", "normal", "off", "off"],
  ]);
  assertEquals([-1, 0, 1, 2].map((place) => valueAt(POST_ONLY, place)), [false, false, true, true]);
  assertEquals([-2000, 0.3, 2000].map((place) => valueAt(NUMBER, place)), [-1000, 0.5, 1000]);
});

Deno.test("allowedShare() leaves a number its cap, and others whole places, one at least", () => {
  const places = (parameter: Parameters<typeof rangeOf>[0], cap: number) =>
    Number((allowedShare(parameter, cap) * rangeOf(parameter)).toFixed(9));
  assertEquals(allowedShare(NUMBER, 0.0001), 0.0001);
  assertEquals([0.001, 0.25, 0.49, 0.5, 0.74, 0.75, 1, 2].map((cap) => places(QUOTE_MODE, cap)), [
    ...[1, 1, 1, 2, 2, 3, 4, 8],
  ]);
  assertEquals([0.001, 0.9, 1, 2.5].map((cap) => places(POST_ONLY, cap)), [1, 1, 1, 2]);
  assertEquals(places(LOT, 2 / 3), 2);
});

Deno.test("shareText() is in percent of a number's range, and in places else", () => {
  assertEquals(shareText(NUMBER, 0.25), "25 %");
  assertEquals([0.25, 0.5].map((share) => shareText(QUOTE_MODE, share)), ["1 place", "2 places"]);
});

Deno.test("actionTarget() moves a switch and a list by places, up to the limit's", () => {
  const off: BooleanParameter = POST_ONLY;
  assertEquals(targetOf({ param: "post_only", add: 1 }, 0, off), 1);
  assertEquals(targetOf({ param: "post_only", add: -1, limit: false }, 1, off), 0);
  const mode = (limit: string) => targetOf({ param: "quote_mode", add: 2, limit }, 1, QUOTE_MODE);
  assertEquals(["off", "very wide", "wide", "tight"].map(mode), [3, 3, 2, 1]);
  assertEquals(targetOf({ param: "lot", add: -1, limit: 25 }, 2, LOT), 1);
});

Deno.test("actionTarget() adds or multiplies, and stops at the limit", () => {
  assertEquals(actionTarget({ param: "p", add: 5 }, 70), 75);
  assertEquals(actionTarget({ param: "p", add: 5, limit: 75 }, 72), 75);
  assertEquals(actionTarget({ param: "p", add: -3, limit: 50 }, 51), 50);
  assertEquals(actionTarget({ param: "p", multiply: 0.5 }, 20), 10);
  assertEquals(actionTarget({ param: "p", multiply: 0.5, limit: 12 }, 20), 12);
});

Deno.test("actionTarget() leaves a value beyond the limit where it is", () => {
  assertEquals(actionTarget({ param: "p", add: 5, limit: 75 }, 78), 78);
  assertEquals(actionTarget({ param: "p", add: -3, limit: 50 }, 45), 45);
});

Deno.test("actionTarget() never goes past the limit, nor against the step's direction", () => {
  const number = fc.double({ min: -1000, max: 1000, noNaN: true });
  fc.assert(
    fc.property(number, number, number, (add, limit, current) => {
      const action: Action = { param: "p", add, limit };
      const target = actionTarget(action, current);
      if (current + add >= current) {
        assert(target >= current && target <= Math.max(current, limit));
      } else {
        assert(target <= current && target >= Math.min(current, limit));
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});
