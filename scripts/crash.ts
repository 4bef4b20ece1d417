// deno-lint-ignore-file no-console
/**
 * Kills real runs at many random moments: `deno task crash [--kills N] [--seed S]`.
 *
 * @module
 */

import { crashRuns } from "../tests/kit/crash.ts";
import { readArguments } from "./arguments.ts";

const USAGE = "deno task crash [--kills N] [--seed S]";

async function main(): Promise<number> {
  const args = readArguments(USAGE, ["kills", "seed"]);
  if (args === null) return 2;
  const kills = Number(args.kills ?? 200);
  const seed = Number(args.seed ?? 1);
  if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
    console.error(`usage: ${USAGE}`);
    return 2;
  }
  const result = await crashRuns({
    kills,
    seed,
    onKill: (done) => done % 20 === 0 && console.error(`${done} of ${kills} killed`),
  });
  for (const [state, count] of Object.entries(result.left).sort(([, a], [, b]) => b - a)) {
    console.log(`${String(count).padStart(5)}  left ${state}`);
  }
  for (const difference of result.differing) console.log(difference);
  const same = result.runs - result.differing.length;
  console.log(`${result.kills} killed; ${same} of ${result.runs} runs ended byte for byte alike`);
  return same === result.runs ? 0 : 1;
}

Deno.exit(await main());
