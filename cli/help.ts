/**
 * `soak help` and `soak --version`.
 *
 * @module
 */

import { type Console, EXIT } from "./console.ts";
import { codesHelp } from "../proof/findings.ts";
import { helpText } from "./commands.ts";
import type { HelpCommand } from "./options.ts";
import { VERSION } from "../base/version.ts";

/** Shows help; without having been asked for it, the command line was wrong. */
export function commandHelp(command: HelpCommand, console: Console): number {
  const text = helpText(command.topic, codesHelp).trimEnd();
  if (command.asked) console.out(text);
  else console.err(text);
  return command.asked ? EXIT.passed : EXIT.usage;
}

/** Shows the version. */
export function commandVersion(console: Console): number {
  console.out(`soak ${VERSION}`);
  return EXIT.passed;
}
