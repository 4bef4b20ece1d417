/**
 * Starts a soak run: what it runs, and the files that it starts from.
 *
 * @module
 */

import { join } from "@std/path/join";
import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { computeJsonHash } from "../base/json.ts";
import { atomicWriteJson } from "../base/json_file.ts";
import type { JsonObject } from "../base/json_value.ts";
import { LAST_TIME_MS, utcText } from "../base/utc.ts";
import { VERSION } from "../base/version.ts";
import { EMPTY_HISTORY } from "../model/guards.ts";
import { NO_INCIDENTS } from "../model/incident.ts";
import { marketMaker } from "../model/market_maker.ts";
import type { Profile } from "../model/profile.ts";
import { runProblems } from "../model/profile_file.ts";
import { completeSystem, OptionError, type SystemSpec, wordsOf } from "../model/system_spec.ts";
import { warmUpMistake } from "../model/warm_up.ts";
import { RUNTIME_FILE, writeRun } from "../record/artifacts.ts";
import { parseRun, type RunRecord, runToJson } from "../record/records.ts";
import { requireProgram } from "../system/program.ts";
import { requireUnanswered } from "../system/readiness.ts";
import { openSystem } from "../system/system.ts";
import type { ClaimedDirectory } from "./directory.ts";
import { followRecord } from "./incidents.ts";
import { initialRuntime, requireReadable, type RunOptions, type RunState } from "./state.ts";

/** Start of a simulated run unless another time is given: 2025-01-01T00:00:00Z, in ms. */
const MOCK_START_MS = 1_735_689_600_000;

/** Starts a run. */
export async function begin(options: RunOptions, claim: ClaimedDirectory): Promise<RunState> {
  const { iterations, seed = 1, warmup = 0, start } = options;
  if (iterations === undefined) {
    throw new SoakError("usage", "a run needs a number of iterations", {
      where: "iterations",
      remedy: "say how many",
    });
  }
  const system = systemOf(options);
  const profile = profileFor(system, options);
  requireRunnable(profile);
  requireLittleWarmUp(iterations, warmup, profile);
  if (start !== undefined && options.runtime !== undefined) {
    const what = "a runtime to start from has its values already";
    throw new OptionError(what, "start", "leave out one of the two");
  }
  const runtime = initialRuntime(profile, options);
  const timeMs = system.kind === "mock"
    ? options.startMs ?? MOCK_START_MS
    : (options.nowMs ?? Date.now)();
  const run: RunRecord = {
    toolVersion: VERSION,
    system,
    seed: system.kind === "mock" ? seed : null,
    iterations,
    ...(warmup === 0 ? {} : { warmup }),
    ...(start === undefined ? {} : { start }),
    autoTune: options.autoTune ?? false,
    startedUtc: startedUtc(timeMs),
    initialHash: await computeJsonHash(runtime),
    profile,
  };
  requireReadable(() => parseRun(runToJson(run), "the run"));
  requireSmall(runtime);
  const opened = openSystem(run);
  requirePrograms(system);
  await requireUnanswered(system, options.signal);
  await claim.clear();
  const runHash = await writeRun(options.dir, run);
  const state: RunState = {
    run,
    runHash,
    system: opened,
    settings: { iterations, system },
    changes: [],
    madeBy: new Set([run.toolVersion]),
    iteration: 0,
    previousHash: runHash,
    stateHash: run.initialHash,
    history: EMPTY_HISTORY,
    timeMs,
    last: null,
    pending: [],
    isMeasuring: false,
    incidents: NO_INCIDENTS,
  };
  await followRecord(state, { dir: options.dir, claim });
  await atomicWriteJson(join(options.dir, RUNTIME_FILE), runtime);
  return state;
}

function requireRunnable(profile: Profile): void {
  const [problem] = runProblems(profile);
  if (problem === undefined) return;
  throw new OptionError(problem.message, "profile", problem.remedy ?? "choose another one");
}

/** What a real system is tuned by has to be said; the built-in profile is that of the simulated one. */
function profileFor({ kind }: SystemSpec, { profile }: RunOptions): Profile {
  if (profile !== undefined) return profile;
  if (kind === "mock") return marketMaker;
  const remedy = "write one: soak profile init FILE, then --profile FILE; or take the built-in " +
    "one for trading: --profile market-maker";
  throw new OptionError("a real system needs a profile of its own", "profile", remedy);
}

/** A start state larger than this would make summaries that verification refuses to read. */
const MAX_RUNTIME_CHARACTERS = 1024 * 1024;

function requireSmall(runtime: JsonObject): void {
  const { length } = canonicalJson(runtime);
  if (length <= MAX_RUNTIME_CHARACTERS) return;
  const what = `the runtime to start from has ${length} characters`;
  const remedy = `every summary carries it: keep it below ${MAX_RUNTIME_CHARACTERS}`;
  throw new OptionError(what, "runtime", remedy);
}

function requireLittleWarmUp(iterations: number, warmup: number, { gate }: Profile): void {
  if (!Number.isSafeInteger(warmup) || warmup < 0) {
    const remedy = "give a whole number of iterations";
    throw new OptionError(`not a number of iterations: ${warmup}`, "warmup", remedy);
  }
  const mistake = warmUpMistake(iterations, warmup, gate);
  if (mistake !== null) throw new OptionError(mistake[0], "warmup", mistake[1]);
}

function startedUtc(ms: number): string {
  if (Number.isFinite(ms) && Math.abs(ms) <= LAST_TIME_MS) return utcText(ms);
  throw new SoakError("usage", `not a time: ${ms}`, {
    where: "startMs",
    remedy: "give ms since the epoch",
  });
}

/** A run whose programs can't be started leaves no directory, and an earlier run where it is. */
function requirePrograms(system: SystemSpec): void {
  if (system.kind === "mock") return;
  requireProgram(wordsOf(system.command)[0] ?? "");
  if (system.kind !== "service") return;
  const { measureCommand, readyCommand, reloadCommand } = system;
  const more = {
    "--measure": measureCommand,
    "--ready-command": readyCommand,
    "--reload-command": reloadCommand,
  };
  for (const [flag, command] of Object.entries(more)) {
    if (command !== null) requireProgram(wordsOf(command)[0] ?? "", flag);
  }
}

function systemOf({ system = {}, mockFault, seed }: RunOptions): SystemSpec {
  const { kind = "mock" } = system;
  if (kind !== "mock") {
    const simulated = mockFault !== undefined ? "mockFault" : seed !== undefined ? "seed" : null;
    if (simulated !== null) {
      throw new OptionError("the flag is for the simulated system", simulated, "leave it out");
    }
  }
  return completeSystem(system, mockFault);
}
