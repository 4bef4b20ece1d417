/**
 * Profiles by name or from files.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { decodeJson } from "../base/json.ts";
import { JsonTextError, locateJson } from "../base/json_scan.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { readRegularFile } from "../base/read_file.ts";
import { didYouMean, printable } from "../base/text.ts";
import { isImpostor, marketMaker } from "./market_maker.ts";
import { jsonAt } from "./params.ts";
import type { Profile } from "./profile.ts";
import { checkProfile, parseProfile } from "./profile_check.ts";
import { inSchemaOrder, type ProfileProblem } from "./schema_check.ts";

/** The profiles that need no file, by name. */
const BUILT_IN: ReadonlyMap<string, Profile> = new Map([[marketMaker.name, marketMaker]]);

/** What a profile file says, and what is wrong with it. */
export interface CheckedFile {
  /** Every mistake in the file, from its first line to its last. */
  readonly problems: readonly ProfileProblem[];
  /** The profile, in the schema's order and without `$schema`; `null` if it can't be read as one. */
  readonly profile: Profile | null;
}

/** Reads a profile file and checks it: an error means that no run could be started with it. */
export function checkProfileFile(path: string): CheckedFile {
  const bytes = readRegularFile(path);
  let document: JsonValue;
  try {
    document = decodeJson(bytes, "$");
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
    return { problems: [textProblem(error)], profile: null };
  }
  const problems = isRuntime(document) ? [RUNTIME_GIVEN] : checkProfile(document);
  const profile = problems.some(({ severity }) => severity === "error")
    ? null
    : parseProfile(effective(document), path);
  const all = [...problems, ...(profile === null ? [] : runProblems(profile))];
  return { problems: located(all, bytes), profile };
}

/** What is wrong with values in the place of a profile, as the Python scripts had them. */
const RUNTIME_GIVEN: ProfileProblem = {
  severity: "error",
  path: "$",
  message: "values of parameters, not a profile",
  remedy: "start from them with soak run --runtime FILE",
};

/** Whether this is a runtime of the built-in profile, flat or nested. */
function isRuntime(document: JsonValue): boolean {
  if (!isJsonObject(document) || Object.hasOwn(document, "parameters")) return false;
  return marketMaker.parameters.some(({ key, path }) =>
    Object.hasOwn(document, key) || jsonAt(document, path.split(".")) !== undefined
  );
}

/**
 * What keeps a run from being started with a profile that is right by itself. A record may have
 * such a profile all the same: another version of soak had another one built in.
 */
export function runProblems(profile: Profile): ProfileProblem[] {
  if (!isImpostor(profile)) return [];
  const message = `the profile is called ${profile.name} but is not the built-in one`;
  return [{ severity: "error", path: "$.name", message, remedy: "give it a name of its own" }];
}

/** Why a text is no JSON. */
function textProblem(error: SoakError): ProfileProblem {
  const problem = { severity: "error", message: error.what } as const;
  if (!(error instanceof JsonTextError)) {
    return { ...problem, path: "$", remedy: "save the file as UTF-8" };
  }
  const { path, place, hint } = error;
  return { ...problem, path, ...(hint === undefined ? {} : { remedy: hint }), ...place };
}

/** Problems with the line and the column of each, in this order. */
function located(
  problems: readonly ProfileProblem[],
  bytes: Uint8Array,
): readonly ProfileProblem[] {
  if (problems.length === 0) return problems;
  const places = locateJson(new TextDecoder().decode(bytes), problems.map(({ path }) => path));
  return problems
    .map((problem) => ({ ...problem, ...places.get(problem.path) }))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
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
  const line = first?.line === undefined ? "" : `${first.line}:${first.column}: `;
  throw new SoakError("usage", `${first?.message ?? "not a profile"}${others}`, {
    where: `${printable(nameOrFile)}:${line === "" ? " " : line}${first?.path ?? "$"}`,
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
