/**
 * Reads a profile from JSON and names every mistake in it.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import { isJsonObject, type JsonObject, jsonPathStep, type JsonValue } from "../base/json_value.ts";
import type {
  GateSettings,
  GuardSettings,
  Kpi,
  Parameter,
  Profile,
  Rule,
  StartValues,
} from "./profile.ts";
import {
  gateProblems,
  guardProblems,
  kpiProblems,
  parameterProblems,
  type Part,
  type SoundParts,
  startProblems,
} from "./profile_lint.ts";
import {
  GATE_SCHEMA,
  GUARDS_SCHEMA,
  KPI_SCHEMA,
  PARAMETER_SCHEMA,
  PROFILE_SCHEMA,
  RULE_SCHEMA,
  type SchemaNode,
  START_SCHEMA,
} from "./profile_schema.ts";
import { ruleProblems } from "./rule_lint.ts";
import { type ProfileProblem, schemaProblems } from "./schema_check.ts";
import { targetProblems } from "./target_lint.ts";

export type { ProfileProblem } from "./schema_check.ts";

/**
 * Names every mistake in a profile file: in its form, and in what its values say together.
 *
 * @param value The JSON document; it may have a `$schema` for editors.
 * @returns Errors and warnings. Without an error the profile can be used.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { marketMaker } from "./market_maker.ts";
 *
 * const profile = profileToJson(marketMaker);
 * assertEquals(checkProfile(profile), []);
 * const gate = { ...marketMaker.gate, pass: 9 };
 * assertEquals(checkProfile({ ...profile, name: "a b", gate }).map(({ path }) => path), [
 *   "$.name",
 *   "$.gate.pass",
 * ]);
 * ```
 */
export function checkProfile(value: JsonValue): ProfileProblem[] {
  const shape = schemaProblems(value);
  if (!isJsonObject(value)) return shape;
  const all = soundParts(value, shape.length === 0);
  const own = parameterProblems(all);
  const parts = withoutFaulty(all, own);
  return inDocumentOrder([
    ...shape,
    ...own,
    ...kpiProblems(parts),
    ...ruleProblems(parts),
    ...targetProblems(parts),
    ...guardProblems(parts),
    ...gateProblems(parts),
    ...startProblems(parts),
  ]);
}

/** Steps of a parameter that is wrong itself are not judged: one mistake is told once. */
function withoutFaulty(parts: SoundParts, problems: readonly ProfileProblem[]): SoundParts {
  const faulty = problems.flatMap(({ severity, path }) =>
    severity === "error" ? [/^\$\.parameters\[\d+\]/.exec(path)?.[0]] : []
  );
  if (faulty.length === 0) return parts;
  const keys = parts.parameters.filter(({ path }) => faulty.includes(path))
    .map(({ item }) => item.key);
  const byKey = [...parts.byKey].filter(([key]) => !keys.includes(key));
  return { ...parts, byKey: new Map(byKey) };
}

/** Problems as they come up when a profile is read from top to bottom; by part, not by field. */
function inDocumentOrder(problems: readonly ProfileProblem[]): ProfileProblem[] {
  const sections = Object.keys(PROFILE_SCHEMA.properties ?? {});
  const rank = ({ path }: ProfileProblem): number => {
    const [, section = "", index = "0"] = /^\$\.(\w+)(?:\[(\d+)\])?/.exec(path) ?? [];
    return sections.indexOf(section) * 1000 + Number(index);
  };
  return problems.toSorted((a, b) => rank(a) - rank(b));
}

/**
 * Reads a profile, as it stands in a record.
 *
 * @param value The JSON document.
 * @param file Name of the file, for errors.
 * @returns The profile.
 * @throws {SoakError} At the first mistake, naming file and field.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { marketMaker } from "./market_maker.ts";
 * import { parseJson } from "../base/json.ts";
 *
 * const text = JSON.stringify(marketMaker);
 * assertEquals(parseProfile(parseJson(text), "market-maker.json"), marketMaker);
 * ```
 */
