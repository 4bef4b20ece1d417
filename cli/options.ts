/**
 * The command line, parsed into a validated command before any work is done.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { completeSystem, type SystemRequest, type SystemSpec } from "../model/system_spec.ts";
import type {
  Command,
  ParamsCommand,
  ProfileCommand,
  RunCommand,
  VerifyCommand,
} from "./command.ts";
import type { CommandSpec, FlagSpec } from "./command_spec.ts";
import {
  type CommandName,
  COMMANDS,
  DEFAULT_PROFILE,
  type HelpTopic,
  THRESHOLD_PCT,
} from "./commands.ts";
import { otherScript, scriptModule } from "./migration.ts";
import {
  flagBeforeCommand,
  flagsOf,
  isCommandName,
  outOfRange,
  quoted,
  scriptForCommand,
  shown,
  suggestion,
  unexpected,
  unknownFlag,
  usage,
  withFlagNames,
} from "./mistakes.ts";
import {
  choice,
  directory,
  type Given,
  list,
  missing,
  mockFault,
  number,
  profileOf,
  program,
  targets,
  tcp,
  text,
  url,
} from "./values.ts";

/** The systems that a run can soak, each chosen by a flag of its name. */
const KINDS = ["mock", "exec", "service"] as const satisfies readonly SystemSpec["kind"][];

const HELP_FLAGS: readonly string[] = ["--help", "-h"];
const VERSION_FLAGS: readonly string[] = ["--version", "-V"];

const HELP_TOPICS: readonly string[] = [...Object.keys(COMMANDS), "codes", "migrating"];
/** Hyphens and dashes that word processors put in place of `-`. */
const TYPOGRAPHIC_DASH = /^[\u2010-\u2015\u2212]/;

/**
 * Parses a command line. Every mistake in it is an error that names the argument and, where there
 * is one, the nearest valid spelling.
 */
export function parseOptions(args: readonly string[]): Command {
  const [first, ...rest] = args;
  if (first === undefined) return { command: "help", topic: undefined, asked: false };
  if (VERSION_FLAGS.includes(first)) {
    if (rest[0] !== undefined) throw unexpected(rest[0], "--version stands alone");
    return { command: "version" };
  }
  const name = HELP_FLAGS.includes(first) ? "help" : commandName(first, rest);
  if (flagPart(rest).some((arg) => HELP_FLAGS.includes(arg))) {
    return { command: "help", topic: name, asked: true };
  }
  return build(takeApart(name, rest));
}

function commandName(word: string, rest: readonly string[]): CommandName {
  if (isCommandName(word)) return word;
  const words = [word, ...rest];
  const script = scriptModule(words) ?? otherScript(words);
  if (script !== undefined) throw scriptForCommand(script);
  if (word.startsWith("-")) throw flagBeforeCommand(word);
  throw usage(
    "no such command",
    quoted(word),
    suggestion(word, [...Object.keys(COMMANDS), "--version"]),
  );
}

function build(given: Given): Command {
  const { name, switches } = given;
  const json = switches.has("json");
  const [stray] = given.positionals;
  if (["verify", "gate", "replay"].includes(name) && stray !== undefined) {
    const isPath = stray !== "" && !stray.startsWith("-");
    const remedy = isPath
      ? `did you mean --path ${shown(stray)}?`
      : `soak ${name} takes flags only`;
    throw unexpected(stray, remedy);
  }
  switch (name) {
    case "run":
      return runOptions(given);
    case "verify":
      return verifyOptions(given);
    case "gate": {
      const strict = switches.has("strict");
      const prometheus = switches.has("prometheus");
      const allowNoDeltas = switches.has("allow-no-deltas");
      const profile = text(given, "profile");
      const dir = directory(given, "path");
      const reportDir = text(given, "report-dir");
      return { command: name, dir, strict, prometheus, allowNoDeltas, profile, reportDir, json };
    }
    case "replay":
      return { command: name, dir: directory(given, "path"), json };
    case "apply": {
      const runtimePath = text(given, "runtime") ?? missing(given, "--runtime");
      const profile = profileOf(given);
      return {
        command: name,
        runtimePath,
        profile,
        targets: targets(given, given.positionals),
        json,
      };
    }
    case "params":
      return paramsOptions(given);
    case "profile":
      return profileOptions(given);
    case "hash":
      return { command: name, files: files(given) };
    case "help":
      return { command: name, topic: helpTopic(given), asked: true };
  }
}

