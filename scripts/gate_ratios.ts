/**
 * How long the gate takes, as ratios within one run: against the bare runtime printing one line,
 * and against a loop that only reads and parses each summary. And how its memory grows.
 *
 * @module
 */

import { join } from "@std/path";
import { runSoak } from "../run/run.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;
const READ = [
  "--allow-read",
  "--allow-write",
  "--allow-env=NO_COLOR,SOAK_DEBUG,SOURCE_DATE_EPOCH,TERM",
];

const LOOP = `
  const [dir, count] = Deno.args;
  for (let i = 1; i <= Number(count); i++) {
    JSON.parse(Deno.readTextFileSync(dir + "/ITER_SUMMARY_" + i + ".json"));
  }
`;

const MEMORY = `
  const { runGate } = await import(Deno.args[0]);
  const { verdict } = await runGate(Deno.args[1], { strict: true });
  if (verdict === "INCONCLUSIVE") throw new Error(verdict);
  gc();
  console.log(Deno.memoryUsage().heapUsed);
`;

async function runOnce(args: readonly string[]): Promise<{ ms: number; out: string }> {
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
  }).output();
  const ms = performance.now() - start;
  if (code > 1) throw new Error(new TextDecoder().decode(stderr));
  return { ms, out: new TextDecoder().decode(stdout) };
}

/** Median times of commands that are run in turn, so that a busy machine slows all of them. */
async function medians(
  commands: readonly (readonly string[])[],
  rounds: number,
): Promise<number[]> {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, command] of commands.entries()) {
      const { ms } = await runOnce(command);
      if (round > 0) times[i]?.push(ms);
    }
  }
  return times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN);
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

const folder = await Deno.makeTempDir({ prefix: "soak-bench-" });
try {
  const hello = join(folder, "hello.ts");
  const loop = join(folder, "loop.ts");
  const memory = join(folder, "memory.ts");
  await Deno.writeTextFile(hello, 'console.log("ready");');
  await Deno.writeTextFile(loop, LOOP);
  await Deno.writeTextFile(memory, MEMORY);
  const sizes = [24, 1000, 10_000];
  for (const iterations of sizes) {
    await runSoak({ dir: join(folder, String(iterations)), iterations, autoTune: true });
  }
  const gate = (iterations: number): string[] => [
    ...["run", ...READ, MAIN, "gate", "--strict", "--path", join(folder, String(iterations))],
  ];

  const [bare = NaN, small = NaN] = await medians([["run", hello], gate(24)], 15);
  say(`gate on 24 iterations: ${(small / bare).toFixed(2)} x the bare runtime printing one line`);
  const [parse = NaN, large = NaN] = await medians([
    ["run", ...READ, loop, join(folder, "10000"), "10000"],
    gate(10_000),
  ], 5);
  say(`gate on 10 000 iterations: ${(large / parse).toFixed(2)} x reading and parsing alone`);
  for (const iterations of sizes) {
    const { out } = await runOnce([
      ...["run", "--v8-flags=--expose-gc", ...READ, "--config", join(MAIN, "../deno.json"), memory],
      new URL("../gate.ts", import.meta.url).href,
      join(folder, String(iterations)),
    ]);
    say(`heap after the gate on ${iterations} iterations: ${(Number(out) / 1e6).toFixed(1)} MB`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
