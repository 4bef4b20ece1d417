import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import {
  METRICS_FILE,
  RUN_FILE,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
  VERIFY_REPORT_FILE,
} from "../../record/artifacts.ts";
import { claimDirectory } from "../../run/directory.ts";
import { runSoak } from "../../run/run.ts";
import { type Ended, ended, MAIN, PERMISSIONS, soak } from "../kit/soak_process.ts";
import { checkOrder } from "../kit/strace.ts";
import { namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

const linux = Deno.build.os === "linux";
const RUN = ["run", "--quiet", "--mock", "--auto-tune", "--iterations", "12"];

function expectClear({ code, stderr }: Ended, file: string): void {
  assertEquals(code, 4, stderr);
  const lines = stderr.split("\n").filter((line) => !line.startsWith("soak: going on"));
  assertEquals(lines.length, 2, stderr);
  assertMatch(lines[0] ?? "", /^soak: .+ \(.+\); .+$/);
  assert(lines[0]?.includes(file), stderr);
}

function noTemps(dir: string): void {
  assertEquals(namesIn(dir).filter((name) => name.endsWith(".soak-tmp")), []);
}

/** Runs the command line in a shell that was limited first. */
async function limited(limit: string, args: readonly string[]): Promise<Ended> {
  const command = [Deno.execPath(), "run", "--no-prompt", ...PERMISSIONS, MAIN, ...args];
  return await ended(
    new Deno.Command("sh", {
      args: ["-c", `${limit}; exec "$@"`, "sh", ...command],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

// In blocks of 512 bytes. SOAK_RUN.json takes some 7000 bytes, the report with twelve iterations
// some 9000.
for (
  const [blocks, file] of [[3, RUN_FILE], [16, TUNING_REPORT_FILE]] as const
) {
  Deno.test(`a run that may write no more at ${file} says so, and can go on`, {
    ignore: !linux,
  }, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    await runSoak({ dir: parent.file("whole"), iterations: 12, autoTune: true });
    expectClear(await limited(`trap '' XFSZ; ulimit -f ${blocks}`, [...RUN, "--out", dir]), file);
    noTemps(dir);
    assertEquals(namesIn(dir).includes(file), false);
    const next = file === RUN_FILE ? RUN : ["run", "--resume"];
    assertEquals((await soak([...next, "--out", dir])).code, 0);
    assertEquals(textsIn(dir), textsIn(parent.file("whole")));
  });
}

Deno.test(
  "a run that may open no more files says so, and can go on",
  { ignore: !linux },
  async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    await runSoak({ dir: parent.file("whole"), iterations: 12, autoTune: true });
    // How many files the runtime itself has open is its own business: find where it gets tight.
    let refused = 0;
    for (let files = 14; files < 40; files++) {
      await Deno.remove(dir, { recursive: true }).catch(() => {});
      const end = await limited(`ulimit -n ${files}`, [...RUN, "--out", dir]);
      if (end.code === 0) break;
      // The runtime could not even load the program.
      if (!end.stderr.startsWith("soak: ") || end.stderr.includes("Import '")) continue;
      expectClear(end, "run");
      assertMatch(end.stderr, /raise the limit on open files/);
      refused++;
      if (!namesIn(parent.path).includes("run")) continue;
      noTemps(dir);
      const next = namesIn(dir).includes(RUN_FILE) ? ["run", "--resume"] : RUN;
      assertEquals((await soak([...next, "--out", dir])).code, 0);
      assertEquals(textsIn(dir), textsIn(parent.file("whole")));
    }
    assert(refused > 0, "the limit was never in the way");
  },
);

Deno.test("a folder in place of a file to write is named, and nothing else is lost", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await runSoak({ dir, iterations: 12, autoTune: true });
  for (
    const [args, name] of [
      [["verify", "--path", dir], VERIFY_REPORT_FILE],
      [["gate", "--prometheus", "--path", dir], METRICS_FILE],
    ] as const
  ) {
    const before = textsIn(dir);
    await Deno.mkdir(join(dir, name));
    const end = await soak(args);
    expectClear(end, name);
    // The verdict is known without the report, and nobody is sent to look for one.
    assertMatch(end.stdout, args[0] === "verify" ? /^PASS 3 of 3/ : /\nGate: (PASS|FAIL)\n$/);
    assert(!end.stdout.includes(VERIFY_REPORT_FILE));
    noTemps(dir);
    await Deno.remove(join(dir, name));
    const after = textsIn(dir);
    for (const [file, text] of Object.entries(before)) assertEquals(after[file], text);
    assertEquals((await soak(args)).code, 0);
    for (const report of namesIn(dir)) {
      if (/^(DELTA|GATE|POST)/.test(report)) await Deno.remove(join(dir, report));
    }
  }
});

for (const name of [summaryFile(2), STEP_FILE, TUNING_REPORT_FILE]) {
  Deno.test(`a folder that gets in the way of ${name} stops a run, which can go on`, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    await runSoak({ dir: parent.file("whole"), iterations: 12, autoTune: true });
    await runSoak({ dir, iterations: 12, autoTune: true, signal: AbortSignal.abort() });
    if (name === TUNING_REPORT_FILE) await Deno.remove(join(dir, name));
    // With something in it, for an empty folder could be removed like a file.
    await Deno.mkdir(join(dir, name, "x"), { recursive: true });
    const { code, stderr } = await soak(["run", "--resume", "--quiet", "--out", dir]);
    assert(code === 3 || code === 4, `exit ${code}: ${stderr}`);
    assert(stderr.includes(name), stderr);
    noTemps(dir);
    await Deno.remove(join(dir, name), { recursive: true });
    assertEquals((await soak(["run", "--resume", "--out", dir])).code, 0);
    assertEquals(textsIn(dir), textsIn(parent.file("whole")));
  });
}

Deno.test("a run directory that goes away stops the run", { ignore: !linux }, async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const error = await runSoak({
    dir,
    iterations: 12,
    autoTune: true,
    onIteration: ({ iteration }) => {
      if (iteration !== 4) return;
      Deno.renameSync(dir, parent.file("aside"));
      Deno.writeTextFileSync(dir, "");
    },
  }).then(() => null, (error: unknown) => error);
  assertMatch(String(error), /^SoakError: cannot .+run/);
  assertEquals(await Deno.readTextFile(dir), "");
  await Deno.remove(dir);
  await Deno.rename(parent.file("aside"), dir);
  await runSoak({ dir, resume: true });
  await runSoak({ dir: parent.file("whole"), iterations: 12, autoTune: true });
  assertEquals(textsIn(dir), textsIn(parent.file("whole")));
});

