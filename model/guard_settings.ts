/**
 * The guards' settings: those in force under a runtime, and what a profile allows a runtime to set.
 *
 * @module
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../base/json_value.ts";
import { printable } from "../base/text.ts";
import { validateDeltas } from "./params.ts";
import type { GuardSettings, Profile } from "./profile.ts";
import { GUARDS_SCHEMA } from "./profile_schema.ts";

/** The name of a setting. */
export type GuardSetting = keyof GuardSettings;

/**
 * Where a runtime's own value may lie, seen from the profile's, so that nothing gets looser. A
 * longer oscillation window takes more flips to hold. What locks sooner passes the gate sooner, and
 * what locks later lets changes through, so `freeze_after` can't move either way.
 */
const ALLOWED: Readonly<Record<GuardSetting, "equal" | "at least" | "at most">> = {
  freeze_after: "equal",
  freeze_iters: "at least",
  oscillation_window: "at most",
  velocity_cap: "at most",
  max_delta_per_hour: "at most",
  cooldown_iters: "at least",
};

/** Every setting, in the order of a profile. */
export const GUARD_SETTINGS: readonly GuardSetting[] = [
  "freeze_after",
  "freeze_iters",
  "oscillation_window",
  "velocity_cap",
  "max_delta_per_hour",
  "cooldown_iters",
];

/** Reads the guard settings in force: `tuner.<name>` in the runtime, else the profile's default. */
export function guardSettings(runtime: JsonObject, profile: Profile): GuardSettings {
  const tuner = tunerOf(runtime);
  if (tuner === null) return profile.guards;
  const setting = (name: GuardSetting): number => {
    const value = valueIn(tuner, name);
    return typeof value === "number" ? value : profile.guards[name];
  };
  return {
    freeze_after: setting("freeze_after"),
    freeze_iters: setting("freeze_iters"),
    oscillation_window: setting("oscillation_window"),
    velocity_cap: setting("velocity_cap"),
    max_delta_per_hour: setting("max_delta_per_hour"),
    cooldown_iters: setting("cooldown_iters"),
  };
}

function tunerOf(runtime: JsonObject): JsonObject | null {
  const tuner = Object.hasOwn(runtime, "tuner") ? runtime["tuner"] : undefined;
  return isJsonObject(tuner) ? tuner : null;
}

function valueIn(tuner: JsonObject, name: GuardSetting): JsonValue | undefined {
  return Object.hasOwn(tuner, name) ? tuner[name] : undefined;
}

/** A setting in a runtime that the profile does not allow. */
export interface SettingProblem {
  /** The setting. */
  readonly name: GuardSetting;
  /** What stands in the runtime. */
  readonly value: JsonValue;
  /** The key of the parameter that it is, whose bounds count; `null` if it is none. */
  readonly parameter: string | null;
  /** The problem in one clause, with what would be allowed. */
  readonly message: string;
}

/**
 * Names every `tuner.<name>` in a runtime that is looser than the profile allows, or no such setting
 * at all. Where the profile has a parameter there, its bounds are what is allowed; else its own
 * setting is, and what is stricter.
 */
export function settingProblems(runtime: JsonObject, profile: Profile): SettingProblem[] {
  const tuner = tunerOf(runtime);
  if (tuner === null) return [];
  return GUARD_SETTINGS.flatMap((name) => {
    const value = valueIn(tuner, name);
    if (value === undefined) return [];
    const parameter = profile.parameters.find(({ path }) => path === `tuner.${name}`);
    const message = parameter === undefined
      ? settingMessage(name, value, profile.guards)
      : validateDeltas({ [parameter.key]: value }, [parameter])[0]?.message;
    return message === undefined
      ? []
      : [{ name, value, parameter: parameter?.key ?? null, message }];
  });
}

function settingMessage(
  name: GuardSetting,
  value: JsonValue,
  guards: GuardSettings,
): string | undefined {
  const { type, minimum, exclusiveMinimum, maximum = Infinity } =
    GUARDS_SCHEMA.properties?.[name] ?? { type: "number" };
  const own = guards[name];
  const least = ALLOWED[name] === "at most" ? minimum ?? 0 : own;
  const most = ALLOWED[name] === "at least" ? maximum : own;
  const fits = typeof value === "number" && (type !== "integer" || Number.isInteger(value)) &&
    value >= least && value <= most && value !== exclusiveMinimum;
  if (fits) return undefined;
  const allowed = least === most
    ? `${own} only`
    : exclusiveMinimum === undefined
    ? `an integer from ${least} to ${most}`
    : `a number above ${exclusiveMinimum} and at most ${most}`;
  const found = printable(JSON.stringify(value), 60);
  return `tuner.${name} is ${found}, but the profile allows ${allowed}`;
}
