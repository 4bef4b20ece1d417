/**
 * What a command line asks for, once it has been parsed and validated.
 *
 * @module
 */

import type { MockFault, SystemRequest, SystemSpec } from "../model/system_spec.ts";
import type { HelpTopic } from "./commands.ts";

/** `soak run`; with `--resume`, whatever is `undefined` is taken from the run. */
export type RunCommand =
  & {
    readonly command: "run";
    readonly dir: string;
    /** How many of the first iterations are not judged. */
    readonly warmup: number | undefined;
    /** Name of the profile's start values. */
    readonly start: string | undefined;
    readonly autoTune: true | undefined;
    readonly seed: number | undefined;
    readonly mockFault: MockFault | undefined;
    /** Name or file of the profile. */
    readonly profile: string | undefined;
    /** The runtime file to start from. */
    readonly runtimePath: string | undefined;
    readonly failFast: boolean;
    readonly quiet: boolean;
    readonly json: boolean;
  }
  & (
    | { readonly resume: false; readonly iterations: number; readonly system: SystemSpec }
    | {
      readonly resume: true;
      readonly iterations: number | undefined;
      /** Only what is given; it must not contradict the run. */
      readonly system: SystemRequest;
    }
  );

/** `soak verify`. */
export interface VerifyCommand {
  readonly command: "verify";
  readonly dir: string;
  readonly strict: boolean;
  /** Share of proposals that must be in full effect, in percent. */
  readonly thresholdPct: number;
  readonly allowNoDeltas: boolean;
  /** Name or file of the profile that the run must have been made under. */
  readonly profile: string | undefined;
  /** The iteration to explain, if one is to be. */
  readonly explain: number | undefined;
  /** The folder for the reports; the run directory if it is `undefined`. */
  readonly reportDir: string | undefined;
  readonly json: boolean;
}

/** `soak gate`. */
export interface GateCommand {
  readonly command: "gate";
  readonly dir: string;
  readonly strict: boolean;
  readonly prometheus: boolean;
  readonly allowNoDeltas: boolean;
  /** Name or file of the profile that the run must have been made under. */
  readonly profile: string | undefined;
  /** The folder for the reports; the run directory if it is `undefined`. */
  readonly reportDir: string | undefined;
  readonly json: boolean;
}

/** `soak replay`. */
export interface ReplayCommand {
  readonly command: "replay";
  readonly dir: string;
  readonly json: boolean;
}

/** `soak apply`. */
export interface ApplyCommand {
  readonly command: "apply";
  readonly runtimePath: string;
  /** Name or file of the profile. */
  readonly profile: string;
  /** Targets as texts, by key; never empty. */
  readonly targets: Readonly<Record<string, string>>;
  readonly json: boolean;
}

/** `soak hash`. */
export interface HashCommand {
  readonly command: "hash";
  /** Never empty. */
  readonly files: readonly string[];
}

/** `soak params`. */
export type ParamsCommand =
  & {
    readonly command: "params";
    /** Name or file of the profile. */
    readonly profile: string;
    readonly json: boolean;
  }
  & (
    | { readonly action: "list" }
    | { readonly action: "get"; readonly key: string; readonly runtimePath: string }
    | { readonly action: "validate"; readonly targets: Readonly<Record<string, string>> }
  );

/** `soak profile`. */
export type ProfileCommand =
  & { readonly command: "profile"; readonly json: boolean }
  & (
    | { readonly action: "init"; readonly file: string | undefined }
    | { readonly action: "show"; readonly profile: string }
    | { readonly action: "check"; readonly file: string }
    | { readonly action: "schema" }
  );

/** `soak help`, `--help` anywhere, or nothing at all. */
export interface HelpCommand {
  readonly command: "help";
  /** What the help is on; `undefined`: everything. */
  readonly topic: HelpTopic | undefined;
  /**
   * `false` when there were no arguments at all. That is a usage error that is answered with the
   * help: a script whose variable is empty must not pass.
   */
  readonly asked: boolean;
}

/** Everything that a command line can ask for. */
export type Command =
  | RunCommand
  | VerifyCommand
  | GateCommand
  | ReplayCommand
  | ApplyCommand
  | ParamsCommand
  | ProfileCommand
  | HashCommand
  | HelpCommand
  | { readonly command: "version" };
