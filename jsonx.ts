/**
 * Canonical JSON and its hash, files of it written whole or not at all, and the error that all of
 * `soak` throws.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { canonicalJson, computeJsonHash } from "@soak/soak/jsonx";
 *
 * assertEquals(canonicalJson({ b: 1e16, a: "é" }), '{"a":"\\u00e9","b":1e+16}');
 * assertEquals(await computeJsonHash({ b: 1, a: 2 }), await computeJsonHash({ a: 2, b: 1 }));
 * ```
 *
 * @module
 */

export { type ErrorKind, SoakError, type SoakErrorOptions } from "./base/errors.ts";
export { canonicalJson } from "./base/canonical.ts";
export { computeJsonHash, parseJson } from "./base/json.ts";
export { atomicWriteJson, readJsonWithHash } from "./base/json_file.ts";
export type { JsonObject, JsonValue } from "./base/json_value.ts";
