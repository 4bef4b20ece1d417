import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { marketMaker } from "../../model/market_maker.ts";
import type { Profile } from "../../model/profile.ts";
import { verifyRun } from "../../proof/verify.ts";
import { runSoak } from "../../run/run.ts";
import { MIXED } from "../kit/mixed_profile.ts";
import { simulatedProfile } from "../kit/random_profile.ts";
import { memoryDir } from "../kit/temp_dir.ts";

/** Runs and verifies strictly; a run too short to propose anything is accepted. */
async function verify(
  seed: number,
  iterations: number,
  autoTune = true,
  profile: Profile = marketMaker,
): Promise<{ verdict: string; findings: readonly unknown[]; unproven: number }> {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await runSoak({ dir, iterations, autoTune, seed, profile });
  const result = await verifyRun(dir, { strict: true, allowNoDeltas: true });
  return { verdict: result.verdict, findings: result.findings, unproven: result.counts.unproven };
}

const HONEST = { verdict: "PASS", findings: [], unproven: 0 };

// scripts/no_false_alarm.ts sweeps over many more, and over runs of 2000 iterations.
for (const [seeds, iterations] of [[6, 12], [6, 24], [2, 100], [1, 400]] as const) {
  Deno.test(`honest runs raise no alarm: ${seeds} seeds at ${iterations} iterations`, async () => {
    for (let seed = 0; seed < seeds; seed++) {
      assertEquals(await verify(seed, iterations), HONEST, `seed ${seed}`);
    }
  });
}

Deno.test("honest runs of any seed and length raise no alarm, tuned or not", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      async (seed, iterations, autoTune) => {
        assertEquals(await verify(seed, iterations, autoTune), HONEST);
      },
    ),
    { seed: 17, numRuns: 20 },
  );
});

Deno.test("honest runs of any profile raise no alarm, whatever kinds its parameters are of", async () => {
  await fc.assert(
    fc.asyncProperty(
      simulatedProfile,
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 1, max: 30 }),
      async (profile, seed, iterations) => {
        assertEquals(await verify(seed, iterations, true, profile), HONEST);
      },
    ),
    { seed: 18, numRuns: 60 },
  );
});

Deno.test("a run that was interrupted at any point and resumed raises no alarm", async () => {
  for (let i = 2; i < 24; i++) {
    const at = Math.floor(i / 2);
    await using temp = await memoryDir();
    const dir = temp.file("run");
    const stop = new AbortController();
    await runSoak({
      dir,
      iterations: 12,
      autoTune: true,
      profile: i % 2 === 0 ? marketMaker : MIXED,
      signal: stop.signal,
      onIteration: ({ iteration }) => iteration === at && stop.abort(),
    });
    const before = await verifyRun(dir, { strict: true });
    const codes = Object.keys(before.findingCounts);
    assertEquals([before.verdict, codes], ["INCONCLUSIVE", ["run_incomplete"]], `at ${at}`);
    await runSoak({ dir, resume: true });
    const { verdict, findings } = await verifyRun(dir, { strict: true });
    assertEquals([verdict, findings], ["PASS", []], `resumed after ${at}`);
  }
});
