import { assert, assertEquals } from "@std/assert";
import { runGate } from "../../gate.ts";
import { getAllParams } from "../../model/params.ts";
import { FAULT_KINDS, type MockFault } from "../../model/system_spec.ts";
import { runSoak } from "../../run/run.ts";
import { type SummaryDraft, summaryName } from "../kit/forgery.ts";
import { tempDir } from "../kit/temp_dir.ts";

const ITERATIONS = 12;

/** Whether the system ran with anything but its runtime, told from the summaries alone. */
function struck(dir: string): boolean {
  for (let i = 1; i <= ITERATIONS; i++) {
    const text = Deno.readTextFileSync(`${dir}/${summaryName(i)}`);
    const { runtime_overrides, effective_params }: SummaryDraft = JSON.parse(text);
    const wanted = getAllParams(runtime_overrides);
    if (Object.entries(wanted).some(([key, value]) => effective_params[key] !== value)) return true;
  }
  return false;
}

/** Runs with a fault and gates strictly; returns whether the fault struck. */
async function check(seed: number, mockFault: MockFault): Promise<boolean> {
  await using temp = await tempDir();
  const dir = temp.file("run");
  await runSoak({ dir, iterations: ITERATIONS, autoTune: true, seed, mockFault });
  const { verdict, verification } = await runGate(dir, { strict: true });
  const found = (verification.findingCounts.effective_mismatch ?? 0) > 0;
  const hit = struck(dir);
  const wanted = { verdict: hit ? "FAIL" : "PASS", found: hit };
  assertEquals({ verdict, found }, wanted, `seed ${seed}, ${mockFault.kind}:${mockFault.rate}`);
  return hit;
}

for (const kind of FAULT_KINDS) {
  Deno.test(`the strict gate fails a run whose system has the fault ${kind}, if it struck`, async () => {
    const hits: boolean[] = [];
    for (let seed = 0; seed < 40; seed++) hits.push(await check(seed, { kind, rate: 0.3 }));
    const share = hits.filter(Boolean).length / hits.length;
    assert(share > 0.3, `it struck in ${share * 100} % of the runs`);
    assert(kind === "drift" || share < 1, "some run was spared");
  });

  Deno.test(`the fault ${kind} strikes every run at rate 1, and is found`, async () => {
    for (let seed = 0; seed < 10; seed++) assert(await check(seed, { kind, rate: 1 }));
  });
}
