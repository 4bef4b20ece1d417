/**
 * A strict reader of JSON text that says where and why it refuses: a doubled key, an inexact
 * integer, excess nesting. The quick way through `JSON.parse` is in `json.ts`; this one reads what
 * is not in canonical form, finds the words for what is wrong, and the lines on which values stand.
 *
 * @module
 */

import { SoakError } from "./errors.ts";
import {
  type JsonObject,
  jsonPath,
  type JsonValue,
  MAX_JSON_DEPTH,
  MAX_JSON_VALUES,
} from "./json_value.ts";
import { printable } from "./text.ts";

/** A place in a text, as editors count them. */
export interface TextPlace {
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1, in UTF-16 units. */
  readonly column: number;
}

/** Text that is no strict JSON. */
export class JsonTextError extends SoakError {
  /** Where it stops being JSON. */
  readonly place: TextPlace;
  /** The way to the value that could not be read, as JSONPath. */
  readonly path: string;
  /** What whoever wrote the text has to do; `undefined` where no particular slip shows. */
  readonly hint: string | undefined;

  /** Says what is wrong with a text, and where. */
  constructor(
    what: string,
    source: string,
    at: { readonly place: TextPlace; readonly path: string; readonly hint?: string | undefined },
  ) {
    const { place: { line, column }, path, hint } = at;
    super("artifact", what, {
      where: `${printable(source)}:${line}:${column}: ${path}`,
      remedy: hint ?? "repair the file or record it again",
    });
    this.place = at.place;
    this.path = path;
    this.hint = hint;
  }
}

/**
 * Reads strict JSON by hand: slower than `JSON.parse`, but nothing is lost in silence. An integer
 * `-0` is 0, since integers have no sign on their zero.
 */
export function scanJson(text: string, source: string): JsonValue {
  return new Scanner(text, source).document();
}

/**
 * Finds where values stand in a text that {@linkcode scanJson} reads: a member at its key, all else
 * at its first character.
 *
 * @param text The text.
 * @param paths The way to each value, as {@linkcode jsonPath} has it.
 * @returns The places by path; none for a path that leads nowhere.
 */
export function locateJson(text: string, paths: Iterable<string>): Map<string, TextPlace> {
  const wanted = new Set(paths);
  const found = new Map<string, number>();
  const scanner = new Scanner(text, "JSON text", (path, at) => {
    if (path.length > MAX_LOCATED_DEPTH || wanted.size === 0) return;
    const way = jsonPath(path);
    if (wanted.delete(way)) found.set(way, at);
  });
  scanner.document();
  const starts = lineStarts(text);
  return new Map([...found].map(([path, at]) => [path, placeIn(starts, at)]));
}

/** Deeper values are not looked for: their paths are shortened, and don't tell them apart. */
const MAX_LOCATED_DEPTH = 12;

/** Where each line of a text begins. Lines end with a line feed, with or without a return. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) {
    starts.push(end + 1);
  }
  return starts;
}

function placeIn(starts: readonly number[], position: number): TextPlace {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= position) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: position - (starts[low] ?? 0) + 1 };
}

/** Is told of every value: the way to it and where it stands. */
type OnValue = (path: readonly (string | number)[], at: number) => void;

