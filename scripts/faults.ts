// deno-lint-ignore-file no-console
/**
 * Makes each system call on the way of a real process fail in turn, and checks that nothing is
 * lost: `deno task faults [--only SCENARIO]`. Needs Linux and `strace`.
 *
 * @module
 */

import { join } from "@std/path";
import { canonicalJson } from "../base/canonical.ts";
import { STEP_FILE } from "../record/artifacts.ts";
import { runSoak } from "../run/run.ts";
import { type Ended, soak } from "../tests/kit/soak_process.ts";
import { type Call, callsIn, checkOrder, isIn, type Traced, traced } from "../tests/kit/strace.ts";
import { readArguments } from "./arguments.ts";

/** What each of them fails with. */
const ERRORS = ["ENOSPC", "EIO", "EROFS", "EACCES", "EMFILE"] as const;

/**
 * How far a call may be from where it was: the runtime makes some more or fewer of its own from time
 * to time, the more so on a busy machine.
 */
const OFF_BY = [0, 0, 1, -1, 0, 2, -2, 0, 3, -3] as const;

const USAGE = "deno task faults [--only SCENARIO]";

/** A command in a folder, and how to see afterwards that nothing was lost. */
interface Scenario {
  readonly name: string;
  /** Fills an empty folder. */
  prepare(folder: string): Promise<void>;
  /** The command line. */
  args(folder: string): readonly string[];
  /** Exit codes of the command when nothing fails. */
  readonly codes: readonly number[];
  /** Brings the folder to its end after a failure. */
  repeat(folder: string): Promise<Ended>;
  /** Files that the command may not touch. */
  readonly untouched: RegExp;
  /** Calls that may fail without being told. */
  readonly harmless?: RegExp;
}

const RUN = ["run", "--mock", "--auto-tune", "--iterations", "3", "--quiet"];
const runIn = (folder: string): string => join(folder, "run");
const runtimeIn = (folder: string): string => join(folder, "runtime.json");

/** Resumes a run as its message says, or starts it where none was recorded. */
async function goOn(folder: string): Promise<Ended> {
  const dir = runIn(folder);
  const resumed = await soak(["run", "--resume", "--quiet", "--out", dir]);
  return resumed.code === 2 ? await soak([...RUN, "--out", dir]) : resumed;
}

async function finishedRun(folder: string): Promise<void> {
  await runSoak({ dir: runIn(folder), iterations: 3, autoTune: true });
}

/** A run that was killed with its first step written down, and a temp file beside it. */
async function killedRun(folder: string): Promise<void> {
  const dir = runIn(folder);
  await finishedRun(folder);
  await Deno.rename(join(dir, "ITER_SUMMARY_1.json"), join(dir, STEP_FILE));
  for (const name of ["ITER_SUMMARY_2.json", "ITER_SUMMARY_3.json", "TUNING_REPORT.json"]) {
    await Deno.remove(join(dir, name));
  }
  const { runtime_overrides: runtime } = JSON.parse(
    await Deno.readTextFile(join(dir, STEP_FILE)),
  );
  await Deno.writeTextFile(join(dir, "runtime_overrides.json"), canonicalJson(runtime));
  await Deno.writeTextFile(join(dir, ".ITER_SUMMARY_1.json.0123.soak-tmp"), "{");
}

