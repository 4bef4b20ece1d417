import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { JsonTextError, locateJson, scanJson } from "../../base/json_scan.ts";
import { firstDifference, type JsonValue } from "../../base/json_value.ts";
import { canonicalVectors } from "../kit/canonical_vectors.ts";
import { json } from "../kit/random_json.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

Deno.test("scanJson() reads what is not in canonical form", () => {
  assertEquals(scanJson('{"a": [1.50]}', "x.json"), { a: [1.5] });
  assertEquals(scanJson('\n{"b":"\\u00e9",\t"a":1e2}\r\n', "x.json"), { b: "é", a: 100 });
});

Deno.test("scanJson() names its source, on one line, and the place in it", () => {
  const { kind, message } = assertThrows(
    () => scanJson('{"a":1,\n"a":2}', "x\n.json"),
    SoakError,
  );
  assertEquals(kind, "artifact");
  assertEquals(
    message,
    'doubled key "a" (x\\u000a.json:2:1: $.a); repair the file or record it again',
  );
});

Deno.test("scanJson() agrees with JSON.parse() on canonical text, where parseJson() trusts that", () => {
  for (const { canonical } of canonicalVectors()) {
    assertEquals(canonicalJson(scanJson(canonical, "a vector")), canonical);
  }
  fc.assert(fc.property(json, (value) => {
    const text = canonicalJson(value);
    assertEquals(canonicalJson(scanJson(text, "a document")), text);
  }));
});

const SLIPS: readonly (readonly [string, string, string | undefined])[] = [
  ['{\n  // why\n  "a": 1\n}', "2:3", "JSON has no comments; remove line 2"],
  ['{"a": 1, /* why */ "b": 2}', "1:10", "JSON has no comments; remove it"],
  ['{\n  /* why */ "a": 1}', "2:3", "JSON has no comments; remove it"],
  ['{"a": 1 # why\n}', "1:9", "JSON has no comments; remove it"],
  ["[1, // one\n2]", "1:5", "JSON has no comments; remove it"],
  ['{"a": 1,\r\n}\r\n', "2:1", "remove the comma before it, in line 1"],
  ["[1,]", "1:4", "remove the comma before it"],
  ['{"a": 1\n "b": 2}', "2:2", "is a comma missing at the end of line 1?"],
  ["[1 2]", "1:4", "is a comma missing before it?"],
  ["[{}{}]", "1:4", "is a comma missing before it?"],
  ["{'a': 1}", "1:2", "write strings in double quotes"],
  ["{\u201ca\u201d: 1}", "1:2", "write strings in double quotes"],
  ["{\n\ta: 1}", "2:2", 'write the key in double quotes: "a"'],
  ['["a\r\n"]', "1:4", "close it with a double quote before the end of the line"],
  ["[True]", "1:2", "write true"],
  ["[None]", "1:2", "write null"],
  ["[NaN]", "1:2", "JSON has no such number"],
  ["[+1]", "1:2", "write 1"],
  ["[.5]", "1:2", "write 0.5"],
  ["[-.5e3]", "1:2", "write -0.5e3"],
  ["[5.]", "1:2", "write 5"],
  ["[007]", "1:2", "write 7"],
  ["[1_000]", "1:2", "write 1000"],
  ["[0x10]", "1:2", "write 16"],
  ["[5ms]", "1:2", "write the number alone, without its unit"],
  ["[5e]", "1:2", "write the number alone, without its unit"],
  ["[yes]", "1:2", undefined],
  ["[1", "1:3", undefined],
  ['{"a" 1}', "1:6", "put a colon after the key"],
  ['{"a":1,"a":2}', "1:8", undefined],
];

Deno.test("scanJson() says how the slips of people who write JSON are put right", () => {
  for (const [text, at, hint] of SLIPS) {
    const error = assertThrows(() => scanJson(text, "x.json"), JsonTextError);
    const { line, column } = error.place;
    assertEquals([`${line}:${column}`, error.hint], [at, hint], text);
    assertEquals(error.remedy, hint ?? "repair the file or record it again");
  }
});

Deno.test("locateJson() finds a member at its key and an element at its start", () => {
  const text = ' {\r\n\t"a": [1,\n 2, {"b c":\n3}],\n"d": null}';
  const paths = ["$", "$.a", "$.a[0]", "$.a[1]", "$.a[2]", '$.a[2]["b c"]', "$.d", "$.e", "$.a[9]"];
  const found = [...locateJson(text, paths)].map((
    [path, { line, column }],
  ) => [path, line, column]);
  assertEquals(found, [
    ["$", 1, 2],
    ["$.a", 2, 2],
    ["$.a[0]", 2, 8],
    ["$.a[1]", 3, 2],
    ["$.a[2]", 3, 5],
    ['$.a[2]["b c"]', 3, 6],
    ["$.d", 5, 1],
  ]);
});

Deno.test("locateJson() finds every place where two documents differ", () => {
  fc.assert(fc.property(json, json, fc.constantFrom(0, 2), (some, others, indent) => {
    const left = JSON.parse(JSON.stringify({ some, same: 1 })) as JsonValue;
    const right = JSON.parse(JSON.stringify({ some: others, same: 1 })) as JsonValue;
    const difference = firstDifference(left, right);
    if (difference === null || difference.left === "nothing") return;
    const { path } = difference;
    if (path.includes("\u2026") || (path.match(/[.[]/g) ?? []).length > 8) return;
    const text = JSON.stringify(left, null, indent);
    if (/\d{16}/.test(text)) return;
    const place = locateJson(text, [path]).get(path);
    const rest = text.split("\n")[(place?.line ?? 0) - 1]?.slice((place?.column ?? 0) - 1) ?? "";
    const value = rest.replace(/^"(?:[^"\\]|\\.)*": ?/, "");
    const start = JSON.stringify(JSON.parse(difference.left), null, indent).split("\n")[0] ?? "";
    assertEquals([value.slice(0, start.length), rest.slice(0, start.length)].includes(start), true);
  }));
});
