// deno-lint-ignore-file no-console
import { parseArgs } from "@std/cli/parse-args";

/** Arguments of a task as `--name value`; complains and returns `null` if there is any other. */
export function readArguments<T extends string>(
  usage: string,
  names: readonly T[],
): Readonly<Partial<Record<T, string>>> | null {
  const all: readonly string[] = names;
  const unknown: string[] = [];
  const parsed: Readonly<Record<string, unknown>> = parseArgs(Deno.args, {
    string: all,
    unknown: (argument) => void unknown.push(argument),
  });
  const values: Partial<Record<T, string>> = {};
  for (const name of names) {
    const value = parsed[name];
    if (value === "") unknown.push(`--${name} without a value`);
    if (typeof value === "string") values[name] = value;
  }
  if (unknown.length === 0) return values;
  console.error(`no such argument: ${unknown.join(", ")}\nusage: ${usage}`);
  return null;
}
