// deno-lint-ignore-file no-console
/**
 * Kills real runs at many random moments, and as many as they start a program of a real system:
 * `deno task crash [--kills N] [--seed S]`.
 *
 * @module
 */

import { crashRuns } from "../tests/kit/crash.ts";
import { killsAtStart } from "../tests/kit/kills.ts";
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
  const left = await killsAtStart(kills, 200);
  for (const kill of left) console.log(`${kill}: left something running`);
  console.log(`${kills} killed as they started a program; ${left.length} left something running`);
  return same === result.runs && left.length === 0 ? 0 : 1;
}

Deno.exit(await main());
