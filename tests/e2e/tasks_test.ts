import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TINY } from "../kit/real_system.ts";
import { inRepository } from "../kit/repository.ts";
import { ended, spawnSoak } from "../kit/soak_process.ts";
import { namesIn, tempDir } from "../kit/temp_dir.ts";

for (
  const [task, args, says] of [
    ["crash", ["--kill", "5"], "no such argument: --kill\nusage: deno task crash"],
    ["crash", ["5"], "no such argument: 5\nusage: deno task crash"],
    ["crash", ["--kills", "0"], "usage: deno task crash"],
    ["fuzz", ["--second", "5"], "no such argument: --second\nusage: deno task fuzz"],
    ["fuzz", ["--seconds"], "--seconds without a value\nusage: deno task fuzz"],
    ["faults", ["--olny", "run"], "no such argument: --olny\nusage: deno task faults"],
    ["faults", ["--only", "runn"], "scenarios: run, run over an earlier one, "],
  ] as const
) {
  Deno.test(`deno task ${task} refuses ${args.join(" ")} before it does anything`, async () => {
    const script = inRepository(`scripts/${task}.ts`);
    const { code, stdout, stderr } = await ended(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--allow-read", "--allow-env", script, ...args],
        env: { NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, says);
  });
}

Deno.test("deno task soak takes paths from where its caller stands, with blanks in them too", async () => {
  await using parent = await tempDir();
  const folder = parent.file("some where");
  await Deno.mkdir(folder);
  // A task that starts this test has told where its own caller stands.
  const { INIT_CWD: _, ...env } = Deno.env.toObject();
  const task = (...args: string[]) =>
    ended(
      new Deno.Command(Deno.execPath(), {
        args: ["task", "--quiet", "--config", inRepository("deno.json"), ...args],
        cwd: folder,
        clearEnv: true,
        env: { ...env, NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  const run = await task("soak", "run", "--mock", "--iterations", "1", "--out", "my run", "-q");
  assertEquals(run.code, 2, run.stderr); // arguments reach it as they are
  const made = await task(
    "soak",
    "run",
    "--mock",
    "--iterations",
    "1",
    "--out",
    "my run",
    "--quiet",
  );
  assertEquals(made.code, 0, made.stderr);
  assertEquals(namesIn(folder), ["my run"]);
  const judged = await task("soak:real", "verify", "--json", "--path", "my run");
  assertEquals([judged.code, JSON.parse(judged.stdout).iterations], [3, 1], judged.stderr);
});

Deno.test("deno task soak points to soak:real where a real system needs it", async () => {
  await using parent = await tempDir();
  const profile = parent.file("p.json");
  await Deno.writeTextFile(profile, JSON.stringify(TINY));
  for (
    const [args, says] of [
      [["--exec", "--", "true"], /^soak: cannot start the command: .*`deno task soak:real`; .*\n$/],
      [
        ["--service", "--measure", "true", "--ready-tcp", "localhost:1", "--", "true"],
        /^soak: cannot use the network: .*\(localhost:1\).*`deno task soak:real`; .*\n$/,
      ],
    ] as const
  ) {
    const { code, stderr } = await ended(
      spawnSoak([
        ...["run", "--profile", profile, "--iterations", "1", "--out", parent.file("run")],
        ...args,
      ]),
    );
    assertEquals(code, 4, stderr);
    assertMatch(stderr, says);
    assertEquals(namesIn(parent.path), ["p.json"]);
  }
});
