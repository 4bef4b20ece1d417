import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "../../base/canonical.ts";
import {
  firstDifference,
  isJsonObject,
  jsonPath,
  jsonPathStep,
  type JsonValue,
} from "../../base/json_value.ts";
import { json, text } from "../kit/random_json.ts";
import { assertOneLine } from "../kit/texts.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

Deno.test("isJsonObject() is true for objects only", () => {
  const values = [null, true, 0, "", "{}", [], [{}], {}, { a: 1 }, Object.create(null)];
  assertEquals(values.filter(isJsonObject), [{}, { a: 1 }, Object.create(null)]);
  assertEquals(isJsonObject(undefined), false);
});

Deno.test("jsonPathStep() writes names plain, all other keys in quotes, indices as numbers", () => {
  const cases: [string | number, string][] = [
    [0, "[0]"],
    [12, "[12]"],
    ["engine", ".engine"],
    ["_Tail_Age_2", "._Tail_Age_2"],
    ["2nd", '["2nd"]'],
    ["0", '["0"]'],
    ["", '[""]'],
    ["odd key", '["odd key"]'],
    ["a.b", '["a.b"]'],
    ['"', '["\\""]'],
    ["é", '["é"]'],
    ["a\n", '["a\\n"]'],
    ["\u001b[2J\u202e", '["\\u001b[2J\\u202e"]'],
    ["__proto__", ".__proto__"],
  ];
  for (const [segment, step] of cases) assertEquals(jsonPathStep(segment), step);
});

Deno.test("jsonPathStep() cuts a long key short", () => {
  assertEquals(jsonPathStep("k".repeat(60)), `.${"k".repeat(60)}`);
  assertEquals(jsonPathStep("k".repeat(1e6)), `["${"k".repeat(60)}…"]`);
});

Deno.test("jsonPath() writes the way from the outermost segment", () => {
  assertEquals(jsonPath([]), "$");
  assertEquals(jsonPath(["engine", "odd key", 3]), '$.engine["odd key"][3]');
});

Deno.test("jsonPath() leaves out the middle of a way of more than twelve steps", () => {
  const way = [..."abcdefghijklm"];
  assertEquals(jsonPath(way.slice(0, 12)), "$.a.b.c.d.e.f.g.h.i.j.k.l");
  assertEquals(jsonPath(way), "$.a.b.c.d.e.f….h.i.j.k.l.m");
  assertEquals(jsonPath(Array(512).fill(0)), `$${"[0]".repeat(6)}…${"[0]".repeat(6)}`);
});

Deno.test("jsonPath() is one line, whatever the keys", () => {
  fc.assert(fc.property(fc.array(fc.oneof(text, fc.nat())), (way) => {
    assertOneLine(jsonPath(way));
  }));
});

Deno.test("firstDifference() says where two documents differ and what stands there", () => {
  const cases: [JsonValue | undefined, JsonValue | undefined, string, string, string][] = [
    [1, 2, "$", "1", "2"],
    [1, "1", "$", "1", '"1"'],
    [{ a: { b: [1, 2] } }, { a: { b: [1, 3] } }, "$.a.b[1]", "2", "3"],
    [{ a: 1 }, {}, "$.a", "1", "nothing"],
    [{}, { a: null }, "$.a", "nothing", "null"],
    [{}, { a: "nothing" }, "$.a", "nothing", '"nothing"'],
    [[1], [1, 2], "$[1]", "nothing", "2"],
    [[1, [2]], [1], "$[1]", "[2]", "nothing"],
    [{}, [], "$", "{}", "[]"],
    [{ a: {} }, { a: null }, "$.a", "{}", "null"],
    [{ "odd key": true }, { "odd key": false }, '$["odd key"]', "true", "false"],
    [undefined, [], "$", "nothing", "[]"],
  ];
  for (const [left, right, path, shownLeft, shownRight] of cases) {
    assertEquals(firstDifference(left, right), { path, left: shownLeft, right: shownRight });
    assertEquals(firstDifference(right, left), { path, left: shownRight, right: shownLeft });
  }
  assertEquals(firstDifference(undefined, undefined), null);
});

