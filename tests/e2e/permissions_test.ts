import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import config from "../../deno.json" with { type: "json" };
import { RUN_FILE, RUNTIME_FILE } from "../../record/artifacts.ts";
import { runSoak } from "../../run/run.ts";
import { PERMISSIONS, soak } from "../kit/soak_process.ts";
import { namesIn, type TempDir, tempDir, textsIn } from "../kit/temp_dir.ts";

async function finishedRun(parent: TempDir): Promise<string> {
  const dir = parent.file("run");
  await runSoak({ dir, iterations: 12, autoTune: true });
  return dir;
}

/** A program that tries what `soak` must not be able to do. */
const TRESPASSES: Readonly<Record<string, string>> = {
  "start a process": "new Deno.Command(Deno.execPath()).outputSync()",
  "reach the network": "await fetch('http://127.0.0.1:8999/')",
  "listen": "Deno.listen({ port: 0 })",
  "read another variable": "Deno.env.get('HOME')",
  "read all variables": "Deno.env.toObject()",
  "load a library": "Deno.dlopen('libc.so.6', {})",
  "ask for the host's name": "Deno.hostname()",
};

Deno.test("deno task soak can't reach network, processes or other variables", async () => {
  assertEquals(PERMISSIONS, [
    "--allow-read",
    "--allow-write",
    "--allow-env=NO_COLOR,SOAK_DEBUG,SOURCE_DATE_EPOCH,TERM",
  ]);
  for (const [what, code] of Object.entries(TRESPASSES)) {
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(file, code);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-config", ...PERMISSIONS, file],
      env: { NO_COLOR: "1" },
    }).output();
    await Deno.remove(file);
    assertEquals(success, false, what);
    assertMatch(new TextDecoder().decode(stderr), /NotCapable/, what);
  }
});

Deno.test("every command works under exactly the flags of deno task soak", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const runtime = join(dir, RUNTIME_FILE);
  const commands: readonly (readonly string[])[] = [
    ["run", "--mock", "--auto-tune", "--iterations", "12", "--out", dir],
    ["run", "--resume", "--out", dir],
    ["verify", "--strict", "--path", dir],
    ["gate", "--strict", "--prometheus", "--path", dir],
    ["replay", "--path", dir],
    ["hash", runtime],
    ["params", "get", "tail_age_ms", "--runtime", runtime],
    ["apply", "--runtime", runtime, "tail_age_ms=615"],
    ["help"],
  ];
  for (const args of commands) {
    const { code, stderr } = await soak(args);
    assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  }
});

Deno.test("the demo's commands name the flags that they need and no others", () => {
  const commands = config.tasks.demo.command.split(" && ");
  assertEquals(commands.length, 2);
  for (const command of commands) {
    assertEquals(command.split(" ").filter((word) => word.startsWith("--allow")), [
      "--allow-read=.",
      "--allow-write=artifacts",
      "--allow-env=NO_COLOR,SOAK_DEBUG,SOURCE_DATE_EPOCH,TERM",
    ]);
  }
});

// What a command needs of the run directory, and nothing else: not even the environment.
const LEAST: Readonly<Record<string, (dir: string) => readonly [string[], string[]]>> = {
  verify: (dir) => [["verify", "--strict", "--path", dir], [
    `--allow-read=${dir}`,
    `--allow-write=${dir}`,
  ]],
  gate: (dir) => [["gate", "--strict", "--prometheus", "--path", dir], [
    `--allow-read=${dir}`,
    `--allow-write=${dir}`,
  ]],
  replay: (dir) => [["replay", "--path", dir], [`--allow-read=${dir}`, `--allow-write=${dir}`]],
  hash: (dir) => [["hash", join(dir, RUN_FILE)], [`--allow-read=${join(dir, RUN_FILE)}`]],
  apply: (dir) => [["apply", "--runtime", join(dir, RUNTIME_FILE), "tail_age_ms=615"], [
    `--allow-read=${dir}`,
    `--allow-write=${dir}`,
  ]],
  "params get": (dir) => [
    ["params", "get", "tail_age_ms", "--runtime", join(dir, RUNTIME_FILE)],
    [`--allow-read=${join(dir, RUNTIME_FILE)}`],
  ],
  "params list": () => [["params", "list"], []],
  help: () => [["help"], []],
};

