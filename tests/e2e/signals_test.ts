import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { acquireLock } from "../../base/lock.ts";
import { sleep } from "../../base/wait.ts";
import { RUN_FILE, RUNTIME_FILE, summaryFile } from "../../record/artifacts.ts";
import { runSoak } from "../../run/run.ts";
import { isOpened, makeFifo, posix } from "../kit/posix.ts";
import { type Cli, exists, startCli, until } from "../kit/real_system.ts";
import { type Ended, ended, MAIN, PERMISSIONS, soak, spawnSoak } from "../kit/soak_process.ts";
import { namesIn, type TempDir, tempDir, textsIn } from "../kit/temp_dir.ts";

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** As many iterations as a run may have. */
const LONG = 1e9;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Without auto-tune an iteration makes synchronous calls only, so that nothing lets signals in
  // unless the loop does. Nobody waits for the end of so long a run.
  Deno.test(`${signal} stops a fast run within iterations`, { ignore: !posix }, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    const child = spawnSoak(["run", "--mock", "--iterations", `${LONG}`, "--quiet", "--out", dir]);
    await until(() => exists(join(dir, summaryFile(3))), "three iterations are recorded");
    child.kill(signal);
    const { code, stderr } = await ended(child);
    assertEquals(code, CODES[signal]);
    const recorded = namesIn(dir).filter((name) => name.startsWith("ITER_SUMMARY_")).length;
    assertEquals(
      stderr.split("\n").at(-2),
      `soak: interrupted after iteration ${recorded} of ${LONG}; ` +
        `go on with: soak run --resume --out '${dir}'`,
    );
    assertEquals(namesIn(dir).filter((name) => name.startsWith(".")), []);
    assertEquals(namesIn(parent.path), ["run"]);
  });
}

/** Makes a run of 12 iterations that was left alone, and one that was stopped after the first. */
async function wholeAndBegun(parent: TempDir): Promise<{ whole: string; dir: string }> {
  const [whole, dir] = [parent.file("whole"), parent.file("run")];
  const options = { iterations: 12, autoTune: true };
  await runSoak({ dir: whole, ...options });
  const stop = new AbortController();
  await runSoak({ dir, ...options, signal: stop.signal, onIteration: () => stop.abort() });
  return { whole, dir };
}

/**
 * Goes on with a run while its runtime is locked, so that the step can't be finished, and interrupts
 * it there: the line that says that it goes on is the last thing before the step begins.
 */
async function interruptedInStep(dir: string, done: number, signal: Deno.Signal): Promise<Cli> {
  const run = startCli(["run", "--resume", "--quiet", "--out", dir]);
  await until(() => run.err() === goingOn(done), "the step is begun");
  run.kill(signal);
  await until(() => run.err() === goingOn(done) + STOPPING, "the signal is heard");
  return run;
}

const goingOn = (done: number): string => `soak: going on after iteration ${done} of 12\n`;
const STOPPING = "soak: stopping when the step at hand is done; once more stops at once\n";

Deno.test(
  "a run that is interrupted in step after step finishes each, and ends like one left alone",
  {
    ignore: !posix,
  },
  async () => {
    await using parent = await tempDir();
    const { whole, dir } = await wholeAndBegun(parent);
    for (let done = 1; done < 6; done++) {
      const signal = done % 2 === 0 ? "SIGINT" : "SIGTERM";
      const lock = await acquireLock(join(dir, `${RUNTIME_FILE}.lock`), { wait: false });
      const run = await interruptedInStep(dir, done, signal);
      lock.release();
      const { code, err } = await run.end();
      assertEquals(code, CODES[signal], err);
      assertStringIncludes(err, `soak: interrupted after iteration ${done + 1} of 12; `);
    }
    assertEquals((await soak(["run", "--resume", "--quiet", "--out", dir])).code, 0);
    assertEquals(textsIn(dir), textsIn(whole));
  },
);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`the second ${signal} does not wait for the step at hand, and says how to go on`, {
    ignore: !posix,
  }, async () => {
    await using parent = await tempDir();
    const { whole, dir } = await wholeAndBegun(parent);
    const lock = await acquireLock(join(dir, `${RUNTIME_FILE}.lock`), { wait: false });
    const run = await interruptedInStep(dir, 1, "SIGINT");
    await sleep(400); // sooner, it would be the first one still
    run.kill(signal);
    const { code, err } = await run.end();
    const last = `soak: ended at once; go on with: soak run --resume --out '${dir}'\n`;
    assertEquals({ code, err }, { code: CODES[signal], err: goingOn(1) + STOPPING + last });
    lock.release();
    assertEquals((await soak(["run", "--resume", "--quiet", "--out", dir])).code, 0);
    assertEquals(textsIn(dir), textsIn(whole));
  });
}

/**
 * Sends SIGINT to a command at work, which has so much to do that it is not done before: one that
 * was quicker gets twice as much.
 */
