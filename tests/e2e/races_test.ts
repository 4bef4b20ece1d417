import { assert, assertEquals, assertMatch } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { decodeCanonical } from "../../base/json.ts";
import { atomicWriteJson } from "../../base/json_file.ts";
import { isJsonObject } from "../../base/json_value.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, findParameter, getAllParams } from "../../model/params.ts";
import { roundToStep } from "../../model/scale.ts";
import { LOCK_FILE, RUN_FILE, RUNTIME_FILE, summaryFile } from "../../record/artifacts.ts";
import { holdRun } from "../../record/held_run.ts";
import { applyDeltasWithTracking } from "../../run/apply.ts";
import { runSoak } from "../../run/run.ts";
import { isOpened, posix } from "../kit/posix.ts";
import { exists, until } from "../kit/real_system.ts";
import { inRepository } from "../kit/repository.ts";
import { ended, soak, spawnSoak } from "../kit/soak_process.ts";
import { fillFolder, namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

const APPLY = toFileUrl(inRepository("run/apply.ts")).href;

/** Eight keys whose values can take 50 steps up from their least. */
const KEYS = marketMaker.parameters
  .filter(({ min, max, step }) => (max - min) / step >= 50)
  .slice(0, 8)
  .map(({ key }) => key);
const CHANGES = 50;

function settings(): Record<string, number> {
  const defaults = Object.fromEntries(marketMaker.parameters.map((p) => [p.key, p.default]));
  // A large range, so that no step of these is too large for the velocity guard.
  for (const key of KEYS) defaults[key] = findParameter(key)?.min ?? 0;
  return defaults;
}

function target(key: string, change: number): number {
  const { min = 0, step = 1 } = findParameter(key) ?? {};
  return roundToStep(min + change * step, { step });
}

/** A process that applies 50 changes to one key, the second half of them once a file is gone. */
function spawnWriter(runtimePath: string, key: string, barrier: string): Deno.ChildProcess {
  const code = `
    const { applyDeltasWithTracking } = await import(${JSON.stringify(APPLY)});
    const targets = ${JSON.stringify(range(CHANGES).map((n) => target(key, n)))};
    for (const [i, target] of targets.entries()) {
      while (i === 25 && await Deno.stat(${JSON.stringify(barrier)}).catch(() => null)) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const { applied } = await applyDeltasWithTracking({
        runtimePath: ${JSON.stringify(runtimePath)},
        proposedDeltas: { ${key}: target },
      });
      if (applied) console.log(target);
    }`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", code],
    cwd: inRepository("."),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i + 1);
}

/** Whether some change was made. */
function isChanged(values: Readonly<Record<string, number>>): boolean {
  const start = settings();
  return KEYS.some((key) => values[key] !== start[key]);
}

