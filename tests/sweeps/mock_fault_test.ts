import { assert } from "@std/assert";
import { marketMaker } from "../../model/market_maker.ts";
import { FAULT_KINDS } from "../../model/system_spec.ts";
import { gateFindsFault } from "../kit/fault_runs.ts";
import { MIXED } from "../kit/mixed_profile.ts";

// scripts/no_missed_fault.ts sweeps over many more.
for (const kind of FAULT_KINDS) {
  Deno.test(`the strict gate fails a run whose system has the fault ${kind}, if it struck`, async () => {
    const hits: boolean[] = [];
    for (let seed = 0; seed < 6; seed++) hits.push(await gateFindsFault(seed, { kind, rate: 0.3 }));
    const share = hits.filter(Boolean).length / hits.length;
    assert(share > 0.3, `it struck in ${share * 100} % of the runs`);
    assert(kind === "drift" || share < 1, "some run was spared");
  });

  Deno.test(`the fault ${kind} strikes every run at rate 1, and is found`, async () => {
    for (let seed = 0; seed < 2; seed++) {
      for (const profile of [marketMaker, MIXED]) {
        assert(await gateFindsFault(seed, { kind, rate: 1 }, profile));
      }
    }
  });
}