function verification(name: string, flags: readonly string[]): Scenario {
  const args = (folder: string) => [...flags, "--path", runIn(folder)];
  return {
    name,
    prepare: finishedRun,
    args,
    codes: [0, 1],
    repeat: (folder) => soak(args(folder)),
    untouched: /^run\/(SOAK_RUN|ITER_SUMMARY_\d+|TUNING_REPORT|runtime_overrides)\.json$/,
    harmless: /SOAK_RUN\.lock[">]/, // who can't lock a run judges it all the same
  };
}

const APPLY = (folder: string) => ["apply", "--runtime", runtimeIn(folder), "tail_age_ms=630"];

const SCENARIOS: readonly Scenario[] = [
  {
    name: "run",
    prepare: () => Promise.resolve(),
    args: (folder) => [...RUN, "--out", runIn(folder)],
    codes: [0],
    repeat: goOn,
    untouched: /^$/,
  },
  {
    name: "run over an earlier one",
    prepare: async (folder) => {
      await runSoak({ dir: runIn(folder), iterations: 2, seed: 9, startMs: 0 });
    },
    args: (folder) =>
      [...RUN, "--iterations=3", "--out", runIn(folder)].filter((a) => a !== "--iterations=3"),
    codes: [0],
    // Until the earlier run was moved, going on would go on with that one.
    repeat: async (folder) => {
      const moved = [...Deno.readDirSync(folder)].some(({ name }) => name.startsWith("1970"));
      return moved ? await goOn(folder) : await soak([...RUN, "--out", runIn(folder)]);
    },
    untouched: /^19700101T000000Z\//,
  },
  {
    name: "run --resume",
    prepare: killedRun,
    args: (folder) => ["run", "--resume", "--quiet", "--out", runIn(folder)],
    codes: [0],
    repeat: goOn,
    untouched: /^run\/SOAK_RUN\.json$/,
  },
  {
    name: "apply",
    prepare: (folder) => Deno.writeTextFile(runtimeIn(folder), '{"engine":{"tail_age_ms":600}}'),
    args: APPLY,
    codes: [0],
    repeat: (folder) => soak(APPLY(folder)),
    untouched: /^$/,
  },
  verification("verify", ["verify"]),
  verification("gate", ["gate", "--prometheus"]),
];

/** The names of the files in a call, without what is random in them. */
function filesOf(line: string): string {
  const call = line.replace(/\) = .*$/, "");
  const names = [...`${call})`.matchAll(/\/([^/"<>]+)[">]/g)].map(([, name = ""]) => name);
  return names.map((name) => name.replace(/soak-faults-.*|\b[0-9a-f]{24}\b/, "")).join(" ");
}

/** Every file below a folder, by its path in it. */
function filesBelow(folder: string, prefix = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(join(folder, prefix))) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (isDirectory) Object.assign(files, filesBelow(folder, path));
    else files[path] = Deno.readTextFileSync(join(folder, path));
  }
  return files;
}

/** A copy without what only a running or killed process leaves. */
function lasting(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([path]) => !path.endsWith(".lock")));
}

