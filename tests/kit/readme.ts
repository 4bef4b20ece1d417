/**
 * Runs the commands that a page shows and puts what they print below them.
 *
 * In a block marked `console`, a line `$ soak …` is a command. All of them run in one fresh folder,
 * in order. Progress is left out, everything else that is printed stands in the page.
 *
 * @module
 */

import { soak } from "./soak_process.ts";

/** The pages whose outputs are renewed, each in a folder of its own. */
export const PAGES: readonly string[] = ["README.md", "docs/migrating.md"];

const PROGRESS = /^iteration \d+\/\d+: .*\n/gm;

/** The page with every command's output renewed. */
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
  if (program !== "soak") throw new Error(`the page shows a command that is not soak: ${command}`);
  const { code, stdout, stderr } = await soak(args, { cwd: folder });
  lastCode = code;
  return stdout + stderr.replaceAll(PROGRESS, "");
}

let lastCode = 0;
