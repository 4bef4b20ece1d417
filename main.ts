/**
 * The command line: parse, dispatch, exit code.
 *
 * @module
 */

import type { Command } from "./cli/command.ts";
import { type Io, openIo, reportError } from "./cli/console.ts";
import { exitOfError, firstError } from "./cli/exit_code.ts";
import { flagNamed } from "./cli/mistakes.ts";
import { parseOptions } from "./cli/options.ts";
import { listenForSignals } from "./cli/signals.ts";

/**
 * Gives up what a command does not need: only a real system needs programs, the network and secrets
 * from the environment. An executable has all these permissions built in.
 */
function dropPermissions(command: Command): void {
  const real = command.command === "run" && command.system.kind !== "mock";
  if (real) return;
  Deno.permissions.revokeSync({ name: "run" });
  Deno.permissions.revokeSync({ name: "net" });
  Deno.permissions.revokeSync({ name: "env" });
}

/** Commands are loaded when they are used: the gate starts faster without the simulation. */
async function dispatch(command: Command, io: Io): Promise<number> {
  switch (command.command) {
    case "run":
      return await (await import("./cli/run.ts")).executeRun(command, io);
    case "replay":
      return await (await import("./cli/replay.ts")).executeReplay(command, io);
    case "verify":
      return await (await import("./cli/verify.ts")).executeVerify(command, io);
    case "gate":
      return await (await import("./cli/gate.ts")).executeGate(command, io);
    case "apply":
      return await (await import("./cli/runtime.ts")).executeApply(command, io);
    case "params":
      return await (await import("./cli/runtime.ts")).executeParams(command, io);
    case "hash":
      return await (await import("./cli/runtime.ts")).executeHash(command, io);
    case "profile":
      return await (await import("./cli/profile.ts")).executeProfile(command, io);
    case "help":
      return (await import("./cli/help.ts")).executeHelp(command, io);
    case "version":
      return (await import("./cli/help.ts")).executeVersion(io);
  }
}

/**
 * Commands with something to finish or to clean up. All others leave signals to the system, which
 * ends them at once, busy or waiting: what they write appears whole or not at all.
 */
const ENDS_IN_ORDER: readonly Command["command"][] = ["run", "replay"];

/** Runs the command line; the exit code is the result. */
export async function main(args: readonly string[]): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  const io = openIo(signal);
  try {
    const command = parseOptions(args);
    dropPermissions(command);
    if (!ENDS_IN_ORDER.includes(command.command)) return await dispatch(command, io);
    using _listening = listenForSignals(controller, io);
    return await dispatch(command, io);
  } catch (thrown) {
    const error = firstError(thrown);
    // Work that has nothing to keep throws the signal's reason: the exit code.
    if (signal.aborted && error === signal.reason && typeof error === "number") return error;
    // A library names options, a command line flags.
    const told = flagNamed(error);
    reportError(told, io);
    return exitOfError(told);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
