import { assertEquals, assertThrows } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { valuesOf } from "../../cli/values.ts";
import { MIXED } from "../kit/mixed_profile.ts";

const read = (texts: Readonly<Record<string, string>>) => valuesOf(texts, MIXED.parameters);

Deno.test("valuesOf() reads texts by the kinds of the parameters", () => {
  const texts = { tail_age_ms: "660", post_only: "true", quote_mode: "very wide", lot: "25" };
  const values = { tail_age_ms: 660, post_only: true, quote_mode: "very wide", lot: 25 };
  assertEquals(read(texts), values);
  assertEquals(read({ tail_age_ms: "-0.5", post_only: "false" }), {
    tail_age_ms: -0.5,
    post_only: false,
  });
  assertEquals(Object.is(read({ tail_age_ms: "-0" })["tail_age_ms"], 0), true);
});

Deno.test("valuesOf() leaves to validation what is in no list, and keys that are no parameter's", () => {
  const texts = { quote_mode: "wdie", lot: "many", warp: "9", ["__proto__"]: "1" };
  assertEquals(Object.entries(read(texts)), Object.entries(texts));
  assertEquals(read({ lot: "11" }), { lot: 11 });
});

Deno.test("valuesOf() refuses what is no value of the parameter's kind", () => {
  const cases = [
    ...["", "1=2", "1e3", "9007199254740993", "NaN", "true", " 1"].map((text) =>
      [{ tail_age_ms: text }, `expected a number, found "${text}"`] as const
    ),
    ...["1", "0", "on", "True", "", "yes"].map((text) =>
      [{ post_only: text }, `expected true or false, found "${text}"`] as const
    ),
  ];
  for (const [texts, says] of cases) {
    const error = assertThrows(() => read(texts), SoakError, says);
    assertEquals([error.kind, error.where], ["usage", Object.keys(texts)[0]]);
  }
});

Deno.test("valuesOf() says of an increment that a value is none", () => {
  const error = assertThrows(() => read({ tail_age_ms: "+30" }), SoakError, 'found "+30"');
  assertEquals(error.remedy, "write the value that it is to have, not what is to be added");
});