for (const [name, least] of Object.entries(LEAST)) {
  Deno.test(`soak ${name} needs nothing but its files`, async () => {
    await using parent = await tempDir();
    const [args, permissions] = least(await finishedRun(parent));
    const { code, stderr } = await soak(args, { permissions });
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertEquals(namesIn(parent.path), ["run"]);
    assertEquals(namesIn(parent.file("run")).filter((name) => name.startsWith(".")), []);
  });
}

Deno.test("soak replay changes nothing in the run", async () => {
  await using parent = await tempDir();
  const dir = await finishedRun(parent);
  const before = textsIn(dir);
  assertEquals((await soak(["replay", "--path", dir])).code, 0);
  assertEquals(textsIn(dir), before);
});

Deno.test("soak run needs the folder that its run directory is in, and no variable", async () => {
  await using parent = await tempDir();
  const { code, stderr } = await soak(
    ["run", "--quiet", "--mock", "--iterations", "2", "--out", parent.file("run")],
    { permissions: [`--allow-read=${parent.path}`, `--allow-write=${parent.path}`] },
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

for (const [command, flag] of [["verify", "write"], ["gate", "write"], ["verify", "read"]]) {
  Deno.test(`soak ${command} without the permission to ${flag} says so in a line, and exits 4`, async () => {
    await using parent = await tempDir();
    const dir = await finishedRun(parent);
    const permissions = flag === "write" ? [`--allow-read=${dir}`] : [];
    const { code, stdout, stderr } = await soak([command ?? "", "--path", dir], { permissions });
    assertEquals(code, 4);
    // What could be read was judged, and the verdict is said all the same.
    assertEquals(/^PASS |\nGate: (PASS|FAIL)\n$/.test(stdout), flag === "write");
    assertMatch(
      stderr,
      new RegExp(
        `^soak: .*: not permitted to this program \\(.*\\); run it with --allow-${flag}\\n$`,
      ),
    );
  });
}

Deno.test("a run that may only be read is judged into a folder of its own", async () => {
  await using parent = await tempDir();
  const [dir, reports] = [await finishedRun(parent), parent.file("reports")];
  const before = textsIn(dir);
  const permissions = [`--allow-read=${parent.path}`, `--allow-write=${reports}`];
  for (const command of ["verify", "gate"]) {
    const args = [command, "--path", dir, "--report-dir", reports];
    const { code, stderr } = await soak(args, { permissions });
    assertEquals({ code: code === 4, stderr }, { code: false, stderr: "" });
    assertEquals(namesIn(reports).includes("GATE_REPORT.json"), command === "gate");
  }
  assertEquals(textsIn(dir), before);
});

Deno.test("a run needs nothing beside its directory until an earlier one is to move there", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await Deno.mkdir(dir);
  const permissions = [`--allow-read=${parent.path}`, `--allow-write=${dir}`];
  const run = () => soak(["run", "--mock", "--iterations=2", "--out", dir], { permissions });
  assertEquals((await run()).code, 0);
  const before = textsIn(dir);
  const { code, stderr } = await run();
  assertEquals(code, 4);
  assertMatch(
    stderr,
    /^soak: cannot move the earlier run to .+\/2025\d+T\d+Z: .+ \(.+run\); .+\n$/,
  );
  assertEquals([textsIn(dir), namesIn(parent.path)], [before, ["run"]]);
});

Deno.test("a file in place of a folder of the run is a clear error", async () => {
  await using parent = await tempDir();
  await Deno.writeTextFile(parent.file("artifacts"), "");
  for (const out of ["artifacts", "artifacts/run"]) {
    const { code, stderr } = await soak([
      "run",
      "--mock",
      "--iterations=2",
      "--out",
      parent.file(out),
    ]);
    assertEquals(code, 4);
    assertMatch(stderr, /^soak: cannot .+ \(.+artifacts.*\); .+\n$/);
  }
  assertEquals(await Deno.readTextFile(parent.file("artifacts")), "");
});