function runOptions(given: Given): RunCommand {
  const { switches } = given;
  const flags = {
    command: "run",
    dir: directory(given, "out"),
    warmup: number(given, "warmup"),
    start: text(given, "start"),
    autoTune: switches.has("auto-tune") || undefined,
    seed: number(given, "seed"),
    mockFault: mockFault(given),
    profile: text(given, "profile"),
    runtimePath: text(given, "runtime"),
    failFast: switches.has("fail-fast"),
    quiet: switches.has("quiet"),
    json: switches.has("json"),
  } as const;
  const iterations = number(given, "iterations");
  if (given.positionals.length > given.rest.length) {
    const remedy = switches.has("exec") || switches.has("service")
      ? "put -- before the command"
      : "soak run takes flags only";
    throw unexpected(given.positionals[0] ?? "", remedy);
  }
  const request = systemRequest(given);
  if (switches.has("resume")) return { ...flags, system: request, resume: true, iterations };
  if (request.kind === undefined) {
    return missing(given, KINDS.map((name) => `--${name}`).join(" or "));
  }
  return {
    ...flags,
    system: withFlagNames(() => completeSystem(request, flags.mockFault)),
    resume: false,
    iterations: iterations ?? missing(given, "--iterations"),
  };
}

/** The system that is asked for, with nothing in it that is not. */
function systemRequest(given: Given): SystemRequest {
  const { switches, rest, spec } = given;
  const [kind, second] = KINDS.filter((name) => switches.has(name));
  if (kind !== undefined && second !== undefined) {
    const remedy = `choose --${kind} or --${second}`;
    throw usage("one system is soaked at a time", `--${second}`, remedy);
  }
  const asked: [string, unknown][] = spec.flags.flatMap((flag) => {
    const value = flag.setting === undefined ? undefined : settingValue(given, flag);
    return flag.setting === undefined || value === undefined ? [] : [[flag.setting, value]];
  });
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(rest.length > 0 ? { command: rest } : {}),
    ...Object.fromEntries(asked),
  };
}

/** What a flag asks of its setting; the flag's description in the table fits the setting's type. */
function settingValue(given: Given, flag: FlagSpec): unknown {
  if (flag.placeholder === null) return given.switches.has(flag.name) || undefined;
  if (flag.repeatable) return list(given, flag.name);
  if (flag.range !== undefined) return number(given, flag.name);
  if (flag.choices !== undefined) return choice(given, flag.name, flag.choices);
  switch (flag.reads) {
    case "url":
      return url(given, flag.name);
    case "tcp":
      return tcp(given, flag.name);
    case "program":
      return program(given, flag.name);
    default:
      return text(given, flag.name);
  }
}

function verifyOptions(given: Given): VerifyCommand {
  const { switches } = given;
  const strict = switches.has("strict");
  const explain = number(given, "explain");
  const other = ["json", "strict", "allow-no-deltas"].find((name) => switches.has(name)) ??
    ["threshold", "profile", "report-dir"].find((name) => given.texts.has(name));
  if (explain !== undefined && other !== undefined) {
    throw usage("a story for people has no verdict", "--explain", `leave --${other} out`);
  }
  return {
    command: "verify",
    dir: directory(given, "path"),
    strict,
    thresholdPct: thresholdPct(given) ?? THRESHOLD_PCT[strict ? "strict" : "default"],
    allowNoDeltas: switches.has("allow-no-deltas"),
    profile: text(given, "profile"),
    explain,
    reportDir: text(given, "report-dir"),
    json: switches.has("json"),
  };
}

/** A share that was meant as a ratio would let nearly everything pass. */
function thresholdPct(given: Given): number | undefined {
  const percent = number(given, "threshold");
  if (percent === undefined || percent === 0 || percent > 1) return percent;
  const meant = Number((percent * 100).toPrecision(12));
  const what = `the threshold is in percent, found ${quoted(String(percent))}`;
  throw usage(what, "--threshold", `did you mean ${meant}?`);
}

function paramsOptions(given: Given): ParamsCommand {
  const flags = {
    command: "params",
    profile: profileOf(given),
    json: given.switches.has("json"),
  } as const;
  const [action = "list", ...rest] = given.positionals;
  const runtimePath = text(given, "runtime");
  if (action === "get") {
    const [key, extra] = rest;
    if (key === undefined || key === "") return missing(given, "KEY");
    if (extra !== undefined) throw unexpected(extra, "get reads one parameter at a time");
    return { ...flags, action, key, runtimePath: runtimePath ?? missing(given, "--runtime") };
  }
  if (action !== "list" && action !== "validate") {
    const remedy = suggestion(action, ["list", "get", "validate"]);
    throw usage("soak params does no such thing", quoted(action), remedy);
  }
  if (runtimePath !== undefined) {
    throw usage(`soak params ${action} reads no file`, "--runtime", "leave it out, or use get");
  }
  if (action === "validate") return { ...flags, action, targets: targets(given, rest) };
  if (rest[0] !== undefined) throw unexpected(rest[0], "list shows every parameter");
  return { ...flags, action };
}

