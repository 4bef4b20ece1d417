import { join } from "@std/path";
import type { Profile } from "../../model/profile.ts";
import type { SystemRequest } from "../../model/system_spec.ts";
import { readSummary } from "../../record/artifacts.ts";
import { type RunResult, runSoak } from "../../run/run.ts";
import type { RunOptions } from "../../run/state.ts";
import { HANG_MS, MAIN } from "./soak_process.ts";
import { type TempDir, tempDir } from "./temp_dir.ts";

/** One parameter, `size`, which brings one KPI, `cost`, down to its target from 6 up. */
export const TINY: Profile = {
  name: "tiny",
  description: "The smallest system there is.",
  parameters: [{
    key: "size",
    path: "size",
    kind: "integer",
    min: 1,
    max: 20,
    step: 1,
    unit: "n",
    default: 2,
    description: "How much of it there is.",
  }],
  kpis: [{
    key: "cost",
    unit: "s",
    better: "lower",
    target: 10,
    metric: "cost",
    description: "What it costs.",
  }],
  rules: [{
    name: "grow",
    protection: 1,
    when: [{ kpi: "cost", op: ">", value: 10 }],
    then: [{ param: "size", add: 2 }],
  }],
  guards: {
    freeze_after: 2,
    freeze_iters: 2,
    oscillation_window: 3,
    velocity_cap: 0.3,
    max_delta_per_hour: 1,
    cooldown_iters: 0,
  },
  gate: { window: 4, pass: 3, warn: 2, full_apply_ratio: 0.95, signature_stuck: 0 },
};

/** Shell that puts the runtime's `size` into a variable. */
export const READ_SIZE = `size=$(sed 's/.*"size":\\([0-9]*\\).*/\\1/' "$SOAK_RUNTIME")`;

/** Shell that reports a KPI and a parameter from variables. */
export const REPORT =
  `printf '{"kpis":{"cost":%s},"effective_params":{"size":%s}}' $((20 - 2 * size)) $size > "$SOAK_OUTPUT"`;

/** A folder with shell scripts and a run directory. */
export interface Bench extends AsyncDisposable {
  /** The folder. */
  readonly temp: TempDir;
  /** The run directory. */
  readonly dir: string;
  /** Writes a script that is run by `sh` in the folder; returns its path. */
  script(name: string, body: string): string;
  /** The path of a file in the folder. */
  file(name: string): string;
  /** Runs a soak of the system in the run directory. */
  run(system: SystemRequest, options?: Partial<RunOptions>): Promise<RunResult>;
}

/** Makes a bench. */
export async function bench(): Promise<Bench> {
  const temp = await tempDir();
  const dir = temp.file("run");
  return {
    temp,
    dir,
    file: temp.file,
    script(name, body) {
      const path = temp.file(name);
      Deno.writeTextFileSync(path, `#!/bin/sh\ncd '${temp.path}'\n${body}\n`, { mode: 0o755 });
      return path;
    },
    run: (system, options = {}) =>
      runSoak({ dir, iterations: 3, autoTune: true, profile: TINY, system, ...options }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + HANG_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether there is a file. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process runs; one that nobody has collected yet does not. */
export function isRunning(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
    .outputSync();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}

/** The process id in a file that a script wrote. */
export function pidIn(path: string): number {
  return Number(Deno.readTextFileSync(path).trim());
}

/** Whether a script has written a process id to a file. */
export function hasPid(path: string): boolean {
  return exists(path) && pidIn(path) > 0;
}

/** The text of an iteration's log. */
export function logOf({ dir }: Bench, iteration: number): string {
  return Deno.readTextFileSync(join(dir, "logs", `ITER_${iteration}.log`));
}

/** What is on record, by iteration: `died ×2: exited with code 5`. */
export async function incidentsOf(b: Bench, last: number): Promise<Record<number, string[]>> {
  const all: Record<number, string[]> = {};
  for (let i = 1; i <= last; i++) {
    const { incidents } = (await readSummary(b.dir, i)).record;
    if (incidents === undefined) continue;
    all[i] = incidents.map(({ kind, reason, times }) => `${kind} ×${times}: ${reason}`);
  }
  return all;
}

/** The command line as a process of its own. */
export interface Cli {
  /** Sends it a signal. */
  kill(signal: Deno.Signal): void;
  /** What it has complained about so far. */
  err(): string;
  /** What it printed and how it ended. */
  end(): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
}

/** Starts the command line, if need be in a shell that did something first. */
export function startCli(args: readonly string[], first = ""): Cli {
  const command = [Deno.execPath(), "run", "-A", "--no-check", MAIN, ...args];
  const [program = "", ...rest] = first === ""
    ? command
    : ["sh", "-c", `${first}; exec "$@"`, "sh", ...command];
  const child = new Deno.Command(program, {
    args: rest,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let err = "";
  const collected = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) err += text;
  })();
  const out = child.stdout.text();
  return {
    kill: (signal) => child.kill(signal),
    err: () => err,
    async end() {
      const { code } = await child.status;
      await collected;
      return { code, out: await out, err };
    },
  };
}
