/**
 * JSON as proof: strict reading, one canonical form for each value, and its hash.
 *
 * @module
 */

import { canonicalJson, isPlainText } from "./canonical.ts";
import { SoakError } from "./errors.ts";
import { sha256Hex } from "./hash.ts";
import { scanJson } from "./json_scan.ts";
import { type JsonValue, MAX_JSON_DEPTH, MAX_JSON_VALUES } from "./json_value.ts";
import { printable } from "./text.ts";

/** A value and whether the text it was read from is its canonical form. */
export interface ParsedJson {
  /** What the text says. */
  readonly value: JsonValue;
  /** Whether the text was canonical, to the byte. */
  readonly canonical: boolean;
}

/**
 * Reads strict JSON.
 *
 * @param text The text. Text in canonical form is read quickest.
 * @param source What to call it in an error: a file's name, as a rule.
 * @returns What the text says.
 * @throws {SoakError} of kind `"artifact"` when the text is not JSON, has a doubled key, an integer
 * that a double can't hold, a number that overflows, nesting beyond 512 levels or more
 * than 4 million values; it names line, column and place.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(parseJson('{"a": 1}'), { a: 1 });
 * assertThrows(() => parseJson('{"a": 9007199254740993}'), Error, "not exact as a double");
 * ```
 */
export function parseJson(text: string, source = "JSON text"): JsonValue {
  return parseCanonical(text, source).value;
}

/** Reads strict JSON and tells whether the text was in canonical form. */
function parseCanonical(text: string, source: string): ParsedJson {
  // Text that equals the canonical form of what JSON.parse made of it lost nothing on the way: no
  // doubled key, no rounded integer, no excess nesting. All other text goes through the scanner,
  // whose reading counts: JSON.parse is also known to mistake one key for another (V8 issue
  // 521080746: a key of one escaped character, where a like object had a backslash for a key).
  const maybe = isPlainText(text);
  if (maybe) {
    const value = parseNatively(text);
    if (value !== undefined && canonicalOrNull(value) === text) return { value, canonical: true };
  }
  const value = scanJson(text, source);
  return { value, canonical: maybe && canonicalOrNull(value) === text };
}

/** Reads strict JSON from UTF-8 bytes and tells whether they were its canonical form. */
export function decodeCanonical(bytes: Uint8Array, source = "JSON text"): ParsedJson {
  return parseCanonical(decodeUtf8(bytes, source), source);
}

/** Reads strict JSON from UTF-8 bytes, whatever their form. */
export function decodeJson(bytes: Uint8Array, source?: string): JsonValue {
  return decodeCanonical(bytes, source).value;
}

/**
 * Computes the hash of a value: SHA-256 of its canonical form.
 *
 * @param value Data as {@linkcode canonicalJson} takes it.
 * @returns 64 lower-case hex digits.
 * @throws {SoakError} as {@linkcode canonicalJson} does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await computeJsonHash({ b: 1, a: 2 }), await computeJsonHash({ a: 2, b: 1 }));
 * ```
 */
export async function computeJsonHash(value: unknown): Promise<string> {
  return await sha256Hex(canonicalJson(value));
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array, source: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const [first, second] = bytes;
    const isUtf16 = first === 0xff && second === 0xfe || first === 0xfe && second === 0xff;
    throw new SoakError("artifact", isUtf16 ? "UTF-16 text, not UTF-8" : "not UTF-8 text", {
      where: printable(source),
      remedy: isUtf16 ? "save the file as UTF-8" : "repair the file or record it again",
      cause,
    });
  }
}

function canonicalOrNull(value: JsonValue): string | null {
  try {
    return canonicalJson(value);
  } catch {
    return null;
  }
}

/** Text beyond this length is checked for its size in memory before `JSON.parse` may see it. */
const SHORT_TEXT = 1 << 16;

function parseNatively(text: string): JsonValue | undefined {
  if (text.length > SHORT_TEXT && isExcessive(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether text has too much nesting or too many values, told from its punctuation. */
function isExcessive(text: string): boolean {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MAX_JSON_DEPTH) return true;
        values++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
        values++;
        break;
      case 0x22: // "
        do {
          at = text.indexOf('"', at + 1);
          if (at < 0) return false;
        } while (isEscaped(text, at));
    }
  }
  return values > MAX_JSON_VALUES;
}

function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text.charCodeAt(start - 1) === 0x5c) start--;
  return (at - start) % 2 === 1;
}
