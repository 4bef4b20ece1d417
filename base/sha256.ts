/**
 * SHA-256 by Web Crypto.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * Computes a SHA-256 hash. Hashing many small things at once costs a fraction of hashing them one
 * after another: Web Crypto works in the background.
 *
 * @param data The bytes, or text that stands for its UTF-8 bytes.
 * @returns 64 lower-case hex digits.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   await sha256Hex(""),
 *   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
 * );
 * ```
 */
export async function sha256Hex(data: Uint8Array<ArrayBuffer> | string): Promise<string> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
