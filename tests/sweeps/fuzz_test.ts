import { assert } from "@std/assert";
import { fuzzTargets } from "../kit/fuzz.ts";
import { memoryDir } from "../kit/temp_dir.ts";

Deno.test("no input breaks a reader, and no changed run passes", async (t) => {
  await using folder = await memoryDir();
  for (const { name, runs, check } of await fuzzTargets(folder.path)) {
    await t.step(name, () => check({ seed: 4, numRuns: runs }));
  }
  const { heapUsed, external } = Deno.memoryUsage(); // this file's; others may run beside it
  assert(heapUsed + external < 2 ** 30, `${heapUsed + external} bytes in use`);
});
