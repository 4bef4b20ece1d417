/**
 * `soak hash`.
 *
 * @module
 */

import { type Console, EXIT } from "./console.ts";
import { SoakError } from "../base/errors.ts";
import { sha256Hex } from "../base/json.ts";
import type { Command } from "./options.ts";
import { readRegularFile } from "../base/read_file.ts";

/** Prints state hashes as sha256sum does. */
export async function commandHash(
  command: Command & { readonly command: "hash" },
  console: Console,
): Promise<number> {
  let code: number = EXIT.passed;
  for (const file of command.files) {
    try {
      console.out(sha256Line(await sha256Hex(await readRegularFile(file)), file));
    } catch (error) {
      if (!(error instanceof SoakError)) throw error;
      console.err(`soak: ${error.message}`);
      code = error.kind === "system" ? EXIT.unable : EXIT.inconclusive;
    }
  }
  return code;
}

/** A line of `sha256sum`: names with a backslash or a line feed are escaped and marked. */
function sha256Line(hash: string, file: string): string {
  if (!/[\\\n\r]/.test(file)) return `${hash}  ${file}`;
  const escaped = file.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `\\${hash}  ${escaped}`;
}
