/**
 * Which system a run drives: as it is asked for, completed with defaults, recorded and read back.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import type { JsonObject } from "../base/json_value.ts";
import type { Shape } from "../base/shape.ts";
import type { Profile } from "./profile.ts";

/** Names of the faults. */
export const FAULT_KINDS = ["ignore", "partial", "late", "drift", "clamp"] as const;

/** A way to misbehave and how often. */
export interface MockFault {
  /**
   * - `ignore`: a change is not taken;
   * - `partial`: only some keys of a change are taken;
   * - `late`: a change is taken one iteration later;
   * - `drift`: a value changes by itself;
   * - `clamp`: another value than the target is taken.
   */
  readonly kind: typeof FAULT_KINDS[number];
  /** Probability that it strikes a change (for `drift`: an iteration), above 0 up to 1. */
  readonly rate: number;
}

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
  /** Names of environment variables whose values are taken out of everything that is recorded. */
  readonly secretEnv: readonly string[];
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

/** How a setting of a real system is read from a record, and what it is when nobody asks for it. */
interface Setting<T> {
  readonly read: (shape: Shape) => T;
  readonly default: T;
  /** Whether a record leaves it out when it is the default. */
  readonly sparse?: true;
  /** Which numbers it may be, if it is one. */
  readonly range?: NumberRange;
}

/** Which numbers a setting may be, the ends included. */
export interface NumberRange {
  /** The smallest. */
  readonly min: number;
  /** The largest. */
  readonly max: number;
  /** Whether it is a whole number. */
  readonly integer: boolean;
}

type Settings<T> = { readonly [K in keyof T]: Setting<T[K]> };

function seconds(value: number, min = 0, max = 86_400): Setting<number> {
  const read = (shape: Shape): number => {
    const given = shape.number();
    if (given < min || given > max) throw shape.wrong(`seconds from ${min} to ${max}`);
    return given;
  };
  return { read, default: value, range: { min, max, integer: false } };
}

function count(value: number): Setting<number> {
  const [min, max] = [0, 1_000_000];
  const read = (shape: Shape): number => shape.integer(min, max);
  return { read, default: value, range: { min, max, integer: true } };
}

const fileOrNull: Setting<string | null> = {
  read: (shape) => shape.nullOr(readFileName),
  default: null,
};
const urlOrNull: Setting<string | null> = { read: (shape) => shape.nullOr(readUrl), default: null };

/** Settings of every real system, in the order in which a foreign one is looked for. */
const REAL_SETTINGS: Settings<RealSettings> = {
  command: { read: readCommand, default: [] },
  timeoutSeconds: seconds(300, 0.1),
  graceSeconds: seconds(5, 0, 3600),
  pauseSeconds: seconds(0),
  retries: count(0),
  onError: { read: (shape) => shape.oneOf(ON_ERROR), default: "stop" },
  prometheusUrl: urlOrNull,
  secretEnv: { read: readNames, default: [], sparse: true },
};

/** Settings that only a service has. */
const SERVICE_SETTINGS: Settings<Omit<ServiceSystem, "kind" | keyof RealSettings>> = {
  intervalSeconds: seconds(30),
  measureCommand: fileOrNull,
  readyUrl: urlOrNull,
  readyFile: fileOrNull,
  readyTimeoutSeconds: seconds(30, 0.1),
  reloadSignal: {
    read: (shape) => shape.nullOr((signal) => signal.oneOf(RELOAD_SIGNALS)),
    default: null,
  },
  reloadCommand: fileOrNull,
  reloadRestart: { read: (shape) => shape.boolean(), default: false },
  maxRestarts: count(3),
};

const ALL_SETTINGS: Settings<Omit<ServiceSystem, "kind">> = {
  ...REAL_SETTINGS,
  ...SERVICE_SETTINGS,
};

/** The name of a setting of a real system. */
export type SettingName = keyof RealRequest;

const isReal = (name: SettingName): boolean => Object.hasOwn(REAL_SETTINGS, name);
const SETTING_NAMES = Object.keys(ALL_SETTINGS) as readonly SettingName[];
const REAL_NAMES = SETTING_NAMES.filter(isReal);
const isSparse = (name: SettingName): boolean => ALL_SETTINGS[name].sparse === true;

/** A setting that a run may go on with under another value: it is about running it, no more. */
export type OperationalSetting =
  | "timeoutSeconds"
  | "graceSeconds"
  | "retries"
  | "readyTimeoutSeconds"
  | "maxRestarts";

/** Every such setting. */
export const OPERATIONAL_SETTINGS: readonly OperationalSetting[] = [
  "timeoutSeconds",
  "graceSeconds",
  "retries",
  "readyTimeoutSeconds",
  "maxRestarts",
];

const isOperational = (name: SettingName): boolean =>
  OPERATIONAL_SETTINGS.some((known) => known === name);

