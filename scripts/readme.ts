/**
 * Runs the commands that README.md shows and puts what they print below them; with `--check` it
 * only tells whether the two agree.
 *
 * In a block marked `console`, a line `$ soak …` is a command. All of them run in one fresh folder,
 * in order. Progress is left out, everything else that is printed stands in the README.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import config from "../deno.json" with { type: "json" };

const README = fromFileUrl(new URL("../README.md", import.meta.url));
const MAIN = fromFileUrl(new URL("../main.ts", import.meta.url));
const PERMISSIONS = config.tasks.soak.command.split(" ").filter((word) => word.startsWith("--"));
const PROGRESS = /^iteration \d+\/\d+: .*\n/gm;

/**
 * The README with every command's output renewed.
 *
 * @param text The README.
 * @returns The same, with what the commands print now.
 */
export async function renewed(text: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "soak-readme-" });
  try {
    const parts = text.split(/^(```console\n[\s\S]*?^```\n)/m);
    let result = "";
    for (const part of parts) {
      result += part.startsWith("```console\n") ? await renewBlock(part, folder) : part;
    }
    return result;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function renewBlock(block: string, folder: string): Promise<string> {
  const commands = [...block.matchAll(/^\$ (.*)$/gm)].map(([, command = ""]) => command);
  let result = "```console\n";
  for (const command of commands) result += `$ ${command}\n${await printed(command, folder)}`;
  return `${result}\`\`\`\n`;
}

async function printed(command: string, folder: string): Promise<string> {
  if (command === "echo $?") return `${lastCode}\n`;
  const [program, ...args] = command.split(" ");
  if (program !== "soak") throw new Error(`README shows a command that is not soak: ${command}`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", ...PERMISSIONS, MAIN, ...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  lastCode = code;
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr).replaceAll(PROGRESS, "");
}

let lastCode = 0;

if (import.meta.main) {
  const text = await Deno.readTextFile(README);
  const now = await renewed(text);
  const check = Deno.args.includes("--check");
  if (!check) await Deno.writeTextFile(README, now);
  if (check && now !== text) {
    await Deno.stderr.write(new TextEncoder().encode("README.md shows what is not printed\n"));
    Deno.exit(1);
  }
}
