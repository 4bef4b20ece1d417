import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SoakError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_value.ts";
import { Shape } from "../../base/shape.ts";

function shape(value: JsonValue | undefined): Shape {
  return new Shape(value, "run/file.json");
}

function refusal(read: () => unknown): string {
  const error = assertThrows(read, SoakError);
  assertEquals(error.kind, "artifact");
  return error.message;
}

const SAMPLES: readonly JsonValue[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  "",
  "text",
  "2025-01-01T00:10:00Z",
  "a".repeat(64),
  [],
  [1],
  {},
  { a: 1 },
];

/** Which of the samples a reader accepts; what it accepts it must give back as it is. */
function accepted(read: (shape: Shape) => unknown): JsonValue[] {
  return SAMPLES.filter((sample) => {
    try {
      const result = read(shape(sample));
      if (!(result instanceof Shape)) assertStrictEquals(result, sample);
      return true;
    } catch (error) {
      assertEquals(error instanceof SoakError && error.kind, "artifact");
      return false;
    }
  });
}

Deno.test("Shape's readers accept their own kind of value and give it back", () => {
  const hash = "a".repeat(64);
  const time = "2025-01-01T00:10:00Z";
  assertEquals(accepted((s) => s.boolean()), [true, false]);
  assertEquals(accepted((s) => s.number()), [0, -1, 1.5]);
  assertEquals(accepted((s) => s.integer(-1)), [0, -1]);
  assertEquals(accepted((s) => s.integer(0, 0)), [0]);
  assertEquals(accepted((s) => s.string()), ["", "text", time, hash]);
  assertEquals(accepted((s) => s.oneOf(["text", "other"])), ["text"]);
  assertEquals(accepted((s) => s.hash()), [hash]);
  assertEquals(accepted((s) => s.utc()), [time]);
  assertEquals(accepted((s) => s.json()), [{}, { a: 1 }]);
  assertEquals(accepted((s) => s.object([], null)), [{}, { a: 1 }]);
  assertEquals(accepted((s) => s.object(["a"])), [{ a: 1 }]);
  assertEquals(accepted((s) => s.nullOr((inner) => inner.number())), [null, 0, -1, 1.5]);
});

Deno.test("Shape's readers refuse a field that is absent", () => {
  const absent = shape({}).get("x");
  for (
    const read of [
      () => absent.boolean(),
      () => absent.number(),
      () => absent.integer(0),
      () => absent.string(),
      () => absent.oneOf(["a"]),
      () => absent.hash(),
      () => absent.utc(),
      () => absent.items(),
      () => absent.json(),
      () => absent.fields(),
      () => absent.object([]),
      () => absent.nullOr((inner) => inner.number()),
    ]
  ) {
    assertStringIncludes(refusal(read), "found nothing (run/file.json: $.x)");
  }
});

Deno.test("Shape.number() refuses what JSON can't say", () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    refusal(() => shape(value).number());
    refusal(() => shape(value).integer(0));
  }
});

Deno.test("Shape.hash() wants 64 digits in lower case", () => {
  for (const text of ["A".repeat(64), "a".repeat(63), "a".repeat(65), `${"a".repeat(64)}\n`]) {
    refusal(() => shape(text).hash());
  }
});

Deno.test("Shape.utc() accepts seconds and milliseconds, in UTC, of days that exist", () => {
  for (const text of ["2025-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2025-01-01T00:00:00.250Z"]) {
    assertEquals(shape(text).utc(), text);
  }
  for (
    const text of [
      "2025-02-29T00:00:00Z",
      "2025-13-01T00:00:00Z",
      "2025-01-01T24:00:00Z",
      "2025-01-01T00:00:60Z",
      "2025-01-01T00:00:00",
      "2025-01-01T00:00:00+01:00",
      "2025-01-01 00:00:00Z",
      "2025-01-01",
      "2025-01-01T00:00:00Z\n",
      "",
    ]
  ) refusal(() => shape(text).utc());
});

Deno.test("Shape.utc() accepts exactly what a date's ISO form says", () => {
  fc.assert(
    fc.property(fc.integer({ min: -6e13, max: 2.5e14 }), (ms) => {
      const iso = new Date(ms).toISOString();
      if (!/^\d{4}-/.test(iso)) return;
      assertEquals(shape(iso).utc(), iso);
      if (iso.endsWith(".000Z")) assertEquals(shape(iso.replace(".000Z", "Z")).utc().length, 20);
    }),
    { seed: 12, numRuns: 500 },
  );
});

Deno.test("Shape.object() names the field that is missing or unknown", () => {
  assertStringIncludes(refusal(() => shape({}).object(["a"])), "$.a");
  assertStringIncludes(refusal(() => shape({ a: 1, b: 2 }).object(["a"])), "$.b");
  assertEquals(shape({ a: 1, b: 2 }).object(["a"], ["b", "c"]).value, { a: 1, b: 2 });
});

Deno.test("Shape does not take an inherited property for a field", () => {
  for (const field of ["toString", "constructor", "__proto__"]) {
    assertEquals([shape({}).has(field), shape({}).get(field).value], [false, undefined]);
    refusal(() => shape({}).object([field]));
  }
  const own: JsonValue = JSON.parse('{"__proto__":7}');
  assertEquals([shape(own).has("__proto__"), shape(own).get("__proto__").integer(7)], [true, 7]);
  refusal(() => shape(own).object([]));
});

Deno.test("Shape names the place in the file, however deep", () => {
  const value = { list: [{ ok: 1 }, { "odd name": "x" }] };
  const [, second] = shape(value).get("list").items();
  assertEquals(
    refusal(() => second?.get("odd name").number()),
    'expected a number, found "x" (run/file.json: $.list[1]["odd name"]); ' +
      "restore the file as it was written",
  );
});

Deno.test("Shape.fields() lists an object's own fields with their shapes", () => {
  const fields = shape({ a: 1, b: [] }).fields();
  assertEquals(fields.map(([name, field]) => [name, field.path, field.value]), [
    ["a", "$.a", 1],
    ["b", "$.b", []],
  ]);
});

Deno.test("Shape.wrong() describes what it found, and cuts long text short", () => {
  const found = (value: JsonValue) => shape(value).wrong("x").what;
  assertEquals(found(null), "expected x, found null");
  assertEquals(found([]), "expected x, found an array");
  assertEquals(found({}), "expected x, found an object");
  assertEquals(found("a".repeat(100)), `expected x, found "${"a".repeat(40)}…"`);
  assertEquals(found("a\nb"), 'expected x, found "a\\nb"');
});
