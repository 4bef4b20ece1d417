import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { runGate } from "../../gate.ts";
import type { BooleanParameter, EnumParameter, Profile } from "../../model/profile.ts";
import type { SystemRequest } from "../../model/system_spec.ts";
import { verifyRun } from "../../proof/verify.ts";
import { readSummary } from "../../record/artifacts.ts";
import { parseOutput, readOutput, wantedFrom } from "../../system/measurement.ts";
import { readQueries } from "../../system/promql.ts";
import { secretsOf } from "../../system/secrets.ts";
import { posix } from "../kit/posix.ts";
import { type Bench, bench, TINY } from "../kit/real_system.ts";

const CACHE: BooleanParameter = {
  key: "cache",
  path: "cache.on",
  kind: "boolean",
  default: false,
  description: "Whether there is a cache.",
};

const POLICY: EnumParameter = {
  key: "policy",
  path: "cache.policy",
  kind: "enum",
  values: ["none", "lru", "lfu"],
  default: "none",
  description: "What the cache forgets first.",
};

const BLOCK: EnumParameter = {
  key: "block",
  path: "block",
  kind: "enum",
  values: [512, 4096, 65536],
  unit: "bytes",
  default: 512,
  description: "Size of a block.",
};

/** A system that needs its cache, the second policy and the largest blocks. */
const CACHED: Profile = {
  ...TINY,
  parameters: [CACHE, POLICY, BLOCK],
  rules: [{
    name: "dear",
    protection: 0,
    when: [{ kpi: "cost", op: ">", value: 10 }],
    then: [
      { param: "cache", add: 1 },
      { param: "policy", add: 1, limit: "lru" },
      { param: "block", add: 1 },
    ],
  }],
};

const READ = [
  `cache=$(sed 's/.*"on":\\([a-z]*\\).*/\\1/' "$SOAK_RUNTIME")`,
  `policy=$(sed 's/.*"policy":"\\([a-z]*\\)".*/\\1/' "$SOAK_RUNTIME")`,
  `block=$(sed 's/.*"block":\\([0-9]*\\).*/\\1/' "$SOAK_RUNTIME")`,
  `cost=30`,
  `[ $cache = true ] && cost=$((cost - 5))`,
  `[ $policy = lru ] && cost=$((cost - 5))`,
  `[ $block = 65536 ] && cost=$((cost - 12))`,
].join("\n");

const REPORT = `printf '{"kpis":{"cost":%s},"effective_params":{"cache":%s,"policy":"%s",` +
  `"block":%s}}' $cost $cache $policy $block > "$SOAK_OUTPUT"`;

function exec(b: Bench, ...lines: readonly string[]): SystemRequest {
  return { kind: "exec", command: [b.script("measure", lines.join("\n"))] };
}

Deno.test("a real system's switch and lists are tuned to a passing strict gate", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  await b.run(exec(b, READ, REPORT), { profile: CACHED, iterations: 8 });
  const [first, second] = [await readSummary(b.dir, 1), await readSummary(b.dir, 2)];
  const { effectiveParams, tuning } = first.record;
  assertEquals(effectiveParams, { cache: false, policy: "none", block: 512 });
  assertEquals(tuning.deltas, { cache: true, policy: "lru", block: 4096 });
  assertEquals(second.record.effectiveParams, tuning.deltas);
  assertEquals(second.record.runtime, { cache: { on: true, policy: "lru" }, block: 4096 });
  assertEquals(second.record.tuning.deltas, { block: 65536 });
  const { verdict, verification } = await runGate(b.dir, { strict: true });
  assertEquals([verdict, verification.findings], ["PASS", []]);
});

Deno.test("what a real system keeps of its switch and lists is proven", {
  ignore: !posix,
}, async () => {
  const cases = [
    ["cache=false", "the system ran with cache false instead of true"],
    ["policy=lfu", 'policy "lfu" instead of "lru"'],
    ["policy=fifo", 'policy "fifo" instead of "lru"'],
    ["block=1024", "block 1024 instead of 65536"],
  ] as const;
  for (const [line, says] of cases) {
    await using b = await bench();
    const system = exec(b, READ, `[ $SOAK_ITERATION = 3 ] && ${line}`, REPORT);
    await b.run(system, { profile: CACHED, iterations: 4 });
    const { verdict, findings } = await verifyRun(b.dir, { strict: true });
    assertEquals([verdict, findings.map(({ code }) => code)], ["FAIL", ["effective_mismatch"]]);
    assertStringIncludes(findings[0]?.message ?? "", says);
  }
});

