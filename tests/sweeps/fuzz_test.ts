import { assert } from "@std/assert";
import { fuzzTargets } from "../kit/fuzz.ts";
import { tempDir } from "../kit/temp_dir.ts";

Deno.test("no input breaks a reader, and no changed run passes", async (t) => {
  await using folder = await tempDir();
  for (const { name, runs, check } of await fuzzTargets(folder.path)) {
    await t.step(name, () => check({ seed: 4, numRuns: runs }));
  }
  const { rss } = Deno.memoryUsage();
  assert(rss < 1.5 * 2 ** 30, `${rss} bytes in use`);
});
