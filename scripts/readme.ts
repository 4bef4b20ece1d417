/**
 * Renews what README.md shows of its commands' output; with `--check` it only tells whether that
 * is still what they print.
 *
 * @module
 */

import { renewed } from "../tests/kit/readme.ts";
import { inRepository } from "../tests/kit/repository.ts";

const README = inRepository("README.md");

const text = await Deno.readTextFile(README);
const now = await renewed(text);
const check = Deno.args.includes("--check");
if (!check) await Deno.writeTextFile(README, now);
if (check && now !== text) {
  await Deno.stderr.write(new TextEncoder().encode("README.md shows what is not printed\n"));
  Deno.exit(1);
}
