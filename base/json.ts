/**
 * JSON as proof: one canonical form for each value, its hash, and files read and written with it.
 *
 * @module
 */

import { atomicWrite, readRegularFileSync } from "./atomic_file.ts";
import { canonicalJson, isPlainText } from "./canonical.ts";
import { SoakError } from "./errors.ts";
import { type JsonValue, MAX_JSON_DEPTH, MAX_JSON_VALUES, scanJson } from "./json_scan.ts";
import { printable } from "./text.ts";
import { sha256Hex } from "./sha256.ts";

export { canonicalJson } from "./canonical.ts";
export { type JsonObject, type JsonValue, MAX_JSON_DEPTH, MAX_JSON_VALUES } from "./json_scan.ts";
export { sha256Hex } from "./sha256.ts";

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
 * that a double can't hold, a number that overflows, nesting beyond {@linkcode MAX_JSON_DEPTH} or
 * more than {@linkcode MAX_JSON_VALUES} values; it names line, column and place.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(parseJson('{"a": 1}'), { a: 1 });
 * assertThrows(() => parseJson('{"a": 9007199254740993}'), Error, "not exact as a double");
 * ```
 */
export function parseJson(text: string, source?: string): JsonValue {
  return parseCanonical(text, source).value;
}

/**
 * Reads strict JSON and tells whether it was in canonical form.
 *
 * @param text The text.
 * @param source What to call it in an error: a file's name, as a rule.
 * @returns The value and what is known about the text.
 * @throws {SoakError} as {@linkcode parseJson} does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseCanonical('{"a":1}'), { value: { a: 1 }, canonical: true });
 * assertEquals(parseCanonical('{"a":1.0}'), { value: { a: 1 }, canonical: false });
 * ```
 */
export function parseCanonical(text: string, source = "JSON text"): ParsedJson {
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

/**
 * Reads strict JSON from bytes.
 *
 * @param bytes UTF-8 without a byte order mark.
 * @param source What to call it in an error: a file's name, as a rule.
 * @returns The value and whether the bytes were its canonical form.
 * @throws {SoakError} of kind `"artifact"` when the bytes are not UTF-8, and as
 * {@linkcode parseJson} does.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode("[1]");
 * assertEquals(decodeCanonical(bytes), { value: [1], canonical: true });
 * assertThrows(() => decodeCanonical(Uint8Array.of(0xff)), Error, "not UTF-8");
 * ```
 */
export function decodeCanonical(bytes: Uint8Array, source = "JSON text"): ParsedJson {
  return parseCanonical(decodeUtf8(bytes, source), source);
}

/**
 * Reads strict JSON from bytes.
 *
 * @param bytes UTF-8 without a byte order mark.
 * @param source What to call it in an error: a file's name, as a rule.
 * @returns What the bytes say.
 * @throws {SoakError} as {@linkcode decodeCanonical} does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(decodeJson(new TextEncoder().encode("[1, 2]")), [1, 2]);
 * ```
 */
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

/**
 * Writes a value's canonical form to a file: all of it or nothing, and durably.
 *
 * @param path The file; it is replaced if it exists.
 * @param value Data as {@linkcode canonicalJson} takes it.
 * @returns The hash and the number of the bytes written.
 * @throws {SoakError} as {@linkcode canonicalJson} and {@linkcode atomicWrite} do.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/runtime.json`;
 * const { stateHash, size } = await atomicWriteJson(path, { a: 1 });
 * assertEquals(await Deno.readTextFile(path), '{"a":1}');
 * assertEquals({ stateHash, size }, { stateHash: await computeJsonHash({ a: 1 }), size: 7 });
 * ```
 */
export async function atomicWriteJson(
  path: string,
  value: unknown,
): Promise<{ stateHash: string; size: number }> {
  const bytes = encoder.encode(canonicalJson(value));
  const { size } = await atomicWrite(path, bytes);
  return { stateHash: await sha256Hex(bytes), size };
}

/**
 * Reads a JSON file with the hash of its exact bytes.
 *
 * @param path The file.
 * @returns What it says, and the hash of how it says it.
 * @throws {SoakError} of kind `"artifact"` when it is missing, no regular file, too large or not
 * JSON; of kind `"system"` when it can't be read.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/runtime.json`;
 * const { stateHash } = await atomicWriteJson(path, { a: 1 });
 * assertEquals(await readJsonWithHash(path), { data: { a: 1 }, stateHash });
 * ```
 */
export async function readJsonWithHash(
  path: string,
): Promise<{ data: JsonValue; stateHash: string }> {
  const bytes = readRegularFileSync(path);
  return { data: decodeJson(bytes, path), stateHash: await sha256Hex(bytes) };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array, source: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new SoakError("artifact", "not UTF-8 text", {
      where: printable(source),
      remedy: "repair the file or record it again",
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
