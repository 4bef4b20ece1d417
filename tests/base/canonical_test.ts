import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, isPlainText } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { computeJsonHash, decodeCanonical, parseJson } from "../../base/json.ts";
import { MAX_JSON_DEPTH } from "../../base/json_value.ts";
import { canonicalVectors } from "../kit/canonical_vectors.ts";
import { json, number, text } from "../kit/random_json.ts";
import { assertOneLine, bytesOf } from "../kit/texts.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

Deno.test("canonicalJson() writes what CPython writes, and the hash is that of its bytes", async () => {
  for (const vector of canonicalVectors()) {
    const value = parseJson(vector.json);
    assertEquals(canonicalJson(value), vector.canonical);
    assertEquals(await computeJsonHash(value), vector.sha256);
  }
});

Deno.test("canonicalJson() of what parseJson() reads from it is the same text", () => {
  fc.assert(fc.property(json, (value) => {
    const canonical = canonicalJson(value);
    assert(/^[ -~]*$/.test(canonical));
    assertEquals(decodeCanonical(bytesOf(canonical)).canonical, true);
    assertEquals(canonicalJson(parseJson(canonical)), canonical);
  }));
});

Deno.test("canonicalJson() sorts keys by code point", () => {
  const inFixedWidth = (key: string) =>
    Array.from(key, (character) => character.codePointAt(0)?.toString(16).padStart(6, "0")).join();
  fc.assert(fc.property(fc.uniqueArray(text, { maxLength: 8 }), (keys) => {
    const value = Object.fromEntries(keys.map((key) => [key, 0]));
    const written = [...canonicalJson(value).matchAll(/"((?:[^"\\]|\\.)*)":0/g)]
      .map(([, key]) => parseJson(`"${key}"`) as string);
    const widths = keys.map(inFixedWidth).sort();
    assertEquals(written.map(inFixedWidth), widths);
  }));
});

Deno.test("canonicalJson() writes numbers that read back as they were, in Python's notation", () => {
  fc.assert(fc.property(number, (n) => {
    const written = canonicalJson(n);
    assert(Object.is(Number(written), n), written);
    const exponent = Math.abs(n) >= 1e16 || (n !== 0 && Math.abs(n) < 1e-4);
    assert(
      (exponent ? /^-?\d(\.\d+)?e[+-]\d{2,3}$/ : /^(-?\d+(\.\d+)?)$/).test(written),
      written,
    );
  }));
});

Deno.test("canonicalJson() names the place of what is not JSON data", () => {
  class Engine {}
  const cycle: Record<string, unknown> = {};
  cycle["again"] = [cycle];
  const cases: [unknown, string][] = [
    [NaN, "NaN at $ is not JSON"],
    [{ engine: { "odd key": [0, 1, 2, -Infinity] } }, '-Infinity at $.engine["odd key"][3]'],
    [{ a: undefined }, "undefined at $.a"],
    // deno-lint-ignore no-sparse-arrays
    [[0, , 1], "undefined at $[1]"],
    [{ f: () => 0 }, "a function at $.f"],
    [[Symbol("s")], "a symbol at $[0]"],
    [1n, "a bigint at $"],
    [{ when: new Date(0) }, "$.when is a Date, not a plain object"],
    [[new Map()], "$[0] is a Map"],
    [new Engine(), "$ is a Engine"],
    [cycle, "$.again[0] contains itself"],
    [nested(MAX_JSON_DEPTH + 1), "nesting deeper than 512 levels at $[0][0]"],
    [{ "\u001b[2J\n": NaN }, '$["\\u001b[2J\\n"]'],
  ];
  for (const [value, expected] of cases) {
    const { kind, message } = assertThrows(() => canonicalJson(value), SoakError);
    assert(message.includes(expected), `${message}\nlacks ${expected}`);
    assertEquals(kind, "system");
    assertOneLine(message);
  }
});

function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

Deno.test("isPlainText() is true for printable ASCII characters alone", () => {
  for (const plain of ["", '{"a":"b"}', " ~"]) assert(isPlainText(plain), plain);
  for (const other of ['"é"', "\u007f", "a\tb", "a\n", "\n", "\0", "\u{1f600}"]) {
    assert(!isPlainText(other), JSON.stringify(other));
  }
});
