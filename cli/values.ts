/**
 * The values on a command line, checked one by one.
 *
 * @module
 */

import { isFile } from "../base/read_file.ts";
import { tcpAddress } from "../base/tcp_address.ts";
import { printable, shellWord } from "../base/text.ts";
import { splitWords } from "../base/words.ts";
import { type Deltas, findParameter } from "../model/params.ts";
import type { Parameter } from "../model/profile.ts";
import { isCounted } from "../model/scale.ts";
import {
  FAULT_KINDS,
  type MockFault,
  type Program,
  webAddressMistake,
} from "../model/system_spec.ts";
import { decimal, kindText, parseValue, valueText } from "../model/value.ts";
import type { CommandSpec } from "./command_spec.ts";
import { type CommandName, DEFAULT_DIR, DEFAULT_FAULT_RATE, DEFAULT_PROFILE } from "./commands.ts";
import { lookUp, outOfRange, PLAIN_DIGITS, quoted, shown, suggestion, usage } from "./mistakes.ts";

/** A command line taken apart: every flag is known and stands there once. */
export interface Given {
  readonly name: CommandName;
  readonly spec: CommandSpec;
  readonly switches: ReadonlySet<string>;
  readonly texts: ReadonlyMap<string, string>;
  /** The values of flags that may be given more than once. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
  /** What stands after `--`, which is part of the positionals too. */
  readonly rest: readonly string[];
}

/** The value of a flag, which may not be empty. */
export function text(given: Given, name: string): string | undefined {
  const value = given.texts.get(name);
  if (value === "") throw usage("the value is empty", `--${name}`, lookUp(given.name));
  return value;
}

/** The values of a flag that may be given more than once, none of them empty. */
export function list(given: Given, name: string): readonly string[] | undefined {
  const values = given.lists.get(name);
  if (values?.includes("")) throw usage("the value is empty", `--${name}`, lookUp(given.name));
  return values;
}

/** The profile that is named, or the built-in one. */
export function profileOf(given: Given): string {
  return text(given, "profile") ?? DEFAULT_PROFILE;
}

/** The run directory that is named, or the usual one. */
export function directory(given: Given, name: "out" | "path"): string {
  return text(given, name) ?? DEFAULT_DIR;
}

/** The value of a flag that is a number, within the flag's range. */
export function number(given: Given, name: string): number | undefined {
  const value = text(given, name);
  const flag = given.spec.flags.find((flag) => flag.name === name);
  if (value === undefined || flag?.range === undefined) return undefined;
  const { integer, min, max } = flag.range;
  const result = Number(value);
  const plain = integer ? /^\d+$/ : /^\d+(?:\.\d+)?$/;
  if (plain.test(value) && result >= min && result <= max) return result;
  throw outOfRange(flag, value);
}

/** The value of a flag that is one of a few words. */
export function choice<T extends string>(
  given: Given,
  name: string,
  choices: readonly T[],
): T | undefined {
  const value = text(given, name);
  const chosen = choices.find((known) => known === value);
  if (value === undefined || chosen !== undefined) return chosen;
  throw usage(`no such choice: ${quoted(value)}`, `--${name}`, choiceRemedy(value, choices));
}

/** Names the only choice that the word is a part of, such as SIGHUP for HUP; else all there are. */
function choiceRemedy(word: string, choices: readonly string[]): string {
  const part = word.toLowerCase();
  const [near, another] = choices.filter((name) => name.toLowerCase().includes(part));
  return near !== undefined && another === undefined
    ? `did you mean ${near}?`
    : `choose from ${choices.join(", ")}`;
}

/** The value of a flag that is the address of a web server. */
export function url(given: Given, name: string): string | undefined {
  const value = text(given, name);
  if (value === undefined) return undefined;
  const mistake = webAddressMistake(value);
  if (mistake === "address") {
    const remedy = "for example http://127.0.0.1:9090";
    throw usage(`not a URL of a web server: ${quoted(value)}`, `--${name}`, remedy);
  }
  if (mistake === "password") {
    throw usage("a password in a URL would be recorded", `--${name}`, "leave it out");
  }
  return value;
}

