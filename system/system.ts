/**
 * The system under test, as the soak loop sees it.
 *
 * @module
 */

import { join } from "@std/path/join";
import { SoakError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import type { OnPhase } from "../model/phase.ts";
import type { KpiValues, Profile } from "../model/profile.ts";
import {
  hasReadySign,
  type MockSystem,
  type RealSystem,
  sourceMistake,
  type SystemSpec,
} from "../model/system_spec.ts";
import { type Driver, openExec, removeStaleOutputs } from "./exec.ts";
import {
  howToGoOn,
  type Measurement,
  MeasurementError,
  type MeasureRequest,
  type System,
} from "./measurement.ts";
import { createMock } from "./mock.ts";
import { OutputLog } from "./output_log.ts";
import { requireNet } from "./permission.ts";
import { isRefusal } from "./readiness.ts";
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
  requireNet(system);
  return new RealSystemUnderTest(system, profile, readSecrets(system, profile));
}

function openMock(profile: Profile, seed: number | null, { fault }: MockSystem): System {
  const mock = createMock({ profile, seed: seed ?? 0, fault });
  return {
    measure: ({ runtime }) => Promise.resolve({ ...mock.measure(runtime), failure: null }),
    fastForward: (runtime) => void mock.measure(runtime),
    redact: (text) => text,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Refuses a profile whose values can't come from where they are to be read. */
function requireSources(system: RealSystem, profile: Profile): void {
  const mistake = sourceMistake(system, profile);
  if (mistake === null) return;
  const [what, remedy] = mistake;
  throw new SoakError("usage", what, { where: "profile", remedy });
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

  fastForward(): void {}

  redact(text: string): string {
    return this.#secrets.text(text);
  }

  async measure(request: MeasureRequest): Promise<Measurement | null> {
    const { pauseSeconds } = this.#system;
    if (!this.#isFirst && pauseSeconds > 0) {
      request.onPhase({ name: "pausing", seconds: pauseSeconds });
    }
    if (!this.#isFirst && !await this.#driver.pause(pauseSeconds * 1000, request)) return null;
    await request.onAttempt();
    if (this.#isFirst) await removeStaleOutputs(request.dir);
    this.#isFirst = false;
    // What a process that ended by an error has left there tells why it did.
    const path = join(request.dir, "logs", `ITER_${request.iteration}.log`);
    using log = new OutputLog(path, this.#secrets);
    const reading = await this.#attempts(request, log);
    if (reading !== null) log.close();
    return reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver[Symbol.asyncDispose]();
  }

  async #attempts(request: MeasureRequest, log: OutputLog): Promise<Measurement | null> {
    const { retries, onError } = this.#system;
    const onIncident: MeasureRequest["onIncident"] = (kind, reason) =>
      request.onIncident(kind, this.redact(reason));
    const onPhase: OnPhase = ({ reason, ...phase }) =>
      request.onPhase(reason === undefined ? phase : { ...phase, reason: this.redact(reason) });
    for (let attempt = 1;; attempt++) {
      try {
        const reading = await this.#driver.attempt({ ...request, onIncident, onPhase }, log);
        return reading === null ? null : { ...reading, failure: null };
      } catch (error) {
        const what = error instanceof SoakError ? error.what : String(error);
        const failure = printable(this.redact(what), 500);
        await request.onIncident("failed", failure);
        if (!(error instanceof MeasurementError)) throw error;
        if (attempt <= retries) {
          if (request.signal?.aborted) return null;
          log.note(`${failure}; trying again (${attempt} of ${retries})`);
          request.onPhase({ name: "trying again", reason: failure });
          continue;
        }
        log.note(failure);
        if (onError === "stop") {
          const hint = readinessHint(
            this.#system,
            request.iteration,
            `${failure}\n${log.lastLines()}`,
          );
          throw failed(request, failure, error, log, hint);
        }
        return { kpis: this.#noKpis(), effectiveParams: {}, failure };
      }
    }
  }

  #noKpis(): KpiValues {
    return Object.fromEntries(this.#profile.kpis.map(({ key }) => [key, null]));
  }
}

/** Where to look, and how to go on, when an iteration that failed ends the run. */
function failed(
  { iteration, dir }: MeasureRequest,
  what: string,
  cause: MeasurementError,
  log: OutputLog,
  hint: string,
): SoakError {
  const { path, last } = cause.log ?? { path: log.path, last: log.lastLines() };
  // Where the system is ended, it is the service's log that tells of it, not that of the iteration.
  const who = cause.log === undefined ? "it" : "the service";
  const printed = last === "" ? `${who} printed nothing` : `${who} printed last: ${last}`;
  return new SoakError("system", `iteration ${iteration} was not measured: ${what}`, {
    where: printable(path),
    remedy: `${printed}; ${hint}${howToGoOn({ iteration, dir }, cause.remedy)}`,
    cause,
  });
}

/** Where nothing is known of a service's readiness, the first measurement may have come too soon. */
function readinessHint(
  system: RealSystem,
  iteration: number,
  said: string,
): string {
  const unknown = system.kind === "service" && iteration === 1 && !hasReadySign(system);
  return unknown && isRefusal(said)
    ? "if the service was not ready yet, add --ready-tcp HOST:PORT; "
    : "";
}
