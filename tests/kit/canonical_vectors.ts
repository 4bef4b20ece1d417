import { inRepository } from "./repository.ts";

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