Deno.test("eight processes that apply 50 changes each to one runtime lose none of them", async () => {
  await using folder = await tempDir();
  await using other = await tempDir();
  const barrier = other.file("barrier");
  await Deno.writeTextFile(barrier, "");
  const path = folder.file(RUNTIME_FILE);
  assertEquals(KEYS.length, 8);
  await atomicWriteJson(path, applyDeltas({}, settings()).runtime);
  let over = false;
  const writers = KEYS.map((key) => ended(spawnWriter(path, key, barrier)));
  const all = Promise.all(writers).finally(() => over = true);

  // Meanwhile a reader: what it sees is whole, and no value ever goes back.
  let last = getAllParams({});
  let reads = 0;
  while (!over) {
    const { value, canonical } = decodeCanonical(await Deno.readFile(path));
    assert(canonical && isJsonObject(value));
    const values = getAllParams(value);
    for (const key of KEYS) assert((values[key] ?? 0) >= (last[key] ?? 0), `${key} went back`);
    last = values;
    // The writers don't get to their end before a few reads of their work, however slow these are.
    if (isChanged(values) && ++reads === 10) await Deno.remove(barrier);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const ends = await all;
  assertEquals(
    ends.map(({ code, stderr }) => ({ code, stderr })),
    ends.map(() => ({ code: 0, stderr: "" })),
  );
  const applied = ends.map(({ stdout }) => stdout.trim().split("\n").length);
  assertEquals(applied.reduce((sum, n) => sum + n, 0), 8 * CHANGES);
  assert(reads >= 10, `only ${reads} reads`);
  assertEquals(getAllParams(JSON.parse(await Deno.readTextFile(path))), {
    ...settings(),
    ...Object.fromEntries(KEYS.map((key) => [key, target(key, CHANGES)])),
  });
  assertEquals(namesIn(folder.path), [RUNTIME_FILE]);
});

Deno.test("processes of the command line that apply at once lose no change", async () => {
  await using folder = await tempDir();
  const path = folder.file(RUNTIME_FILE);
  await atomicWriteJson(path, applyDeltas({}, settings()).runtime);
  const ends = await Promise.all(
    KEYS.map((key) => soak(["apply", "--runtime", path, `${key}=${target(key, 1)}`])),
  );
  assertEquals(ends.map(({ code }) => code), KEYS.map(() => 0));
  const value = JSON.parse(await Deno.readTextFile(path));
  for (const key of KEYS) assertEquals(getAllParams(value)[key], target(key, 1));
  assertEquals(namesIn(folder.path), [RUNTIME_FILE]);
});

Deno.test("a second run into one directory refuses at once, naming the first and its start", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const before = new Date().toISOString();
  // More iterations than it takes the others to come.
  const first = spawnSoak(["run", "--mock", "--iterations", "1000000000", "--quiet", "--out", dir]);
  const firstEnd = ended(first);
  await until(() => exists(join(dir, summaryFile(2))), "the first run is at work");
  for (const args of [["--mock", "--iterations", "3"], ["--resume"]]) {
    const { code, stderr } = await soak(["run", ...args, "--out", dir]);
    assertEquals(code, 4);
    const [, pid, since] =
      /^soak: locked by process (\d+) \(soak run\) since (\S+) \(.+\.lock\); .+\n$/.exec(stderr) ??
        [];
    assertEquals(pid, String(first.pid), stderr);
    assert(since !== undefined && since >= before && since <= new Date().toISOString(), stderr);
  }
  first.kill("SIGTERM");
  assertEquals((await firstEnd).code, 143);
  assertEquals(namesIn(parent.path), ["run"]);
});

/** Starts a run that goes on until it is told to stop, and waits for its first records. */
async function liveRun(dir: string): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = spawnSoak(["run", "--mock", "--iterations", "100000", "--quiet", "--out", dir]);
  const end = ended(child);
  while (!isFolder(dir) || !namesIn(dir).includes(summaryFile(2))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return {
    pid: child.pid,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGTERM");
      assertEquals((await end).code, 143);
    },
  };
}

function isFolder(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("a second run that comes through a link refuses as well, and neither judges a live one", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const [dir, link] = [parent.file("run"), parent.file("link")];
  await Deno.mkdir(dir);
  await Deno.symlink("run", link);
  {
    await using live = await liveRun(dir);
    for (
      const args of [
        ["run", "--mock", "--iterations", "3", "--out", link],
        ["run", "--resume", "--out", link],
        ["gate", "--path", link],
        ["gate", "--path", dir],
        ["verify", "--path", dir],
      ]
    ) {
      const { code, stdout, stderr } = await soak(args);
      assertEquals([code, stdout], [4, ""], stderr);
      assertMatch(stderr, new RegExp(`^soak: locked by process ${live.pid} \\(soak run\\) since `));
    }
    assertEquals(namesIn(parent.path), ["link", "run"]);
  }
  assertEquals(namesIn(dir).filter((name) => /\.lock$|REPORT\.md$|^(GATE|POST)/.test(name)), []);
});