function mount(...args: readonly string[]): boolean {
  try {
    return new Deno.Command("mount", { args: [...args], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Mounts a file system of 64 KiB, if this user may. */
function mountSmall(path: string): boolean {
  return mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", path);
}

/** Unmounts a path at the end of a test. */
function unmounting(path: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      const { success } = await new Deno.Command("umount", { args: [path] }).output();
      assert(success, `${path} is still mounted`);
    },
  };
}

function mayMount(): boolean {
  const path = Deno.makeTempDirSync();
  try {
    return mountSmall(path) && new Deno.Command("umount", { args: [path] }).outputSync().success;
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("a run on a file system that fills up says so, and goes on once there is room", {
  ignore: !linux || !mayMount(),
}, async () => {
  await using parent = await tempDir();
  const disk = parent.file("disk");
  await runSoak({ dir: parent.file("whole"), iterations: 60, autoTune: true });
  await Deno.mkdir(disk);
  assert(mountSmall(disk));
  try {
    const dir = join(disk, "run");
    const end = await soak([
      "run",
      "--quiet",
      "--mock",
      "--auto-tune",
      "--iterations=60",
      "--out",
      dir,
    ]);
    expectClear(end, dir);
    assertMatch(end.stderr, /no space left on device .*; free some space and run again\n$/);
    noTemps(dir);
    const recorded = namesIn(dir).filter((name) => name.startsWith("ITER_SUMMARY_")).length;
    assert(recorded > 3 && recorded < 60, `${recorded} iterations`);
    expectClear(await soak(["run", "--resume", "--quiet", "--out", dir]), "");
    const roomy = ["-o", "remount,size=4m", disk];
    assertEquals((await new Deno.Command("mount", { args: roomy }).output()).code, 0);
    assertEquals((await soak(["run", "--resume", "--quiet", "--out", dir])).code, 0);
    assertEquals(textsIn(dir), textsIn(parent.file("whole")));

    // Read-only, the file system refuses root as well.
    assert(mount("-o", "remount,ro", disk));
    for (
      const args of [
        ["run", "--mock", "--iterations", "2", "--out", dir],
        ["run", "--resume", "--out", dir],
        ["apply", "--runtime", join(dir, RUNTIME_FILE), "tail_age_ms=630"],
      ]
    ) {
      const refused = await soak(args);
      expectClear(refused, disk);
      assertMatch(refused.stderr, /read-only file system/);
    }
    assertEquals((await soak(["hash", join(dir, RUN_FILE)])).code, 0);
    assertEquals(textsIn(dir), textsIn(parent.file("whole")));
  } finally {
    await new Deno.Command("umount", { args: [disk] }).output();
  }
});

Deno.test("a run on a medium for reading only is judged all the same", {
  ignore: !linux || !mayMount(),
}, async () => {
  await using parent = await tempDir();
  const disk = parent.file("disk");
  const dir = join(disk, "run");
  await Deno.mkdir(disk);
  assert(mount("-t", "tmpfs", "tmpfs", disk));
  await using _mounted = unmounting(disk);
  await runSoak({ dir, iterations: 24, autoTune: true });
  assertEquals((await soak(["gate", "--path", dir])).code, 0);
  const before = textsIn(dir);
  assert(mount("-o", "remount,ro", disk));
  for (
    const [command, answer] of [["verify", /^PASS 3 of 3/], ["gate", /\nGate: PASS\n$/]] as const
  ) {
    const told = await soak([command, "--strict", "--path", dir]);
    assertMatch(told.stdout, answer);
    assertEquals(told.code, 4);
    assertMatch(
      told.stderr,
      /^soak: the reports are not written: cannot .+: read-only file system \(.+\); write them elsewhere with --report-dir DIR\n$/,
    );
    // The remedy is one.
    const reports = parent.file(`reports of ${command}`);
    const mended = await soak([command, "--strict", "--path", dir, "--report-dir", reports]);
    assertEquals([mended.code, mended.stderr], [0, ""]);
    assertMatch(mended.stdout, command === "verify" ? /reports of verify\/DELTA_VERIFY/ : answer);
    assertEquals(namesIn(reports).includes("GATE_REPORT.json"), command === "gate");
  }
  assertEquals(textsIn(dir), before);
});

Deno.test("a mount point can be a run directory, once, and a folder in it for ever", {
  ignore: !linux || !mayMount(),
}, async () => {
  await using parent = await tempDir();
  const disk = parent.file("disk");
  const dir = join(disk, "run");
  await Deno.mkdir(disk);
  assert(mount("-t", "tmpfs", "tmpfs", disk));
  await using _disk = unmounting(disk);
  await Deno.mkdir(dir);
  assert(mount("-t", "tmpfs", "tmpfs", dir));
  await using _run = unmounting(dir);
  // Nothing can be written beside the run directory, be it a lock or an earlier run.
  assert(mount("-o", "remount,ro", disk));
  assertEquals((await soak([...RUN, "--out", dir])).code, 0);
  assertEquals((await soak(["gate", "--path", dir])).code, 0);
  const before = textsIn(dir);
  expectClear(await soak([...RUN, "--out", dir]), dir);
  assert(mount("-o", "remount,rw", disk));
  const refused = await soak([...RUN, "--out", dir]);
  assertEquals(refused.code, 4);
  const [, remedy] =
    /^soak: cannot move the earlier run aside: .+ mount point.* \(.+\); .+ a folder in it: --out '(.+)'\n$/
      .exec(refused.stderr) ?? [];
  assert(remedy !== undefined, refused.stderr);
  assertEquals(textsIn(dir), before);
  for (const _time of ["first", "second"]) {
    assertEquals((await soak([...RUN, "--out", remedy])).code, 0);
  }
});

Deno.test("a second run refuses a live one that it reaches by another mount", {
  ignore: !linux || !mayMount(),
}, async () => {
  await using parent = await tempDir();
  const [dir, other] = [parent.file("run"), parent.file("other")];
  await runSoak({ dir, iterations: 4, signal: AbortSignal.abort() });
  await Deno.mkdir(other);
  assert(mount("--bind", dir, other));
  await using _mounted = unmounting(other);
  using _live = await claimDirectory(dir, true);
  const before = textsIn(dir);
  for (
    const args of [
      ["run", "--resume", "--out", other],
      [...RUN, "--out", other],
      ["gate", "--path", other],
    ]
  ) {
    const refused = await soak(args);
    expectClear(refused, other);
    assertMatch(refused.stderr, new RegExp(`^soak: locked by process ${Deno.pid} \\(soak run\\) `));
  }
  assertEquals(textsIn(dir), before);
});

function hasStrace(): boolean {
  try {
    const args = ["-f", "-o", "/dev/null", "true"];
    return new Deno.Command("strace", { args, stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

// Where it is ignored, `deno task faults` says that strace is missing.
Deno.test("each file is written, flushed, renamed and its folder flushed, in this order (strace)", {
  ignore: !linux || !hasStrace(),
}, async () => {
  const { problems, files } = await checkOrder();
  assertEquals(problems, []);
  assert(files >= 8, `only ${files} files`);
});