const WHITE_SPACE = /[ \t\n\r]*/y;
const PLAIN_CHARACTERS = /[ !#-[\]-\uffff]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WORD = /[-+.\w]+/y;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

const END = "the end of the text";
const COMMENT_START = /^(?:\/[/*]|#)/;
const CLOSING = /^[}\]]/;
const QUOTES = /^['`\u2018-\u201f]/;
const KEY_START = /^[A-Za-z_$]/;
const BEFORE_KEY = /[{,]$/;
const WORD_START = /^[\w$-]+/;
const VALUE_END = /["\w}\]]$/;
const VALUE_START = /^["\w{[-]/;

class Scanner {
  readonly #text: string;
  readonly #source: string;
  readonly #path: (string | number)[] = [];
  readonly #onValue: OnValue | undefined;
  #at = 0;
  #values = 0;

  constructor(text: string, source: string, onValue?: OnValue) {
    this.#text = text;
    this.#source = source;
    this.#onValue = onValue;
  }

  document(): JsonValue {
    if (this.#text.startsWith("\ufeff")) {
      throw this.#refusal("a byte order mark at the start", 0, "save the file as UTF-8 without it");
    }
    this.#skipWhiteSpace();
    if (this.#at === this.#text.length) throw this.#refusal("no JSON in it, only white space", 0);
    this.#onValue?.(this.#path, this.#at);
    const value = this.#value();
    this.#skipWhiteSpace();
    if (this.#at < this.#text.length) {
      throw this.#refusal(`${this.#found()} after the end of the JSON value`);
    }
    return value;
  }

  #value(): JsonValue {
    if (++this.#values > MAX_JSON_VALUES) {
      throw this.#refusal(`more than ${MAX_JSON_VALUES} values`);
    }
    switch (this.#text[this.#at]) {
      case "{":
        return this.#nested(() => this.#object());
      case "[":
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #nested<T>(read: () => T): T {
    if (this.#path.length >= MAX_JSON_DEPTH) {
      throw this.#refusal(`nesting deeper than ${MAX_JSON_DEPTH} levels`);
    }
    this.#at++;
    this.#skipWhiteSpace();
    return read();
  }

  #object(): JsonObject {
    const object: Record<string, JsonValue> = {};
    if (this.#take("}")) return object;
    do {
      this.#skipWhiteSpace();
      const keyAt = this.#at;
      if (this.#text[keyAt] !== '"') {
        throw this.#refusal(`${this.#found()} where a key in double quotes is expected`);
      }
      const key = this.#string();
      this.#path.push(key);
      if (Object.hasOwn(object, key)) {
        const what = `doubled key ${printable(JSON.stringify(key), 60)}`;
        throw this.#refusal(what, keyAt);
      }
      this.#onValue?.(this.#path, keyAt);
      this.#skipWhiteSpace();
      if (!this.#take(":")) {
        const what = `${this.#found()} where ":" is expected`;
        throw this.#refusal(what, this.#at, "put a colon after the key");
      }
      this.#skipWhiteSpace();
      setMember(object, key, this.#value());
      this.#path.pop();
      this.#skipWhiteSpace();
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#refusal(`${this.#found()} where "," or "}" is expected`);
    return object;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    if (this.#take("]")) return array;
    do {
      this.#skipWhiteSpace();
      this.#path.push(array.length);
      this.#onValue?.(this.#path, this.#at);
      array.push(this.#value());
      this.#path.pop();
      this.#skipWhiteSpace();
    } while (this.#take(","));
    if (!this.#take("]")) throw this.#refusal(`${this.#found()} where "," or "]" is expected`);
    return array;
  }

  #string(): string {
    this.#at++;
    let string = "";
    for (;;) {
      string += this.#match(PLAIN_CHARACTERS)?.[0] ?? "";
      const character = this.#text[this.#at];
      if (character === undefined) throw this.#refusal("the text ends inside a string");
      if (character === '"') {
        this.#at++;
        return string;
      }
      if (character !== "\\") {
        const hint = character === "\n" || character === "\r"
          ? "close it with a double quote before the end of the line"
          : undefined;
        throw this.#refusal(`unescaped ${this.#found()} inside a string`, this.#at, hint);
      }
      string += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? "";
    if (letter === "u") {
      const hex = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) {
        throw this.#refusal("\\u without four hex digits after it");
      }
      this.#at += 6;
      return String.fromCharCode(parseInt(hex, 16));
    }
    const meant = SHORT_ESCAPES[letter];
    if (meant === undefined) {
      throw this.#refusal(`an unknown escape ${printable(`\\${letter}`)} inside a string`);
    }
    this.#at += 2;
    return meant;
  }

  #scalar(): JsonValue {
    const start = this.#at;
    const number = this.#match(NUMBER);
    const rest = this.#match(WORD)?.[0] ?? "";
    if (number !== null && rest === "") return this.#number(number, start);
    const word = (number?.[0] ?? "") + rest;
    switch (word) {
      case "null":
        return null;
      case "true":
        return true;
      case "false":
        return false;
      default:
        this.#at = start;
        if (word === "") throw this.#refusal(this.#unexpected());
        throw this.#refusal(`${quoted(word)} is not JSON`, start, wordHint(word));
    }
  }

  #number(match: RegExpExecArray, start: number): number {
    const [literal, fraction, exponent] = match;
    const number = Number(literal);
    if (!Number.isFinite(number)) {
      throw this.#refusal(`the number ${quoted(literal)} is beyond a double's range`, start);
    }
    if (fraction !== undefined || exponent !== undefined) return number;
    if (!Number.isSafeInteger(number) && BigInt(literal) !== BigInt(number)) {
      throw this.#refusal(`the integer ${quoted(literal)} is not exact as a double`, start);
    }
    return number === 0 ? 0 : number;
  }

  #skipWhiteSpace(): void {
    const character = this.#text.charCodeAt(this.#at);
    if (character <= 0x20) this.#match(WHITE_SPACE);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #unexpected(): string {
    if (this.#isComment()) return "unexpected comment";
    const found = this.#found();
    return found === END ? "the text ends too early" : `unexpected ${found}`;
  }

  #found(): string {
    if (this.#isComment()) return "a comment";
    const codePoint = this.#text.codePointAt(this.#at);
    return codePoint === undefined ? END : quoted(String.fromCodePoint(codePoint));
  }

  #isComment(): boolean {
    return COMMENT_START.test(this.#text.slice(this.#at, this.#at + 2));
  }

  /** The slip that leads to what stands here in place of JSON, and how it is put right. */
  #slip(): string | undefined {
    const character = this.#text[this.#at] ?? "";
    const here = placeOf(this.#text, this.#at);
    if (this.#isComment()) {
      const line = this.#text.slice(this.#at - here.column + 1).split("\n", 1)[0] ?? "";
      const isWhole = line.trim().startsWith(character) && !line.startsWith("/*", here.column - 1);
      return `JSON has no comments; remove ${isWhole ? `line ${here.line}` : "it"}`;
    }
    const before = this.#text.slice(0, this.#at).trimEnd();
    const { line } = placeOf(this.#text, before.length - 1);
    const elsewhere = line === here.line ? "" : `, in line ${line}`;
    if (before.endsWith(",") && CLOSING.test(character)) {
      return `remove the comma before it${elsewhere}`;
    }
    if (QUOTES.test(character)) return "write strings in double quotes";
    if (BEFORE_KEY.test(before) && KEY_START.test(character)) {
      const word = WORD_START.exec(this.#text.slice(this.#at, this.#at + 40))?.[0] ?? "";
      return `write the key in double quotes: "${word}"`;
    }
    return VALUE_END.test(before) && VALUE_START.test(character)
      ? line === here.line
        ? "is a comma missing before it?"
        : `is a comma missing at the end of line ${line}?`
      : undefined;
  }

  #refusal(what: string, at?: number, hint?: string): JsonTextError {
    return new JsonTextError(what, this.#source, {
      place: placeOf(this.#text, at ?? this.#at),
      path: jsonPath(this.#path),
      hint: hint ?? (at === undefined ? this.#slip() : undefined),
    });
  }
}

function placeOf(text: string, position: number): TextPlace {
  let line = 1;
  let lineStart = 0;
  for (;;) {
    const lineEnd = text.indexOf("\n", lineStart);
    if (lineEnd < 0 || lineEnd >= position) break;
    line++;
    lineStart = lineEnd + 1;
  }
  return { line, column: position - lineStart + 1 };
}

/** What is written in JSON for a word of another notation. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["True", "true"],
  ["TRUE", "true"],
  ["False", "false"],
  ["FALSE", "false"],
  ["None", "null"],
  ["nil", "null"],
  ["undefined", "null"],
  ["Null", "null"],
  ["NULL", "null"],
]);

/** How a word that is no JSON is put right. */
function wordHint(word: string): string | undefined {
  const meant = WORDS.get(word);
  if (meant !== undefined) return `write ${meant}`;
  if (/^[-+]?(?:NaN|Infinity|inf)$/i.test(word)) return "JSON has no such number";
  if (/^0x[0-9a-f]{1,8}$/i.test(word)) return `write ${Number(word)}`;
  if (!/^[-+]?[.\d]/.test(word)) return undefined;
  const plain = word.replaceAll("_", "").replace(/^\+/, "").replace(/^(-?)0+(?=\d)/, "$1")
    .replace(/^(-?)\./, "$10.").replace(/\.(?=$|e)/i, "");
  NUMBER.lastIndex = 0;
  const [number = "", unit = ""] = [NUMBER.exec(plain)?.[0], plain.slice(NUMBER.lastIndex)];
  if (number === "") return undefined;
  return unit === "" ? `write ${number}` : "write the number alone, without its unit";
}

/** Assignment to `__proto__` would set the prototype; a member of that name is data like any. */
function setMember(object: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key !== "__proto__") {
    object[key] = value;
    return;
  }
  Object.defineProperty(object, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

function quoted(text: string): string {
  return `"${printable(text, 40)}"`;
}
