import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { sameHash, sha256Hex } from "../../base/hash.ts";
import { bytesOf } from "../kit/texts.ts";

Deno.test("sha256Hex() gives the hashes that FIPS 180-4 gives as examples", async () => {
  const examples: [string, string][] = [
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1e6), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ];
  for (const [text, hash] of examples) {
    assertEquals(await sha256Hex(text), hash);
    assertEquals(await sha256Hex(bytesOf(text)), hash);
  }
});

Deno.test("sha256Hex() hashes a view's own bytes, not those around it", async () => {
  const view = bytesOf("xabcx").subarray(1, 4);
  assertEquals(await sha256Hex(view), await sha256Hex("abc"));
});

Deno.test("sha256Hex() agrees with Web Crypto at every length and for text", async () => {
  const webCrypto = async (bytes: Uint8Array<ArrayBuffer>) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  for (const length of [...Array(200).keys(), 4095, 4096, 4097, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 37 + length);
    assertEquals(await sha256Hex(bytes), await webCrypto(bytes), `${length} bytes`);
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", size: "large" }), async (text) => {
      assertEquals(await sha256Hex(text), await webCrypto(bytesOf(text)));
    }),
    { seed: 20250101, numRuns: 50 },
  );
  const long = "é".repeat(700_000);
  assertEquals(await sha256Hex(long), await webCrypto(bytesOf(long)));
});

Deno.test("sameHash() is true for one hash and false wherever a digit differs", async () => {
  const hash = await sha256Hex("abc");
  assert(sameHash(hash, await sha256Hex("abc")));
  for (let at = 0; at < hash.length; at++) {
    const other = `${hash.slice(0, at)}${hash[at] === "0" ? "1" : "0"}${hash.slice(at + 1)}`;
    assertEquals([sameHash(hash, other), sameHash(other, hash)], [false, false], other);
  }
});

Deno.test("sameHash() is false for texts of different lengths", () => {
  const hash = "a".repeat(64);
  for (const other of ["", "a", `${hash}a`, "é".repeat(64)]) {
    assertEquals([sameHash(hash, other), sameHash(other, hash)], [false, false], other);
  }
});