export function parseProfile(value: JsonValue, file: string): Profile {
  const problem = checkProfile(value).find(({ severity }) => severity === "error");
  if (!isProfile(value, problem)) {
    throw new SoakError("artifact", problem?.message ?? "not a profile", {
      where: `${file}: ${problem?.path ?? "$"}`,
      remedy: problem?.remedy ?? "correct the profile",
    });
  }
  if ("$schema" in value) {
    throw new SoakError("artifact", "a recorded profile has no such field", {
      where: `${file}: $.$schema`,
      remedy: "restore the file as it was written",
    });
  }
  return value;
}

/** A profile as a JSON document, as it stands in `SOAK_RUN.json` and in profile files. */
export function profileToJson(profile: Profile): JsonObject {
  return JSON.parse(JSON.stringify(profile));
}

/**
 * The hash that names a profile's content.
 *
 * @param profile The profile.
 * @returns SHA-256 of its canonical form, as 64 lower-case hex digits.
 */
export async function hashOfProfile(profile: Profile): Promise<string> {
  return await sha256Hex(new TextEncoder().encode(canonicalJson(profileToJson(profile))));
}

function isProfile(
  value: JsonValue,
  error: ProfileProblem | undefined,
): value is JsonValue & Profile {
  return error === undefined && isJsonObject(value);
}

function fits<T>(node: SchemaNode): (value: unknown) => value is T {
  return (value): value is T => schemaProblems(value as JsonValue, node).length === 0;
}

const isParameter: (value: unknown) => value is Parameter = fits(PARAMETER_SCHEMA);
const isKpi: (value: unknown) => value is Kpi = fits(KPI_SCHEMA);
const isRule: (value: unknown) => value is Rule = fits(RULE_SCHEMA);
const isGuards: (value: unknown) => value is GuardSettings = fits(GUARDS_SCHEMA);
const isStart: (value: unknown) => value is StartValues = fits(START_SCHEMA);
const isGate: (value: unknown) => value is GateSettings = fits(GATE_SCHEMA);

/** What can be judged of a document, whatever else is wrong with it. */
function soundParts(document: JsonObject, allSound: boolean): SoundParts {
  const field = (name: string): JsonValue | undefined =>
    Object.hasOwn(document, name) ? document[name] : undefined;
  const complete = new Set<string>();
  const parts = <T>(name: string, is: (value: unknown) => value is T): Part<T>[] => {
    const all = field(name);
    const isSound = (item: unknown): item is T => allSound || is(item);
    const sound = elements(all).flatMap((item, i) =>
      isSound(item) ? [{ item, path: `$.${name}[${i}]` }] : []
    );
    if (Array.isArray(all) && sound.length === all.length) complete.add(name);
    return sound;
  };
  const [guards, gate, starts = null] = [field("guards"), field("gate"), field("starts")];
  const parameters = parts("parameters", isParameter);
  return {
    parameters,
    byKey: new Map(parameters.toReversed().map(({ item }) => [item.key, item])),
    kpis: parts("kpis", isKpi),
    rules: parts("rules", isRule),
    guards: isGuards(guards) ? guards : null,
    gate: isGate(gate) ? gate : null,
    starts: isJsonObject(starts)
      ? Object.entries(starts).slice(0, PROFILE_SCHEMA.properties?.["starts"]?.maxProperties)
        .flatMap(([name, values]) =>
          isStart(values) ? [{ item: { name, values }, path: `$.starts${jsonPathStep(name)}` }] : []
        )
      : [],
    parameterKeys: keys(field("parameters")),
    kpiKeys: keys(field("kpis")),
    complete,
  };
}

/** No more than the schema allows: what is beyond has been refused already. */
function elements(value: JsonValue | undefined): readonly JsonValue[] {
  const most = PROFILE_SCHEMA.properties?.["rules"]?.maxItems;
  return Array.isArray(value) ? value.slice(0, most) : [];
}

/** The keys of all elements; `null` if one has none, so that nobody can tell what is missing. */
function keys(value: JsonValue | undefined): string[] | null {
  const keys = elements(value).flatMap((item) =>
    isJsonObject(item) && Object.hasOwn(item, "key") && typeof item["key"] === "string"
      ? [item["key"]]
      : []
  );
  return Array.isArray(value) && keys.length === value.length ? keys : null;
}
