/**
 * `soak profile`.
 *
 * @module
 */

import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { canonicalJson } from "../base/canonical.ts";
import { osError, SoakError } from "../base/errors.ts";
import { jsonLines, printable, shellWord } from "../base/text.ts";
import { hashOfProfile, profileToJson } from "../model/profile_check.ts";
import { checkProfileFile, loadProfile } from "../model/profile_file.ts";
import { PROFILE_SCHEMA } from "../model/profile_schema.ts";
import type { ProfileProblem } from "../model/schema_check.ts";
import { startingPoint } from "../model/starting_point.ts";
import { page, type Style } from "../report/terminal.ts";
import { SHORT_HASH, verdictText } from "../report/verdict_text.ts";
import type { ProfileCommand } from "./command.ts";
import type { Io } from "./console.ts";
import { EXIT } from "./exit_code.ts";

/** Name of the schema beside a profile that `init` writes. */
const SCHEMA_FILE = "profile.schema.json";

/** Writes, shows or checks a profile, or shows the schema of profiles. */
export async function executeProfile(command: ProfileCommand, io: Io): Promise<number> {
  switch (command.action) {
    case "init":
      return await init(command.file, command.json, io);
    case "show": {
      const profile = profileToJson(loadProfile(command.profile));
      print(profile, command.json, io);
      return EXIT.passed;
    }
    case "check":
      return await check(command.file, command.json, io);
    case "schema":
      print(PROFILE_SCHEMA, command.json, io);
      return EXIT.passed;
  }
}

function print(document: unknown, json: boolean, io: Io): void {
  if (json) io.out(canonicalJson(document));
  else io.page(page(jsonLines(document)));
}

async function init(file: string | undefined, json: boolean, io: Io): Promise<number> {
  const profile = { $schema: `./${SCHEMA_FILE}`, ...startingPoint };
  if (file === undefined) {
    print(profile, json, io);
    return EXIT.passed;
  }
  if (!await createFile(file, profile)) {
    throw new SoakError("usage", "there is a file already", {
      where: printable(file),
      remedy: "choose another name, or remove it first",
    });
  }
  const written = [file];
  const schema = join(dirname(file), SCHEMA_FILE);
  if (await createFile(schema, PROFILE_SCHEMA)) written.push(schema);
  if (json) {
    io.out(canonicalJson({ written }));
    return EXIT.passed;
  }
  io.out(`wrote ${written.map((path) => printable(path)).join(" and ")}`);
  io.out(
    `Next: put in your parameters, KPIs and rules; then soak profile check ${shellWord(file)}`,
  );
  return EXIT.passed;
}

/** Writes a file that is not there yet; `false` if there is something in its place. */
async function createFile(path: string, value: unknown): Promise<boolean> {
  try {
    await Deno.writeTextFile(path, `${jsonLines(value).join("\n")}\n`, { createNew: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw osError("cannot write the file", path, error, "system");
  }
}

async function check(file: string, json: boolean, io: Io): Promise<number> {
  const { profile, problems } = checkProfileFile(file);
  const valid = profile !== null;
  const hash = profile === null ? null : await hashOfProfile(profile);
  if (json) {
    io.out(canonicalJson({ valid, problems, hash }));
    return valid ? EXIT.passed : EXIT.failed;
  }
  for (const problem of problems) io.out(problemLine(problem, io.outStyle));
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const found = [
    ...(errors > 0 ? [counted(errors, "mistake")] : []),
    ...(problems.length > errors ? [counted(problems.length - errors, "warning")] : []),
  ];
  const what = profile === null
    ? ""
    : `profile ${profile.name} ${hash?.slice(0, SHORT_HASH)}, ${
      counted(profile.parameters.length, "parameter")
    }, ` +
      `${counted(profile.kpis.length, "KPI")}, ${counted(profile.rules.length, "rule")}`;
  const verdict = verdictText(valid ? "PASS" : "FAIL", io.outStyle);
  const summary = [what, ...found].filter((part) => part !== "").join("; ");
  io.out(`${verdict} ${printable(file)}: ${summary}`);
  return valid ? EXIT.passed : EXIT.failed;
}

function problemLine({ severity, path, message, remedy }: ProfileProblem, style: Style): string {
  const mark = severity === "error" ? style.red("✗") : style.yellow("!");
  const advice = remedy === undefined ? "" : `; ${printable(remedy)}`;
  return `${mark} ${printable(path)} ${printable(message)}${advice}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