async function interruptedAtWork(
  size: number,
  start: (size: number) => Promise<{ child: Deno.ChildProcess; atWork: () => boolean }>,
): Promise<Ended> {
  for (const times of [1, 2, 4, 8, 16]) {
    const { child, atWork } = await start(size * times);
    let over = false;
    const end = ended(child).finally(() => over = true);
    await until(() => over || atWork(), "it is at work");
    if (!over) child.kill("SIGINT");
    const result = await end;
    if (result.code === CODES.SIGINT) return result;
    assert([0, 1, 3].includes(result.code), `exit ${result.code}: ${result.stderr}`);
  }
  throw new Error("it was always quicker");
}

for (const command of ["verify", "gate"]) {
  Deno.test(`SIGINT ends a busy soak ${command} at once`, { ignore: !posix }, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    await runSoak({ dir, iterations: 2, autoTune: true });
    const summary = await Deno.readTextFile(join(dir, summaryFile(2)));
    const run = JSON.parse(await Deno.readTextFile(join(dir, RUN_FILE)));
    const { code, stdout, stderr } = await interruptedAtWork(2500, async (iterations) => {
      await Deno.writeTextFile(join(dir, RUN_FILE), JSON.stringify({ ...run, iterations }));
      for (let i = 3; i <= iterations; i++) {
        Deno.writeTextFileSync(join(dir, summaryFile(i)), summary);
      }
      // Its report begins long before it has read everything.
      const atWork = () => namesIn(dir).some((name) => name.startsWith("."));
      return { child: spawnSoak([command, "--path", dir]), atWork };
    });
    assertEquals({ code, stdout, stderr }, { code: 130, stdout: "", stderr: "" });
    // What it left behind goes with the next verification.
    await soak(["verify", "--path", dir]);
    assertEquals(namesIn(dir).filter((name) => name.startsWith(".")), []);
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Only Linux tells who opens a file, and thus when the wait begins.
  Deno.test(`${signal} ends a soak apply that waits for a lock`, {
    ignore: Deno.build.os !== "linux",
  }, async () => {
    await using parent = await tempDir();
    const path = parent.file(RUNTIME_FILE);
    await Deno.writeTextFile(path, "{}");
    using lock = await acquireLock(`${path}.lock`, { wait: false });
    const asked = isOpened(lock.path);
    const child = spawnSoak(["apply", "--runtime", path, "tail_age_ms=630"]);
    await asked;
    child.kill(signal);
    const { code, stdout, stderr } = await ended(child);
    assertEquals({ code, stdout, stderr }, { code: CODES[signal], stdout: "", stderr: "" });
    assertEquals(await Deno.readTextFile(path), "{}");
  });
}

Deno.test("SIGINT ends a replay, and its scratch folder goes", { ignore: !posix }, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const scratch = parent.file("scratch");
  await Deno.mkdir(scratch);
  const { code } = await interruptedAtWork(300, async (iterations) => {
    await runSoak({ dir, iterations });
    const child = spawnSoak(["replay", "--path", dir], { env: { TMPDIR: scratch } });
    return { child, atWork: () => namesIn(scratch).length > 0 };
  });
  assertEquals(code, 130);
  assertEquals(namesIn(scratch), []);
});

/** Runs a shell script in which `"$@"` stands for the command line with its arguments. */
async function shell(
  script: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command("sh", {
    args: ["-c", script, "sh", Deno.execPath(), "run", ...PERMISSIONS, MAIN, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return await ended(child);
}

for (
  const command of ["params list", "params list --json", "help", "help codes", "--version"]
) {
  Deno.test(`soak ${command} into a closed pipe makes no noise and exits 0`, {
    ignore: !posix,
  }, async () => {
    await using folder = await tempDir();
    await makeFifo(folder.file("pipe"));
    // The first pipe has no reader any more, that of the second goes after a line.
    const pipes = [
      `exec 3<>"${folder.file("pipe")}" 4>"${folder.file("pipe")}" 3<&-; "$@" >&4; echo $? >&2`,
      '{ "$@"; echo $? >&2; } | head -1 >/dev/null',
    ];
    for (const script of pipes) {
      const { stderr, stdout } = await shell(script, command.split(" "));
      assertEquals({ stderr, stdout }, { stderr: "0\n", stdout: "" });
    }
  });
}

Deno.test("a result that can't be written is a clear error", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const { code, stderr } = await shell('"$@" >/dev/full', ["params", "list"]);
  assertEquals(code, 4);
  assertMatch(
    stderr,
    /^soak: cannot write: no space left on device \(standard output\); free .*\n$/,
  );
});

Deno.test("progress that can't be written does not stop a run", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const { code } = await shell(
    '"$@" 2>/dev/full',
    ["run", "--mock", "--iterations", "3", "--out", dir],
  );
  assertEquals(code, 0);
});
