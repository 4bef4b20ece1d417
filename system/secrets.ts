/**
 * Secrets: variables of the environment whose values must not get into records.
 *
 * @module
 */

import { osError, SoakError } from "../base/errors.ts";
import type { Profile } from "../model/profile.ts";
import { OptionError, type RealSystem } from "../model/system_spec.ts";

/** Takes secret values out of text; `[NAME]` takes the place of each, and stays where it stands. */
export interface Secrets {
  /** Text without the values. */
  text(text: string): string;
  /** Bytes without the values; the same array if there is none in them. */
  bytes(bytes: Uint8Array): Uint8Array;
  /** Takes the values out of a stream, wherever it is cut into chunks. */
  stream(): SecretFilter;
}

/** A stream on its way through. What may be the beginning of a value waits for what follows. */
export interface SecretFilter {
  /** Takes in a chunk, and gives out what can be told. */
  take(chunk: Uint8Array): Uint8Array;
  /** Gives out the rest. */
  end(): Uint8Array;
}

const NOTHING = new Uint8Array();

/** No secrets: everything stays as it is. */
export const NO_SECRETS: Secrets = {
  text: (text) => text,
  bytes: (bytes) => bytes,
  stream: () => ({ take: (chunk) => chunk, end: () => NOTHING }),
};

/** The settings that are recorded and that people write by hand. */
const RECORDED = [
  "command",
  "prometheusUrl",
  "measureCommand",
  "readyUrl",
  "readyFile",
  "readyTcp",
  "readyCommand",
  "reloadCommand",
  "profile",
] as const;

/**
 * Reads a system's secrets from the environment, which is what its programs inherit.
 *
 * @throws {SoakError} If a variable is missing, empty or not allowed to be read, or if its value
 * stands in a setting that is recorded, or in the profile.
 */
export function readSecrets(system: RealSystem, profile: Profile): Secrets {
  if (system.secretEnv.length === 0) return NO_SECRETS;
  const values = system.secretEnv.map((name) => [name, valueOf(name)] as const);
  const recorded = { ...system, profile: JSON.stringify(profile) };
  for (const [name, value] of values) requireUnrecorded(recorded, name, value);
  return secretsOf(values);
}

function valueOf(name: string): string {
  const { state } = Deno.permissions.requestSync({ name: "env", variable: name });
  if (state !== "granted") {
    throw new SoakError("system", "cannot read a secret: not permitted to this program", {
      where: `--secret-env ${name}`,
      remedy: `run it with --allow-env=${name}`,
    });
  }
  const value = variable(name);
  if (value !== undefined && value !== "") return value;
  const what = `the environment has ${value === "" ? "an empty" : "no"} ${name}`;
  throw new OptionError(what, "secretEnv", "set it; soak run --resume needs it too");
}

function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    throw osError("cannot read a secret", `--secret-env ${name}`, error);
  }
}

function requireUnrecorded(
  settings: Partial<Record<string, unknown>>,
  name: string,
  value: string,
): void {
  const secrets = secretsOf([[name, value]]);
  const has = (text: unknown): boolean => typeof text === "string" && secrets.text(text) !== text;
  const option = RECORDED.find((setting) => [settings[setting]].flat().some(has));
  if (option === undefined) return;
  const remedy = `let the program read ${name} from its environment: it inherits it`;
  throw new OptionError(`the value of ${name} stands where it would be recorded`, option, remedy);
}

