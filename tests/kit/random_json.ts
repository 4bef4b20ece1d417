/**
 * Random JSON documents with what reading, sorting and writing them could stumble over.
 *
 * @module
 */

import fc from "fast-check";
import type { JsonValue } from "../../base/json_value.ts";

/** Strings with escapes, surrogates and characters on both sides of them. */
export const text: fc.Arbitrary<string> = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\\", '"', "\n", "\u007f", "\u2028", "\ud800", "\udfff", "\ue000", "\u{1f600}"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 6,
});

/** Finite numbers, `-0` included. */
export const number: fc.Arbitrary<number> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.integer({ min: -1000, max: 1000 }),
);

const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "1", "0"));

/** Documents of every kind. */
export const json: fc.Arbitrary<JsonValue> = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { depthSize: "large" },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.array(tie("json"), { maxLength: 5 }),
    fc.dictionary(key, tie("json"), { maxKeys: 5 }),
  ),
})).json;