Deno.test("firstDifference() takes keys in order, whatever their order in the documents", () => {
  assertEquals(firstDifference({ c: 1, a: 1, b: 1 }, { b: 2, c: 2, a: 1 })?.path, "$.b");
  assertEquals(firstDifference({ b: 1, a: [1] }, { a: [1], b: 1 }), null);
});

Deno.test("firstDifference() takes only a document's own keys for its keys", () => {
  const own: JsonValue = JSON.parse('{"__proto__":1,"toString":2}');
  assertEquals(firstDifference({}, own), { path: "$.__proto__", left: "nothing", right: "1" });
  assertEquals(firstDifference({ toString: 2 }, own)?.path, "$.__proto__");
  assertEquals(firstDifference({}, { toString: null })?.left, "nothing");
});

Deno.test("firstDifference() starts the path with the way to the documents", () => {
  assertEquals(firstDifference([1], [2], ["runtime", 3])?.path, "$.runtime[3][0]");
});

/** Documents without `-0`, which `JSON.stringify` writes as 0. */
const document = json.map((value): JsonValue => JSON.parse(JSON.stringify(value)));

/** The same document with the keys of its objects the other way round. */
function reversed(value: JsonValue): JsonValue {
  if (isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).reverse().map(([k, v]) => [k, reversed(v)]));
  }
  return Array.isArray(value) ? value.map(reversed) : value;
}

Deno.test("firstDifference() is null exactly when the canonical forms are equal", () => {
  // Small ones too, which are often equal by chance.
  const small = fc.oneof(document, fc.constantFrom<JsonValue>([], {}, [0], [[]], { a: 0 }, 0, ""));
  const pair = fc.oneof(
    fc.tuple(small, small),
    document.map((value): [JsonValue, JsonValue] => [value, reversed(value)]),
  );
  let equal = 0;
  fc.assert(fc.property(pair, ([left, right]) => {
    const same = canonicalJson(left) === canonicalJson(right);
    if (same) equal++;
    assertEquals(firstDifference(left, right) === null, same);
  }));
  assertEquals([equal > 50, equal < 450], [true, true], `${equal} of 500 pairs are equal`);
});

/** The parts of an object or array with their keys or indices; none of any other value. */
function partsOf(value: JsonValue): [string | number, JsonValue][] {
  if (isJsonObject(value)) return Object.entries(value);
  return Array.isArray(value) ? [...value.entries()] : [];
}

/** Every way into a document that leads to a value. */
function waysInto(value: JsonValue, way: readonly (string | number)[] = []): (string | number)[][] {
  return [[...way], ...partsOf(value).flatMap(([step, part]) => waysInto(part, [...way, step]))];
}

/** The value at a place, and the document with another one there. */
function replaced(
  value: JsonValue,
  [step, ...rest]: readonly (string | number)[],
  by: JsonValue,
): { old: JsonValue; changed: JsonValue } {
  if (step === undefined) return { old: value, changed: by };
  let old: JsonValue = null;
  const changed = partsOf(value).map(([key, part]): [string | number, JsonValue] => {
    if (key !== step) return [key, part];
    const inner = replaced(part, rest, by);
    old = inner.old;
    return [key, inner.changed];
  });
  return {
    old,
    changed: Array.isArray(value) ? changed.map(([, part]) => part) : Object.fromEntries(changed),
  };
}

Deno.test("firstDifference() finds the one value that was changed, wherever it stands", () => {
  fc.assert(fc.property(document, fc.nat(), (value, at) => {
    const ways = waysInto(value);
    const way = ways[at % ways.length] ?? [];
    const { old, changed } = replaced(value, way, "changed by the test");
    assertEquals(firstDifference(value, reversed(changed)), {
      path: jsonPath(way),
      left: JSON.stringify(old),
      right: '"changed by the test"',
    });
  }));
});
