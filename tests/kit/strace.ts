/**
 * The system calls of a real process, as `strace` sees them, and whether their order outlasts a
 * power loss at any moment. Needs Linux and `strace`.
 *
 * @module
 */

import { join } from "@std/path";
import { STEP_FILE } from "../../record/artifacts.ts";
import { type Ended, PERMISSIONS, soak } from "./soak_process.ts";

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

const RUN = ["run", "--mock", "--auto-tune", "--iterations", "3", "--quiet"];

/** One system call on a file of ours, as `strace` saw it. */
export interface Call {
  readonly name: string;
  /** How many calls of this name its thread had made, this one included. */
  readonly nth: number;
  readonly line: string;
}

/** A process that ran under `strace`. */
export interface Traced extends Ended {
  readonly trace: readonly string[];
}

export async function traced(
  folder: string,
  args: readonly string[],
  inject: readonly string[] = [],
): Promise<Traced> {
  const log = `${folder}.strace`;
  const under = ["strace", "-f", "-y", "--seccomp-bpf", "-s", "16", "-o", log];
  const calls = ["-e", `trace=${CALLS.join(",")}`];
  // The runtime's own cache would make its calls in the middle of ours.
  const permissions = [...PERMISSIONS, "--no-code-cache"];
  const options = { under: [...under, ...calls, ...inject], permissions };
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
export function callsIn(folder: string, trace: readonly string[]): Call[] {
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
export function isIn(folder: string, line: string): boolean {
  return ["/", ">", '"'].some((end) => line.includes(folder + end));
}

/**
 * Runs `soak run` under `strace` and checks the order of its system calls: after a power loss at
 * any point the disk holds only whole files, and no file before those that it builds on.
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
