/**
 * When a service is ready: it answers, it listens, it has written a file, or a program says so.
 *
 * @module
 */

import { resolve } from "@std/path/resolve";
import { networkCause, SoakError } from "../base/errors.ts";
import { tcpAddress } from "../base/tcp_address.ts";
import { printable, shellWord } from "../base/text.ts";
import { settledWithin } from "../base/wait.ts";
import { READY_FLAGS, type ServiceSystem, type SystemSpec, wordsOf } from "../model/system_spec.ts";
import type { OutputLog } from "./output_log.ts";
import { netNotPermitted } from "./permission.ts";
import { Child } from "./process.ts";

/** How long an answer over the network may take, in ms. */
const ANSWER_MS = 2000;

/** The sign by which a service shows that it is ready. */
export interface Readiness {
  /** How it was asked for, for example `--ready-tcp 127.0.0.1:6379`. */
  readonly asked: string;
  /** Looks for it once; returns why it is not there, `null` if it is. */
  look(look: Look): Promise<string | null>;
}

/** One look for a sign of readiness. */
export interface Look {
  /** How long it may take, in ms; an answer is not waited for much longer than a moment anyway. */
  readonly leftMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal | undefined;
  /** What a program is told by. */
  readonly env: Readonly<Record<string, string>>;
  /** Where a program's output goes. */
  readonly log: OutputLog;
}

/**
 * The sign of readiness of a service that is about to be started; `null` if it has none. A file that
 * is there already is no sign.
 */
export function readinessOf(system: ServiceSystem): Readiness | null {
  const { readyUrl, readyFile, readyTcp, readyCommand } = system;
  if (readyUrl !== null) {
    return sign("readyUrl", readyUrl, (look) => answers(readyUrl, look));
  }
  if (readyTcp !== null) {
    return sign("readyTcp", readyTcp, (look) => listens(readyTcp, look));
  }
  if (readyFile !== null) {
    const before = stampOf(readyFile);
    return sign("readyFile", readyFile, () => Promise.resolve(isWritten(readyFile, before)));
  }
  if (readyCommand === null) return null;
  const command = wordsOf(readyCommand);
  const text = command.map(shellWord).join(" ");
  return sign("readyCommand", text, (look) => says(command, system, look));
}

/**
 * Refuses a service at whose address something answers before it is started: that would be taken
 * for the service, and measured.
 */
export async function requireUnanswered(
  system: SystemSpec,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (system.kind !== "service") return;
  const { readyUrl, readyTcp } = system;
  const look = { leftMs: ANSWER_MS, signal };
  const missing = readyUrl !== null
    ? await answers(readyUrl, look)
    : readyTcp !== null
    ? await listens(readyTcp, look)
    : "";
  if (missing !== null) return;
  throw new SoakError("system", "something answers there before the service is started", {
    where: readinessOf(system)?.asked ?? "",
    remedy: "stop it, or let the service use another port",
  });
}

function sign(
  name: keyof typeof READY_FLAGS,
  value: string,
  look: Readiness["look"],
): Readiness {
  return { asked: `${READY_FLAGS[name]} ${printable(value, 200)}`, look };
}

/** What tells one writing of a file from another; `null` if there is none. */
function stampOf(path: string): string | null {
  try {
    const { mtime, ino, size } = Deno.statSync(resolve(path));
    return `${mtime?.getTime()} ${ino} ${size}`;
  } catch {
    return null;
  }
}

function isWritten(path: string, before: string | null): string | null {
  const now = stampOf(path);
  if (now === null) return "there is no such file";
  return now === before ? "the file was there before, and nothing has written it since" : null;
}

/** What a look over the network needs to know. */
type NetworkLook = Pick<Look, "leftMs" | "signal">;

/** The signal of a look over the network. */
function lookSignal({ leftMs, signal }: NetworkLook): AbortSignal {
  const timeout = AbortSignal.timeout(Math.max(1, Math.min(leftMs, ANSWER_MS)));
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}

async function answers(url: string, look: NetworkLook): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: lookSignal(look) });
    await response.body?.cancel();
    return response.ok ? null : `HTTP ${response.status}`;
  } catch (error) {
    return noAnswer(error);
  }
}

async function listens(address: string, look: NetworkLook): Promise<string | null> {
  try {
    const { hostname, port } = tcpAddress(address) ?? { hostname: "", port: 0 };
    (await Deno.connect({ hostname, port, signal: lookSignal(look) })).close();
    return null;
  } catch (error) {
    return noAnswer(error);
  }
}

/** Why there was no answer, in the system's words. */
function noAnswer(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) throw netNotPermitted(error);
  if (error instanceof DOMException) return "no answer";
  const cause = networkCause(error);
  return isRefusal(cause) ? "connection refused" : cause;
}

/** Runs a program that tells whether the service is ready, and ends all of it. */
async function says(
  command: readonly string[],
  { timeoutSeconds, graceSeconds }: ServiceSystem,
  { leftMs, signal, env, log }: Look,
): Promise<string | null> {
  const child = new Child({ command, env, log, graceSeconds });
  const limitMs = Math.min(timeoutSeconds * 1000, leftMs);
  const interrupted = Promise.withResolvers<void>();
  const interrupt = (): void => interrupted.resolve();
  signal?.addEventListener("abort", interrupt);
  if (signal?.aborted) interrupt();
  try {
    await settledWithin(Promise.race([child.ended, interrupted.promise]), limitMs);
  } finally {
    signal?.removeEventListener("abort", interrupt);
  }
  const inTime = child.hasEnded;
  await child.stop();
  const { success, text } = await child.ended;
  if (inTime && success) return null;
  const last = log.lastLines(1);
  const how = inTime ? `it ${text}` : "it was not done in time";
  return last === "" ? how : `${how}: ${last}`;
}

/** Whether text says that nothing listens where something was asked. */
export function isRefusal(text: string): boolean {
  return /connection (?:was )?refused|ECONNREFUSED|couldn't connect to server/i.test(text);
}