function profileOptions(given: Given): ProfileCommand {
  const flags = { command: "profile", json: given.switches.has("json") } as const;
  const [action, file, extra] = given.positionals;
  if (action === undefined) return missing(given, "init, show, check or schema");
  if (extra !== undefined) throw unexpected(extra, "soak profile takes one file at a time");
  if (file === "") throw usage("the name of a file is empty", "FILE", "name it");
  switch (action) {
    case "init":
      return { ...flags, action, file };
    case "show":
      return { ...flags, action, profile: file ?? DEFAULT_PROFILE };
    case "check":
      return { ...flags, action, file: file ?? missing(given, "FILE", 1) };
    case "schema":
      if (file !== undefined) throw unexpected(file, "there is one schema for all profiles");
      return { ...flags, action };
  }
  const remedy = suggestion(action, ["init", "show", "check", "schema"]);
  throw usage("soak profile does no such thing", quoted(action), remedy);
}

function files(given: Given): readonly string[] {
  if (given.positionals.length === 0) return missing(given, "FILE");
  if (given.positionals.includes("")) throw usage("the name of a file is empty", "FILE", "name it");
  return given.positionals;
}

function helpTopic({ positionals: [topic, extra] }: Given): HelpTopic | undefined {
  if (extra !== undefined) throw unexpected(extra, "ask for one topic at a time");
  if (topic === undefined || topic === "codes" || topic === "migrating") return topic;
  if (isCommandName(topic)) return topic;
  const script = scriptModule([topic]) ?? otherScript([topic]);
  if (script !== undefined) throw scriptForCommand(script);
  throw usage("no help on that", quoted(topic), suggestion(topic, HELP_TOPICS));
}

function takeApart(name: CommandName, args: readonly string[]): Given {
  const spec: CommandSpec = COMMANDS[name];
  const flags = flagPart(args);
  flags.forEach((arg, i) => checkArgument(name, arg, flags[i + 1]));
  const valued = spec.flags.filter(({ placeholder }) => placeholder !== null);
  const names = spec.flags.map((flag) => flag.name);
  const parsed = parseArgs([...args], {
    string: ["_", ...valued.map((flag) => flag.name)],
    boolean: names.filter((name) => !valued.some((flag) => flag.name === name)),
    collect: names,
  });
  const switches = new Set<string>();
  const texts = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  for (const { name: flag, repeatable } of spec.flags) {
    const values: unknown = parsed[flag];
    if (!Array.isArray(values) || values.length === 0) continue;
    if (repeatable) {
      lists.set(flag, values.map(String));
      continue;
    }
    if (values.length > 1) throw usage("the flag is given twice", `--${flag}`, "give it once");
    const value: unknown = values[0];
    if (typeof value === "string") texts.set(flag, value);
    else switches.add(flag);
  }
  const rest = args.slice(flags.length + 1);
  return { name, spec, switches, texts, lists, positionals: parsed._.map(String), rest };
}

/** The arguments before `--`. */
function flagPart(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

/**
 * Refuses what `parseArgs` would accept or guess at: unknown and single-dash flags, switches with
 * a value, other flags without one.
 */
function checkArgument(name: CommandName, arg: string, next = ""): void {
  if (!TYPOGRAPHIC_DASH.test(arg) && (!arg.startsWith("-") || arg === "-")) return;
  const [, word, value] = /^--([^=]*)(=.*)?$/s.exec(arg) ?? [];
  const flag = flagsOf(name).find((flag) => flag.name === word);
  if (flag === undefined) throw unknownFlag(name, arg);
  if (flag.placeholder === null) {
    if (value === undefined && next !== "true" && next !== "false") return;
    throw usage("the flag takes no value", shown(arg), `write --${word}, or leave it out`);
  }
  if (value !== undefined || (next !== "" && !next.startsWith("-"))) return;
  if (flag.range !== undefined && /^-[\d.]/.test(next)) throw outOfRange(flag, next);
  const dashed = next.length > 1 ? `, or --${word}=${shown(next)} if that is its value` : "";
  throw usage("the flag needs a value", shown(arg), `write --${word} ${flag.placeholder}${dashed}`);
}
