/**
 * Verifies that honest runs give no finding: seeds 0 to 199 at 12, 24 and 100 iterations and
 * ten seeds at 2000, or whatever is given as `SEEDS×ITERATIONS`, for example `50x24`.
 *
 * Run it with `deno run -A scripts/no_false_alarm.ts`.
 *
 * @module
 */

import { join } from "@std/path/join";
import { verifyRun } from "../proof/verify.ts";
import { runSoak } from "../run/run.ts";

const FULL_SWEEP = ["200x12", "200x24", "200x100", "10x2000"];

/** Runs and verifies; returns what is wrong, in one line, or `null`. */
async function alarmOf(parent: string, seed: number, iterations: number): Promise<string | null> {
  const dir = join(parent, `${seed}-${iterations}`);
  await runSoak({ dir, iterations, autoTune: true, seed });
  const { verdict, reason, findings } = await verifyRun(dir, { strict: true });
  await Deno.remove(dir, { recursive: true });
  const [first] = findings;
  if (verdict === "PASS" && first === undefined) return null;
  return `${verdict}: ${reason}` +
    (first === undefined ? "" : ` (${first.file}: ${first.code}, ${first.message})`);
}

/** Sweeps over seeds at one length; returns how many runs raised an alarm. */
async function sweep(parent: string, seeds: number, iterations: number): Promise<number> {
  let alarms = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const alarm = await alarmOf(parent, seed, iterations);
    if (alarm === null) continue;
    alarms++;
    write(`seed ${seed}, ${iterations} iterations: ${alarm}`);
  }
  write(`${seeds} seeds at ${iterations} iterations: ${alarms} false alarms`);
  return alarms;
}

function write(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Parts of the sweep, each `SEEDSxITERATIONS`; `null` if one is something else. */
function partsOf(args: readonly string[]): readonly (readonly [number, number])[] | null {
  const parts = args.map((part) => /^(\d{1,6})x([1-9]\d{0,5})$/.exec(part));
  if (parts.some((part) => part === null)) return null;
  return parts.map((part) => [Number(part?.[1]), Number(part?.[2])] as const);
}

if (import.meta.main) {
  const parts = partsOf(Deno.args.length > 0 ? Deno.args : FULL_SWEEP);
  if (parts === null) {
    write("usage: no_false_alarm.ts [SEEDSxITERATIONS …], for example 100x24");
    Deno.exit(2);
  }
  const parent = await Deno.makeTempDir({ prefix: "soak-sweep-" });
  let alarms = 0;
  try {
    for (const [seeds, iterations] of parts) {
      alarms += await sweep(parent, seeds, iterations);
    }
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
  Deno.exit(alarms === 0 ? 0 : 1);
}
