/**
 * Renews what README.md and other pages show of their commands' output; with `--check` it only tells
 * whether that is still what they print.
 *
 * @module
 */

import { PAGES, renewed } from "../tests/kit/readme.ts";
import { inRepository } from "../tests/kit/repository.ts";

const check = Deno.args.includes("--check");
let wrong = false;
for (const page of PAGES) {
  const path = inRepository(page);
  const text = await Deno.readTextFile(path);
  const now = await renewed(text);
  if (!check) await Deno.writeTextFile(path, now);
  if (!check || now === text) continue;
  wrong = true;
  await Deno.stderr.write(new TextEncoder().encode(`${page} shows what is not printed\n`));
}
if (wrong) Deno.exit(1);