/** What may go wrong without being told, because nothing is lost by it. */
const HARMLESS: readonly RegExp[] = [
  /unlink(at)?\(.*\.lock"/, // the next one to lock it takes it over
  /unlink(at)?\(.*\.soak-tmp"/, // removed by the next command
  /^\d+ +openat\(.*O_RDONLY.* = -1 EACCES/, // a folder that may be written to but not opened
];

/** The outcome of one injection: `undefined` if the call was missed, else what was wrong. */
async function injectOnce(
  scenario: Scenario,
  call: Call,
  error: string,
  whole: Readonly<Record<string, string>>,
  nth: number,
): Promise<readonly string[] | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "soak-faults-" });
  try {
    await scenario.prepare(folder);
    const before = filesBelow(folder);
    const end = await traced(folder, scenario.args(folder), [
      "-e",
      `inject=${call.name}:error=${error}:when=${nth}`,
    ]);
    const hit = end.trace.find((line) => line.includes("(INJECTED)") && isIn(folder, line));
    if (hit === undefined || filesOf(hit) !== filesOf(call.line)) return undefined;
    // The count is each thread's own: a call that the runtime needs itself was hit as well.
    if (end.stderr.includes("Deno has panicked")) return undefined;
    const after = filesBelow(folder);
    return [
      ...saidWell(scenario, end, hit, folder),
      ...keptAll(scenario, before, after, whole, hit),
      ...await wentOn(scenario, folder, whole),
    ].map((problem) => `${problem}\n    ${hit.replaceAll(folder, "")}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function saidWell(scenario: Scenario, end: Ended, hit: string, folder: string): string[] {
  const { code, stderr } = end;
  const said = stderr.split("\n").filter((line) => !/^soak: (going on|the earlier run)/.test(line));
  const { harmless: more } = scenario;
  const harmless = [...HARMLESS, ...(more === undefined ? [] : [more])]
    .some((pattern) => pattern.test(hit));
  if (harmless && scenario.codes.includes(code)) return [];
  if (code !== 4) return [`exit ${code}, not 4: ${stderr}`];
  const line = /^soak: .+ \((.+)\); .+$/.exec(said[0] ?? "");
  if (line === null || said.length !== 2) return [`not one line with file and remedy: ${stderr}`];
  return line[1]?.includes(folder) ? [] : [`names no file: ${stderr}`];
}

function keptAll(
  scenario: Scenario,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  whole: Readonly<Record<string, string>>,
  hit: string,
): string[] {
  const problems: string[] = [];
  for (const [path, text] of Object.entries(before)) {
    if (scenario.untouched.test(path) && after[path] !== text) problems.push(`${path} has changed`);
  }
  for (const [path, text] of Object.entries(after)) {
    if (path.endsWith(".soak-tmp")) {
      const own = before[path] === undefined && !/unlink/.test(hit);
      if (own) problems.push(`${path} was left behind`);
    } else if (!path.endsWith(".lock") && text !== before[path] && text !== whole[path]) {
      const torn = !isCanonical(text) && path.endsWith(".json");
      if (torn) problems.push(`${path} is torn`);
    }
  }
  return problems;
}

function isCanonical(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

async function wentOn(
  scenario: Scenario,
  folder: string,
  whole: Readonly<Record<string, string>>,
): Promise<string[]> {
  const { code, stderr } = await scenario.repeat(folder);
  if (!scenario.codes.includes(code)) return [`going on ended with exit ${code}: ${stderr}`];
  const files = lasting(filesBelow(folder));
  const names = new Set([...Object.keys(files), ...Object.keys(whole)]);
  return [...names].filter((name) => files[name] !== whole[name])
    .map((name) => `after going on, ${name} is not as it should be`);
}

/** Runs a scenario in which nothing fails. */
async function leftAlone(
  scenario: Scenario,
): Promise<{ folder: string; reference: Traced; whole: Readonly<Record<string, string>> }> {
  const folder = await Deno.makeTempDir({ prefix: "soak-faults-" });
  try {
    await scenario.prepare(folder);
    const reference = await traced(folder, scenario.args(folder));
    return { folder, reference, whole: lasting(filesBelow(folder)) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runScenario(scenario: Scenario): Promise<{ hits: number; problems: string[] }> {
  await leftAlone(scenario); // once more, since the first process also fills the runtime's caches
  const { folder, reference, whole } = await leftAlone(scenario);
  if (!scenario.codes.includes(reference.code)) {
    throw new Error(`soak ${scenario.name} ended with exit ${reference.code}: ${reference.stderr}`);
  }
  const calls = callsIn(folder, reference.trace);
  const jobs = calls.flatMap((call) => ERRORS.map((error) => ({ call, error })));
  const problems: string[] = [];
  let hits = 0;
  const worker = async (): Promise<void> => {
    for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
      let found: readonly string[] | undefined;
      for (let tries = 0; found === undefined && tries < 120; tries++) {
        const nth = Math.max(1, job.call.nth + (OFF_BY[tries % OFF_BY.length] ?? 0));
        found = await injectOnce(scenario, job.call, job.error, whole, nth);
      }
      if (found === undefined) {
        problems.push(`never hit: ${job.call.line}`);
        continue;
      }
      hits++;
      problems.push(...found);
    }
  };
  await Promise.all([worker(), worker()]);
  const counts = Map.groupBy(calls, ({ name }) => name);
  console.log(
    `soak ${scenario.name}: ${calls.length} calls (` +
      [...counts].map(([name, { length }]) => `${length} ${name}`).join(", ") +
      `), ${hits} injections, ${problems.length} problems`,
  );
  return { hits, problems };
}

async function main(): Promise<number> {
  const args = readArguments(USAGE, ["only"]);
  if (args === null) return 2;
  const scenarios = SCENARIOS.filter(({ name }) => args.only === undefined || name === args.only);
  if (scenarios.length === 0) {
    console.error(`usage: ${USAGE}\nscenarios: ${SCENARIOS.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const order = await checkOrder();
  console.log(`${order.files} files put in place, ${order.problems.length} calls out of order`);
  const problems: string[] = [...order.problems];
  let hits = 0;
  for (const scenario of scenarios) {
    const result = await runScenario(scenario);
    hits += result.hits;
    problems.push(...result.problems);
  }
  for (const problem of problems) console.log(`  ${problem}`);
  console.log(`${hits} faults injected, ${problems.length} problems`);
  return problems.length === 0 && hits > 0 ? 0 : 1;
}

Deno.exit(await main());