/** Reads a setting from a record. */
export function readSetting(name: SettingName, shape: Shape): ServiceSystem[SettingName] {
  return ALL_SETTINGS[name].read(shape);
}

/** The name of a setting in records. */
export function settingField(name: string): string {
  return snakeCase(name);
}

/** What a setting is when nobody asks for it. */
export function defaultOf(name: SettingName): ServiceSystem[SettingName] {
  return ALL_SETTINGS[name].default;
}

/** Which numbers a setting may be; `undefined` for one that is no number. */
export function rangeOf(name: SettingName): NumberRange | undefined {
  return ALL_SETTINGS[name].range;
}

/** Something that a run is asked for and can't be; whoever asked knows how it is spelt there. */
export class OptionError extends SoakError {
  /**
   * The option at fault: a name in `RunOptions`, that of a setting or of a kind of system, or
   * `reload` for the three ways to reload.
   */
  readonly option: string;

  /** Says what is wrong with an option. */
  constructor(what: string, option: string, remedy: string) {
    super("usage", what, { where: option, remedy });
    this.option = option;
  }
}

/** Seconds of virtual time that a simulated iteration takes. */
export const MOCK_ITERATION_SECONDS = 300;

/**
 * Completes what is asked for to all that is needed to drive the system; what is complete stays as
 * it is. Fails with an {@linkcode OptionError} if something is missing, or at odds with the kind or
 * with something else.
 */
export function completeSystem(request: SystemRequest, fault?: MockFault): SystemSpec {
  const { kind = "mock" } = request;
  if (kind === "mock") {
    refuseForeign(request, [], "a real system");
    return { kind, fault: fault ?? null, iterationSeconds: MOCK_ITERATION_SECONDS };
  }
  const [program = ""] = request.command ?? [];
  if (program === "") {
    throw new OptionError(
      `--${kind} needs a command`,
      "command",
      `soak run --${kind} … -- COMMAND`,
    );
  }
  refuseNames(request.secretEnv ?? []);
  refuseQuery(request.prometheusUrl ?? "");
  if (kind === "exec") {
    refuseForeign(request, REAL_NAMES, "a service");
    return { kind, ...completed(REAL_SETTINGS, request) };
  }
  const service: ServiceSystem = { kind, ...completed(ALL_SETTINGS, request) };
  const mistake = serviceMistake(service);
  if (mistake !== null) throw new OptionError(...mistake);
  return service;
}

function completed<T extends RealSettings>(settings: Settings<T>, request: SystemRequest): T {
  const names = Object.keys(settings) as (keyof T & SettingName)[];
  return Object.fromEntries(
    names.map((name) => [name, request[name] ?? settings[name].default]),
  ) as T;
}

/** What is at odds within a service's settings, which one, and the remedy; `null` if nothing is. */
function serviceMistake(
  system: Omit<ServiceSystem, "kind">,
): readonly [what: string, option: string, remedy: string] | null {
  if (system.measureCommand === null && system.prometheusUrl === null) {
    return ["nothing measures the service", "service", "add --measure or --prometheus-url"];
  }
  if (system.readyUrl !== null && system.readyFile !== null) {
    return ["readiness has one sign", "readyFile", "choose it or --ready-url"];
  }
  const ways = [system.reloadSignal !== null, system.reloadCommand !== null, system.reloadRestart];
  return ways.filter(Boolean).length > 1
    ? ["there is one way to reload", "reload…", "choose one of the three flags"]
    : null;
}

