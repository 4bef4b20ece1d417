import { assertEquals } from "@std/assert";
import { runGate } from "../../gate.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { getAllParams } from "../../model/params.ts";
import type { Profile } from "../../model/profile.ts";
import type { MockFault } from "../../model/system_spec.ts";
import { runSoak } from "../../run/run.ts";
import { type SummaryDraft, summaryName } from "./forgery.ts";
import { memoryDir } from "./temp_dir.ts";

const ITERATIONS = 12;

/**
 * Runs a system with a fault and fails unless the strict gate fails the run for it, or passes it if
 * the fault did not strike. Returns whether it struck.
 */
export async function gateFindsFault(
  seed: number,
  mockFault: MockFault,
  profile: Profile = marketMaker,
): Promise<boolean> {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await runSoak({ dir, iterations: ITERATIONS, autoTune: true, seed, mockFault, profile });
  const { verdict, verification } = await runGate(dir, { strict: true });
  const found = (verification.findingCounts.effective_mismatch ?? 0) > 0;
  const hit = struck(dir, profile);
  const wanted = { verdict: hit ? "FAIL" : "PASS", found: hit };
  assertEquals({ verdict, found }, wanted, `seed ${seed}, ${mockFault.kind}:${mockFault.rate}`);
  return hit;
}

/** Whether the system ran with anything but its runtime, told from the summaries alone. */
function struck(dir: string, { parameters }: Profile): boolean {
  for (let i = 1; i <= ITERATIONS; i++) {
    const text = Deno.readTextFileSync(`${dir}/${summaryName(i)}`);
    const { runtime_overrides, effective_params }: SummaryDraft = JSON.parse(text);
    const wanted = getAllParams(runtime_overrides, parameters);
    if (Object.entries(wanted).some(([key, value]) => effective_params[key] !== value)) return true;
  }
  return false;
}
