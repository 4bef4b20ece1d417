/**
 * A system that runs all the time: started once, told of changes, measured at intervals, started
 * again when it dies.
 *
 * @module
 */

import { join } from "@std/path/join";
import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { settledWithin, sleep } from "../base/wait.ts";
import { amount } from "../model/incident.ts";
import type { Profile } from "../model/profile.ts";
import { hasReadySign, type ServiceSystem, wordsOf } from "../model/system_spec.ts";
import { type Driver, iterationEnv, measureByCommand, moreTime, withQueries } from "./exec.ts";
import {
  howToGoOn,
  MeasurementError,
  type MeasureRequest,
  notMeasured,
  type Reading,
  wantedFrom,
} from "./measurement.ts";
import { OutputLog } from "./output_log.ts";
import { Child, runToEnd } from "./process.ts";
import { type Readiness, readinessOf } from "./readiness.ts";

/** How often readiness is looked for, in ms. */
const READY_POLL_MS = 100;

/** The longest wait before a service that died is started again, in ms. */
const MAX_RESTART_DELAY_MS = 5000;

/**
 * How long to wait for a signal to this process once the service has ended, in ms: one that is meant
 * for both, as when a container stops, may reach the service first.
 */
const SIGNAL_MS = 100;

/** How soon after its start a service without a sign of readiness has failed to start, in ms. */
const START_MS = 1000;

/** Drives a service. It is started with the first measurement. */
export function openService(system: ServiceSystem, profile: Profile): Driver {
  return new ServiceDriver(system, profile);
}

class ServiceDriver implements Driver {
  readonly #system: ServiceSystem;
  readonly #profile: Profile;
  #log: OutputLog | null = null;
  #child: Child | null = null;
  /** The runtime that the service has been told of, in canonical form. */
  #loaded: string | null = null;
  /** How long the service that ended last had lived, in ms. */
  #livedMs = 0;
  /** Whether a service of this run ever got ready. */
  #hasStarted = false;
  /** A service whose death is on record, and how many services of this run had died by then. */
  #dead: { readonly child: Child; readonly died: number } | null = null;

  constructor(system: ServiceSystem, profile: Profile) {
    this.#system = system;
    this.#profile = profile;
  }

  pause(ms: number, request: MeasureRequest): Promise<boolean> {
    const slept = sleep(ms, request.signal);
    return this.#child === null ? slept : this.#whileWatched(this.#child, request, slept);
  }

