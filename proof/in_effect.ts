/**
 * Which parameters a system was seen to run with.
 *
 * @module
 */

import type { Parameter, ParameterValues } from "../model/profile.ts";

/** What the measurements of a run say of the parameters in effect. */
export interface SeenInEffect {
  /** Keys of parameters that no measurement reported. */
  readonly never: readonly string[];
  /**
   * The smallest number of parameters that one measurement reported with the runtime's values; 0
   * when there was no measurement.
   */
  readonly fewest: number;
}

/** Takes in one measurement after the other; its size is that of the profile. */
export class InEffect {
  readonly #parameters: readonly Parameter[];
  readonly #never: Set<string>;
  #fewest = Infinity;

  /** Starts with nothing seen. */
  constructor(parameters: readonly Parameter[]) {
    this.#parameters = parameters;
    this.#never = new Set(parameters.map(({ key }) => key));
  }

  /** Takes in what a measurement reported, and what the runtime told the system. */
  take(effective: ParameterValues, told: ParameterValues): void {
    let seen = 0;
    for (const { key } of this.#parameters) {
      const value = Object.hasOwn(effective, key) ? effective[key] : undefined;
      if (value === undefined) continue;
      if (value === told[key]) seen++;
      if (this.#never.size > 0) this.#never.delete(key);
    }
    if (seen < this.#fewest) this.#fewest = seen;
  }

  /** What was seen so far. */
  get seen(): SeenInEffect {
    return { never: [...this.#never], fewest: this.#fewest === Infinity ? 0 : this.#fewest };
  }
}
