/**
 * Verifies that the strict gate fails every run whose system has a fault that struck, and passes the
 * others: each kind of fault at rates of 0.1, 0.3 and 1, with seeds 0 to 199 or as many as are given.
 *
 * Run it with `deno run -A scripts/no_missed_fault.ts [SEEDS]`.
 *
 * @module
 */

import { FAULT_KINDS } from "../model/system_spec.ts";
import { gateFindsFault } from "../tests/kit/fault_runs.ts";

function write(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function main([seeds = "200", ...others]: readonly string[]): Promise<number> {
  if (!/^[1-9]\d*$/.test(seeds) || others.length > 0) {
    write("usage: deno run -A scripts/no_missed_fault.ts [SEEDS]");
    return 2;
  }
  let missed = 0;
  for (const kind of FAULT_KINDS) {
    for (const rate of [0.1, 0.3, 1]) {
      let struck = 0;
      for (let seed = 0; seed < Number(seeds); seed++) {
        try {
          if (await gateFindsFault(seed, { kind, rate })) struck++;
        } catch (error) {
          missed++;
          write(error instanceof Error ? error.message : String(error));
        }
      }
      write(`${kind}:${rate}: struck ${struck} of ${seeds} runs`);
    }
  }
  write(`${missed} judged wrongly`);
  return missed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