Deno.test("an earlier run is moved aside where it is, and the link to it stays one", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const [disk, link] = [parent.file("disk"), parent.file("link")];
  await Deno.mkdir(disk);
  await Deno.symlink("disk/run", link);
  await runSoak({ dir: join(disk, "run"), iterations: 2, seed: 2 });
  const earlier = textsIn(join(disk, "run"));
  assertEquals((await soak(["run", "--mock", "--iterations", "2", "--out", link])).code, 0);
  assertEquals([namesIn(disk), namesIn(parent.path)], [["20250101T000000Z", "run"], [
    "disk",
    "link",
  ]]);
  assertEquals(Deno.lstatSync(link).isSymlink, true);
  assertEquals(textsIn(join(disk, "20250101T000000Z")), earlier);
});

Deno.test("a run that is being judged is neither moved aside nor gone on with", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await runSoak({ dir, iterations: 2 });
  const before = textsIn(dir);
  {
    using _judged = await holdRun(dir, "soak gate");
    for (const args of [["--mock", "--iterations", "3"], ["--resume"]]) {
      const { code, stderr } = await soak(["run", ...args, "--out", dir]);
      assertEquals(code, 4);
      const since = posix ? `process ${Deno.pid} \\(soak gate\\) since ` : "";
      assertMatch(stderr, new RegExp(`^soak: locked by ${since}.+\\.lock\\); wait until .+\\n$`));
    }
    // Others may judge it as well.
    assertEquals((await soak(["verify", "--path", dir])).code, 3);
    assertEquals(namesIn(parent.path), ["run"]);
  }
  const { [RUN_FILE]: run, [RUNTIME_FILE]: runtime } = textsIn(dir);
  assertEquals([run, runtime], [before[RUN_FILE], before[RUNTIME_FILE]]);
  assertEquals((await soak(["run", "--mock", "--iterations", "3", "--out", dir])).code, 0);
});

Deno.test("a run whose directory is replaced under its hands stops, and writes into no other", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  // The other one is in the same state, so that nothing but the directory tells them apart.
  const error = await runSoak({
    dir,
    iterations: 6,
    onIteration: ({ iteration }) => {
      if (iteration !== 3) return;
      const copy = textsIn(dir);
      Deno.renameSync(dir, parent.file("aside"));
      fillFolder(dir, copy);
    },
  }).then(() => null, (error: unknown) => error);
  assertMatch(
    String(error),
    /^SoakError: the run directory was moved or replaced, or its lock removed \(.+run\); put .+/,
  );
  assertEquals(namesIn(dir).filter((name) => name.startsWith("ITER_SUMMARY_")).length, 3);
  await Deno.remove(dir, { recursive: true });
  await Deno.rename(parent.file("aside"), dir);
  await runSoak({ dir, resume: true });
  await runSoak({ dir: parent.file("whole"), iterations: 6 });
  assertEquals(textsIn(dir), textsIn(parent.file("whole")));
});

Deno.test("of runs started at once into one directory one goes on and the others refuse", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const args = ["run", "--mock", "--auto-tune", "--iterations", "40", "--quiet", "--out", dir];
  const ends = await Promise.all(range(4).map(() => soak(args)));
  // One that starts after another has ended archives it, which is no race at all.
  const finished = ends.filter(({ code }) => code === 0);
  assert(finished.length >= 1);
  for (const { code, stderr } of ends) {
    if (code !== 0) {
      assertMatch(
        stderr,
        posix ? /^soak: locked by process \d+ \(soak run\) since / : /^soak: locked by /,
      );
    }
    assert(code === 0 || code === 4, `exit ${code}: ${stderr}`);
  }
  await runSoak({ dir: parent.file("alone"), iterations: 40, autoTune: true });
  assertEquals(textsIn(dir), textsIn(parent.file("alone")));
  const archives = namesIn(parent.path).filter((name) => name.startsWith("2025"));
  assertEquals(archives.length, finished.length - 1);
  for (const name of archives) assertEquals(textsIn(parent.file(name)), textsIn(dir));
});