Deno.test("a value of the wrong kind is no measurement", { ignore: !posix }, async () => {
  await using b = await bench();
  const system = exec(b, READ, "cache=1", REPORT);
  const error = await assertRejects(() => b.run(system, { profile: CACHED }), SoakError);
  assertEquals(error.kind, "system");
  assertStringIncludes(
    error.message,
    "SOAK_OUTPUT: $.effective_params.cache: expected true or false, found 1",
  );
});

Deno.test("parseOutput() takes values of each parameter's kind, and names the first that is not", () => {
  const wanted = wantedFrom(CACHED, false);
  const read = (effective_params: Record<string, unknown>) =>
    parseOutput(JSON.parse(JSON.stringify({ kpis: { cost: 1 }, effective_params })), wanted)
      .effectiveParams;
  for (
    const values of [
      { cache: true, policy: "lfu", block: 65536 },
      { policy: "one that nobody knows", block: 1.5 },
      {},
    ]
  ) assertEquals(read(values), values);
  const cases = [
    [{ cache: "true" }, 'cache: expected true or false, found "true"'],
    [{ cache: 0 }, "cache: expected true or false, found 0"],
    [{ cache: null }, "cache: expected true or false, found null"],
    [{ policy: 1 }, 'policy: expected one of "none", "lru", "lfu", found 1'],
    [{ policy: true }, "found true"],
    [{ policy: ["lru"] }, 'found ["lru"]'],
    [{ policy: "" }, 'found ""'],
    [{ policy: "a\u001b[2J" }, 'found "a\\u001b[2J"'],
    [{ policy: "x".repeat(101) }, 'found "xxx'],
    [{ block: "512" }, 'block: expected one of 512, 4096, 65536, found "512"'],
  ] as const;
  for (const [values, says] of cases) {
    const error = catchError(() => read(values));
    assertStringIncludes(error.message, `SOAK_OUTPUT: $.effective_params.`);
    assertStringIncludes(error.message, says);
  }
});

function catchError(call: () => unknown): SoakError {
  try {
    call();
  } catch (error) {
    if (error instanceof SoakError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("a secret in a reported text is not recorded", async () => {
  await using b = await bench();
  const path = b.file("output");
  const text = '{"kpis":{"cost":1},"effective_params":{"cache":true,"policy":"key hunter2"}}';
  Deno.writeTextFileSync(path, text);
  const secrets = secretsOf([["TOKEN", "hunter2"]]);
  const { effectiveParams } = readOutput(path, wantedFrom(CACHED, false), secrets);
  assertEquals(effectiveParams, { cache: true, policy: "key [TOKEN]" });
});

const QUERIED: Profile = {
  ...CACHED,
  parameters: [{ ...CACHE, query: "cache_on" }, POLICY, { ...BLOCK, query: "block_size" }],
};

async function queried(values: Readonly<Record<string, number>>): Promise<unknown> {
  const port = Promise.withResolvers<number>();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: (address) => port.resolve(address.port),
  }, async (request) => {
    const query = String((await request.formData()).get("query"));
    const result = [1.5, String(values[query])];
    return Response.json({ status: "success", data: { resultType: "scalar", result } });
  });
  try {
    const options = { url: `http://127.0.0.1:${await port.promise}`, timeoutSeconds: 30 };
    return (await readQueries(QUERIED, 60, options)).effectiveParams;
  } finally {
    await server.shutdown();
  }
}

Deno.test("from Prometheus, 0 and 1 are a switch's false and true, and numbers a list's values", async () => {
  assertEquals(await queried({ cache_on: 1, block_size: 4096 }), { cache: true, block: 4096 });
  assertEquals(await queried({ cache_on: 0, block_size: 7 }), { cache: false, block: 7 });
  const error = await assertRejects(() => queried({ cache_on: 0.5, block_size: 1 }), SoakError);
  assertEquals(
    error.what,
    "parameter cache: the value is 0.5, and only 0 is false and 1 is true (query: cache_on)",
  );
});