/** Makes secrets of names and values. */
export function secretsOf(values: readonly (readonly [name: string, value: string])[]): Secrets {
  // What is shown stays, so that text may pass here more than once: what a value was taken out of is
  // quoted by an error, and the error by what is recorded of it.
  const needles = new Map(values.map(([name]) => [`[${name}]`, `[${name}]`]));
  for (const [name, value] of values) {
    for (const spelt of spellingsOf(value)) {
      if (!needles.has(spelt)) needles.set(spelt, `[${name}]`);
    }
  }
  const inText = new Finder(needles);
  const inBytes = new Finder(
    new Map([...needles].map(([spelt, shown]) => [binary(encoder.encode(spelt)), shown])),
  );
  return {
    text: (text) => inText.replace(text, false).done,
    bytes(bytes) {
      const text = binary(bytes);
      const { done } = inBytes.replace(text, false);
      return done === text ? bytes : unbinary(done);
    },
    stream() {
      let held = "";
      return {
        take(chunk) {
          const { done, rest } = inBytes.replace(held + binary(chunk), true);
          held = rest;
          return unbinary(done);
        },
        end() {
          const { done } = inBytes.replace(held, false);
          held = "";
          return unbinary(done);
        },
      };
    },
  };
}

/** A value as it is, as JSON strings have it, and as addresses have it. */
function spellingsOf(value: string): ReadonlySet<string> {
  const json = JSON.stringify(value).slice(1, -1);
  const strings = [json, ...[false, true].map((upper) => ascii(json, upper))];
  // Some writers leave these as they are, and some don't.
  const rest = (text: string): string =>
    text.replaceAll(/[!'()*~]/g, (character) => `%${hex(character, 2).toUpperCase()}`);
  const encoded = encodeURIComponent(value);
  const addresses = [encoded, rest(encoded), rest(encoded).replaceAll("%7E", "~")]
    .flatMap((text) => [text, text.replaceAll("%2F", "/")])
    .flatMap((text) => [text, text.replaceAll("%20", "+")])
    .flatMap((text) => [text, text.replaceAll(/%../g, (code) => code.toLowerCase())]);
  return new Set([
    value,
    ...strings,
    ...strings.map((text) => text.replaceAll("/", "\\/")),
    ...addresses,
  ]);
}

/** A JSON string with an escape for whatever is not ASCII. */
function ascii(json: string, upper: boolean): string {
  return json.replaceAll(/[\u007f-\uffff]/g, (unit) => {
    const digits = hex(unit, 4);
    return `\\u${upper ? digits.toUpperCase() : digits}`;
  });
}

function hex(unit: string, digits: number): string {
  return unit.charCodeAt(0).toString(16).padStart(digits, "0");
}

/** Finds values in text, of those that begin at one place the longest. */
class Finder {
  readonly #needles: ReadonlyMap<string, string>;
  readonly #pattern: RegExp;
  readonly #longest: number;

  constructor(needles: ReadonlyMap<string, string>) {
    const longestFirst = [...needles.keys()].sort((a, b) => b.length - a.length);
    this.#needles = needles;
    this.#pattern = new RegExp(longestFirst.map(literal).join("|"), "g");
    this.#longest = longestFirst[0]?.length ?? 0;
  }

  /** Replaces every value; with more to come, `rest` is what may be the beginning of one. */
  replace(text: string, more: boolean): { readonly done: string; readonly rest: string } {
    let done = "";
    let from = 0;
    for (;;) {
      const open = more ? this.#openFrom(text, from) : text.length;
      this.#pattern.lastIndex = from;
      const match = this.#pattern.exec(text);
      if (match === null || match.index >= open) {
        return { done: done + text.slice(from, open), rest: text.slice(open) };
      }
      done += text.slice(from, match.index) + (this.#needles.get(match[0]) ?? "");
      from = match.index + match[0].length;
    }
  }

  /** Where the text begins to be the beginning of a value that it does not have the end of. */
  #openFrom(text: string, from: number): number {
    const needles = [...this.#needles.keys()];
    for (let at = Math.max(from, text.length - this.#longest + 1); at < text.length; at++) {
      const end = text.slice(at);
      if (needles.some((value) => value.length > end.length && value.startsWith(end))) return at;
    }
    return text.length;
  }
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

const encoder = new TextEncoder();

/** Bytes as a string with a character for each. */
function binary(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return parts.join("");
}

function unbinary(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