Deno.test("the locks of dead processes block neither a run nor an apply", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const dead = JSON.stringify({ pid: 1, started: "2025-01-01T00:00:00.000Z", owner: "soak run" });
  await Deno.mkdir(dir);
  await Deno.writeTextFile(join(dir, LOCK_FILE), dead);
  assertEquals((await soak(["run", "--mock", "--iterations", "2", "--out", dir])).code, 0);
  const runtimePath = join(dir, RUNTIME_FILE);
  await Deno.writeTextFile(`${runtimePath}.lock`, dead);
  const apply = ["apply", "--runtime", runtimePath, "tail_age_ms=630"];
  assertEquals((await soak(apply)).code, 0);
  assertEquals(namesIn(parent.path), ["run"]);
  assertEquals(namesIn(dir).filter((name) => name.endsWith(".lock")), []);
});

// Only Linux tells who opens a file, and thus when the run asks for the lock.
Deno.test("a run is not archived under the hands of an apply", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const runtimePath = join(dir, RUNTIME_FILE);
  await runSoak({ dir, iterations: 2 });
  let next: Promise<unknown> | undefined;
  await applyDeltasWithTracking({
    runtimePath,
    proposedDeltas: { tail_age_ms: 630 },
    beforeWrite: async () => {
      const asked = isOpened(`${runtimePath}.lock`);
      next = runSoak({ dir, iterations: 3, autoTune: true });
      await asked;
      assertEquals(namesIn(parent.path), ["run"]);
      assert(namesIn(dir).includes(LOCK_FILE));
    },
  });
  await next;
  await runSoak({ dir: parent.file("alone"), iterations: 3, autoTune: true });
  assertEquals(textsIn(dir), textsIn(parent.file("alone")));
  const archived = parent.file("20250101T000000Z");
  assertEquals(getAllParams(JSON.parse(textsIn(archived)[RUNTIME_FILE] ?? "")).tail_age_ms, 630);
  assertEquals(namesIn(archived).filter((name) => name.endsWith(".lock")), []);
});

Deno.test("a planted link is neither followed as a lock nor as a file to write", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const victim = parent.file("victim");
  await Deno.writeTextFile(victim, "precious");
  const runtimePath = parent.file(RUNTIME_FILE);
  await Deno.writeTextFile(runtimePath, "{}");
  await Deno.symlink(victim, `${runtimePath}.lock`);
  const applied = await soak(["apply", "--runtime", runtimePath, "tail_age_ms=630"]);
  assertEquals(applied.code, 4);
  assertMatch(applied.stderr, /^soak: not a lock file: something else has its name \(.+\); .+\n$/);
  assertEquals(await Deno.readTextFile(runtimePath), "{}");

  const dir = parent.file("run");
  await Deno.mkdir(dir);
  await Deno.symlink(victim, join(dir, LOCK_FILE));
  const run = await soak(["run", "--mock", "--iterations", "2", "--out", dir]);
  assertEquals(run.code, 4);
  await Deno.remove(join(dir, LOCK_FILE));

  await runSoak({ dir, iterations: 2, autoTune: true });
  for (const name of ["DELTA_VERIFY_REPORT.json", "DELTA_VERIFY_REPORT.md"]) {
    await Deno.symlink(victim, join(dir, name));
    const { code, stderr } = await soak(["verify", "--path", dir]);
    assertEquals({ code, lines: stderr.split("\n").length }, { code: 4, lines: 2 });
    await Deno.remove(join(dir, name));
  }
  assertEquals(await Deno.readTextFile(victim), "precious");
});

Deno.test("a temp file that looks like a link or a folder is left alone by the clean-up", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await runSoak({ dir, iterations: 2 });
  await Deno.remove(join(dir, summaryFile(2)));
  const victim = parent.file("victim");
  await Deno.writeTextFile(victim, "precious");
  await Deno.symlink(victim, join(dir, ".a.json.00.soak-tmp"));
  await Deno.mkdir(join(dir, ".b.json.00.soak-tmp"));
  await runSoak({ dir, resume: true });
  assertEquals(await Deno.readTextFile(victim), "precious");
  assertEquals(namesIn(dir).slice(0, 2), [".a.json.00.soak-tmp", ".b.json.00.soak-tmp"]);
  assert(namesIn(dir).includes(RUN_FILE));
});
