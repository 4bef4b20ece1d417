/**
 * The system under test, as the soak loop sees it.
 *
 * @module
 */

import type { RunRecord } from "./artifacts.ts";
import type { JsonObject } from "./jsonx.ts";
import { createMock } from "./mock.ts";
import type { KpiValues } from "./profile.ts";

/** What the system is asked to run under. */
export interface MeasureRequest {
  /** Number of the iteration, from 1. */
  readonly iteration: number;
  /** The runtime in force. */
  readonly runtime: JsonObject;
  /** The file that holds it. */
  readonly runtimePath: string;
  /** The run directory. */
  readonly dir: string;
  /** Aborted when the run is to end after this iteration. */
  readonly signal: AbortSignal | undefined;
}

/** What one iteration showed. */
export interface Measurement {
  /** KPIs by key; `null` where there is no value. */
  readonly kpis: KpiValues;
  /** What the system says it is running with, by flat parameter key. */
  readonly effectiveParams: Readonly<Record<string, number>>;
  /** Why the iteration could not be measured; `null` if it was. */
  readonly failure: string | null;
}

/** A system under test. Disposing of it stops whatever it started. */
export interface System extends AsyncDisposable {
  /**
   * Runs one iteration.
   *
   * @param request What to run under.
   * @returns What it showed.
   * @throws {SoakError} If the iteration failed and the run is to stop because of it.
   */
  measure(request: MeasureRequest): Promise<Measurement>;
  /**
   * Takes a recorded iteration into account that an earlier process ran.
   *
   * @param runtime The runtime that it ran under.
   */
  relive(runtime: JsonObject): void;
}

/**
 * Starts the system that a run drives.
 *
 * @param run How the run was started.
 * @returns The system, before its first iteration.
 * @throws {SoakError} If it can't be driven.
 */
export function openSystem(run: RunRecord): Promise<System> {
  return Promise.resolve(openMock(run));
}

function openMock({ profile, seed, system }: RunRecord): System {
  const mock = createMock({ profile, seed: seed ?? 0, fault: system.fault });
  return {
    measure: ({ runtime }) => Promise.resolve({ ...mock.measure(runtime), failure: null }),
    relive: (runtime) => void mock.measure(runtime),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
