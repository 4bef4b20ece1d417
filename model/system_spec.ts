/**
 * Which system a run drives, as it is asked for, recorded and read back.
 *
 * @module
 */

import { SoakError } from "../base/errors.ts";
import { canonicalJson, type JsonObject } from "../base/json.ts";
import { FAULT_KINDS, type MockFault } from "./mock_fault.ts";
import type { Shape } from "../base/shape.ts";

/** The built-in simulated system. */
export interface MockSystem {
  /** The simulated system. */
  readonly kind: "mock";
  /** How it misbehaves, if it does. */
  readonly fault: MockFault | null;
  /** Seconds of virtual time that an iteration takes. */
  readonly iterationSeconds: number;
}

/** What to do when an iteration can't be measured. */
export type OnError = "stop" | "continue";

/** Every choice of what to do when an iteration can't be measured. */
export const ON_ERROR: readonly OnError[] = ["stop", "continue"];

/** What every run of a real system has to know. */
export interface RealSettings {
  /** The program and its arguments; no shell is involved. */
  readonly command: readonly string[];
  /** Longest time that a command may take to measure or to reload, in seconds. */
  readonly timeoutSeconds: number;
  /** Time between SIGTERM and SIGKILL, in seconds. */
  readonly graceSeconds: number;
  /** Wait between two iterations, in seconds. */
  readonly pauseSeconds: number;
  /** How often a measurement is tried again within one iteration. */
  readonly retries: number;
  /** Whether the run stops at an iteration that can't be measured, or records it as failed. */
  readonly onError: OnError;
  /** The Prometheus server that KPIs and parameters with a query are read from. */
  readonly prometheusUrl: string | null;
}

/** A command that is run once for each iteration. */
export interface ExecSystem extends RealSettings {
  /** One command an iteration. */
  readonly kind: "exec";
}

/** A program that runs all the time. */
export interface ServiceSystem extends RealSettings {
  /** A program that runs all the time. */
  readonly kind: "service";
  /** How long an iteration lasts before it is measured, in seconds. */
  readonly intervalSeconds: number;
  /** The program that measures it; `null`: Prometheus alone does. */
  readonly measureCommand: string | null;
  /** The service is ready once this URL answers with a status of 200 to 299. */
  readonly readyUrl: string | null;
  /** The service is ready once it has written this file. */
  readonly readyFile: string | null;
  /** How long it may take to get ready, in seconds. */
  readonly readyTimeoutSeconds: number;
  /** The signal that makes it read its runtime again. */
  readonly reloadSignal: ReloadSignal | null;
  /** The program that makes it read its runtime again. */
  readonly reloadCommand: string | null;
  /** Whether it is started anew to read its runtime again. */
  readonly reloadRestart: boolean;
  /** How often in a run it is started again after it died. */
  readonly maxRestarts: number;
}

/** A signal that can ask a service to read its runtime again. */
export type ReloadSignal = "SIGHUP" | "SIGUSR1" | "SIGUSR2" | "SIGCONT" | "SIGWINCH";

/** The signals that can ask a service to read its runtime again. */
export const RELOAD_SIGNALS: readonly ReloadSignal[] = [
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
  "SIGWINCH",
];

/** A system that is a real program. */
export type RealSystem = ExecSystem | ServiceSystem;

/** Which system a run drives, and all that is needed to drive it again. */
export type SystemSpec = MockSystem | RealSystem;

/** Everything about a real system that can be asked for; what is left out has a default. */
export type RealRequest = Partial<
  { -readonly [K in keyof Omit<ServiceSystem, "kind">]: ServiceSystem[K] | undefined }
>;

/** What a run asks for; when resuming, `kind` may be left out. */
export interface SystemRequest extends Readonly<RealRequest> {
  /** Which kind of system. */
  readonly kind?: SystemSpec["kind"] | undefined;
}

/** What is not asked for. */
export const REAL_DEFAULTS = {
  timeoutSeconds: 300,
  graceSeconds: 5,
  pauseSeconds: 0,
  retries: 0,
  onError: "stop",
  intervalSeconds: 30,
  readyTimeoutSeconds: 30,
  maxRestarts: 3,
} as const satisfies RealRequest;

/** The flag that asks for each setting. */
export const FLAG_OF: Readonly<Record<keyof RealRequest, string>> = {
  command: "--",
  timeoutSeconds: "--timeout",
  graceSeconds: "--grace",
  pauseSeconds: "--pause",
  retries: "--retries",
  onError: "--on-error",
  prometheusUrl: "--prometheus-url",
  intervalSeconds: "--interval",
  measureCommand: "--measure",
  readyUrl: "--ready-url",
  readyFile: "--ready-file",
  readyTimeoutSeconds: "--ready-timeout",
  reloadSignal: "--reload-signal",
  reloadCommand: "--reload-command",
  reloadRestart: "--reload-restart",
  maxRestarts: "--max-restarts",
};

