/**
 * SHA-256 without waiting: Web Crypto answers through a promise, at many times the price of hashing
 * a small file, and importing `node:crypto` doubles the time the program takes to start.
 *
 * @module
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = new Int32Array(64);
/** The same of the square roots of the first 8 primes. */
const INITIAL_STATE = new Int32Array(8);
let primes = 0;
for (let n = 2; primes < 64; n++) {
  if (!isPrime(n)) continue;
  if (primes < 8) INITIAL_STATE[primes] = fraction32(Math.sqrt(n));
  ROUND_CONSTANTS[primes++] = fraction32(Math.cbrt(n));
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();

// Scratch space, reused: a hash is computed in one go and nothing in between can run.
const schedule = new Int32Array(64);
const state = new Int32Array(8);
const tail = new Uint8Array(128);
let encoded = new Uint8Array(4096);

/**
 * Computes a SHA-256 hash.
 *
 * @param data The bytes, or text that stands for its UTF-8 bytes.
 * @returns 64 lower-case hex digits.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   sha256Hex(""),
 *   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
 * );
 * ```
 */
export function sha256Hex(data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? encode(data) : data;
  state.set(INITIAL_STATE);
  const rest = bytes.length % 64;
  const whole = bytes.length - rest;
  for (let offset = 0; offset < whole; offset += 64) compress(bytes, offset);

  const padded = rest < 56 ? 64 : 128;
  tail.fill(0);
  for (let i = 0; i < rest; i++) tail[i] = bytes[whole + i] ?? 0;
  tail[rest] = 0x80;
  let bits = bytes.length * 8;
  for (let i = padded - 1; bits > 0; i--) {
    tail[i] = bits % 256;
    bits = Math.floor(bits / 256);
  }
  compress(tail, 0);
  if (padded === 128) compress(tail, 64);

  let hex = "";
  for (const word of state) {
    hex += `${HEX[word >>> 24]}${HEX[word >>> 16 & 255]}${HEX[word >>> 8 & 255]}${HEX[word & 255]}`;
  }
  return hex;
}

function encode(text: string): Uint8Array {
  // A text beyond a megabyte is rare, and its buffer must not stay behind.
  if (text.length > 1 << 20) return encoder.encode(text);
  if (encoded.length < text.length * 3) encoded = new Uint8Array(text.length * 3);
  return encoded.subarray(0, encoder.encodeInto(text, encoded).written);
}

/** Mixes one block of 64 bytes into the state, as in FIPS 180-4, section 6.2.2. */
function compress(bytes: Uint8Array, offset: number): void {
  const w = schedule;
  for (let i = 0; i < 16; i++) {
    const at = offset + i * 4;
    w[i] = byteAt(bytes, at) << 24 | byteAt(bytes, at + 1) << 16 | byteAt(bytes, at + 2) << 8 |
      byteAt(bytes, at + 3);
  }
  for (let i = 16; i < 64; i++) {
    const x = wordAt(w, i - 15);
    const y = wordAt(w, i - 2);
    const sigma0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const sigma1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    w[i] = (wordAt(w, i - 16) + sigma0 | 0) + (wordAt(w, i - 7) + sigma1 | 0);
  }
  let a = wordAt(state, 0);
  let b = wordAt(state, 1);
  let c = wordAt(state, 2);
  let d = wordAt(state, 3);
  let e = wordAt(state, 4);
  let f = wordAt(state, 5);
  let g = wordAt(state, 6);
  let h = wordAt(state, 7);
  // `| 0` after each sum of two, or the engine would compute in floating point.
  for (let i = 0; i < 64; i++) {
    const sum1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const choice = g ^ e & (f ^ g);
    const keyed = wordAt(ROUND_CONSTANTS, i) + wordAt(w, i) | 0;
    const t1 = (h + sum1 | 0) + (choice + keyed | 0) | 0;
    const sum0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const majority = a & b | c & (a | b);
    h = g;
    g = f;
    f = e;
    e = d + t1 | 0;
    d = c;
    c = b;
    b = a;
    a = t1 + (sum0 + majority | 0) | 0;
  }
  addTo(0, a);
  addTo(1, b);
  addTo(2, c);
  addTo(3, d);
  addTo(4, e);
  addTo(5, f);
  addTo(6, g);
  addTo(7, h);
}

function addTo(index: number, value: number): void {
  state[index] = wordAt(state, index) + value;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function wordAt(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) {
    if (n % divisor === 0) return false;
  }
  return true;
}

function fraction32(x: number): number {
  return (x - Math.floor(x)) * 2 ** 32 | 0;
}
