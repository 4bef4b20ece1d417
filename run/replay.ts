/**
 * Runs a simulated run again from its record and compares the bytes.
 *
 * @module
 */

import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import { osError, SoakError } from "../base/errors.ts";
import { computeJsonHash, decodeJson } from "../base/json.ts";
import { firstDifference, type JsonObject } from "../base/json_value.ts";
import { readRegularFile } from "../base/read_file.ts";
import { VERSION } from "../base/version.ts";
import { MAX_ITERATIONS } from "../model/changed_settings.ts";
import {
  readProgress,
  readRun,
  readSummary,
  RUN_FILE,
  RUNTIME_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "../record/artifacts.ts";
import type { RunRecord } from "../record/records.ts";
import { listSummaries, readSummaries } from "../record/summaries.ts";
import { runSoak } from "./run.ts";

/** The first place where a recorded run and its replay differ. */
export interface ReplayDifference {
  /** The file. */
  readonly file: string;
  /** The place in it, starting with `$`; `null` when the file is missing or not JSON. */
  readonly path: string | null;
  /** What is recorded there, as JSON text. */
  readonly recorded: string;
  /** What the replay wrote there, as JSON text. */
  readonly replayed: string;
}

/** What a replay found. */
export interface ReplayResult {
  /** Iterations that were run again. */
  readonly iterations: number;
  /** Files that were compared. */
  readonly files: number;
  /** The first difference; `null` if every byte is the same. */
  readonly difference: ReplayDifference | null;
}

/** Options for {@linkcode replayRun}. */
export interface ReplayOptions {
  /** Stop early when this is aborted. */
  readonly signal?: AbortSignal;
  /** Called after every iteration with its number and how many there are. */
  readonly onIteration?: (iteration: number, total: number) => void;
}

/**
 * Runs a simulated run again from its `SOAK_RUN.json` and compares every file, byte by byte.
 *
 * @param dir The run directory.
 * @param options Progress and interruption.
 * @returns The first difference, if there is one.
 * @throws {SoakError} If the run is not a simulated one of this version, or can't be read; the
 * signal's reason, if it was interrupted.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { runSoak } from "@soak/soak";
 *
 * const parent = await Deno.makeTempDir();
 * await runSoak({ dir: `${parent}/run`, iterations: 5, autoTune: true });
 * assertEquals(await replayRun(`${parent}/run`), { iterations: 5, files: 8, difference: null });
 * await Deno.remove(parent, { recursive: true });
 * ```
 */
export async function replayRun(dir: string, options: ReplayOptions = {}): Promise<ReplayResult> {
  const { record } = await readRun(dir);
  refuseUnlikeRun(record, dir);
  const legs = await legsOf(dir, record);
  const { recorded: highest = 0, iterations: asked = 0 } = legs.at(-1) ?? {};
  const complete = highest === asked && !await goesOn(dir);
  const scratch = makeScratch(dir);
  try {
    const copy = join(scratch, "run");
    const runtime = await firstRuntime(dir, record);
    await rerun({ record, runtime, legs }, copy, options);
    const files = [
      RUN_FILE,
      ...Array.from({ length: highest }, (_, i) => summaryFile(i + 1)),
      RUNTIME_FILE,
      ...(complete ? [TUNING_REPORT_FILE] : []),
    ];
    for (const [compared, file] of files.entries()) {
      const difference = compareFile(dir, copy, file);
      if (difference !== null) return { iterations: highest, files: compared + 1, difference };
    }
    return { iterations: highest, files: files.length, difference: null };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** A folder for the replay: among the temp files, or where only the run may be written to, there. */
function makeScratch(dir: string): string {
  const prefix = "soak-replay-";
  try {
    return Deno.makeTempDirSync({ prefix });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) {
      throw osError("cannot make a temp folder", "replay", error);
    }
  }
  try {
    return Deno.makeTempDirSync({ dir: resolve(dir), prefix: `.${prefix}` });
  } catch (error) {
    throw osError("cannot make a temp folder", dir, error);
  }
}

function refuseUnlikeRun(record: RunRecord, dir: string): void {
  if (record.system.kind !== "mock") {
    throw new SoakError("usage", "only a simulated run can be replayed", {
      where: dir,
      remedy: "soak verify proves a run of a real system",
    });
  }
  if (record.toolVersion !== VERSION) {
    throw new SoakError("artifact", `the run was made by soak ${record.toolVersion}`, {
      where: join(dir, RUN_FILE),
      remedy: `replay it with that version; this is ${VERSION}`,
    });
  }
}

/** Whether a simulated run was to have more iterations and has not come to the first of them. */
async function goesOn(dir: string): Promise<boolean> {
  try {
    return await readProgress(dir) !== null;
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return false;
    throw error;
  }
}

/** A stretch of a run under one number of iterations. */
interface Leg {
  /** How many were asked for. */
  readonly iterations: number;
  /** The last one that was recorded in it. */
  readonly recorded: number;
}

/** The stretches of a run, in which iterations were added. No single version can make several's. */
async function legsOf(dir: string, { iterations }: RunRecord): Promise<readonly Leg[]> {
  const { highest } = await listSummaries(dir, MAX_ITERATIONS);
  const legs: Leg[] = [];
  let leg = { iterations, recorded: 0 };
  for await (const reading of readSummaries(dir, highest)) {
    const { iteration } = reading;
    const { settings, toolVersion } = reading.kind === "read" ? reading.summary.record : {};
    const more = settings?.at(-1)?.values.iterations;
    if (more !== undefined && more > leg.iterations) {
      legs.push(leg);
      leg = { iterations: more, recorded: leg.recorded };
    }
    if (iteration > leg.iterations) break;
    refuseOtherVersion(toolVersion, iteration, dir);
    const last = reading.kind === "missing" ? reading.upTo : iteration;
    leg = { ...leg, recorded: Math.min(last, leg.iterations) };
  }
  return [...legs, leg];
}

function refuseOtherVersion(version: string | undefined, iteration: number, dir: string): void {
  if (version === undefined || version === VERSION) return;
  const what = `iteration ${iteration} was made by soak ${version}`;
  throw new SoakError("artifact", `${what}, and the run was started by soak ${VERSION}`, {
    where: join(dir, summaryFile(iteration)),
    remedy: "soak verify proves a run that more than one version made",
  });
}

/** The runtime that the run started from; `undefined` if it is not on record. */
async function firstRuntime(dir: string, run: RunRecord): Promise<JsonObject | undefined> {
  try {
    const { runtime } = (await readSummary(dir, 1)).record;
    return await computeJsonHash(runtime) === run.initialHash ? runtime : undefined;
  } catch (error) {
    if (error instanceof SoakError && error.kind === "artifact") return undefined;
    throw error;
  }
}

/** What a run is made again from. */
interface Original {
  readonly record: RunRecord;
  readonly runtime: JsonObject | undefined;
  readonly legs: readonly Leg[];
}

async function rerun(
  { record, runtime, legs }: Original,
  dir: string,
  { signal, onIteration }: ReplayOptions,
): Promise<void> {
  const { warmup, start } = record;
  const total = legs.at(-1)?.recorded ?? 0;
  for (const [i, { iterations, recorded }] of legs.entries()) {
    const enough = new AbortController();
    if (recorded === (legs[i - 1]?.recorded ?? 0)) enough.abort();
    await runSoak({
      dir,
      iterations,
      ...(i > 0 ? { resume: true } : {
        autoTune: record.autoTune,
        seed: record.seed ?? undefined,
        mockFault: (record.system.kind === "mock" ? record.system.fault : null) ?? undefined,
        startMs: Date.parse(record.startedUtc),
        profile: record.profile,
        ...(start === undefined ? { runtime, keepFlatKeys: true } : { start }),
        warmup,
      }),
      signal: signal === undefined ? enough.signal : AbortSignal.any([enough.signal, signal]),
      onIteration: ({ iteration }) => {
        onIteration?.(iteration, total);
        if (iteration === recorded) enough.abort();
      },
    });
    signal?.throwIfAborted();
  }
}

function compareFile(dir: string, copy: string, file: string): ReplayDifference | null {
  const replayed = readRegularFile(join(copy, file), Infinity);
  let recorded: Uint8Array;
  try {
    recorded = readRegularFile(join(dir, file), Infinity);
  } catch (error) {
    if (!(error instanceof SoakError) || error.kind !== "artifact") throw error;
    return { file, path: null, recorded: error.what, replayed: `${replayed.length} bytes` };
  }
  const same = recorded.length === replayed.length && recorded.every((b, i) => b === replayed[i]);
  if (same) return null;
  try {
    const difference = firstDifference(decodeJson(recorded), decodeJson(replayed));
    if (difference !== null) {
      const { path, left, right } = difference;
      return { file, path, recorded: left, replayed: right };
    }
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
  }
  const at = recorded.findIndex((byte, i) => byte !== replayed[i]);
  const offset = at < 0 ? Math.min(recorded.length, replayed.length) : at;
  return { file, path: null, recorded: `other bytes from offset ${offset}`, replayed: "" };
}
