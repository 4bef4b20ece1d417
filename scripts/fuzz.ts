// deno-lint-ignore-file no-console
/**
 * Feeds random and mutated input to every reader until it is stopped or one breaks:
 * `deno task fuzz [--seconds N] [--seed S]`.
 *
 * @module
 */

import { fuzzTargets } from "../tests/kit/fuzz.ts";
import { readArguments } from "./arguments.ts";

const USAGE = "deno task fuzz [--seconds N] [--seed S]";

/** More memory in use than this, and something grows that should not. */
const MAX_BYTES = 2 * 2 ** 30;

async function main(): Promise<number> {
  const args = readArguments(USAGE, ["seconds", "seed"]);
  if (args === null) return 2;
  const seconds = Number(args.seconds ?? Infinity);
  let seed = Number(args.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
    console.error(`usage: ${USAGE}`);
    return 2;
  }
  const folder = await Deno.makeTempDir({ prefix: "soak fuzz " });
  const endMs = performance.now() + seconds * 1000;
  let cases = 0;
  try {
    const targets = await fuzzTargets(folder);
    for (; performance.now() < endMs; seed++) {
      for (const { name, runs, check } of targets) {
        try {
          await check({ seed, numRuns: runs });
        } catch (error) {
          console.log(`seed ${seed}, ${name}: ${error instanceof Error ? error.message : error}`);
          return 1;
        }
        cases += runs;
      }
      const { rss } = Deno.memoryUsage();
      console.log(`seed ${seed}: ${cases} cases, ${Math.round(rss / 2 ** 20)} MiB in use`);
      if (rss > MAX_BYTES) return 1;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main());