/** Refuses a server's URL to which no path can be added. */
function refuseQuery(url: string): void {
  if (!/[?#]/.test(url)) return;
  const remedy = "name the server alone, for example http://127.0.0.1:9090";
  throw new OptionError("the URL has a query or a fragment", "prometheusUrl", remedy);
}

/** The name of an environment variable. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Refuses what is no list of variables; what may be a value is not shown. */
function refuseNames(names: readonly string[]): void {
  if (names.some((name) => !VARIABLE.test(name))) {
    const remedy = "give its name alone; its value comes from the environment";
    throw new OptionError("not the name of an environment variable", "secretEnv", remedy);
  }
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return;
  throw new OptionError(`${twice} is given twice`, "secretEnv", "give it once");
}

/** Why a profile's values can't all be read from a system, and the remedy; `null` if they can. */
export function sourceMistake(
  system: RealSystem,
  { kpis, parameters }: Pick<Profile, "kpis" | "parameters">,
): readonly [what: string, remedy: string] | null {
  const queried = [...kpis, ...parameters].find(({ query }) => query !== undefined);
  if (system.prometheusUrl === null) {
    return queried === undefined
      ? null
      : [`the profile reads ${queried.key} from Prometheus`, "name it: --prometheus-url URL"];
  }
  if (queried === undefined) {
    return ["the profile has no query", "give a KPI one, or leave out --prometheus-url"];
  }
  const orphan = kpis.find(({ query }) => query === undefined);
  return orphan !== undefined && system.kind === "service" && system.measureCommand === null
    ? [`nothing measures ${orphan.key}`, "give it a query, or add --measure"]
    : null;
}

function refuseForeign(request: SystemRequest, own: readonly SettingName[], owner: string): void {
  const foreign = SETTING_NAMES.find((name) => request[name] !== undefined && !own.includes(name));
  if (foreign === undefined) return;
  throw new OptionError(`the flag is for ${owner}`, foreign, "leave it out");
}

/**
 * Refuses settings that contradict the recorded ones, naming the first. Those that a run may go on
 * with under other values are let pass, if a run of this kind has them.
 */
export function refuseContradiction(spec: SystemSpec, request: SystemRequest): void {
  const { kind } = request;
  refuseNames(request.secretEnv ?? []);
  if (kind !== undefined && kind !== spec.kind) {
    throw contradiction(`--${spec.kind}`, `--${kind}`, kind);
  }
  const recorded: SystemRequest = spec.kind === "mock" ? { kind: "mock" } : spec;
  for (const name of SETTING_NAMES) {
    const [asked, was] = [request[name], recorded[name] ?? null];
    if (asked === undefined || canonicalJson(asked) === canonicalJson(was)) continue;
    if (isOperational(name) && name in spec) continue;
    throw contradiction(shown(was), shown(asked), name);
  }
}

function shown(value: unknown): string {
  if (value === null) return "none";
  return Array.isArray(value) ? value.join(" ") || "none" : String(value);
}

/** The mistake of asking a run that goes on for something else than it was started with. */
export function contradiction(recorded: unknown, asked: unknown, option: string): OptionError {
  const what = `the run was started with ${recorded}, not ${asked}`;
  return new OptionError(what, option, "leave the flag out when resuming");
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
  const { kind, ...settings } = spec;
  const names = SETTING_NAMES.filter((name) => name in settings);
  const all: SystemRequest = spec;
  const told = names.filter((name) =>
    !isSparse(name) || canonicalJson(all[name]) !== canonicalJson(defaultOf(name))
  );
  return { kind, ...Object.fromEntries(told.map((name) => [snakeCase(name), all[name] ?? null])) };
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Reads the `system` object of `SOAK_RUN.json`; throws at the first field that is wrong. */
export function parseSystem(shape: Shape): SystemSpec {
  const kind = shape.object(["kind"], null).get("kind").oneOf(["mock", "exec", "service"]);
  if (kind === "mock") return parseMock(shape);
  const names = kind === "exec" ? REAL_NAMES : SETTING_NAMES;
  const sparse = names.filter(isSparse);
  const required = names.filter((name) => !isSparse(name));
  shape.object(["kind", ...required.map(snakeCase)], sparse.map(snakeCase));
  if (kind === "exec") return { kind, ...readAll(REAL_SETTINGS, shape) };
  const service = readAll(ALL_SETTINGS, shape);
  const mistake = serviceMistake(service);
  if (mistake !== null) throw shape.wrong(`settings that agree (${mistake[0]})`);
  return { kind, ...service };
}

function readAll<T>(settings: Settings<T>, shape: Shape): T {
  const names = Object.keys(settings) as (keyof T & string)[];
  return Object.fromEntries(
    names.map((name) => {
      const field = snakeCase(name);
      const { read, default: value } = settings[name];
      return [name, shape.has(field) ? read(shape.get(field)) : value];
    }),
  ) as T;
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

function readCommand(shape: Shape): string[] {
  const [program, ...rest] = shape.items();
  if (program === undefined) throw shape.wrong("a command to run");
  return [readFileName(program), ...rest.map(readWord)];
}

function readFileName(shape: Shape): string {
  const name = readWord(shape);
  if (name === "") throw shape.wrong("the name of a file");
  return name;
}

/** What can be handed to a program. */
function readWord(shape: Shape): string {
  const word = shape.string();
  if (word.includes("\0")) throw shape.wrong("text without a NUL character");
  return word;
}

function readUrl(shape: Shape): string {
  const url = shape.string();
  if (webAddressMistake(url) !== null) throw shape.wrong("the URL of a web server");
  return url;
}

/** Why text is no address of a web server that may be recorded; `null` if it is one. */
export function webAddressMistake(text: string): "address" | "password" | null {
  const parsed = URL.parse(text);
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) return "address";
  return parsed.username !== "" || parsed.password !== "" ? "password" : null;
}

function readNames(shape: Shape): string[] {
  const names = shape.items().map((name) => name.string());
  const right = names.every((name, i) => VARIABLE.test(name) && names.indexOf(name) === i);
  if (!right) throw shape.wrong("names of environment variables");
  return names;
}