const SETTINGS = Object.keys(FLAG_OF) as readonly (keyof RealRequest)[];

const EXEC_SETTINGS: readonly (keyof RealRequest)[] = [
  "command",
  "timeoutSeconds",
  "graceSeconds",
  "pauseSeconds",
  "retries",
  "onError",
  "prometheusUrl",
];

/**
 * Completes what is asked for with the defaults.
 *
 * @param request What is asked for.
 * @returns All that is needed to drive the system.
 * @throws {SoakError} of kind `"usage"`, if settings are missing, or at odds with the kind or with
 * each other.
 */
export function realSystem(
  request: SystemRequest & { readonly kind: RealSystem["kind"] },
): RealSystem {
  const { kind, command = [] } = request;
  if (command[0] === undefined || command[0] === "") {
    throw usage(`--${kind} needs a command`, "--", `soak run --${kind} … -- COMMAND`);
  }
  const settings: RealSettings = {
    command,
    timeoutSeconds: request.timeoutSeconds ?? REAL_DEFAULTS.timeoutSeconds,
    graceSeconds: request.graceSeconds ?? REAL_DEFAULTS.graceSeconds,
    pauseSeconds: request.pauseSeconds ?? REAL_DEFAULTS.pauseSeconds,
    retries: request.retries ?? REAL_DEFAULTS.retries,
    onError: request.onError ?? REAL_DEFAULTS.onError,
    prometheusUrl: request.prometheusUrl ?? null,
  };
  if (kind === "service") return serviceSystem(settings, request);
  refuseForeign(request, EXEC_SETTINGS, "a service");
  return { kind, ...settings };
}

function serviceSystem(settings: RealSettings, request: SystemRequest): ServiceSystem {
  const system: ServiceSystem = {
    kind: "service",
    ...settings,
    intervalSeconds: request.intervalSeconds ?? REAL_DEFAULTS.intervalSeconds,
    measureCommand: request.measureCommand ?? null,
    readyUrl: request.readyUrl ?? null,
    readyFile: request.readyFile ?? null,
    readyTimeoutSeconds: request.readyTimeoutSeconds ?? REAL_DEFAULTS.readyTimeoutSeconds,
    reloadSignal: request.reloadSignal ?? null,
    reloadCommand: request.reloadCommand ?? null,
    reloadRestart: request.reloadRestart ?? false,
    maxRestarts: request.maxRestarts ?? REAL_DEFAULTS.maxRestarts,
  };
  const mistake = serviceMistake(system);
  if (mistake !== null) throw usage(...mistake);
  return system;
}

/** What is at odds within a service's settings, the flag and the remedy; `null` if nothing is. */
function serviceMistake(
  system: Omit<ServiceSystem, "kind">,
): readonly [what: string, flag: string, remedy: string] | null {
  if (system.measureCommand === null && system.prometheusUrl === null) {
    return ["nothing measures the service", "--service", "add --measure or --prometheus-url"];
  }
  if (system.readyUrl !== null && system.readyFile !== null) {
    return ["readiness has one sign", "--ready-file", "choose it or --ready-url"];
  }
  const ways = [system.reloadSignal !== null, system.reloadCommand !== null, system.reloadRestart];
  return ways.filter(Boolean).length > 1
    ? ["there is one way to reload", "--reload-…", "choose one of the three flags"]
    : null;
}

/**
 * Refuses settings of a real system in a run of the simulated one.
 *
 * @param request What is asked for.
 * @throws {SoakError} of kind `"usage"`, if there are any.
 */
export function refuseRealSettings(request: SystemRequest): void {
  refuseForeign(request, [], "a real system");
}

function refuseForeign(
  request: SystemRequest,
  own: readonly (keyof RealRequest)[],
  owner: string,
): void {
  const foreign = SETTINGS.find((name) => request[name] !== undefined && !own.includes(name));
  if (foreign === undefined) return;
  throw usage(`the flag is for ${owner}`, FLAG_OF[foreign], "leave it out");
}

/**
 * Refuses settings that contradict the recorded ones.
 *
 * @param spec The recorded system.
 * @param request What is asked for.
 * @throws {SoakError} of kind `"usage"`, naming the first contradiction.
 */
