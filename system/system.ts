/**
 * The system under test, as the soak loop sees it.
 *
 * @module
 */

import { join } from "@std/path/join";
import type { RunRecord } from "../record/records.ts";
import { SoakError } from "../base/errors.ts";
import { type Driver, openExec, removeStaleOutputs } from "./exec.ts";
import {
  type Measurement,
  MeasurementError,
  type MeasureRequest,
  type System,
  wantedFrom,
} from "./measurement.ts";
import { createMock } from "./mock.ts";
import { OutputLog } from "./output_log.ts";
import { printable } from "../base/text.ts";
import type { Profile } from "../model/profile.ts";
import { openService } from "./service.ts";
import type { MockSystem, RealSystem } from "../model/system_spec.ts";
import { sleep } from "../base/wait.ts";

export type { Measurement, MeasureRequest, System } from "./measurement.ts";

/**
 * Gets hold of the system that a run drives. A real one is not started before it is measured.
 *
 * @param run How the run was started.
 * @returns The system, before its first iteration.
 * @throws {SoakError} of kind `"usage"`, if the profile can't be measured by it.
 */
export function openSystem(run: RunRecord): System {
  const { system, profile } = run;
  if (system.kind === "mock") return openMock(run, system);
  requireSources(system, profile);
  return new RealSystemUnderTest(system, profile);
}

function openMock({ profile, seed }: RunRecord, { fault }: MockSystem): System {
  const mock = createMock({ profile, seed: seed ?? 0, fault });
  return {
    measure: ({ runtime }) =>
      Promise.resolve({ ...mock.measure(runtime), failure: null, restarts: 0 }),
    relive: ({ runtime }) => void mock.measure(runtime),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Refuses a profile whose values can't come from where they are to be read. */
function requireSources(system: RealSystem, profile: Profile): void {
  const queried = [...profile.kpis, ...profile.parameters].find(({ query }) => query !== undefined);
  if (system.prometheusUrl === null) {
    if (queried === undefined) return;
    throw usage(
      `the profile reads ${queried.key} from Prometheus`,
      "name it: --prometheus-url URL",
    );
  }
  if (queried === undefined) {
    throw usage("the profile has no query", "give a KPI one, or leave out --prometheus-url");
  }
  const [orphan] = wantedFrom(profile, true).kpis;
  if (orphan !== undefined && system.kind === "service" && system.measureCommand === null) {
    throw usage(`nothing measures ${orphan}`, "give it a query, or add --measure");
  }
}

function usage(what: string, remedy: string): SoakError {
  return new SoakError("usage", what, { where: "profile", remedy });
}

/** A real system: pauses, attempts, logs, and what becomes of an iteration that failed. */
class RealSystemUnderTest implements System {
  readonly #system: RealSystem;
  readonly #profile: Profile;
  readonly #driver: Driver;
  #isFirst = true;
  /** Restarts of a service that are recorded. */
  #restarts = 0;

  constructor(system: RealSystem, profile: Profile) {
    this.#system = system;
    this.#profile = profile;
    this.#driver = system.kind === "exec"
      ? openExec(system, profile)
      : openService(system, profile, () => this.#restarts);
  }

  relive({ restarts = 0 }: { readonly restarts?: number }): void {
    this.#restarts += restarts;
  }

  async measure(request: MeasureRequest): Promise<Measurement | null> {
    const { pauseSeconds } = this.#system;
    if (!this.#isFirst && !await sleep(pauseSeconds * 1000, request.signal)) return null;
    if (this.#isFirst) await removeStaleOutputs(request.dir);
    this.#isFirst = false;
    using log = new OutputLog(join(request.dir, "logs", `ITER_${request.iteration}.log`));
    const reading = await this.#attempts(request, log);
    if (reading === null) return null;
    log.close();
    const restarts = this.#driver.takeRestarts();
    this.#restarts += restarts;
    return { ...reading, restarts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver[Symbol.asyncDispose]();
  }

  async #attempts(
    request: MeasureRequest,
    log: OutputLog,
  ): Promise<Omit<Measurement, "restarts"> | null> {
    for (let attempt = 1;; attempt++) {
      try {
        const reading = await this.#driver.attempt(request, log);
        return reading === null ? null : { ...reading, failure: null };
      } catch (error) {
        if (!(error instanceof MeasurementError)) throw error;
        if (attempt <= this.#system.retries) {
          if (request.signal?.aborted) return null;
          log.note(`${error.what}; trying again (${attempt} of ${this.#system.retries})`);
          continue;
        }
        log.note(error.what);
        if (this.#system.onError === "stop") throw failed(request.iteration, error, log);
        return this.#failure(error.what);
      }
    }
  }

  #failure(what: string): Omit<Measurement, "restarts"> {
    const kpis = Object.fromEntries(this.#profile.kpis.map(({ key }) => [key, null]));
    return { kpis, effectiveParams: {}, failure: printable(what, 500) };
  }
}

function failed(iteration: number, error: MeasurementError, log: OutputLog): SoakError {
  const last = log.lastLines();
  const printed = last === "" ? "it printed nothing" : `it printed last: ${last}`;
  return new SoakError("system", `iteration ${iteration} was not measured: ${error.what}`, {
    where: printable(log.path),
    remedy: `${printed}; mend it and go on with --resume`,
    cause: error,
  });
}
