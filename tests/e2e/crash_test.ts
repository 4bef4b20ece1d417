import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { eventLoopTurn } from "../../base/wait.ts";
import { LOCK_FILE, RUN_FILE, RUNTIME_FILE } from "../../record/artifacts.ts";
import { crashRuns } from "../kit/crash.ts";
import { posix } from "../kit/posix.ts";
import { ended, soak, spawnSoak } from "../kit/soak_process.ts";
import { fillFolder, namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

const RUN = ["run", "--quiet", "--mock", "--auto-tune", "--iterations", "12"];

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Kills a process at the first moment that something holds; tells whether it was alive. */
async function killWhen(child: Deno.ChildProcess, holds: () => boolean): Promise<boolean> {
  const end = ended(child);
  let over = false;
  end.then(() => over = true, () => over = true);
  for (let look = 0; !over && !holds(); look++) if (look % 50 === 0) await eventLoopTurn();
  try {
    child.kill("SIGKILL");
  } catch (error) {
    assert(error instanceof TypeError, String(error));
  }
  return (await end).signal === "SIGKILL";
}

/** Tries until a process was caught at the moment that is to be tested. */
async function caught(attempt: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await attempt()) return;
  }
  throw new Error("the moment never came");
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
  await caught(async () => {
    const archived = (): boolean => namesIn(parent.path).some((name) => name.startsWith("2025"));
    await killWhen(spawnSoak([...RUN, "--out", dir]), archived);
    if (!archived()) return false;
    if (!exists(join(dir, RUN_FILE))) return true;
    await Deno.remove(dir, { recursive: true });
    await Deno.rename(parent.file("20250101T000000Z"), dir);
    return false;
  });
  const resumed = await soak(["run", "--resume", "--out", dir]);
  assertEquals(resumed.code, 2);
  assertMatch(resumed.stderr, /^soak: there is no run to resume .*; start one without --resume\n$/);
  assertEquals((await soak([...RUN, "--out", dir])).code, 0);
  assertEquals(namesIn(parent.path), ["20250101T000000Z", "run"]);
  const archived = Object.entries(textsIn(parent.file("20250101T000000Z")));
  assertEquals(Object.fromEntries(archived.filter(([name]) => !name.endsWith(".lock"))), earlier);
});

Deno.test("a run that is killed during its first write is started anew in the same place", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const isTemp = (name: string): boolean => /^\.SOAK_RUN\.json\..*\.soak-tmp$/.test(name);
  await caught(async () => {
    const begun = (): string[] =>
      exists(dir) ? namesIn(dir).filter((name) => name !== LOCK_FILE) : [];
    await killWhen(spawnSoak([...RUN, "--out", dir]), () => begun().length > 0);
    if (begun().length === 1 && begun().every(isTemp)) return true;
    if (exists(dir)) await Deno.remove(dir, { recursive: true });
    return false;
  });
  assertEquals((await soak([...RUN, "--out", dir])).code, 0);
  assertEquals(namesIn(parent.path), ["run"]);
  assertEquals(namesIn(dir).filter((name) => name.startsWith(".")), []);
});

Deno.test("a killed `soak apply` leaves the old runtime or the new one, and is cleaned up after", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const path = parent.file(RUNTIME_FILE);
  const before = '{"engine":{"tail_age_ms":600}}';
  const after = '{"engine":{"tail_age_ms":630}}';
  const apply = ["apply", "--runtime", path, "tail_age_ms=630"];
  const isTemp = (name: string): boolean => name.endsWith(".soak-tmp");
  const seen = new Set<string>();
  const locked = (): boolean => exists(`${path}.lock`);
  const writing = (): boolean => namesIn(parent.path).some(isTemp);
  await caught(async () => {
    for (const moment of [locked, writing]) {
      await Deno.writeTextFile(path, before);
      const alive = await killWhen(spawnSoak(apply), moment);
      const text = await Deno.readTextFile(path);
      assert(text === before || text === after, text);
      if (alive && namesIn(parent.path).length > 1) seen.add(moment.name);
      assertEquals((await soak(apply)).code, 0);
      assertEquals(await Deno.readTextFile(path), after);
      assertEquals(namesIn(parent.path), [RUNTIME_FILE]);
    }
    return seen.size === 2;
  });
});

Deno.test("a run that is killed while it is extended goes on to the end that was asked for", {
  ignore: !posix,
}, async () => {
  await using parent = await tempDir();
  const first = ["run", "--quiet", "--mock", "--auto-tune", "--iterations", "2"];
  const extended = ["run", "--quiet", "--resume", "--iterations", "9"];
  const whole = parent.file("whole");
  assertEquals((await soak([...first, "--out", whole])).code, 0);
  const base = textsIn(whole);
  assertEquals((await soak([...extended, "--out", whole])).code, 0);
  for (const name of ["RUN_IN_PROGRESS.json", "STEP_IN_PROGRESS.json", "ITER_SUMMARY_4.json"]) {
    let tries = 0;
    await caught(async () => {
      const dir = parent.file(`${name} ${++tries}`);
      fillFolder(dir, base);
      const seen = (): boolean => exists(join(dir, name));
      if (!await killWhen(spawnSoak([...extended, "--out", dir]), seen)) return false;
      const { code, stdout } = await soak(["verify", "--strict", "--json", "--path", dir]);
      assertEquals([code, JSON.parse(stdout).run.iterations], [3, 9], name);
      assertEquals((await soak(["run", "--quiet", "--resume", "--out", dir])).code, 0);
      const { "DELTA_VERIFY_REPORT.md": _, "DELTA_VERIFY_REPORT.json": __, ...files } = textsIn(
        dir,
      );
      assertEquals(files, textsIn(whole), name);
      return true;
    });
  }
});