export function refuseContradiction(spec: SystemSpec, request: SystemRequest): void {
  const { kind } = request;
  if (kind !== undefined && kind !== spec.kind) {
    throw contradiction(`--${spec.kind}`, `--${kind}`, `--${kind}`);
  }
  const recorded: SystemRequest = spec.kind === "mock" ? { kind: "mock" } : spec;
  for (const name of SETTINGS) {
    const [asked, was] = [request[name], recorded[name] ?? null];
    if (asked === undefined || canonicalJson(asked) === canonicalJson(was)) continue;
    throw contradiction(shown(was), shown(asked), FLAG_OF[name]);
  }
}

function shown(value: unknown): string {
  if (value === null) return "none";
  return Array.isArray(value) ? value.join(" ") : String(value);
}

function contradiction(recorded: string, asked: string, flag: string): SoakError {
  return usage(
    `the run was started with ${recorded}, not ${asked}`,
    flag,
    "leave the flag out when resuming",
  );
}

function usage(what: string, where: string, remedy: string): SoakError {
  return new SoakError("usage", what, { where, remedy });
}

/** The `system` object of `SOAK_RUN.json`. */
export function systemToJson(spec: SystemSpec): JsonObject {
  if (spec.kind === "mock") {
    return {
      kind: spec.kind,
      fault: spec.fault === null ? null : { ...spec.fault },
      iteration_seconds: spec.iterationSeconds,
    };
  }
  return Object.fromEntries(
    Object.entries(spec).map(([name, value]) => [snakeCase(name), value]),
  );
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Reads the `system` object of `SOAK_RUN.json`; throws at the first field that is wrong. */
export function parseSystem(shape: Shape): SystemSpec {
  const kind = shape.object(["kind"], null).get("kind").oneOf(["mock", "exec", "service"]);
  if (kind === "mock") return parseMock(shape);
  const names = kind === "exec" ? EXEC_SETTINGS : SETTINGS;
  shape.object(["kind", ...names.map(snakeCase)]);
  const settings = parseSettings(shape);
  if (kind === "exec") return { kind, ...settings };
  const service = { ...settings, ...parseService(shape) };
  const mistake = serviceMistake(service);
  if (mistake !== null) throw shape.wrong(`settings that agree (${mistake[0]})`);
  return { kind, ...service };
}

function parseMock(shape: Shape): MockSystem {
  shape.object(["kind", "fault", "iteration_seconds"]);
  return {
    kind: "mock",
    fault: shape.get("fault").nullOr((fault) => {
      fault.object(["kind", "rate"]);
      const rate = fault.get("rate").number();
      if (!(rate > 0 && rate <= 1)) throw fault.get("rate").wrong("a rate above 0 and up to 1");
      return { kind: fault.get("kind").oneOf(FAULT_KINDS), rate };
    }),
    iterationSeconds: shape.get("iteration_seconds").integer(1),
  };
}

function parseSettings(shape: Shape): RealSettings {
  return {
    command: parseCommand(shape.get("command")),
    timeoutSeconds: seconds(shape.get("timeout_seconds")),
    graceSeconds: seconds(shape.get("grace_seconds")),
    pauseSeconds: seconds(shape.get("pause_seconds")),
    retries: shape.get("retries").integer(0),
    onError: shape.get("on_error").oneOf(ON_ERROR),
    prometheusUrl: shape.get("prometheus_url").nullOr((url) => url.string()),
  };
}

function parseService(shape: Shape): Omit<ServiceSystem, "kind" | keyof RealSettings> {
  const textOrNull = (name: string) => shape.get(name).nullOr((text) => text.string());
  return {
    intervalSeconds: seconds(shape.get("interval_seconds")),
    measureCommand: textOrNull("measure_command"),
    readyUrl: textOrNull("ready_url"),
    readyFile: textOrNull("ready_file"),
    readyTimeoutSeconds: seconds(shape.get("ready_timeout_seconds")),
    reloadSignal: shape.get("reload_signal").nullOr((signal) => signal.oneOf(RELOAD_SIGNALS)),
    reloadCommand: textOrNull("reload_command"),
    reloadRestart: shape.get("reload_restart").boolean(),
    maxRestarts: shape.get("max_restarts").integer(0),
  };
}

function seconds(shape: Shape): number {
  const value = shape.number();
  if (value < 0 || value > 1e6) throw shape.wrong("a number of seconds");
  return value;
}

function parseCommand(shape: Shape): string[] {
  const command = shape.items().map((word) => word.string());
  if (command[0] === undefined || command[0] === "") throw shape.wrong("a command to run");
  return command;
}
