/**
 * What a flag of a command is.
 *
 * @module
 */

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
  /** The value when it is not given. */
  readonly default?: string | number;
  /** Whether the command can't do without it. */
  readonly required?: boolean;
  /** Other names that people try. */
  readonly synonyms?: readonly string[];
  /** The heading that the help shows it under. */
  readonly group?: string;
}
