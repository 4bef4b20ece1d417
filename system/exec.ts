/**
 * A system that is a command: it is run once for each iteration and writes down what it measured.
 *
 * @module
 */

import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import { sleep } from "../base/wait.ts";
import type { Profile } from "../model/profile.ts";
import type { ExecSystem, RealSettings } from "../model/system_spec.ts";
import {
  type MeasureRequest,
  notMeasured,
  type Reading,
  readOutput,
  type Wanted,
  wantedFrom,
} from "./measurement.ts";
import type { OutputLog } from "./output_log.ts";
import { type CommandResult, runToEnd } from "./process.ts";
import { readQueries } from "./promql.ts";

/** Something that takes measurements, one attempt at a time. */
export interface Driver extends AsyncDisposable {
  /** Waits before a measurement, in ms; whether it was not interrupted. */
  pause(ms: number, request: MeasureRequest): Promise<boolean>;
  /** Takes one measurement. */
  attempt(request: MeasureRequest, log: OutputLog): Promise<Reading | null>;
}

/** Drives a command. */
export function openExec(system: ExecSystem, profile: Profile): Driver {
  const { prometheusUrl } = system;
  const wanted = wantedFrom(profile, prometheusUrl !== null);
  return {
    pause: (ms, { signal }) => sleep(ms, signal),
    async attempt(request, log) {
      const startMs = performance.now();
      request.onPhase({ name: "measuring" });
      const own = await measureByCommand(system.command, system, wanted, request, log);
      const seconds = (performance.now() - startMs) / 1000;
      return withQueries(own, system, profile, seconds);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Adds what Prometheus knows to what a program said. */
export async function withQueries(
  own: Reading,
  { prometheusUrl, timeoutSeconds }: RealSettings,
  profile: Profile,
  windowSeconds: number,
): Promise<Reading> {
  if (prometheusUrl === null) return own;
  const options = { url: prometheusUrl, timeoutSeconds: Math.min(timeoutSeconds, 30) };
  const queried = await readQueries(profile, windowSeconds, options);
  return {
    kpis: { ...own.kpis, ...queried.kpis },
    effectiveParams: { ...own.effectiveParams, ...queried.effectiveParams },
  };
}

/** The environment that a program is told about the iteration by. */
export function iterationEnv({ iteration, runtimePath, dir }: MeasureRequest): Record<
  string,
  string
> {
  return {
    SOAK_ITERATION: String(iteration),
    SOAK_RUNTIME: resolve(runtimePath),
    SOAK_RUN_DIR: resolve(dir),
  };
}

/** Runs a command that measures, and reads what it wrote to `SOAK_OUTPUT`. */
export async function measureByCommand(
  command: readonly string[],
  settings: RealSettings,
  wanted: Wanted,
  request: MeasureRequest,
  log: OutputLog,
  env: Readonly<Record<string, string>> = {},
): Promise<Reading> {
  const output = join(resolve(request.dir), outputFile(request.iteration));
  try {
    const { timeoutSeconds, graceSeconds } = settings;
    const result = await runToEnd({
      command,
      env: { ...iterationEnv(request), ...env, SOAK_OUTPUT: output },
      log,
      timeoutSeconds,
      graceSeconds,
    });
    if (!result.success) throw notMeasured(`the command ${result.text}`, moreTime(result));
    return readOutput(output, wanted, log.secrets);
  } finally {
    await Deno.remove(output, { recursive: true }).catch(() => {});
  }
}

/** What else than mending helps with a program that was ended because it took too long. */
export function moreTime({ timedOut }: CommandResult): { readonly remedy?: string } {
  return timedOut ? { remedy: "add --timeout SECONDS if it may take longer" } : {};
}

/** A name that no earlier iteration and no earlier attempt had. */
function outputFile(iteration: number): string {
  return `OUTPUT_${iteration}_${crypto.randomUUID().slice(0, 8)}.json`;
}

/** Removes what commands of a process that was killed have left in a run directory. */
export async function removeStaleOutputs(dir: string): Promise<void> {
  const stale: string[] = [];
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (isFile && /^OUTPUT_\d+_[0-9a-f]{8}\.json$/.test(name)) stale.push(name);
  }
  for (const name of stale) await Deno.remove(join(dir, name)).catch(() => {});
}
