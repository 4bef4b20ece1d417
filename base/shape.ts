/**
 * Checks the shape of JSON from outside, naming the file and the field that is wrong.
 *
 * @module
 */

import { SoakError } from "./errors.ts";
import { isJsonObject, type JsonObject, jsonPathStep, type JsonValue } from "./json_value.ts";
import { printable } from "./text.ts";
import { isUtcText } from "./utc.ts";

/** A JSON value with the file and the path where it stands. */
export class Shape {
  /** The value; `undefined` where the field is absent. */
  readonly value: JsonValue | undefined;
  /** The file it was read from. */
  readonly file: string;
  readonly #parent: Shape | null;
  readonly #step: string | number;

  /** Wraps a value with the place it stands at. */
  constructor(
    value: JsonValue | undefined,
    file: string,
    parent: Shape | null = null,
    step: string | number = "",
  ) {
    this.value = value;
    this.file = file;
    this.#parent = parent;
    this.#step = step;
  }

  /** Its place in the file, starting with `$`. Put together when asked for: errors are rare. */
  get path(): string {
    return this.#parent === null ? "$" : this.#parent.path + jsonPathStep(this.#step);
  }

  /** The error that says that something else was expected here. */
  wrong(expected: string): SoakError {
    return new SoakError("artifact", `expected ${expected}, found ${describe(this.value)}`, {
      where: `${this.file}: ${this.path}`,
      remedy: "restore the file as it was written",
    });
  }

  /** An object with exactly these fields. */
  object(required: readonly string[], optional: readonly string[] | null = []): this {
    const { value } = this;
    if (!isJsonObject(value)) throw this.wrong("an object");
    for (const field of required) {
      if (!Object.hasOwn(value, field)) throw this.get(field).wrong("a value");
    }
    if (optional !== null) {
      for (const field of Object.keys(value)) {
        if (!required.includes(field) && !optional.includes(field)) {
          throw this.get(field).wrong("no such field");
        }
      }
    }
    return this;
  }

  /** The field of an object; its value is `undefined` if there is none. */
  get(field: string): Shape {
    const { value } = this;
    const child = isJsonObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
    return new Shape(child, this.file, this, field);
  }

  /** Whether an object has the field. */
  has(field: string): boolean {
    return isJsonObject(this.value) && Object.hasOwn(this.value, field);
  }

  /** Name and shape of each field of an object. */
  fields(): [string, Shape][] {
    return Object.keys(this.json()).map((field) => [field, this.get(field)]);
  }

  /** The elements of an array. */
  items(): Shape[] {
    if (!Array.isArray(this.value)) throw this.wrong("an array");
    return this.value.map((item, i) => new Shape(item, this.file, this, i));
  }

  /** A JSON object, whatever is in it. */
  json(): JsonObject {
    if (!isJsonObject(this.value)) throw this.wrong("an object");
    return this.value;
  }

  /** A string. */
  string(): string {
    if (typeof this.value !== "string") throw this.wrong("a string");
    return this.value;
  }

  /** One of these strings. */
  oneOf<T extends string>(choices: readonly T[]): T {
    const choice = choices.find((candidate) => candidate === this.value);
    if (choice === undefined) throw this.wrong(choices.map((c) => `"${c}"`).join(" or "));
    return choice;
  }

  /** A SHA-256 as 64 lower-case hex digits. */
  hash(): string {
    if (typeof this.value !== "string" || !/^[0-9a-f]{64}$/.test(this.value)) {
      throw this.wrong("a SHA-256 in lower-case hex");
    }
    return this.value;
  }

  /** A time in UTC, as ISO 8601 with seconds or milliseconds. */
  utc(): string {
    const { value } = this;
    if (typeof value !== "string" || !isUtcText(value)) {
      throw this.wrong("a UTC time like 2025-01-01T00:10:00Z");
    }
    return value;
  }

  /** A boolean. */
  boolean(): boolean {
    if (typeof this.value !== "boolean") throw this.wrong("true or false");
    return this.value;
  }

  /** A finite number. */
  number(): number {
    if (typeof this.value !== "number" || !Number.isFinite(this.value)) {
      throw this.wrong("a number");
    }
    return this.value;
  }

  /** An integer within bounds. */
  integer(min: number, max: number = Number.MAX_SAFE_INTEGER): number {
    const { value } = this;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.wrong(`an integer from ${min} to ${max}`);
    }
    return value;
  }

  /** `null`, or what the reader makes of the value. */
  nullOr<T>(read: (shape: Shape) => T): T | null {
    return this.value === null ? null : read(this);
  }
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "boolean" || typeof value === "number") {
    return String(value);
  }
  if (typeof value === "string") {
    return printable(JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value));
  }
  return Array.isArray(value) ? "an array" : "an object";
}
