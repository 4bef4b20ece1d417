import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SoakError } from "../../base/errors.ts";
import {
  atomicWriteJson,
  canonicalJson,
  computeJsonHash,
  decodeJson,
  MAX_JSON_DEPTH,
  MAX_JSON_VALUES,
  parseCanonical,
  parseJson,
  readJsonWithHash,
  sha256Hex,
} from "../../base/json.ts";
import { inRepository } from "../kit/repository.ts";
import { namesIn, tempDir } from "../kit/temp_dir.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

interface Vector {
  readonly json: string;
  readonly canonical: string;
  readonly sha256: string;
}

const vectors: readonly Vector[] = Deno.readTextFileSync(
  inRepository("tests/testdata/canonical-vectors.jsonl"),
).trimEnd().split("\n").map((line) => JSON.parse(line));

/** Strings with what JSON and sorting could stumble over. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\\", '"', "\n", "\u007f", "\u2028", "\ud800", "\udfff", "\ue000", "\u{1f600}"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 6,
});
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.integer({ min: -1000, max: 1000 }),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: "large" },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.array(tie("json"), { maxLength: 5 }),
    fc.dictionary(
      fc.oneof(text, fc.constantFrom("__proto__", "constructor", "1", "0")),
      tie("json"),
      {
        maxKeys: 5,
      },
    ),
  ),
}));

function refusal(call: () => unknown): SoakError {
  return assertThrows(call, SoakError);
}

function assertOneLine(message: string): void {
  assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(message), JSON.stringify(message));
}

Deno.test("canonicalJson() writes what CPython writes, and the hash is that of its bytes", async () => {
  for (const vector of vectors) {
    const value = parseJson(vector.json);
    assertEquals(canonicalJson(value), vector.canonical);
    assertEquals(await computeJsonHash(value), vector.sha256);
  }
});

Deno.test("parseCanonical() knows the canonical form from any other text", () => {
  for (const { json, canonical } of vectors) {
    assertEquals(parseCanonical(canonical).canonical, true, canonical);
    assertEquals(parseCanonical(json).canonical, json === canonical, json);
    assertEquals(parseCanonical(` ${canonical}`).canonical, false);
  }
});

Deno.test("canonicalJson() of what parseJson() reads from it is the same text", () => {
  fc.assert(fc.property(json, (value) => {
    const canonical = canonicalJson(value);
    assert(/^[ -~]*$/.test(canonical));
    assertEquals(parseCanonical(canonical).canonical, true);
    assertEquals(canonicalJson(parseJson(canonical)), canonical);
  }));
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
    const { kind, message } = refusal(() => canonicalJson(value));
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
    ["// a", 'unexpected "/"'],
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
    const { value, canonical } = parseCanonical(text);
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
  assertEquals(parseCanonical(bracketsInStrings).canonical, true);
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

Deno.test("decodeJson() refuses bytes that are not UTF-8 and a byte order mark", () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  for (
    const bad of [bytes(0x22, 0xff, 0x22), bytes(0x22, 0xed, 0xa0, 0x80, 0x22), bytes(0xc0, 0x80)]
  ) {
    assertEquals(refusal(() => decodeJson(bad, "f")).message.slice(0, 18), "not UTF-8 text (f)");
  }
  assert(refusal(() => decodeJson(bytes(0xef, 0xbb, 0xbf, 0x31))).what.includes("byte order mark"));
  assertEquals(decodeJson(bytes(0x22, 0xc3, 0xa9, 0x22)), "é");
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

Deno.test("sha256Hex() agrees with Web Crypto at every length and for text", async () => {
  const webCrypto = async (bytes: Uint8Array<ArrayBuffer>) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  for (const length of [...Array(200).keys(), 4095, 4096, 4097, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 37 + length);
    assertEquals(await sha256Hex(bytes), await webCrypto(bytes), `${length} bytes`);
  }
  await fc.assert(fc.asyncProperty(fc.string({ unit: "binary", size: "large" }), async (text) => {
    assertEquals(await sha256Hex(text), await webCrypto(new TextEncoder().encode(text)));
  }));
  const long = "é".repeat(700_000);
  assertEquals(await sha256Hex(long), await webCrypto(new TextEncoder().encode(long)));
});

Deno.test("atomicWriteJson() writes canonical bytes and returns their hash and number", async () => {
  await using folder = await tempDir();
  const path = folder.file("runtime.json");
  const value = { b: [1e-5, "é"], a: -0 };
  const written = await atomicWriteJson(path, value);
  const bytes = await Deno.readFile(path);
  assertEquals(new TextDecoder().decode(bytes), canonicalJson(value));
  assertEquals(written, { stateHash: await sha256Hex(bytes), size: bytes.length });
  assertEquals(await readJsonWithHash(path), { data: value, stateHash: written.stateHash });
});

Deno.test("atomicWriteJson() leaves the target untouched when the value is no JSON data", async () => {
  await using folder = await tempDir();
  const path = folder.file("runtime.json");
  await atomicWriteJson(path, 1);
  await assertRejects(() => atomicWriteJson(path, { a: NaN }), SoakError, "NaN at $.a");
  assertEquals(await Deno.readTextFile(path), "1");
  assertEquals(namesIn(folder.path), ["runtime.json"]);
});

Deno.test("readJsonWithHash() hashes the bytes as they are, canonical or not", async () => {
  await using folder = await tempDir();
  const path = folder.file("runtime.json");
  await Deno.writeTextFile(path, '{"b":1,\r\n"a":2.0}');
  const { data, stateHash } = await readJsonWithHash(path);
  assertEquals(data, { b: 1, a: 2 });
  assertEquals(stateHash, await sha256Hex('{"b":1,\r\n"a":2.0}'));
});

Deno.test("readJsonWithHash() names the file that it refuses", async () => {
  await using folder = await tempDir();
  const path = folder.file("bad.json");
  await Deno.writeTextFile(path, "{");
  const { kind, message } = await assertRejects(() => readJsonWithHash(path), SoakError);
  assertEquals(kind, "artifact");
  assert(message.includes(`${path}:1:2: $`), message);
});
