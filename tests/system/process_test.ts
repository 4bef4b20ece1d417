import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { profileToJson } from "../../model/profile_check.ts";
import { runSoak } from "../../run/run.ts";
import { requireProgram } from "../../system/process.ts";
import { bench, TINY } from "../kit/real_system.ts";
import { PERMISSIONS, soak } from "../kit/soak_process.ts";
import { namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

/** Windows adds extensions to names and has no modes; there, starting a program is what tells. */
const ignore = Deno.build.os === "windows";

Deno.test({
  name: "requireProgram() refuses what certainly can't be started, and nothing else",
  ignore,
  async fn() {
    await using dir = await tempDir();
    Deno.writeTextFileSync(dir.file("plain"), "no program", { mode: 0o644 });
    Deno.writeTextFileSync(dir.file("program"), "#!/bin/sh\n", { mode: 0o755 });
    Deno.symlinkSync(dir.file("program"), dir.file("link"));
    for (const name of ["sh", "deno", Deno.execPath(), dir.file("program"), dir.file("link")]) {
      requireProgram(name);
    }
    const refused = [
      ["no-such-command-here", "the command was not found"],
      ["--help", "the command was not found"],
      ["", "the command was not found"],
      [dir.file("missing"), "the command was not found"],
      [dir.file("plain"), "the command may not be executed"],
      [dir.path, "the command may not be executed"],
    ] as const;
    for (const [name, says] of refused) {
      const error = assertThrows(() => requireProgram(name), SoakError, says);
      assertEquals([error.kind, error.where], ["system", name]);
    }
  },
});

Deno.test({
  name: "a run whose programs can't be started leaves no directory and the earlier run in place",
  ignore,
  async fn() {
    await using b = await bench();
    const good = b.script("good", "exit 0");
    const none = b.file("none");
    const systems = [
      { kind: "exec", command: [none] },
      { kind: "service", command: [none], measureCommand: good },
      { kind: "service", command: [good], measureCommand: none },
      { kind: "service", command: [good], measureCommand: good, reloadCommand: none },
    ] as const;
    const before = namesIn(b.temp.path);
    for (const system of systems) {
      const error = await assertRejects(() => b.run(system), SoakError);
      assertStringIncludes(error.message, `the command was not found (${none})`);
      assertEquals(namesIn(b.temp.path), before);
    }
    await runSoak({ dir: b.dir, iterations: 2 });
    const texts = textsIn(b.dir);
    await assertRejects(() => b.run(systems[0]), SoakError);
    assertEquals(namesIn(b.temp.path), [...before, "run"].sort());
    assertEquals(textsIn(b.dir), texts);
  },
});

Deno.test("soak run without the permission to start programs says so and leaves no directory", async () => {
  await using dir = await tempDir();
  const profile = dir.file("profile.json");
  await Deno.writeTextFile(profile, JSON.stringify(profileToJson(TINY)));
  const out = dir.file("run");
  const args = ["run", "--exec", "--profile", profile, "--iterations", "2", "--out", out];
  const { code, stderr } = await soak([...args, "--", join(dir.path, "x")], {
    permissions: PERMISSIONS,
  });
  assertEquals(code, 4);
  assertStringIncludes(stderr, "run it with --allow-run");
  assertEquals(namesIn(dir.path), ["profile.json"]);
});
