/**
 * What a run that goes on may change of how it is run, without another meaning: how many iterations
 * it has, and what its system is allowed. Each change is recorded; how a run was started stays.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import type { Shape } from "../base/shape.ts";
import { LAST_TIME_MS } from "../base/utc.ts";
import {
  OPERATIONAL_SETTINGS,
  type OperationalSetting,
  readSetting,
  type ServiceSystem,
  settingField,
  type SystemSpec,
} from "./system_spec.ts";

/** The most iterations that a run can have. */
export const MAX_ITERATIONS = 1_000_000_000;

/** Settings that may change while a run goes on, with new values. */
export type ChangedSettings =
  & { readonly iterations?: number }
  & Partial<Pick<ServiceSystem, OperationalSetting>>;

/** A change of settings, as the first record after it tells it. */
export interface SettingsChange {
  /**
   * Which of the resumes since the record before brought it, from 1; `null` in a simulated run,
   * which records no resumes.
   */
  readonly resume: number | null;
  /** What is in force from then on. */
  readonly values: ChangedSettings;
}

/** How a run is run at a moment. */
export interface RunSettings {
  /** Number of iterations asked for. */
  readonly iterations: number;
  /** The system under test. */
  readonly system: SystemSpec;
}

/** The names of settings that may change, in the order in which they are told. */
const NAMES = ["iterations", ...OPERATIONAL_SETTINGS] as const;

/** The settings in force after a change. */
export function settingsAfter(now: RunSettings, { values }: SettingsChange): RunSettings {
  const { iterations = now.iterations, ...more } = values;
  const system = Object.keys(more).length === 0 || now.system.kind === "mock"
    ? now.system
    : { ...now.system, ...more };
  return { iterations, system };
}

/** Whether changes let a run have an iteration that it could not have before. */
export function allows(changes: readonly SettingsChange[], iteration: number): boolean {
  return changes.some(({ values: { iterations = 0 } }) => iterations >= iteration);
}

/** What is asked for and not in force. */
export function changedFrom(
  { iterations, system }: RunSettings,
  asked: ChangedSettings,
): ChangedSettings {
  const now: ChangedSettings = system.kind === "mock" ? { iterations } : { ...system, iterations };
  return Object.fromEntries(
    NAMES.filter((name) => asked[name] !== undefined && asked[name] !== now[name])
      .map((name) => [name, asked[name]]),
  );
}

/** Whether anything is changed. */
export function isChange(values: ChangedSettings): boolean {
  return Object.keys(values).length > 0;
}

/** What a change can't be checked without. */
export interface ChangeContext {
  /** The settings that were in force at the record before; `null` after a gap. */
  readonly before: RunSettings | null;
  /** The run's own system, for its kind. */
  readonly system: SystemSpec;
  /** Start of the run, in ms since the epoch. */
  readonly startMs: number;
  /** How often the run was resumed since the record before. */
  readonly resumes: number;
}

/** Why no resume can have made these changes, one after the other; `null` if some can. */
export function changesMistake(
  changes: readonly SettingsChange[],
  { before, system, startMs, resumes }: ChangeContext,
): string | null {
  const isReal = system.kind !== "mock";
  let now = before;
  let last = 0;
  for (const change of changes) {
    const { resume, values } = change;
    const foreign = NAMES.find((name) =>
      name in values && name !== "iterations" && !(name in system)
    );
    if (foreign !== undefined) return `a run of this kind has no ${settingField(foreign)}`;
    if (!isReal && (resume !== null || changes.length > 1)) {
      return "a simulated run records no resumes, and one change at a time";
    }
    if (isReal && (resume === null || resume <= last || resume > resumes)) {
      return "settings change, yet the run was not resumed";
    }
    last = resume ?? last;
    const { iterations = 0 } = values;
    const endMs = system.kind === "mock"
      ? startMs + iterations * system.iterationSeconds * 1000
      : 0;
    if (!(endMs <= LAST_TIME_MS)) return "the run's clock would not end within time";
    if (now === null || before === null) continue;
    if (values.iterations !== undefined && iterations <= before.iterations) {
      return `a run gets more iterations, not ${iterations} instead of ${before.iterations}`;
    }
    const changed = changedFrom(now, values);
    const same = NAMES.find((name) => name in values && !(name in changed));
    if (same !== undefined) return `${settingField(same)} changes to the value that was in force`;
    now = settingsAfter(now, change);
  }
  return null;
}

/** Changes of settings as a record tells them. */
export function changesToJson(changes: readonly SettingsChange[]): JsonObject[] {
  return changes.map(({ resume, values }) => ({
    ...(resume === null ? {} : { resume }),
    ...valuesToJson(values),
  }));
}

/** Changed settings by their names in records. */
export function valuesToJson(values: ChangedSettings): JsonObject {
  return Object.fromEntries(
    NAMES.filter((name) => name in values).map((
      name,
    ) => [settingField(name), values[name] ?? null]),
  );
}

/** Changed settings in words: `30 iterations, max_restarts 6`. */
export function valuesText({ iterations, ...more }: ChangedSettings): string {
  const others = Object.entries(valuesToJson(more)).map(([name, value]) => `${name} ${value}`);
  return [...(iterations === undefined ? [] : [`${iterations} iterations`]), ...others].join(", ");
}

/** Reads changes from a record; throws at the first field that is wrong. */
export function readChanges(shape: Shape): readonly SettingsChange[] {
  const changes = shape.items().map(readChange);
  if (changes.length === 0) throw shape.wrong("changes of settings, or no such field");
  return changes;
}

function readChange(shape: Shape): SettingsChange {
  shape.object([], ["resume", ...NAMES.map(settingField)]);
  const values = NAMES.filter((name) => shape.has(settingField(name))).map((name) => {
    const field = shape.get(settingField(name));
    return [
      name,
      name === "iterations" ? field.integer(1, MAX_ITERATIONS) : readSetting(name, field),
    ];
  });
  if (values.length === 0) throw shape.wrong("a changed setting");
  const resume = shape.has("resume") ? shape.get("resume").integer(1) : null;
  return { resume, values: Object.fromEntries(values) };
}
