/**
 * What the tests of the lowest modules share.
 *
 * @module
 */

import { assert } from "@std/assert";
import { inRepository } from "../kit/repository.ts";

/** Whether the system is one with signals, file modes and special files. */
export const posix = Deno.build.os !== "windows";

/** The UTF-8 of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Asserts that a message is one line that can neither move the cursor nor hide anything. */
export function assertOneLine(message: string): void {
  assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(message), JSON.stringify(message));
}

/** Makes a named pipe, which blocks whoever opens it. */
export async function makeFifo(path: string): Promise<void> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert(success);
}

/** A document with the form and the hash that CPython gives it. */
export interface CanonicalVector {
  /** The document, in any form. */
  readonly json: string;
  /** Its canonical form. */
  readonly canonical: string;
  /** The hash of that. */
  readonly sha256: string;
}

/** The documents that CPython made canonical. */
export function canonicalVectors(): CanonicalVector[] {
  const lines = Deno.readTextFileSync(inRepository("tests/testdata/canonical-vectors.jsonl"));
  return lines.trimEnd().split("\n").map((line) => JSON.parse(line));
}
