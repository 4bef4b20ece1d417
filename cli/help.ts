/**
 * `soak help` and `soak --version`: the texts, made from the table of commands.
 *
 * @module
 */

import { VERSION } from "../base/version.ts";
import { FINDING_CODES, FINDING_KINDS, type FindingClass } from "../proof/findings.ts";
import type { HelpCommand } from "./command.ts";
import type { CommandSpec, FlagSpec } from "./command_spec.ts";
import { COMMANDS, type HelpTopic } from "./commands.ts";
import type { Io } from "./console.ts";
import { EXIT, EXIT_CODES } from "./exit_code.ts";
import { SCRIPT_FLAGS, SCRIPT_MODULES, TRAPS } from "./migration.ts";

/** Shows help; without having been asked for it, the command line was wrong. */
export function executeHelp(command: HelpCommand, io: Io): number {
  const text = helpText(command.topic, command.asked ? io.outColumns : io.errColumns).trimEnd();
  for (const line of text.split("\n")) command.asked ? io.out(line) : io.err(line);
  return command.asked ? EXIT.passed : EXIT.usage;
}

/** Shows the version. */
export function executeVersion(io: Io): number {
  io.out(`soak ${VERSION}`);
  return EXIT.passed;
}

const WIDTH = 80;

/**
 * The help on a topic, ready to print; no line is wider than 80 columns, but for the codes', which
 * are as wide as the terminal.
 */
export function helpText(topic: HelpTopic | undefined, columns = Infinity): string {
  if (topic === "codes") return codesText(columns);
  const width = Math.min(WIDTH, columns);
  if (topic === undefined) return generalHelp(width);
  return topic === "migrating" ? migratingText(width) : commandText(topic, COMMANDS[topic], width);
}

function generalHelp(width: number): string {
  const columns = columnsIn(width);
  return [
    ...wrap(
      "soak: run a soak test that tunes its system, prove each change, gate the release",
      width,
    ),
    "",
    "Usage: soak COMMAND [FLAGS]        soak --version",
    "",
    ...columns(Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary])),
    "",
    "Exit codes:",
    ...columns(Object.entries(EXIT_CODES)),
    "",
    "Environment:",
    ...columns([
      ["NO_COLOR", "any value turns colours off"],
      ["SOAK_DEBUG", "1 adds the stack trace to an error"],
      ["SOURCE_DATE_EPOCH", "start of a simulated run's clock, in s since 1970"],
    ]),
    "",
    ...wrap(
      "soak help COMMAND tells more; soak help codes lists what verification can find.",
      width,
    ),
    "",
  ].join("\n");
}

function commandText(name: string, spec: CommandSpec, width: number): string {
  const columns = columnsIn(width);
  const flags = spec.flags.length > 0 ? ["[FLAGS]"] : [];
  const lines = [
    ...wrap(`soak ${name}: ${spec.summary}`, width),
    "",
    ...wrap(`Usage: ${["soak", name, ...flags, ...spec.positionals].join(" ")}`, width - 2)
      .map((line, i) => i === 0 ? line : `  ${line}`),
  ];
  for (const paragraph of spec.details) lines.push("", ...wrap(paragraph, width));
  const rows = (group: string | undefined): (readonly [string, string])[] =>
    spec.flags.filter((flag) => flag.group === group).map((flag) => [
      spelled(flag),
      flagNote(flag),
    ]);
  lines.push("", "Flags:", ...columns([...rows(undefined), ["-h, --help", "show this"]]));
  for (const group of new Set(spec.flags.map((flag) => flag.group))) {
    if (group !== undefined) lines.push("", `${group}:`, ...columns(rows(group)));
  }
  lines.push("", "Examples:");
  for (const [command, effect] of spec.examples) {
    lines.push(...continued(command, width), ...indented(effect, 6, width));
  }
  if (spec.exits !== undefined) {
    lines.push("", "Exit codes (soak help shows all):", ...columns(Object.entries(spec.exits)));
  }
  return lines.join("\n") + "\n";
}

function spelled({ name, placeholder }: FlagSpec): string {
  return placeholder === null ? `--${name}` : `--${name} ${placeholder}`;
}

function flagNote(flag: FlagSpec): string {
  const { range } = flag;
  const notes = [
    ...(flag.required ? ["required"] : []),
    ...(range === undefined ? [] : [`${range.min} to ${range.max}`]),
    ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
  ];
  return flag.description + (notes.length === 0 ? "" : ` (${notes.join("; ")})`);
}

/** Text below what it belongs to. */
function indented(text: string, indent: number, width: number): string[] {
  return wrap(text, width - indent).map((line) => " ".repeat(indent) + line);
}

/** A command that can be copied, be it on one line or on several. */
function continued(command: string, width: number): string[] {
  if (command.length + 2 <= width) return [`  ${command}`];
  return wrap(command, width - 8).map((line, i, { length }) =>
    `${i === 0 ? "  " : "      "}${line}${i < length - 1 ? " \\" : ""}`
  );
}

/** A narrower column of meanings would break every few words. */
const MIN_MEANING = 24;

/** Two columns: terms, and what they mean, wrapped beside them, or below where that is narrow. */
function columnsIn(
  width: number,
): (rows: readonly (readonly [term: string, meaning: string])[]) => string[] {
  return (rows) => {
    const left = Math.max(...rows.map(([term]) => term.length)) + 4;
    if (width - left < MIN_MEANING) {
      return rows.flatMap(([term, meaning]) => [`  ${term}`, ...indented(meaning, 6, width)]);
    }
    return rows.flatMap(([term, meaning]) =>
      wrap(meaning, width - left).map((line, i) =>
        (i === 0 ? `  ${term}`.padEnd(left) : " ".repeat(left)) + line
      )
    );
  };
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line += (line === "" ? "" : " ") + word;
    }
  }
  return [...lines, line];
}

/** The text of `soak help codes`: every code with what causes it. */
function codesText(width: number): string {
  const columns = columnsIn(width);
  const longest = Math.max(...FINDING_CODES.map((code) => code.length));
  const section = (title: string, wanted: FindingClass): string[] => [
    ...wrap(title, width),
    ...columns(
      FINDING_CODES.filter((code) => FINDING_KINDS[code].class === wanted)
        .map((code) => [code.padEnd(longest), FINDING_KINDS[code].cause]),
    ),
  ];
  return [
    ...section("A rule was broken, or a record is false (strict: exit 1)", "proof"),
    "",
    ...section("Missing or unreadable, so that nothing is proven (exit 3)", "gap"),
  ].join("\n");
}

/** The text of `soak help migrating`. */
function migratingText(width: number): string {
  const columns = columnsIn(width);
  const flags = Object.entries(SCRIPT_FLAGS).map(([name, remedy]) =>
    [`--${name}`, remedy] as const
  );
  return [
    ...wrap("What takes the place of the Python scripts, tools/soak/ and tools/common/:", width),
    "",
    ...columns(Object.entries(SCRIPT_MODULES)),
    "",
    "Their flags, where they are others:",
    ...columns(flags),
    "",
    "What to look out for:",
    ...columns(TRAPS),
    "",
    ...wrap("docs/migrating.md in the repository has files, fields and metrics too.", width),
    "",
  ].join("\n");
}
