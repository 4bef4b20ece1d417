/**
 * The system under test, as the soak loop sees it.
 *
 * @module
 */

import { join } from "@std/path/join";
import { SoakError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { sleep } from "../base/wait.ts";
import type { Profile } from "../model/profile.ts";
import type { MockSystem, RealSystem, SystemSpec } from "../model/system_spec.ts";
import { type Driver, openExec, removeStaleOutputs } from "./exec.ts";
import {
  type Measurement,
  MeasurementError,
  type MeasureRequest,
  type RecordedIteration,
  type System,
  wantedFrom,
} from "./measurement.ts";
import { createMock } from "./mock.ts";
import { OutputLog } from "./output_log.ts";
import { readSecrets, type Secrets } from "./secrets.ts";
import { openService } from "./service.ts";

/** What has to be known of a run to drive its system. */
export interface SystemOptions {
  /** Which system, and its settings. */
  readonly system: SystemSpec;
  /** Seed of a simulated one; `null` for a real one. */
  readonly seed: number | null;
  /** The profile whose KPIs are measured. */
  readonly profile: Profile;
}

/** Gets hold of the system that a run drives. A real one is not started before it is measured. */
export function openSystem({ system, seed, profile }: SystemOptions): System {
  if (system.kind === "mock") return openMock(profile, seed, system);
  requireSources(system, profile);
  return new RealSystemUnderTest(system, profile, readSecrets(system));
}

function openMock(profile: Profile, seed: number | null, { fault }: MockSystem): System {
  const mock = createMock({ profile, seed: seed ?? 0, fault });
  return {
    measure: ({ runtime }) =>
      Promise.resolve({ ...mock.measure(runtime), failure: null, restarts: 0 }),
    fastForward: ({ runtime }) => void mock.measure(runtime),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Refuses a profile whose values can't come from where they are to be read. */
function requireSources(system: RealSystem, profile: Profile): void {
  const queried = [...profile.kpis, ...profile.parameters].find(({ query }) => query !== undefined);
  if (system.prometheusUrl === null) {
    if (queried === undefined) return;
    throw profileMistake(
      `the profile reads ${queried.key} from Prometheus`,
      "name it: --prometheus-url URL",
    );
  }
  if (queried === undefined) {
    throw profileMistake(
      "the profile has no query",
      "give a KPI one, or leave out --prometheus-url",
    );
  }
  const [orphan] = wantedFrom(profile, true).kpis;
  if (orphan !== undefined && system.kind === "service" && system.measureCommand === null) {
    throw profileMistake(`nothing measures ${orphan}`, "give it a query, or add --measure");
  }
}

function profileMistake(what: string, remedy: string): SoakError {
  return new SoakError("usage", what, { where: "profile", remedy });
}

/** A real system: pauses, attempts, logs, and what becomes of an iteration that failed. */
class RealSystemUnderTest implements System {
  readonly #system: RealSystem;
  readonly #profile: Profile;
  readonly #secrets: Secrets;
  readonly #driver: Driver;
  #isFirst = true;

  constructor(system: RealSystem, profile: Profile, secrets: Secrets) {
    this.#system = system;
    this.#profile = profile;
    this.#secrets = secrets;
    this.#driver = system.kind === "exec"
      ? openExec(system, profile)
      : openService(system, profile);
  }

  fastForward(iteration: RecordedIteration): void {
    this.#driver.fastForward(iteration);
  }

  async measure(request: MeasureRequest): Promise<Measurement | null> {
    const { pauseSeconds } = this.#system;
    if (!this.#isFirst && !await sleep(pauseSeconds * 1000, request.signal)) return null;
    if (this.#isFirst) await removeStaleOutputs(request.dir);
    this.#isFirst = false;
    const before = this.#driver.restarts;
    const path = join(request.dir, "logs", `ITER_${request.iteration}.log`);
    using log = new OutputLog(path, false, this.#secrets);
    const reading = await this.#attempts(request, log);
    if (reading === null) return null;
    log.close();
    return { ...reading, restarts: this.#driver.restarts - before };
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
        const what = this.#secrets.text(error.what);
        if (attempt <= this.#system.retries) {
          if (request.signal?.aborted) return null;
          log.note(`${what}; trying again (${attempt} of ${this.#system.retries})`);
          continue;
        }
        log.note(what);
        if (this.#system.onError === "stop") throw failed(request.iteration, what, error, log);
        return this.#failure(what);
      }
    }
  }

  #failure(what: string): Omit<Measurement, "restarts"> {
    const kpis = Object.fromEntries(this.#profile.kpis.map(({ key }) => [key, null]));
    return { kpis, effectiveParams: {}, failure: printable(what, 500) };
  }
}

function failed(iteration: number, what: string, cause: unknown, log: OutputLog): SoakError {
  const last = log.lastLines();
  const printed = last === "" ? "it printed nothing" : `it printed last: ${last}`;
  return new SoakError("system", `iteration ${iteration} was not measured: ${what}`, {
    where: printable(log.path),
    remedy: `${printed}; mend it and go on with --resume`,
    cause,
  });
}
