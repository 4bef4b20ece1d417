import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { computeJsonHash, decodeCanonical, decodeJson, parseJson } from "../../base/json.ts";
import { MAX_JSON_VALUES } from "../../base/json_value.ts";
import { canonicalVectors } from "../kit/canonical_vectors.ts";
import { json, text } from "../kit/random_json.ts";
import { assertOneLine, bytesOf } from "../kit/texts.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

function refusal(call: () => unknown): SoakError {
  return assertThrows(call, SoakError);
}

function isCanonical(text: string): boolean {
  return decodeCanonical(bytesOf(text)).canonical;
}

Deno.test("decodeCanonical() knows the canonical form from any other text", () => {
  for (const { json, canonical } of canonicalVectors()) {
    assertEquals(isCanonical(canonical), true, canonical);
    assertEquals(isCanonical(json), json === canonical, json);
    assertEquals(isCanonical(` ${canonical}`), false);
  }
});

Deno.test("decodeCanonical() gives the same value for canonical text and any other", () => {
  assertEquals(decodeCanonical(bytesOf('{"a":1}')), { value: { a: 1 }, canonical: true });
  assertEquals(decodeCanonical(bytesOf('{"a":1.0}')), { value: { a: 1 }, canonical: false });
});

Deno.test("parseJson() reads back every value, however it is written", () => {
  fc.assert(fc.property(json, fc.constantFrom(undefined, 1, "\t"), (any, indent) => {
    const value = asStringifyKeepsIt(any);
    assertEquals(
      canonicalJson(parseJson(JSON.stringify(value, null, indent))),
      canonicalJson(value),
    );
  }));
});

/** JSON.stringify() writes -0 as 0, and makes up the last digits of integers beyond 2^53. */
function asStringifyKeepsIt(value: unknown): unknown {
  if (typeof value === "number") return Math.abs(value) > 2 ** 53 || value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(asStringifyKeepsIt);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, asStringifyKeepsIt(v)]));
}

Deno.test("parseJson() says what is wrong and where", () => {
  const cases: [string, string][] = [
    ["", "only white space (f.json:1:1: $)"],
    [" \n ", "only white space"],
    ["{", "the end of the text where a key in double quotes is expected (f.json:1:2: $)"],
    ['{"a":', "the text ends too early (f.json:1:6: $.a)"],
    ['{"a":1,}', '"}" where a key in double quotes'],
    ['{"a" 1}', '"1" where ":" is expected'],
    ["[1 2]", '"2" where "," or "]" is expected'],
    ["[1,]", 'unexpected "]"'],
    ['{"a":1} x', '"x" after the end of the JSON value (f.json:1:9: $)'],
    ['"abc', "the text ends inside a string"],
    ['"a\tb"', 'unescaped "\\u0009" inside a string'],
    ['["\\x41"]', "an unknown escape \\x"],
    ['"\\u12g4"', "\\u without four hex digits"],
    ['{\n "a": {\n  "b": 1,\n  "b": 2}}', 'doubled key "b" (f.json:4:3: $.a.b)'],
    ['{"__proto__":1,"__proto__":2}', 'doubled key "__proto__"'],
    ['{"a":1,"\\u0061":2}', 'doubled key "a"'],
    ["[9007199254740993]", 'the integer "9007199254740993" is not exact'],
    ["[-100000000000000000001]", "is not exact"],
    ["[1e999]", 'the number "1e999" is beyond'],
    [`[${"9".repeat(400)}]`, "is beyond a double's range"],
    ["NaN", '"NaN" is not JSON'],
    ["[-Infinity]", '"-Infinity" is not JSON'],
    ["[01]", '"01" is not JSON'],
    ["[+1]", '"+1" is not JSON'],
    ["[1.]", '"1." is not JSON'],
    ["[.5]", '".5" is not JSON'],
    ["nul", '"nul" is not JSON'],
    ["'a'", `unexpected "'"`],
    ["// a", "unexpected comment"],
    ["[1]\0", '"\\u0000" after the end'],
    ["\ufeff{}", "a byte order mark at the start"],
    ["\u00a01", 'unexpected "\u00a0"'],
    ["[\u001b[31m]", 'unexpected "\\u001b"'],
  ];
  for (const [input, expected] of cases) {
    const { kind, message } = refusal(() => parseJson(input, "f.json"));
    assert(message.includes(expected), `${message}\nlacks ${expected}`);
    assertEquals(kind, "artifact");
    assertOneLine(message);
  }
});

Deno.test("parseJson() accepts what is exact, however large or small", () => {
  assertEquals(parseJson("[9007199254740994, 1e308, 1e-999, 100000000000000000000]"), [
    9007199254740994,
    1e308,
    0,
    1e20,
  ]);
  assertEquals(canonicalJson(parseJson("[-0, -0.0, 0, -0e5]")), "[0,-0.0,0,-0.0]");
  assertEquals(parseJson('"\\ud800"'), "\ud800");
  assertEquals(parseJson('\r\n{"a"\t:1}\r\n'), { a: 1 });
  assertEquals(parseJson('"\u007f\u0080\\/"'), "\u007f\u0080/");
});

