/**
 * Profiles by name or from files.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { decodeJson } from "../base/json.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { readRegularFile } from "../base/read_file.ts";
import { didYouMean, printable } from "../base/text.ts";
import { marketMaker } from "./market_maker.ts";
import type { Profile } from "./profile.ts";
import { checkProfile, parseProfile } from "./profile_check.ts";
import { inSchemaOrder, type ProfileProblem } from "./schema_check.ts";

/** The profiles that need no file, by name. */
const BUILT_IN: ReadonlyMap<string, Profile> = new Map([[marketMaker.name, marketMaker]]);

/** What a profile file says, and what is wrong with it. */
export interface CheckedFile {
  /** Every mistake in the file. */
  readonly problems: readonly ProfileProblem[];
  /** The profile, in the schema's order and without `$schema`; `null` if there is an error. */
  readonly profile: Profile | null;
}

/** Reads a profile file and checks it. */
export function checkProfileFile(path: string): CheckedFile {
  const bytes = readRegularFile(path);
  let document: JsonValue;
  try {
    document = decodeJson(bytes, "$");
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
    return { problems: [syntaxProblem(error)], profile: null };
  }
  const problems = checkProfile(document);
  if (problems.some(({ severity }) => severity === "error")) return { problems, profile: null };
  return { problems, profile: parseProfile(effective(document), path) };
}

/** The reader of JSON says `source:line:column: path`; here only the path stands at its place. */
function syntaxProblem({ what, where = "" }: SoakError): ProfileProblem {
  const [, line, column, path = "$"] = /^\$:(\d+):(\d+): (.*)$/s.exec(where) ?? [];
  const place = line === undefined ? "" : `line ${line}, column ${column}: `;
  return { severity: "error", path, message: place + what };
}

/** What counts of a file: not where its schema is, nor the order of its fields. */
function effective(document: JsonValue): JsonObject {
  const ordered = inSchemaOrder(document);
  if (!isJsonObject(ordered)) return {};
  const { $schema: _, ...profile } = ordered;
  return profile;
}

/** Loads a profile that a command line names. */
export function loadProfile(nameOrFile: string): Profile {
  const builtIn = BUILT_IN.get(nameOrFile);
  if (builtIn !== undefined) return builtIn;
  const { profile, problems } = readNamed(nameOrFile);
  if (profile !== null) return profile;
  const [first, ...more] = problems.filter(({ severity }) => severity === "error");
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  throw new SoakError("usage", `${first?.message ?? "not a profile"}${others}`, {
    where: `${nameOrFile}: ${first?.path ?? "$"}`,
    remedy: more.length > 0
      ? "soak profile check names every mistake"
      : first?.remedy ?? "correct the profile",
  });
}

function readNamed(nameOrFile: string): CheckedFile {
  try {
    return checkProfileFile(nameOrFile);
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    const { what, where, remedy, cause } = error;
    if (!(cause instanceof Deno.errors.NotFound)) {
      throw new SoakError("usage", what, {
        where: where ?? nameOrFile,
        remedy: remedy ?? "",
        cause,
      });
    }
    throw new SoakError("usage", "no such file, and no built-in profile of that name", {
      where: printable(nameOrFile),
      remedy: otherProfile(nameOrFile),
      cause,
    });
  }
}

/** What to name instead. A bare word may be meant for values to start from. */
function otherProfile(nameOrFile: string): string {
  const names = [...BUILT_IN.keys()];
  const builtIn = didYouMean(nameOrFile, names).remedy ?? `built in is ${names.join(", ")}`;
  return /^\w+$/.test(nameOrFile)
    ? `${builtIn}; values to start from are named with --start NAME: see soak help migrating, ` +
      "or docs/migrating.md"
    : builtIn;
}
