/**
 * The states that an older run went through, worked out backwards from its runtime file. Its
 * scripts hash bytes and write the same values in more than one layout; where a recorded hash is
 * that of a state in one of the layouts, the state is proven.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { sha256Hex } from "../base/hash.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { marketMaker } from "../model/market_maker.ts";
import { findParameter } from "../model/params.ts";
import type { Increments } from "./legacy_record.ts";

/** A runtime as it was read: its values and its bytes. */
export interface LegacyRuntime {
  /** The values. */
  readonly data: JsonObject;
  /** The file's bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A runtime file over this size is none of these scripts': 64 KiB. Only its bytes are hashed. */
const MAX_BYTES = 64 * 1024;

/** No more text than this is hashed in the search for a state: 16 MiB. */
const MAX_TEXT = 16 * 1024 * 1024;

/** Which recorded hashes are of which state. */
export class LegacyStates {
  readonly #states = new Map<string, number>();
  readonly #byHash = new Map<string, number>();
  readonly #after: number[] = [];
  #last = 0;
  #left = MAX_TEXT;

  private constructor() {}

  /**
   * Works out the states that end with a runtime, if each change stored its numbers as values.
   *
   * @param runtime The last state.
   * @param changes What was stored, in order.
   */
  static async of(
    { data, bytes }: LegacyRuntime,
    changes: readonly Increments[],
  ): Promise<LegacyStates> {
    const states = new LegacyStates();
    const last = states.#idOf(canonicalJson(data));
    states.#last = last;
    states.#byHash.set(await sha256Hex(bytes), last);
    if (bytes.length > MAX_BYTES) return states;
    // The file may write a number in another way than the canonical form does.
    await states.#add(last, new TextDecoder().decode(bytes));
    let state = data;
    for (const { index, before } of backwards(changes)) {
      states.#after[index + 1] = await states.#addState(state);
      const earlier = undo(state, changes[index] ?? {}, before);
      if (earlier === null || states.#left < 0) return states;
      state = earlier;
    }
    states.#after[0] = await states.#addState(state);
    return states;
  }

  /** Whether two hashes are of one state, in whatever layouts. */
  same(a: string, b: string): boolean {
    const state = this.#byHash.get(a);
    return a === b || (state !== undefined && state === this.#byHash.get(b));
  }

  /** Whether a hash is that of the state after so many changes. */
  isAfter(hash: string, changes: number): boolean {
    const state = this.#after[changes];
    return state !== undefined && this.#byHash.get(hash) === state;
  }

  /** Whether a hash is that of the last state. */
  isLast(hash: string): boolean {
    return this.#byHash.get(hash) === this.#last;
  }

  /** Whether the last state is another's last state as well, in whatever layouts. */
  sharesLast(other: LegacyStates): boolean {
    return [...this.#byHash].some(([hash, id]) => id === this.#last && other.isLast(hash));
  }

  async #addState(state: JsonObject): Promise<number> {
    const known = this.#states.size;
    const text = canonicalJson(state);
    this.#left -= text.length;
    const id = this.#idOf(text);
    if (id === known || id === this.#last) await this.#add(id, text);
    return id;
  }

  async #add(id: number, text: string): Promise<void> {
    for (const laid of layouts(text)) {
      this.#left -= laid.length;
      if (this.#left < 0) return;
      const hash = await sha256Hex(laid);
      if (!this.#byHash.has(hash)) this.#byHash.set(hash, id);
    }
  }

  #idOf(text: string): number {
    const id = this.#states.get(text) ?? this.#states.size;
    this.#states.set(text, id);
    return id;
  }
}

/** The changes from the last to the first, each with what stood at its keys before it. */
function backwards(
  changes: readonly Increments[],
): { readonly index: number; readonly before: Increments }[] {
  const stored = new Map<string, number>();
  return changes.map((change, index) => {
    const known = Object.keys(change).flatMap((key): [string, number][] => {
      const value = stored.get(key);
      return value === undefined ? [] : [[key, value]];
    });
    for (const [key, value] of Object.entries(change)) stored.set(key, value);
    return { index, before: Object.fromEntries(known) };
  }).reverse();
}

/** The state before a change; `null` if the change is not in the state. */
function undo(state: JsonObject, change: Increments, before: Increments): JsonObject | null {
  let earlier = state;
  for (const [key, value] of Object.entries(change)) {
    const at = storedAt(state, key);
    if (at === null || !isClose(at.value, value)) return null;
    earlier = withAt(earlier, at.path, Object.hasOwn(before, key) ? before[key] : undefined);
  }
  return earlier;
}

/** Where a runtime has a parameter, as these scripts store it: at its path, or else at the top. */
export function storedAt(
  runtime: JsonObject,
  key: string,
): { readonly path: readonly string[]; readonly value: number } | null {
  for (const path of [findParameter(key, marketMaker.parameters)?.path.split(".") ?? [], [key]]) {
    const value = path.reduce<JsonValue | undefined>(
      (node, name) => isJsonObject(node) && Object.hasOwn(node, name) ? node[name] : undefined,
      runtime,
    );
    if (typeof value === "number") return { path, value };
  }
  return null;
}

/** Whether two numbers are one, but for the noise of decimal arithmetic. */
export function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}

/** A copy with another value at a path, or with none; what is empty then goes as well. */
function withAt(node: JsonObject, path: readonly string[], value: number | undefined): JsonObject {
  const [head = "", ...rest] = path;
  const child = node[head];
  const next = rest.length === 0 || !isJsonObject(child) ? value : withAt(child, rest, value);
  const { [head]: _, ...others } = node;
  if (next === undefined || (isJsonObject(next) && Object.keys(next).length === 0)) return others;
  return { ...node, [head]: next };
}

/** White space in the layouts that the scripts' language writes: indent, after a comma, a colon. */
const LAYOUTS: readonly (readonly [string, string, string])[] = [
  ["", "", ""],
  ["", " ", " "],
  ["  ", "", ""],
  ["  ", "", " "],
  ["    ", "", " "],
];

/** A JSON text in each layout, with a line feed at the end and without one. */
function layouts(text: string): string[] {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{}[\],:]|[^\s"{}[\],:]+/g) ?? [];
  return LAYOUTS.flatMap((layout) => {
    const laid = laidOut(tokens, layout);
    return [laid, `${laid}\n`];
  });
}

function laidOut(
  tokens: readonly string[],
  [indent, comma, colon]: readonly [string, string, string],
): string {
  let depth = 0;
  const line = (by: number): string => {
    depth += by;
    return indent === "" ? "" : `\n${indent.repeat(depth)}`;
  };
  return tokens.map((token) => {
    if (token === "{" || token === "[") return token + line(1);
    if (token === "}" || token === "]") return line(-1) + token;
    if (token === ",") return token + comma + line(0);
    return token === ":" ? token + colon : token.replace(/^([{[])\s+/, "$1");
  }).join("");
}