/** The value of a flag that is the address of a TCP server. */
export function tcp(given: Given, name: string): string | undefined {
  const value = text(given, name);
  if (value === undefined || tcpAddress(value) !== null) return value;
  const remedy = "for example 127.0.0.1:6379 or [::1]:6379";
  throw usage(`not HOST:PORT: ${quoted(value)}`, `--${name}`, remedy);
}

/**
 * The value of a flag that is a program, with its arguments if it has some. Text that as a whole
 * names a file is that file, whatever blanks or quotes are in its name.
 */
export function program(given: Given, name: string): Program | undefined {
  const value = text(given, name);
  if (value === undefined || isFile(value)) return value;
  const split = splitWords(value);
  if ("mistake" in split) throw usage(split.mistake, `--${name}`, split.remedy);
  const [first = "", ...rest] = split.words;
  refuseTorn(value, first, `--${name}`);
  return rest.length === 0 ? first : split.words;
}

/** Refuses a text that begins with a file whose name has blanks: as words it would be torn apart. */
function refuseTorn(value: string, first: string, flag: string): void {
  if (isFile(first)) return;
  const [file] = [...value.matchAll(/ /g)].map(({ index }) => value.slice(0, index)).filter(isFile);
  if (file === undefined) return;
  const whole = `"${shellWord(file)}${printable(value.slice(file.length))}"`;
  throw usage("a path with blanks is taken for several words", flag, `write ${flag} ${whole}`);
}

/** The fault that `--mock-fault` asks for. */
export function mockFault(given: Given): MockFault | undefined {
  const value = text(given, "mock-fault");
  if (value === undefined) return undefined;
  const [word = "", ...rest] = value.split(":");
  const kind = FAULT_KINDS.find((known) => known === word);
  if (kind === undefined) {
    throw usage(
      `no fault is called ${quoted(word)}`,
      "--mock-fault",
      suggestion(word, FAULT_KINDS),
    );
  }
  if (rest.length === 0) return { kind, rate: DEFAULT_FAULT_RATE };
  const rate = decimal(rest.join(":"));
  if (rate !== undefined && rate > 0 && rate <= 1) return { kind, rate };
  const found = quoted(rest.join(":"));
  const remedy = `for example --mock-fault ${kind}:${DEFAULT_FAULT_RATE}`;
  throw usage(`expected a rate above 0 and up to 1, found ${found}`, "--mock-fault", remedy);
}

/** Targets in the form `KEY=VALUE`, each key once; what the values mean, the profile tells. */
export function targets(
  given: Given,
  words: readonly string[],
): Readonly<Record<string, string>> {
  if (words.length === 0) return missing(given, "KEY=VALUE");
  const result = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const key = word.slice(0, at);
    if (at < 1) throw usage("expected KEY=VALUE", quoted(word), "for example tail_age_ms=660");
    if (result.has(key)) throw usage("the key is given twice", shown(key), "give it one value");
    result.set(key, word.slice(at + 1));
  }
  // Unlike assignments, this keeps a key like `__proto__`, for the validation to refuse.
  return Object.fromEntries(result);
}

/** The values that texts mean, by the kinds of the parameters. */
export function valuesOf(
  texts: Readonly<Record<string, string>>,
  parameters: readonly Parameter[],
): Deltas {
  const values = Object.entries(texts).map(([key, text]) => {
    const parameter = findParameter(key, parameters);
    if (parameter === undefined) return [key, text] as const;
    const value = parseValue(parameter, text);
    if (value !== undefined) return [key, value] as const;
    const what = `expected ${kindText(parameter)}, found ${quoted(text)}`;
    throw usage(
      what,
      shown(key),
      isCounted(parameter)
        ? `for example ${key}=${valueText(parameter.default)}`
        : text.startsWith("+")
        ? "write the value that it is to have, not what is to be added"
        : PLAIN_DIGITS,
    );
  });
  return Object.fromEntries(values);
}

/** Refuses a command line without something that it needs. */
export function missing(given: Given, what: string, example = 0): never {
  const remedy = `for example: ${given.spec.examples[example]?.[0]}`;
  throw usage(`soak ${given.name} needs this argument`, what, remedy);
}
