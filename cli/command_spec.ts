/**
 * What the table of commands says of a command and of a flag.
 *
 * @module
 */

import type { SettingName } from "../model/system_spec.ts";

/** A flag of a command, as the parser reads it and the help shows it. */
export interface FlagSpec {
  /** Name without dashes. */
  readonly name: string;
  /** What its value is called; `null`: it takes none. */
  readonly placeholder: string | null;
  /** What it does, in one clause. */
  readonly description: string;
  /** For a number: the values allowed, and whether only whole ones are. */
  readonly range?: { readonly min: number; readonly max: number; readonly integer: boolean };
  /** For a word out of a few: which. */
  readonly choices?: readonly string[];
  /** Whether it may be given more than once, for a list. */
  readonly repeatable?: true;
  /** For text that is not taken as it is: what it stands for. */
  readonly reads?: "url" | "tcp" | "program";
  /** The setting of a real system that it asks for. */
  readonly setting?: SettingName;
  /** The value when it is not given. */
  readonly default?: string | number;
  /** Whether the command can't do without it. */
  readonly required?: boolean;
  /** Other names that people try. */
  readonly synonyms?: readonly string[];
  /** The heading that the help shows it under. */
  readonly group?: string;
}

/** A command, as the parser reads it and the help shows it. */
export interface CommandSpec {
  /** What it does, in one clause. */
  readonly summary: string;
  /** What it takes beside flags, as shown in its usage; empty: nothing. */
  readonly positionals: readonly string[];
  /** What its user should know, one paragraph each. */
  readonly details: readonly string[];
  /** Its flags. */
  readonly flags: readonly FlagSpec[];
  /** Command lines that show its use, and what each does. */
  readonly examples: readonly (readonly [command: string, effect: string])[];
  /** What exit codes mean here, where the general meaning leaves a question. */
  readonly exits?: Readonly<Record<number, string>>;
}
