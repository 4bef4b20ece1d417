/**
 * What a run was really made with, where that is not what its start says: guard settings of its
 * runtimes' own, and other versions of `soak`.
 *
 * @module
 */

import { GUARD_SETTINGS, type GuardSetting, guardSettings } from "../model/guard_settings.ts";
import type { ChangedSettings } from "../model/changed_settings.ts";
import type { Profile } from "../model/profile.ts";
import type { IterationRecord } from "../record/records.ts";

/** A guard setting that was not the profile's own, at least for a time. */
export interface OwnSetting {
  /** What the profile sets. */
  readonly profile: number;
  /** The smallest value that was in force. */
  readonly least: number;
  /** The largest value that was in force. */
  readonly most: number;
}

/** Iterations in a row that were recorded by another version than the one that started the run. */
export interface OtherVersion {
  /** The version. */
  readonly toolVersion: string;
  /** The first of the iterations. */
  readonly first: number;
  /** The last of them. */
  readonly last: number;
}

/** Settings that changed with a resume. */
export interface ChangedAt {
  /** The first iteration that was recorded under them. */
  readonly iteration: number;
  /** The settings. */
  readonly values: ChangedSettings;
}

/** Where a run was made with something else than its start says. */
export interface InForce {
  /** Guard settings that were not the profile's own, by name. */
  readonly guards: Readonly<Partial<Record<GuardSetting, OwnSetting>>>;
  /** Stretches of iterations by other versions, in order; the first 50 of them. */
  readonly versions: readonly OtherVersion[];
  /** Settings that changed, in order; the first 50 changes. */
  readonly settings: readonly ChangedAt[];
}

/** A run resumed more often than this by another version each time is nobody's honest run. */
const MAX_STRETCHES = 50;

/** Takes in what was in force, iteration by iteration; what it keeps does not grow with them. */
export class InForceWatch {
  readonly #guards: Partial<Record<GuardSetting, OwnSetting>> = {};
  readonly #versions: OtherVersion[] = [];
  readonly #settings: ChangedAt[] = [];

  /** Takes in an iteration. */
  take(record: IterationRecord, profile: Profile): void {
    const { iteration, runtime, toolVersion, settings: changes = [] } = record;
    const open = MAX_STRETCHES - this.#settings.length;
    this.#settings.push(...changes.slice(0, open).map(({ values }) => ({ iteration, values })));
    const settings = guardSettings(runtime, profile);
    for (const name of GUARD_SETTINGS) {
      const value = settings[name];
      const { least, most } = this.#guards[name] ?? { least: value, most: value };
      if (this.#guards[name] !== undefined && least <= value && value <= most) continue;
      this.#guards[name] = {
        profile: profile.guards[name],
        least: Math.min(least, value),
        most: Math.max(most, value),
      };
    }
    if (toolVersion !== undefined) this.#takeVersion(toolVersion, iteration);
  }

  /** What came in so far. */
  get result(): InForce {
    const own = Object.entries(this.#guards)
      .filter(([, { profile, least, most }]) => least !== profile || most !== profile);
    return { guards: Object.fromEntries(own), versions: this.#versions, settings: this.#settings };
  }

  #takeVersion(toolVersion: string, iteration: number): void {
    const before = this.#versions.at(-1);
    if (before?.toolVersion === toolVersion && before.last === iteration - 1) {
      this.#versions[this.#versions.length - 1] = { ...before, last: iteration };
    } else if (this.#versions.length < MAX_STRETCHES) {
      this.#versions.push({ toolVersion, first: iteration, last: iteration });
    }
  }
}
