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
import type { Profile } from "../model/profile.ts";
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
  io.page(page([
    `wrote ${written.map((path) => printable(path)).join(" and ")}`,
    `Next: put in your parameters, KPIs and rules, then: soak profile check ${shellWord(file)}`,
  ]));
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

/** So many problems are shown, mistakes before warnings; who mends them looks again. */
const MOST_SHOWN = 20;

async function check(file: string, json: boolean, io: Io): Promise<number> {
  const { profile, problems } = checkProfileFile(file);
  const isError = ({ severity }: ProfileProblem): boolean => severity === "error";
  const errors = problems.filter(isError).length;
  const valid = profile !== null && errors === 0;
  const hash = valid ? await hashOfProfile(profile) : null;
  if (json) {
    io.out(canonicalJson({ valid, problems, hash }));
    return valid ? EXIT.passed : EXIT.failed;
  }
  const byWeight = problems.toSorted((a, b) => Number(isError(b)) - Number(isError(a)));
  const shown = new Set(byWeight.slice(0, MOST_SHOWN));
  const lines = problems.filter((problem) => shown.has(problem))
    .map((problem) => problemLine(file, problem, io.outStyle));
  if (problems.length > lines.length) {
    lines.push(`and ${problems.length - lines.length} more; --json has all of them`);
  }
  const found = [
    ...(valid ? [profileText(profile, hash ?? "")] : []),
    ...(errors > 0 ? [counted(errors, "mistake")] : []),
    ...(problems.length > errors ? [counted(problems.length - errors, "warning")] : []),
  ];
  const verdict = verdictText(valid ? "PASS" : "FAIL", io.outStyle);
  lines.push(`${verdict} ${printable(file)}: ${found.join("; ")}`);
  if (valid) lines.push(...sourceLines(profile));
  io.page(page(lines));
  return valid ? EXIT.passed : EXIT.failed;
}

/** What is in a profile, in numbers. */
function profileText({ name, parameters, kpis, rules }: Profile, hash: string): string {
  const moved = new Set(rules.flatMap((rule) => rule.then.map(({ param }) => param)));
  const still = parameters.filter(({ key }) => !moved.has(key)).length;
  const tuned = still === 0 ? "" : ` (${parameters.length - still} tuned by rules)`;
  return `profile ${name} ${hash.slice(0, SHORT_HASH)}, ` +
    `${counted(parameters.length, "parameter")}${tuned}, ${counted(kpis.length, "KPI")}, ` +
    counted(rules.length, "rule");
}

/** Where values come from, if not all from the system itself: what a run has to be told. */
function sourceLines({ parameters, kpis }: Profile): string[] {
  const all = [...kpis, ...parameters];
  const queried = all.filter(({ query }) => query !== undefined);
  if (queried.length === 0) return [];
  const rest = all.filter(({ query }) => query === undefined).map(({ key }) => key);
  const more = rest.length > 5 ? ` and ${rest.length - 5} more` : "";
  const reported = rest.length === 0
    ? ""
    : `; a program reports ${rest.slice(0, 5).join(", ")}${more}`;
  return [
    `Needs --prometheus-url for ${counted(queried.length, "query", "queries")}${reported}.`,
  ];
}

/** One problem, at a place that editors and terminals can jump to. */
function problemLine(file: string, problem: ProfileProblem, style: Style): string {
  const { severity, path, message, remedy, line, column } = problem;
  const mark = severity === "error" ? style.red("✗") : style.yellow("!");
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  const part = path === "$" ? "the profile" : path.replace(/^\$\.?/, "");
  // What is said of a part follows its name; what names its subject itself comes after a colon.
  const said = /^(?:lacks|has both) /.test(message)
    ? `${part} ${message}`
    : path === "$"
    ? message
    : `${part}: ${message}`;
  const advice = remedy === undefined ? "" : `; ${printable(remedy)}`;
  return `${mark} ${printable(place)}: ${printable(said)}${advice}`;
}

function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
