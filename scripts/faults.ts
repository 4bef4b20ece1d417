// deno-lint-ignore-file no-console
/**
 * Makes each system call on the way of a real process fail in turn, and checks that nothing is
 * lost: `deno task faults [--only SCENARIO]`. Needs Linux and `strace`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { join } from "@std/path";
import { STEP_FILE } from "../artifacts.ts";
import { canonicalJson } from "../jsonx.ts";
import { runSoak } from "../run.ts";
import { type Ended, PERMISSIONS, soak } from "../tests/soak_process.ts";

/** The calls that open, change or flush files and folders. A failing `close` goes unreported. */
const CALLS = [
  "openat",
  "write",
  "pwrite64",
  "ftruncate",
  "flock",
  "fsync",
  "fdatasync",
  "rename",
  "renameat",
  "renameat2",
  "unlink",
  "unlinkat",
  "mkdir",
  "rmdir",
  "chmod",
  "fchmod",
  "fchmodat",
] as const;

/** What each of them fails with. */
const ERRORS = ["ENOSPC", "EIO", "EROFS", "EACCES", "EMFILE"] as const;

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

/** One system call on a file of ours, as `strace` saw it. */
interface Call {
  readonly name: string;
  /** How many calls of this name its thread had made, this one included. */
  readonly nth: number;
  readonly line: string;
}

/** A process that ran under `strace`. */
interface Traced extends Ended {
  readonly trace: readonly string[];
}

async function traced(
  folder: string,
  args: readonly string[],
  inject: readonly string[] = [],
): Promise<Traced> {
  const log = `${folder}.strace`;
  const under = ["strace", "-f", "-y", "--seccomp-bpf", "-s", "16", "-o", log];
  const calls = ["-e", `trace=${CALLS.join(",")}`];
  // The runtime's own cache would make its calls in the middle of ours.
  const permissions = [...PERMISSIONS, "--no-code-cache"];
  const options = { under: [...under, ...calls, ...inject], permissions, timeoutMs: 30_000 };
  const end = await soak(args, options);
  const trace = joined((await Deno.readTextFile(log)).split("\n"));
  await Deno.remove(log);
  return { ...end, trace };
}

/** Puts calls together that another thread's line cut in two, at the place of the first half, without padding. */
function joined(lines: readonly string[]): string[] {
  const begun = new Map<string, number>();
  const whole: string[] = [];
  for (const line of lines) {
    const [, thread = ""] = /^(\d+) /.exec(line) ?? [];
    const [, end] = /^\d+ +<\.\.\. \w+ resumed>(.*)$/.exec(line) ?? [];
    const at = begun.get(thread);
    if (end !== undefined && at !== undefined) whole[at] += end;
    else if (line.endsWith(" <unfinished ...>")) {
      begun.set(thread, whole.push(line.slice(0, -" <unfinished ...>".length)) - 1);
    } else whole.push(line);
  }
  return whole.map((line) => line.replace(/\) += /, ") = "));
}

