/**
 * Builds the executables in `dist/`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import config from "../deno.json" with { type: "json" };

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

const USAGE = `Usage: deno task compile [--target TRIPLE]

Writes dist/soak-TRIPLE (.exe for Windows), for every target unless one is named:
${TARGETS.map((target) => `  ${target}`).join("\n")}

Each needs Deno's runtime stub for its target (denort), which is downloaded on first use.
With DENORT_BIN=/path/to/denort that file is the stub, and the target is this machine's
unless --target names another: a stub fits one target only.`;

/**
 * What an executable may do is what `deno task soak:real` may do. Commands that don't need all of
 * it give up the rest before they start.
 */
const PERMISSIONS = config.tasks["soak:real"].command.split(" ").filter((word) =>
  word.startsWith("--")
);

Deno.exit(await main());

async function main(): Promise<number> {
  const unknown: string[] = [];
  const args = parseArgs(Deno.args, {
    string: ["target"],
    boolean: ["help"],
    unknown: (arg) => unknown.push(arg),
  });
  if (args.help) {
    // deno-lint-ignore no-console
    console.log(USAGE);
    return 0;
  }
  if (unknown[0] !== undefined) return complain(`no such argument: ${unknown[0]}; see --help`, 2);
  if (args.target !== undefined && !TARGETS.includes(args.target)) {
    return complain(`no such target: "${args.target}"; choose from ${TARGETS.join(", ")}`, 2);
  }

  const stub = Deno.env.get("DENORT_BIN");
  const all = stub ? [Deno.build.target] : TARGETS;
  for (const target of args.target === undefined ? all : [args.target]) {
    const complaint = await compile(target, stub);
    if (complaint !== undefined) return complain(complaint, 1);
  }
  return 0;
}

function complain(text: string, exitCode: number): number {
  // deno-lint-ignore no-console
  console.error(`compile: ${text}`);
  return exitCode;
}

/** Builds one executable; returns what went wrong, if anything did. */
async function compile(target: string, stub: string | undefined): Promise<string | undefined> {
  const output = `dist/soak-${target}${target.includes("windows") ? ".exe" : ""}`;
  const { success, stderr } = await new Deno.Command("deno", {
    args: ["compile", ...PERMISSIONS, "--target", target, "--output", output, "main.ts"],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) {
    // deno-lint-ignore no-console
    console.log(output);
    return undefined;
  }
  const report = new TextDecoder().decode(stderr).split(/^Stack backtrace:/m, 1)[0]?.trim() ?? "";
  // A stub that was handed to us can also turn out to be one for another target.
  const atTheStub = stub ? /denort|base binary|binary bytes/ : /denort|base binary/;
  if (!atTheStub.test(report)) return `${target} failed:\n${report}`;

  // The innermost cause, the last of the numbered lines, is the one that a person can act on.
  const cause = report.match(/^\s+\d+: (.+)$/gm)?.at(-1)?.replace(/^\s+\d+: /, "") ?? "no cause";
  return stub
    ? `DENORT_BIN=${stub} cannot be the runtime stub for ${target} (${cause}); ` +
      `set it to the denort of Deno ${Deno.version.deno} for that target, or unset it`
    : `the runtime stub (denort) for ${target} could not be downloaded (${cause}); ` +
      `set DENORT_BIN=/path/to/denort with --target ${target}, ` +
      "or allow network access to Deno's download server";
}
