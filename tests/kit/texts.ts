import { assert } from "@std/assert";

/** The UTF-8 of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Asserts that a message is one line that can neither move the cursor nor hide anything. */
export function assertOneLine(message: string): void {
  assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(message), JSON.stringify(message));
}