/** The calls of the main thread that touch a file in the folder. */
function callsIn(folder: string, trace: readonly string[]): Call[] {
  const main = trace[0]?.split(" ", 1)[0];
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  for (const line of trace) {
    const [, thread, name] = /^(\d+) +([a-z0-9]+)\(/.exec(line) ?? [];
    if (name === undefined || thread !== main) continue;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    if (isIn(folder, line)) calls.push({ name, nth, line });
  }
  return calls;
}

/** Whether a call names a folder or something in it. */
function isIn(folder: string, line: string): boolean {
  return ["/", ">", '"'].some((end) => line.includes(folder + end));
}

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
  const harmless = HARMLESS.some((pattern) => pattern.test(hit));
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
      for (let tries = 0; found === undefined && tries < 20; tries++) {
        // The runtime makes a call more or less of its own from time to time.
        const nth = Math.max(1, job.call.nth + ([0, 0, 1, -1, 2, -2][tries % 6] ?? 0));
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

/**
 * Runs `soak run` under `strace` and checks the order of its system calls: after a power loss at
 * any point the disk holds only whole files, and no file before those that it builds on.
 *
 * @returns What is out of order, and how many files were put in place.
 */
export async function checkOrder(): Promise<{ problems: readonly string[]; files: number }> {
  const folder = await Deno.makeTempDir({ prefix: "soak-order-" });
  try {
    const { code, stderr, trace } = await traced(folder, [
      ...RUN,
      "--out",
      join(folder, "a", "run"),
    ]);
    if (code !== 0) throw new Error(`soak run ended with exit ${code}: ${stderr}`);
    return orderOf(callsIn(folder, trace).map(({ line }) => line), join(folder, "a", "run"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The state of the disk as far as it would outlast a power loss, call by call. */
function orderOf(
  lines: readonly string[],
  folder: string,
): { problems: readonly string[]; files: number } {
  const problems: string[] = [];
  const temps = new Map<string, "exclusive" | "written" | "flushed">();
  /** What a flush of its folder still has to make last. */
  const pending = new Map<string, string>();
  const placed: string[] = [];
  for (const line of lines) {
    const [, call = ""] = /^\d+ +(\w+)\(/.exec(line) ?? [];
    const temp = /([^"<]+\.soak-tmp)[">]/.exec(line)?.[1];
    const change = /^(openat.*O_EXCL.*soak-tmp|rename|mkdir|unlink)/.test(
      line.replace(/^\d+ +/, ""),
    );
    if (change && !line.includes(".lock") && pending.size > 0) {
      problems.push(`${[...pending.values()].join(", ")} not yet flushed: ${line}`);
    }
    if (call === "mkdir") {
      const path = /"([^"]+)"/.exec(line)?.[1] ?? "";
      if (/ = 0$/.test(line)) pending.set(join(path, ".."), line);
    } else if (call === "openat" && temp !== undefined) {
      if (line.includes("O_EXCL")) temps.set(temp, "exclusive");
    } else if (call === "write" && temp !== undefined) {
      if (temps.get(temp) === undefined) problems.push(`not opened exclusively: ${line}`);
      temps.set(temp, "written");
    } else if (call === "fsync") {
      const path = /<([^>]+)>\) = 0/.exec(line)?.[1] ?? "";
      if (temps.get(path) === "written") temps.set(path, "flushed");
      pending.delete(path);
    } else if (call === "rename" && temp !== undefined) {
      if (temps.get(temp) !== "flushed") problems.push(`not flushed: ${line}`);
      pending.set(folder, line);
      placed.push(/\/([A-Z]+)[^/"]*"\) = 0$/i.exec(line)?.[1] ?? "?");
    } else if (line.includes(`${STEP_FILE}") = 0`)) placed.push("done");
  }
  // A step is written down before its change, and forgotten after its summary.
  const sequence = /^SOAK runtime (STEP runtime ITER done |ITER )+TUNING $/;
  if (!sequence.test(placed.join(" ") + " ")) problems.push(`the order is ${placed.join(", ")}`);
  if (pending.size > 0) problems.push(`${[...pending.values()].join(", ")} never flushed`);
  return { problems, files: placed.length };
}

async function main(): Promise<number> {
  const { only } = parseArgs(Deno.args, { string: ["only"] });
  const order = await checkOrder();
  console.log(`${order.files} files put in place, ${order.problems.length} calls out of order`);
  const problems: string[] = [...order.problems];
  let hits = 0;
  for (const scenario of SCENARIOS) {
    if (only !== undefined && scenario.name !== only) continue;
    const result = await runScenario(scenario);
    hits += result.hits;
    problems.push(...result.problems);
  }
  for (const problem of problems) console.log(`  ${problem}`);
  console.log(`${hits} faults injected, ${problems.length} problems`);
  return problems.length === 0 && hits > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
