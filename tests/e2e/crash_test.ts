import { assert, assertEquals, assertMatch } from "@std/assert";
import { RUNTIME_FILE } from "../../record/artifacts.ts";
import { crashRuns } from "../kit/crash.ts";
import { posix } from "../kit/posix.ts";
import { PERMISSIONS, soak } from "../kit/soak_process.ts";
import { namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

const RUN = ["run", "--quiet", "--mock", "--auto-tune", "--iterations", "12"];

/**
 * Runs the command line until the system kills it: where it writes beyond the first `blocks` of 512
 * bytes of a file. Like a SIGKILL, that leaves it no time for anything.
 */
async function killedAtWrite(blocks: number, args: readonly string[]): Promise<void> {
  // The runtime's own cache would be written first.
  const permissions = [...PERMISSIONS, "--no-code-cache"];
  const under = ["sh", "-c", `ulimit -f ${blocks}; exec "$@"`, "sh"];
  assertEquals((await soak(args, { permissions, under })).signal, "SIGXFSZ");
}

/** The files in a folder that are not whole yet. */
function tempsIn(folder: string): string[] {
  return namesIn(folder).filter((name) => name.endsWith(".soak-tmp"));
}

Deno.test("runs that are killed at random moments end byte for byte like one left alone", {
  ignore: !posix,
}, async () => {
  const { kills, runs, differing } = await crashRuns({ kills: 12, seed: 7 });
  assertEquals({ kills, differing }, { kills: 12, differing: [] });
  assert(runs >= 4, `only ${runs} runs`);
});

Deno.test("a run that is killed between archiving the earlier one and its first write loses none", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  assertEquals((await soak([...RUN, "--seed", "5", "--out", dir])).code, 0);
  const earlier = textsIn(dir);
  await killedAtWrite(1, [...RUN, "--out", dir]);
  assertEquals(namesIn(parent.path), ["20250101T000000Z", "run", "run.lock"]);
  assertEquals(namesIn(dir), tempsIn(dir));
  const resumed = await soak(["run", "--resume", "--out", dir]);
  assertEquals(resumed.code, 2);
  assertMatch(resumed.stderr, /^soak: there is no run to resume .*; start one without --resume\n$/);
  assertEquals((await soak([...RUN, "--out", dir])).code, 0);
  assertEquals(namesIn(parent.path), ["20250101T000000Z", "run"]);
  const { [`${RUNTIME_FILE}.lock`]: _lock, ...archived } = textsIn(
    parent.file("20250101T000000Z"),
  );
  assertEquals(archived, earlier);
});

Deno.test("a run that is killed during its first write is started anew in the same place", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await killedAtWrite(1, [...RUN, "--out", dir]);
  const [temp = "", ...others] = namesIn(dir);
  assertMatch(temp, /^\.SOAK_RUN\.json\..*\.soak-tmp$/);
  assertEquals(others, []);
  assertEquals((await soak([...RUN, "--out", dir])).code, 0);
  assertEquals(namesIn(parent.path), ["run"]);
  assertEquals(namesIn(dir).filter((name) => name.startsWith(".")), []);
});

Deno.test("a killed `soak apply` leaves the old runtime, and is cleaned up after", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const path = parent.file(RUNTIME_FILE);
  const padding = "x".repeat(1024);
  const before = `{"engine":{"tail_age_ms":600},"note":"${padding}"}`;
  const after = `{"engine":{"tail_age_ms":630},"note":"${padding}"}`;
  const apply = ["apply", "--runtime", path, "tail_age_ms=630"];
  // The first write is that of the lock's holder, the first of more than a block the runtime's.
  for (const [blocks, temps] of [[0, 0], [1, 1]] as const) {
    await Deno.writeTextFile(path, before);
    await killedAtWrite(blocks, apply);
    assertEquals(await Deno.readTextFile(path), before);
    assert(namesIn(parent.path).includes(`${RUNTIME_FILE}.lock`));
    assertEquals(tempsIn(parent.path).length, temps);
    assertEquals((await soak(apply)).code, 0);
    assertEquals(await Deno.readTextFile(path), after);
    assertEquals(namesIn(parent.path), [RUNTIME_FILE]);
  }
});
