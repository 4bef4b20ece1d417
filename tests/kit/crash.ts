/**
 * Kills real runs at random moments, goes on with each of them, and compares how they end with a
 * run that was left alone.
 *
 * @module
 */

import { join } from "@std/path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { sha256Hex } from "../../base/hash.ts";
import { eventLoopTurn } from "../../base/wait.ts";
import {
  LOCK_FILE,
  RUN_FILE,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "../../record/artifacts.ts";
import { ended, soak, spawnSoak } from "./soak_process.ts";
import { namesIn, textsIn } from "./temp_dir.ts";

const ITERATIONS = 12;
const RUN = ["run", "--quiet", "--mock", "--auto-tune", "--iterations", String(ITERATIONS)];

/** Processes that may be killed in one run before it is left alone. */
const LIVES = 3;

/** Options for {@linkcode crashRuns}. */
export interface CrashOptions {
  /** How many processes to kill at work; those that were quicker don't count. */
  readonly kills: number;
  /** Chooses the moments, as far as a clock can be told. */
  readonly seed: number;
  /** Called after each kill. */
  readonly onKill?: (kills: number) => void;
}

/** What came of it. */
export interface CrashResult {
  /** Processes that were killed at work. */
  readonly kills: number;
  /** Runs that were killed at least once and then finished. */
  readonly runs: number;
  /** Runs that did not end like the one left alone, with the first file that differs. */
  readonly differing: readonly string[];
  /** How often the killed processes left what behind. */
  readonly left: Readonly<Record<string, number>>;
}

/** Kills runs and goes on with them. */
export async function crashRuns(options: CrashOptions): Promise<CrashResult> {
  const random = xoroshiro128plus(options.seed);
  const below = (n: number): number => uniformInt(random, 0, n - 1);
  const folder = await Deno.makeTempDir({ prefix: "soak crash " });
  const left: Record<string, number> = {};
  const differing: string[] = [];
  let kills = 0;
  let runs = 0;
  let attempts = 0;
  try {
    const { files: whole, iterationMs } = await leftAlone(join(folder, "whole"));
    while (kills < options.kills) {
      const parent = join(folder, `crashed ${++attempts}`);
      const dir = join(parent, "run");
      await Deno.mkdir(parent);
      const lives = 1 + below(LIVES);
      let killed = 0;
      for (let life = 0; life < lives && kills < options.kills; life++) {
        if (!await killAtWork(dir, below, iterationMs)) break;
        killed++;
        kills++;
        options.onKill?.(kills);
        const state = await whatIsLeft(dir);
        left[state] = (left[state] ?? 0) + 1;
      }
      if (killed > 0) runs++;
      const difference = await finish(dir, whole) ?? strangers(parent);
      if (difference !== null) differing.push(`killed ${killed} times: ${difference}`);
      if (attempts > 20 * options.kills) {
        throw new Error("hardly a process could be killed in time");
      }
      await Deno.remove(parent, { recursive: true });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return { kills, runs, differing, left };
}

type Files = Readonly<Record<string, string>>;

async function leftAlone(dir: string): Promise<{ files: Files; iterationMs: number }> {
  const child = spawnSoak([...RUN, "--out", dir]);
  const end = ended(child);
  await appears(join(dir, summaryFile(1)), end);
  const startMs = performance.now();
  await appears(join(dir, summaryFile(ITERATIONS)), end);
  const iterationMs = (performance.now() - startMs) / (ITERATIONS - 1);
  await expectSuccess(end);
  return { files: textsIn(dir), iterationMs };
}

/** Runs or resumes, and kills the process at a random moment; tells whether it was still alive. */
async function killAtWork(
  dir: string,
  below: (n: number) => number,
  iterationMs: number,
): Promise<boolean> {
  const child = spawnSoak(command(dir));
  const end = ended(child);
  for (const name of awaited(dir, below)) await appears(join(dir, name), end);
  const untilMs = performance.now() + below(1000) / 1000 * iterationMs * 1.5;
  while (performance.now() < untilMs);
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
  return (await end).signal === "SIGKILL";
}

function command(dir: string): readonly string[] {
  const begun = namesInOrNone(dir).includes(RUN_FILE);
  return begun ? ["run", "--quiet", "--resume", "--out", dir] : [...RUN, "--out", dir];
}

/**
 * The files to wait for before the kill. A quarter of the kills aims at the start, a third at the
 * iterations that change the runtime, for these have the most steps; the rest at any iteration.
 */
function awaited(dir: string, below: (n: number) => number): readonly string[] {
  const done = namesInOrNone(dir).filter((name) => name.startsWith("ITER_SUMMARY_")).length;
  const aim = below(12);
  if (aim < 3 && done === 0) return [["."], [LOCK_FILE], [RUN_FILE]][aim] ?? [];
  if (aim < 7 && done < 3) {
    const before = done === 0 && below(2) === 0 ? RUNTIME_FILE : summaryFile(2);
    return [before, STEP_FILE];
  }
  const next = done + below(ITERATIONS + 1 - done);
  return next === 0 ? [RUNTIME_FILE] : [summaryFile(next)];
}

async function appears(path: string, end: Promise<unknown>): Promise<void> {
  let over = false;
  end.then(() => over = true, () => over = true);
  for (let look = 0; !over; look++) {
    try {
      Deno.lstatSync(path);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (look % 50 === 0) await eventLoopTurn();
  }
}

/** Names the step that a process was killed in, by what it left behind. */
async function whatIsLeft(dir: string): Promise<string> {
  const names = namesInOrNone(dir);
  const done = names.filter((name) => name.startsWith("ITER_SUMMARY_")).length;
  const temp = /^\.(.*?)(?:_\d+)?(?:\.json)?\.[0-9a-f]+\.soak-tmp$/;
  const written = names.map((name) => temp.exec(name)?.[1]).find((name) => name !== undefined);
  const step = names.includes(STEP_FILE);
  if (!names.includes(RUN_FILE)) return "no run yet";
  if (!names.includes(RUNTIME_FILE)) return "a run without a runtime";
  if (written !== undefined) {
    return `a temp file for ${written}${step ? " and a step in progress" : ""}`;
  }
  if (step) {
    const { iteration, tuning } = JSON.parse(Deno.readTextFileSync(join(dir, STEP_FILE)));
    if (iteration === done) return "a complete step";
    const hash = await sha256Hex(Deno.readTextFileSync(join(dir, RUNTIME_FILE)));
    return `a step in progress, ${hash === tuning.old_hash ? "not yet" : "already"} applied`;
  }
  if (names.includes(TUNING_REPORT_FILE)) return "a finished run";
  if (names.includes(`${RUNTIME_FILE}.lock`)) return "the runtime locked";
  return done === ITERATIONS ? "all iterations, no report" : "whole iterations only";
}

/** Lets a killed run end, and tells where it differs from one that was left alone. */
async function finish(dir: string, whole: Files): Promise<string | null> {
  await expectSuccess(soak(command(dir)));
  const files = textsIn(dir);
  for (const name of new Set([...Object.keys(whole), ...Object.keys(files)])) {
    if (files[name] !== whole[name]) return name;
  }
  return null;
}

async function expectSuccess(end: ReturnType<typeof ended>): Promise<void> {
  const { code, stderr } = await end;
  if (code !== 0) throw new Error(`soak run ended with exit ${code}: ${stderr}`);
}

function strangers(parent: string): string | null {
  const names = namesIn(parent).filter((name) => name !== "run");
  return names.length === 0 ? null : `beside it: ${names.join(", ")}`;
}

function namesInOrNone(dir: string): string[] {
  try {
    return namesIn(dir);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
