import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { acquireLock } from "../../base/lock.ts";
import { RUNTIME_FILE, summaryFile } from "../../record/artifacts.ts";
import { runSoak } from "../../run/run.ts";
import { posix } from "../kit/posix.ts";
import { startCli, until } from "../kit/real_system.ts";
import { ended, MAIN, PERMISSIONS, soak, spawnSoak } from "../kit/soak_process.ts";
import { namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Waits until a file is there. */
async function appears(path: string): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 2) {
    try {
      Deno.lstatSync(path);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${path} did not appear`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Without auto-tune an iteration makes synchronous calls only, so that nothing lets signals in
  // unless the loop does.
  Deno.test(`${signal} stops a fast run within iterations, and a resumed one ends alike`, {
    ignore: !posix,
  }, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    const child = spawnSoak(["run", "--mock", "--iterations", "100000", "--quiet", "--out", dir]);
    await appears(join(dir, summaryFile(3)));
    child.kill(signal);
    const { code, stderr } = await ended(child);
    assertEquals(code, CODES[signal]);
    const recorded = namesIn(dir).filter((name) => name.startsWith("ITER_SUMMARY_")).length;
    assert(recorded < 50_000, `${recorded} iterations were run`);
    assertEquals(
      stderr.split("\n").at(-2),
      `soak: interrupted after iteration ${recorded} of 100000; ` +
        `go on with: soak run --resume --out '${dir}'`,
    );
    assertEquals(namesIn(dir).filter((name) => name.startsWith(".")), []);
    assertEquals(namesIn(parent.path), ["run"]);
  });
}

Deno.test("a run that is interrupted again and again ends like one left alone", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const options = { iterations: 60, autoTune: true };
  await runSoak({ dir: parent.file("whole"), ...options });
  let interrupted = 0;
  let args = ["--mock", "--auto-tune", "--iterations", "60"];
  for (let next = 2; next <= 20; next += 6) {
    const child = spawnSoak(["run", "--quiet", "--out", dir, ...args]);
    await appears(join(dir, summaryFile(next)));
    try {
      child.kill(next % 4 === 0 ? "SIGINT" : "SIGTERM");
    } catch (error) {
      assert(error instanceof TypeError, String(error)); // it was quicker
    }
    const { code, stderr } = await ended(child);
    assert([0, 130, 143].includes(code), `exit ${code}: ${stderr}`);
    if (code > 0) interrupted++;
    args = ["--resume"];
  }
  assert(interrupted > 0, "the run was never interrupted");
  assertEquals((await soak(["run", "--quiet", "--resume", "--out", dir])).code, 0);
  assertEquals(textsIn(dir), textsIn(parent.file("whole")));
});

Deno.test("the first SIGINT waits for the step at hand, the second one does not", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const options = { iterations: 12, autoTune: true };
  await runSoak({ dir: parent.file("whole"), ...options });
  await runSoak({ dir, ...options, signal: AbortSignal.abort() });
  // As long as this lock is held, the step can't be finished.
  const held = await acquireLock(join(dir, `${RUNTIME_FILE}.lock`), { wait: false });
  // Nothing shows that a run is waiting for the lock. One that was not yet is let wait longer.
  for (let waitMs = 200;; waitMs *= 2) {
    const run = startCli(["run", "--resume", "--quiet", "--out", dir]);
    let over = false;
    const end = run.end().finally(() => over = true);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    run.kill("SIGINT");
    await until(() => over || run.err() !== "", "the signal is heard");
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (over && waitMs < 10_000) continue;
    run.kill("SIGINT");
    const { code, err } = await end;
    assertEquals({ code, err }, {
      code: 130,
      err: "soak: stopping when the step at hand is done; once more stops at once\n",
    });
    break;
  }
  held.release();
  assertEquals((await soak(["run", "--resume", "--quiet", "--out", dir])).code, 0);
  assertEquals(textsIn(dir), textsIn(parent.file("whole")));
});

for (const command of ["verify", "gate"]) {
  Deno.test(`SIGINT ends a busy soak ${command} at once`, { ignore: !posix }, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    await runSoak({ dir, iterations: 2, autoTune: true });
    const summary = await Deno.readTextFile(join(dir, summaryFile(2)));
    const run = JSON.parse(await Deno.readTextFile(join(dir, "SOAK_RUN.json")));
    await Deno.writeTextFile(
      join(dir, "SOAK_RUN.json"),
      JSON.stringify({ ...run, iterations: 2500 }),
    );
    for (let i = 3; i <= 2500; i++) Deno.writeTextFileSync(join(dir, summaryFile(i)), summary);
    const child = spawnSoak([command, "--path", dir]);
    // Its report begins long before it has read everything.
    await until(() => namesIn(dir).some((name) => name.startsWith(".")), "its report begins");
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended(child);
    assertEquals({ code, stdout, stderr }, { code: 130, stdout: "", stderr: "" });
    // What it left behind goes with the next verification.
    await soak(["verify", "--path", dir]);
    assertEquals(namesIn(dir).filter((name) => name.startsWith(".")), []);
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} ends a soak apply that waits for a lock`, { ignore: !posix }, async () => {
    await using parent = await tempDir();
    const path = parent.file(RUNTIME_FILE);
    await Deno.writeTextFile(path, "{}");
    using _lock = await acquireLock(`${path}.lock`, { wait: false });
    const child = spawnSoak(["apply", "--runtime", path, "tail_age_ms=630"]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill(signal);
    const { code, stdout, stderr } = await ended(child, 5000);
    assertEquals({ code, stdout, stderr }, { code: CODES[signal], stdout: "", stderr: "" });
    assertEquals(await Deno.readTextFile(path), "{}");
  });
}

Deno.test("SIGINT ends a replay, and its scratch folder goes", { ignore: !posix }, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const scratch = parent.file("scratch");
  await Deno.mkdir(scratch);
  await runSoak({ dir, iterations: 300 });
  const child = spawnSoak(["replay", "--path", dir], { env: { TMPDIR: scratch } });
  while (namesIn(scratch).length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGINT");
  assertEquals((await ended(child)).code, 130);
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
    // The first reader is gone at once, the second after a line.
    for (const reader of ["true", "head -1 >/dev/null"]) {
      const { stderr, stdout } = await shell(
        `{ sleep 0.1; "$@"; echo $? >&2; } | ${reader}`,
        command.split(" "),
      );
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
