import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { scanJson } from "../../base/json_scan.ts";
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
