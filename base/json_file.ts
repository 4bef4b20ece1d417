/**
 * Files of JSON: written whole or not at all, read along with the hash of their exact bytes.
 *
 * @module
 */

import { atomicWrite } from "./atomic_file.ts";
import { canonicalJson } from "./canonical.ts";
import { sha256Hex } from "./hash.ts";
import { decodeJson } from "./json.ts";
import type { JsonValue } from "./json_value.ts";
import { readRegularFile } from "./read_file.ts";

const encoder = new TextEncoder();

/**
 * Writes a value's canonical form to a file: all of it or nothing, and durably.
 *
 * @param path The file; it is replaced if it exists.
 * @param value Data as {@linkcode canonicalJson} takes it.
 * @returns The hash and the number of the bytes written.
 * @throws {SoakError} of kind `"system"` when the value is not JSON data or the file can't be
 * written; the file is then as it was.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { computeJsonHash } from "@soak/soak";
 *
 * const dir = await Deno.makeTempDir();
 * const path = `${dir}/runtime.json`;
 * const { stateHash, size } = await atomicWriteJson(path, { a: 1 });
 * assertEquals(await Deno.readTextFile(path), '{"a":1}');
 * assertEquals({ stateHash, size }, { stateHash: await computeJsonHash({ a: 1 }), size: 7 });
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export async function atomicWriteJson(
  path: string,
  value: unknown,
): Promise<{ stateHash: string; size: number }> {
  const bytes = encoder.encode(canonicalJson(value));
  const { size } = atomicWrite(path, bytes);
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
 * const dir = await Deno.makeTempDir();
 * const path = `${dir}/runtime.json`;
 * const { stateHash } = await atomicWriteJson(path, { a: 1 });
 * assertEquals(await readJsonWithHash(path), { data: { a: 1 }, stateHash });
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export async function readJsonWithHash(
  path: string,
): Promise<{ data: JsonValue; stateHash: string }> {
  const bytes = readRegularFile(path);
  return { data: decodeJson(bytes, path), stateHash: await sha256Hex(bytes) };
}