Deno.test("parseJson() takes exactly the text that JSON.parse() takes, but for what is lossy", () => {
  const mutated = fc.tuple(
    json,
    fc.nat(),
    fc.constantFrom("", ",", '"', "{", "]", "\\", "0", "e", ":"),
  )
    .map(([value, at, piece]) => {
      const text = JSON.stringify(value);
      const where = at % (text.length + 1);
      return text.slice(0, where) + piece + text.slice(where + (at % 2));
    });
  fc.assert(
    fc.property(mutated, (text) => {
      const found = outcome(() => parseJson(text));
      if (outcome(() => JSON.parse(text)) === "refused") assertEquals(found, "refused", text);
      else if (found === "refused") {
        assert(
          /doubled key|not exact|beyond a double/.test(refusal(() => parseJson(text)).what),
          text,
        );
      }
    }),
    { numRuns: 3000 },
  );
});

function outcome(call: () => unknown): "read" | "refused" {
  try {
    call();
    return "read";
  } catch {
    return "refused";
  }
}

Deno.test("parseJson() tells keys of one escaped character apart from a backslash", () => {
  // JSON.parse() confuses them once it has seen a like object with a backslash for a key.
  JSON.parse('{"":0,"\\\\":0}');
  for (const [escape, key] of [["\\n", "\n"], ['\\"', '"'], ["\\u0000", "\0"]] as const) {
    const text = `{"":0,"${escape}":2}`;
    const { value, canonical } = decodeCanonical(bytesOf(text));
    assertEquals(Object.entries(value as object), [["", 0], [key, 2]]);
    assert(canonical);
    assertEquals(canonicalJson(value), text);
  }
});

Deno.test("parseJson() reads 512 levels and refuses one more, and 100,000, at once", () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    const at = (levels: number) =>
      `${open.repeat(levels)}${open === "[" ? "" : "0"}${close.repeat(levels)}`;
    assertEquals(canonicalJson(parseJson(at(512))), at(512));
    for (const levels of [513, 100_000]) {
      assertEquals(refusal(() => parseJson(at(levels))).what, "nesting deeper than 512 levels");
      assertEquals(
        refusal(() => parseJson(open.repeat(levels))).what,
        "nesting deeper than 512 levels",
      );
    }
  }
  const bracketsInStrings = canonicalJson(Array(50_000).fill('[[[{"\\'));
  assert(isCanonical(bracketsInStrings));
});

Deno.test("parseJson() refuses a document of too many values", () => {
  const { what } = refusal(() => parseJson(`[${"0,".repeat(MAX_JSON_VALUES)}0]`));
  assertEquals(what, "more than 4000000 values");
});

Deno.test("__proto__ and constructor are keys like any other", () => {
  const text = '{"__proto__":{"polluted":1},"constructor":null}';
  for (const input of [text, ` ${text}`]) {
    const value = parseJson(input) as Record<string, unknown>;
    assertEquals(Object.keys(value), ["__proto__", "constructor"]);
    assertEquals(Object.getPrototypeOf(value), Object.prototype);
    assertEquals(canonicalJson(value), text);
  }
  assertEquals(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("decodeJson() reads UTF-8, whatever its form", () => {
  assertEquals(decodeJson(bytesOf("[1, 2]")), [1, 2]);
  assertEquals(decodeJson(bytesOf('"é"')), "é");
});

Deno.test("decodeJson() refuses bytes that are not UTF-8 and a byte order mark", () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  for (
    const bad of [bytes(0x22, 0xff, 0x22), bytes(0x22, 0xed, 0xa0, 0x80, 0x22), bytes(0xc0, 0x80)]
  ) {
    assertEquals(refusal(() => decodeJson(bad, "f")).message.slice(0, 18), "not UTF-8 text (f)");
  }
  assert(refusal(() => decodeJson(bytes(0xef, 0xbb, 0xbf, 0x31))).what.includes("byte order mark"));
});

Deno.test("decodeJson() answers any bytes with a value or with one line", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), text, (bytes, source) => {
    try {
      decodeJson(bytes, source);
    } catch (error) {
      assert(error instanceof SoakError);
      assertEquals(error.kind, "artifact");
      assertOneLine(error.message);
    }
  }));
});

Deno.test("computeJsonHash() tells values apart, but not the order of their keys", async () => {
  const hash = await computeJsonHash({ a: 2, b: 1 });
  assertEquals(await computeJsonHash({ b: 1, a: 2 }), hash);
  assertNotEquals(await computeJsonHash({ b: 2, a: 1 }), hash);
});
