/**
 * Mistakes on the command line, in words, with the nearest valid spelling.
 *
 * @module
 */

import { osErrorCode, SoakError } from "../base/errors.ts";
import { nearestSpelling, printable } from "../base/text.ts";
import { OptionError } from "../model/system_spec.ts";
import type { FlagSpec } from "./command_spec.ts";
import { type CommandName, COMMANDS } from "./commands.ts";
import { MORE, SCRIPT_FLAGS, SCRIPT_MODULES } from "./migration.ts";

/** The remedy for a number in another notation. */
export const PLAIN_DIGITS = "write it in plain decimal digits";

/** Tells whether a word names a command. */
export function isCommandName(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

/** A mistake on the command line. */
export function usage(what: string, where: string, remedy: string): SoakError {
  return new SoakError("usage", what, { where, remedy });
}

/** Does something, and names the flag where what it refuses is an option that a flag asks for. */
export function withFlagNames<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw flagNamed(error);
  }
}

/** The error of an option as the mistake of the flag that asks for it; any other as it is. */
export function flagNamed(error: unknown): unknown {
  if (!(error instanceof OptionError)) return error;
  const { kind, what, remedy, option, message, stack } = error;
  const where = flagOf(option);
  const named = new SoakError(kind, what, {
    where,
    ...(remedy === undefined ? {} : { remedy }),
    cause: error,
  });
  if (stack !== undefined) named.stack = stack.replace(message, named.message);
  return named;
}

/** The error of reports that can't be written, with the flag that writes them elsewhere. */
export function withReportFlag(error: SoakError): SoakError {
  const { kind, what, where, cause } = error;
  const elsewhere = cause instanceof Deno.errors.PermissionDenied ||
    /^(EROFS|EACCES|EPERM|ENOSPC|EDQUOT)$/.test(osErrorCode(cause) ?? "");
  if (!elsewhere) return error;
  return new SoakError(kind, what, {
    ...(where === undefined ? {} : { where }),
    remedy: "write them elsewhere with --report-dir DIR",
    cause,
  });
}

/**
 * How an option of a run is spelt on the command line. (A character beyond ASCII in a pattern would
 * stay as it is in a bundle, and make the whole of it slower to load.)
 */
function flagOf(option: string): string {
  if (option === "command") return "--";
  const flag = flagsOf("run").find(({ setting }) => setting === option);
  const spelt = option.replaceAll(/[A-Z\u2026]/g, (letter) => `-${letter.toLowerCase()}`);
  return `--${flag?.name ?? spelt}`;
}

/** A word as an error shows it. */
export function shown(word: string): string {
  return printable(word, 60);
}

/** A word in quotes, as an error shows it. */
export function quoted(word: string): string {
  return `"${shown(word)}"`;
}

/** The remedy when there is no better one. */
export function lookUp(name: CommandName): string {
  return `see soak help ${name}`;
}

/** The mistake of an argument too many. */
export function unexpected(word: string, remedy: string): SoakError {
  return usage("unexpected argument", quoted(word), remedy);
}

/** The mistake of a number that a flag can't take. */
export function outOfRange({ name, range }: FlagSpec, found: string): SoakError {
  const kind = range?.integer ? "a whole number" : "a number";
  const what = `expected ${kind} from ${range?.min} to ${range?.max}, found ${quoted(found)}`;
  return usage(
    what,
    `--${name}`,
    /^-?\d+$/.test(found) ? "choose one in that range" : PLAIN_DIGITS,
  );
}

/** The mistake of a module of the Python scripts in place of a command, or of a topic. */
export function scriptForCommand(module: string): SoakError {
  const instead = SCRIPT_MODULES[module];
  const remedy = instead === undefined ? MORE : `run ${instead} instead; ${MORE}`;
  return usage("a module of the Python scripts, not of soak", quoted(module), remedy);
}

/** The mistake of a flag where the command should be. */
export function flagBeforeCommand(arg: string): SoakError {
  const name = bareName(arg);
  const near = nearest(name, ["help", "version"]);
  const remedy = ownersOf(name).length > 0
    ? `put the command first: soak COMMAND ${shown(arg)}`
    : near === undefined
    ? "soak help lists the commands"
    : `did you mean --${near}?`;
  return usage("expected a command, found a flag", shown(arg), remedy);
}

/** The mistake of a flag that a command has not, with the nearest that it has. */
export function unknownFlag(command: CommandName, arg: string): SoakError {
  const what = `soak ${command} has no such flag`;
  const own = flagsOf(command);
  const name = bareName(arg);
  const negated = own.find((flag) => `no-${flag.name}` === name);
  if (negated !== undefined) return usage(what, shown(arg), `leave --${negated.name} out instead`);
  const synonym = own.find((flag) => flag.name === name || flag.synonyms?.includes(name));
  const owners = ownersOf(name);
  if (synonym === undefined && owners.length > 0) {
    const commands = owners.slice(0, 3).map((owner) => `soak ${owner}`).join(" and ");
    const others = owners.length > 3 ? " and others" : "";
    return usage(what, shown(arg), `--${name} belongs to ${commands}${others}`);
  }
  if (synonym === undefined && Object.hasOwn(SCRIPT_FLAGS, name)) {
    return usage(what, shown(arg), `${SCRIPT_FLAGS[name]}; ${MORE}`);
  }
  const near = synonym?.name ?? nearest(name, [...own.map((flag) => flag.name), "help"]);
  if (near !== undefined) return usage(what, shown(arg), `did you mean --${near}?`);
  const hint = command === "run" ? `; flags of your own program go behind --` : "";
  return usage(what, shown(arg), `${lookUp(command)}${hint}`);
}

/** The flags of a command. */
export function flagsOf(name: CommandName): readonly FlagSpec[] {
  return COMMANDS[name].flags;
}

function ownersOf(flag: string): CommandName[] {
  const names = Object.keys(COMMANDS).filter(isCommandName);
  return names.filter((name) => flagsOf(name).some((known) => known.name === flag));
}

/** The name in `--name=value`, however many and whatever dashes it has. */
function bareName(arg: string): string {
  return arg.replace(/^[-\u2010-\u2015\u2212]+/, "").replace(/=.*$/s, "");
}

/** The remedy that names the nearest spelling, or all there are. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? `choose from ${known.join(", ")}` : `did you mean ${near}?`;
}

/** The nearest of words that have dashes in them where a parameter has underscores. */
function nearest(word: string, known: readonly string[]): string | undefined {
  return nearestSpelling(word.replaceAll("_", "-"), known);
}
