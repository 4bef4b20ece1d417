import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import type { CommandSpec } from "../../cli/command_spec.ts";
import { type CommandName, COMMANDS } from "../../cli/commands.ts";
import { EXIT_CODES } from "../../cli/exit_code.ts";
import { helpText } from "../../cli/help.ts";
import { parseOptions } from "../../cli/options.ts";
import { FINDING_CODES, FINDING_KINDS } from "../../proof/findings.ts";

const commands = Object.entries(COMMANDS) as [CommandName, CommandSpec][];
const allFlags = new Set(commands.flatMap(([, { flags }]) => flags.map(({ name }) => name)));

/** Whether the parser knows the flag, whatever else is wrong with the command line. */
function accepts(command: CommandName, flag: string): boolean {
  try {
    parseOptions([command, `--${flag}`]);
    return true;
  } catch (error) {
    return error instanceof SoakError && !error.what.includes("no such flag");
  }
}

Deno.test("helpText() lists for each command exactly the flags that the parser accepts", () => {
  for (const [name] of commands) {
    const section = helpText(name).split("\nFlags:\n")[1]?.split("\n\nExamples:")[0] ?? "";
    const listed = [...section.matchAll(/^ {2}--([a-z-]+)/gm)].map((match) => match[1]);
    const accepted = [...allFlags].filter((flag) => accepts(name, flag));
    assertEquals(listed.toSorted(), accepted.toSorted(), name);
  }
});

Deno.test("helpText() shows for each command usage, examples and how to get help", () => {
  for (const [name, spec] of commands) {
    const text = helpText(name);
    assert(text.startsWith(`soak ${name}: ${spec.summary}\n`), name);
    assertStringIncludes(text, `\nUsage: soak ${name}`);
    assertStringIncludes(text, "-h, --help");
    assert(spec.examples.length >= 2, name);
    for (const [line] of spec.examples) assertStringIncludes(text, line);
  }
});

Deno.test("helpText() shows the default and the range of a flag", () => {
  assertStringIncludes(helpText("run"), "(0 to 4294967295; default 1)");
  assertStringIncludes(helpText("gate"), "(default artifacts/soak/latest)");
  assertStringIncludes(helpText("apply"), "(required)");
});

Deno.test("helpText() without a topic names every command, exit code and variable", () => {
  const text = helpText(undefined);
  for (const [name, { summary }] of commands) {
    assert(new RegExp(`^ {2}${name} +`, "m").test(text), name);
    assertStringIncludes(text, summary);
  }
  for (const code of Object.keys(EXIT_CODES)) assert(new RegExp(`^ {2}${code} +`, "m").test(text));
  for (const variable of ["NO_COLOR", "SOAK_DEBUG", "SOURCE_DATE_EPOCH"]) {
    assertStringIncludes(text, variable);
  }
});

Deno.test("helpText() fits a terminal of 80 columns, and in general 32 lines", () => {
  for (const topic of [undefined, ...commands.map(([name]) => name)]) {
    const text = helpText(topic);
    for (const line of text.split("\n")) assert([...line].length <= 80, `${topic}: ${line}`);
    assert(text.endsWith("\n") && !text.endsWith("\n\n"), topic);
    assert(!/[ \t]$/m.test(text), topic);
  }
  assert(helpText(undefined).split("\n").length <= 33);
});

Deno.test("helpText() fits narrower terminals, breaks no word, and shows all the same", () => {
  const flat = (text: string): string =>
    text.replaceAll(" \\\n", "\n").split(/\s+/).toSorted().join(" ");
  for (const topic of [undefined, "codes" as const, ...commands.map(([name]) => name)]) {
    for (const columns of [60, 72]) {
      const text = helpText(topic, columns);
      for (const line of text.split("\n")) {
        assert([...line].length <= columns || !line.trim().includes(" "), `${topic}: ${line}`);
      }
      assertEquals(flat(text), flat(helpText(topic)));
    }
  }
});

Deno.test("helpText() lists every code of the catalogue of findings with its cause", () => {
  const text = helpText("codes");
  for (const code of FINDING_CODES) {
    assertStringIncludes(text, `  ${code} `);
    assertStringIncludes(text, FINDING_KINDS[code].cause);
  }
});

Deno.test("the table requires what the parser requires", () => {
  for (const [name, { flags }] of commands) {
    for (const flag of flags.filter(({ required }) => required)) {
      const error = assertThrows(() => parseOptions([name]), SoakError);
      assertEquals(error.where, `--${flag.name}`);
    }
  }
});
