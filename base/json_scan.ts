/**
 * A strict reader of JSON text that says where and why it refuses: a doubled key, an inexact
 * integer, excess nesting. The quick way through `JSON.parse` is in `json.ts`; this one reads what
 * is not in canonical form, and finds the words for what is wrong.
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

/**
 * Reads strict JSON by hand: slower than `JSON.parse`, but nothing is lost in silence. An integer
 * `-0` is 0, since integers have no sign on their zero.
 */
export function scanJson(text: string, source: string): JsonValue {
  return new Scanner(text, source).document();
}

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

class Scanner {
  readonly #text: string;
  readonly #source: string;
  readonly #path: (string | number)[] = [];
  #at = 0;
  #values = 0;

  constructor(text: string, source: string) {
    this.#text = text;
    this.#source = source;
  }

  document(): JsonValue {
    if (this.#text.startsWith("\ufeff")) {
      throw this.#refusal("a byte order mark at the start", 0, "save the file as UTF-8 without it");
    }
    this.#skipWhiteSpace();
    if (this.#at === this.#text.length) throw this.#refusal("no JSON in it, only white space", 0);
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
        throw this.#refusal(`doubled key ${printable(JSON.stringify(key), 60)}`, keyAt);
      }
      this.#skipWhiteSpace();
      if (!this.#take(":")) throw this.#refusal(`${this.#found()} where ":" is expected`);
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
      if (character !== "\\") throw this.#refusal(`unescaped ${this.#found()} inside a string`);
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
        throw this.#refusal(word === "" ? this.#unexpected() : `${quoted(word)} is not JSON`);
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
    const found = this.#found();
    return found === "the end of the text" ? "the text ends too early" : `unexpected ${found}`;
  }

  #found(): string {
    const codePoint = this.#text.codePointAt(this.#at);
    return codePoint === undefined
      ? "the end of the text"
      : quoted(String.fromCodePoint(codePoint));
  }

  #refusal(what: string, at?: number, remedy?: string): SoakError {
    const position = at ?? this.#at;
    let line = 1;
    let lineStart = 0;
    for (;;) {
      const lineEnd = this.#text.indexOf("\n", lineStart);
      if (lineEnd < 0 || lineEnd >= position) break;
      line++;
      lineStart = lineEnd + 1;
    }
    const place = `${printable(this.#source)}:${line}:${position - lineStart + 1}`;
    return new SoakError("artifact", what, {
      where: `${place}: ${jsonPath(this.#path)}`,
      remedy: remedy ?? "repair the file or record it again",
    });
  }
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
