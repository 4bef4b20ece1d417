import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { marketMaker } from "../../model/market_maker.ts";
import { FINDING_CODES } from "../../proof/findings.ts";
import { verifyRun } from "../../proof/verify.ts";
import { Forgery, honestRun } from "../kit/forgery.ts";
import { MIXED } from "../kit/mixed_profile.ts";
import { type Mutation, VALUE_MUTATIONS } from "../kit/mutations.ts";
import { CLAIM_MUTATIONS } from "../kit/mutations_claims.ts";
import { FILE_MUTATIONS } from "../kit/mutations_files.ts";
import { FORGERIES } from "../kit/mutations_forged.ts";
import { KIND_MUTATIONS } from "../kit/mutations_kinds.ts";
import { REAL_MUTATIONS } from "../kit/mutations_real.ts";
import { RUN_MUTATIONS } from "../kit/mutations_run.ts";
import { SETTINGS_MUTATIONS } from "../kit/mutations_settings.ts";
import { memoryDir } from "../kit/temp_dir.ts";

const SEEDS = [0, 7, 42];
const [SHORT, LONG] = [12, 40] as const;
const MUTATIONS: readonly Mutation[] = [
  ...VALUE_MUTATIONS,
  ...CLAIM_MUTATIONS,
  ...RUN_MUTATIONS,
  ...FILE_MUTATIONS,
  ...FORGERIES,
  ...REAL_MUTATIONS,
  ...KIND_MUTATIONS,
  ...SETTINGS_MUTATIONS,
];

async function check(mutation: Mutation, seed: number, iterations: number): Promise<void> {
  const profile = KIND_MUTATIONS.includes(mutation) ? MIXED : marketMaker;
  const files = await honestRun(seed, iterations, profile);
  const run = new Forgery(files, iterations, profile);
  await mutation.apply(run);
  const changed = JSON.stringify([run.files, run.folders, run.bytes]);
  assertNotEquals(changed, JSON.stringify([files, [], {}]), "the mutation changed nothing");

  await using temp = await memoryDir();
  const dir = temp.file("run");
  run.write(dir);
  const { verdict, findingCounts, findingClasses, counts } = await verifyRun(dir, { strict: true });
  assert(counts.fail === 0 || findingClasses.proof > 0, "a failed proposal without a finding");
  const found = Object.keys(findingCounts);
  const missed = mutation.codes.filter((code) => !found.includes(code));
  const what = `seed ${seed}, ${iterations} iterations, found ${found.join(", ") || "nothing"}`;
  assertEquals({ missed, verdict }, { missed: [], verdict: mutation.verdict }, what);
}

for (const [i, mutation] of MUTATIONS.entries()) {
  Deno.test(`strict verification detects: ${mutation.name}`, async () => {
    for (const seed of SEEDS) await check(mutation, seed, SHORT);
    await check(mutation, SEEDS[i % SEEDS.length] ?? 0, LONG);
  });
}

Deno.test("the catalogue of mutations has no name twice and more than enough of them", () => {
  const names = MUTATIONS.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  assert(names.length >= 100, `${names.length}`);
});

Deno.test("every code is what some mutation is found by, but for those of other kinds of run", () => {
  const covered = new Set(MUTATIONS.flatMap(({ codes }) => codes));
  const elsewhere = FINDING_CODES.filter((code) => !covered.has(code));
  assertEquals(elsewhere, [
    "hash_missing",
    "profile_unexpected",
    "state_chain_broken",
    "increments_stored",
  ]);
});

Deno.test("the runs that are mutated are honest: verified strictly, with skips of two kinds", async () => {
  for (const seed of SEEDS) {
    for (const iterations of [SHORT, LONG]) {
      for (const profile of [marketMaker, MIXED]) {
        await using temp = await memoryDir();
        const dir = temp.file("run");
        const files = await honestRun(seed, iterations, profile);
        const run = new Forgery(files, iterations, profile);
        run.write(dir);
        assert(run.skipped("cooldown") > 0 && run.skipped("freeze") > 0);
        const { verdict, findings } = await verifyRun(dir, { strict: true });
        assertEquals({ verdict, findings }, { verdict: "PASS", findings: [] });
      }
    }
  }
});

Deno.test("re-making everything without a change leaves an honest run as it is", async () => {
  for (const profile of [marketMaker, MIXED]) {
    const files = await honestRun(7, 40, profile);
    const run = new Forgery(files, 40, profile);
    await run.restate();
    await run.resign();
    assertEquals(run.files, files);
  }
});
