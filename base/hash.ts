/**
 * SHA-256 by Web Crypto.
 *
 * @module
 */

import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

const encoder = new TextEncoder();

/**
 * The SHA-256 of bytes, or of text's UTF-8, in lower-case hex. Hashing many small things at once
 * costs a fraction of hashing them one after another: Web Crypto works in the background.
 */
export async function sha256Hex(data: Uint8Array<ArrayBuffer> | string): Promise<string> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Whether two hashes in hex are one, compared in a time that does not depend on where they differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