  async attempt(request: MeasureRequest, log: OutputLog): Promise<Reading | null> {
    for (;;) {
      const child = await this.#running(request, log);
      if (child === null) return null;
      const startMs = performance.now();
      const { intervalSeconds: seconds } = this.#system;
      if (seconds > 0) request.onPhase({ name: "soaking", seconds });
      const outcome = await this.#interval(child, request.signal);
      if (outcome === "interrupted") return null;
      if (outcome === "died") continue;
      await request.onAttempt(); // an interval is long enough for a run to be moved
      request.onPhase({ name: "measuring" });
      const measured = this.#measure(child, request, log, startMs);
      const reading = await this.#whileWatched(child, request, measured);
      if (!child.hasEnded) {
        this.#hasStarted = true;
        return reading;
      }
      if (request.signal?.aborted) return null;
      // What was measured is, at least in part, not the service.
      log.note("the service died while it was measured; measuring again");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    const log = this.#log;
    this.#log = null;
    log?.close();
  }

  /** The service, running under the runtime in force; `null` when interrupted. */
  async #running(request: MeasureRequest, log: OutputLog): Promise<Child | null> {
    for (;;) {
      if (this.#child?.hasEnded) {
        const died = await this.#noteDeath(this.#child, request);
        if (died === null) return null;
        await this.#prepareRestart(this.#child, died - 1, request, log);
        if (request.signal?.aborted) return null;
      }
      const wanted = canonicalJson(request.runtime);
      if (this.#child !== null && this.#loaded !== wanted) {
        await this.#reload(this.#child, request, log);
        if (this.#child !== null) this.#loaded = wanted;
      }
      if (this.#child !== null) return this.#child;
      const started = await this.#start(request, log);
      if (started === "interrupted") return null;
      if (started === "ready") this.#loaded = wanted;
    }
  }

  async #start(
    request: MeasureRequest,
    log: OutputLog,
  ): Promise<"ready" | "interrupted" | "died"> {
    const { command, graceSeconds } = this.#system;
    this.#log ??= new OutputLog(join(request.dir, "logs", "SERVICE.log"), log.secrets);
    const readiness = readinessOf(this.#system);
    request.onPhase({ name: "starting" });
    const { SOAK_ITERATION: _, ...env } = iterationEnv(request);
    const child = new Child({ command, env, log: this.#log, graceSeconds });
    this.#child = child;
    const startMs = performance.now();
    const ended = (): void => void (this.#livedMs = performance.now() - startMs);
    child.ended.then(ended, ended);
    if (readiness === null) return "ready";
    return await this.#waitedFor(child, readiness, request, log);
  }

  /** Waits until a service that was just started shows the sign of readiness. */
  async #waitedFor(
    child: Child,
    readiness: Readiness,
    request: MeasureRequest,
    log: OutputLog,
  ): Promise<"ready" | "interrupted" | "died"> {
    const { readyTimeoutSeconds } = this.#system;
    const { signal } = request;
    const deadline = performance.now() + readyTimeoutSeconds * 1000;
    const env = { ...iterationEnv(request), SOAK_SERVICE_PID: String(child.pid) };
    request.onPhase({ name: "waiting for readiness" });
    for (let said = "";;) {
      if (child.hasEnded) return "died";
      const leftMs = Math.max(0, deadline - performance.now());
      const missing = await readiness.look({ leftMs, signal, env, log });
      if (missing === null) {
        this.#hasStarted = true;
        return child.hasEnded ? "died" : "ready";
      }
      if (signal?.aborted) return "interrupted";
      const isOver = performance.now() >= deadline;
      // What the last look came to says less than the one before, if there was no time left for it.
      if (!isOver || said === "") said = missing;
      if (isOver) {
        // What it prints when it is told to end tells nothing of why it was not ready.
        const telling = this.#log === null
          ? undefined
          : { path: this.#log.path, last: this.#log.lastLines() };
        await this.#stop();
        const what = `the service was not ready within ${readyTimeoutSeconds} s: ` +
          `${readiness.asked}: ${said}`;
        log.note(what);
        const remedy = "add --ready-timeout SECONDS if it may take longer";
        throw notMeasured(what, { log: telling, remedy });
      }
      await settledWithin(child.ended, READY_POLL_MS);
    }
  }

  /** Clears away a service that died, before it is started again; throws if that was too often. */
  async #prepareRestart(
    child: Child,
    restarts: number,
    request: MeasureRequest,
    log: OutputLog,
  ): Promise<void> {
    const { success, text: how } = await child.ended;
    const text = how + this.#unhandled(how);
    const neverStarted = this.#failedToStart(request);
    await this.#stop();
    const { maxRestarts } = this.#system;
    const last = this.#log?.lastLines() ?? "";
    if (restarts >= maxRestarts || neverStarted) {
      const when = !neverStarted
        ? `after ${amount(restarts, "restart")}`
        : hasReadySign(this.#system)
        ? "before it was ready"
        : "right after its start";
      throw new SoakError("system", `the service ${text}, ${when}`, {
        where: this.#log?.path ?? "logs",
        remedy: (last === "" ? "it printed nothing; " : `it printed last: ${last}; `) +
          (success
            ? "a service has to stay in the foreground: it must not make itself a daemon, nor end"
            : howToGoOn(
              request,
              neverStarted
                ? undefined
                : `add --max-restarts ${restarts + 3} if it may die more often`,
            )),
      });
    }
    request.onPhase({ name: "restarting", reason: `the service ${text}` });
    log.note(`the service ${text}: starting it again`);
    this.#log?.note(`it ${text}: restart ${restarts + 1} of ${maxRestarts}`);
    // What it could not have, a port for instance, may take a moment to become free.
    await sleep(Math.min(200 * 2 ** restarts, MAX_RESTART_DELAY_MS), request.signal);
  }

  /** That the signal a service died by is the one that tells it of changes. */
  #unhandled(how: string): string {
    const { reloadSignal } = this.#system;
    const isOwn = reloadSignal !== null && how === `was killed by ${reloadSignal}`;
    return isOwn ? ", which it does not handle (--reload-signal)" : "";
  }

  /**
   * Whether the service ended at its start, and never got further in this run: starting it again
   * would come to the same.
   */
  #failedToStart({ iteration }: MeasureRequest): boolean {
    if (this.#hasStarted || iteration > 1) return false;
    return hasReadySign(this.#system) || this.#livedMs < START_MS;
  }

  /** Does something, and puts the service's death on record if it comes meanwhile. */
  async #whileWatched<T>(child: Child, request: MeasureRequest, work: Promise<T>): Promise<T> {
    const watched = (async () => {
      const ended = await Promise.race([
        child.ended.then(() => true, () => false),
        work.then(() => false, () => false),
      ]);
      if (ended) await this.#noteDeath(child, request);
    })();
    watched.catch(() => {}); // it is told below
    try {
      return await work;
    } finally {
      await watched;
    }
  }

  /**
   * Puts the death of a service on record, once; returns how many there were. `null` if this process
   * is to end: then a service that ends is none that died.
   */
  async #noteDeath(child: Child, request: MeasureRequest): Promise<number | null> {
    const { text } = await child.ended;
    if (this.#dead?.child !== child) {
      if (!await sleep(SIGNAL_MS, request.signal)) return null;
      this.#dead = { child, died: await request.onIncident("died", text) };
    }
    return request.signal?.aborted ? null : this.#dead.died;
  }

  async #reload(child: Child, request: MeasureRequest, log: OutputLog): Promise<void> {
    const { reloadSignal, reloadCommand, reloadRestart, timeoutSeconds, graceSeconds } =
      this.#system;
    request.onPhase({ name: "reloading" });
    if (reloadRestart) {
      log.note("a change was applied: starting the service anew");
      await this.#stop();
    } else if (reloadSignal !== null) {
      log.note(`a change was applied: ${reloadSignal}`);
      child.signal(reloadSignal);
    } else if (reloadCommand !== null) {
      const run = runToEnd({
        command: wordsOf(reloadCommand),
        env: { ...iterationEnv(request), SOAK_SERVICE_PID: String(child.pid) },
        log,
        timeoutSeconds,
        graceSeconds,
      });
      const result = await this.#whileWatched(child, request, run);
      if (!result.success && !child.hasEnded) {
        throw notMeasured(`the reload command ${result.text}`, moreTime(result));
      }
    }
  }

  async #interval(
    child: Child,
    signal: AbortSignal | undefined,
  ): Promise<"done" | "died" | "interrupted"> {
    if (signal?.aborted) return "interrupted";
    const over = new AbortController();
    const end = (): void => over.abort();
    child.ended.then(end, end);
    signal?.addEventListener("abort", end);
    const done = await sleep(this.#system.intervalSeconds * 1000, over.signal);
    signal?.removeEventListener("abort", end);
    if (signal?.aborted) return "interrupted";
    return done && !child.hasEnded ? "done" : "died";
  }

  async #measure(
    child: Child,
    request: MeasureRequest,
    log: OutputLog,
    startMs: number,
  ): Promise<Reading> {
    const { measureCommand, prometheusUrl } = this.#system;
    const wanted = wantedFrom(this.#profile, prometheusUrl !== null);
    try {
      const own = measureCommand === null
        ? { kpis: {}, effectiveParams: {} }
        : await measureByCommand(wordsOf(measureCommand), this.#system, wanted, request, log, {
          SOAK_SERVICE_PID: String(child.pid),
        });
      const seconds = (performance.now() - startMs) / 1000;
      return await withQueries(own, this.#system, this.#profile, seconds);
    } catch (error) {
      if (!(error instanceof MeasurementError)) throw error;
      if (request.signal?.aborted) await settledWithin(child.ended, SIGNAL_MS);
      if (!child.hasEnded) throw error;
      // It failed because the service died under it; the caller starts the service again.
      return { kpis: {}, effectiveParams: {} };
    }
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    this.#loaded = null;
    await child?.stop();
  }
}
