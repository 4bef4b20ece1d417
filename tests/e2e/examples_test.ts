import { assertEquals, assertStringIncludes } from "@std/assert";
import { DELIMITER, dirname, join } from "@std/path";
import { parseJson } from "../../base/json.ts";
import { checkProfile } from "../../model/profile_check.ts";
import { inRepository } from "../kit/repository.ts";
import { type Ended, ended } from "../kit/soak_process.ts";
import { tempDir } from "../kit/temp_dir.ts";

const EXAMPLES = inRepository("examples");

/** The examples are for systems with a shell. */
const ignore = Deno.build.os === "windows";

/** Runs a program that finds this Deno. */
function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  const path = [dirname(Deno.execPath()), Deno.env.get("PATH") ?? ""].join(DELIMITER);
  const child = new Deno.Command(program, {
    args: [...args],
    env: { NO_COLOR: "1", PATH: path, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return ended(child);
}

function runShell(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return run("bash", [join(EXAMPLES, "shell", "run.sh"), ...args], env);
}

/** The table of iterations that a run prints. */
function tableIn(stdout: string): string {
  return stdout.slice(0, stdout.indexOf("\n\n"));
}

async function readBatch(dir: string): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(join(dir, "runtime_overrides.json"))).job.batch;
}

for (const name of ["shell", "redis", "nginx", "prometheus"]) {
  Deno.test(`the profile of examples/${name} has neither mistakes nor warnings`, async () => {
    const text = await Deno.readTextFile(join(EXAMPLES, name, "profile.json"));
    assertEquals(checkProfile(parseJson(text, "profile.json")), []);
  });

  Deno.test({
    name: `the scripts of examples/${name} are well-formed`,
    ignore,
    async fn() {
      const folder = join(EXAMPLES, name);
      for await (const entry of Deno.readDir(folder)) {
        if (!entry.name.endsWith(".sh")) continue;
        const { code, stderr } = await run("bash", ["-n", join(folder, entry.name)]);
        assertEquals({ code, stderr }, { code: 0, stderr: "" });
      }
    },
  });
}

Deno.test("the profile in docs/getting-started.md has neither mistakes nor warnings", async () => {
  const guide = await Deno.readTextFile(join(EXAMPLES, "..", "docs", "getting-started.md"));
  const [, profile = ""] = /^```json\n(.*?)^```/ms.exec(guide) ?? [];
  assertEquals(checkProfile(parseJson(profile, "getting-started.md")), []);
});

Deno.test({
  name: "examples/shell tunes a bad start until the strict gate passes",
  ignore,
  async fn() {
    await using dir = await tempDir();
    const out = dir.file("run");
    const { code, stdout } = await runShell([out]);
    assertEquals(code, 0, stdout);
    assertEquals(await readBatch(out), 8);
    const readme = await Deno.readTextFile(join(EXAMPLES, "shell", "README.md"));
    const [, shown = ""] = /^\$ bash examples\/shell\/run\.sh\n(.*?)^```/ms.exec(readme) ?? [];
    assertEquals(tableIn(stdout), tableIn(shown), "examples/shell/README.md shows it otherwise");
  },
});

Deno.test({
  name: "examples/shell fails the gate when auto-tune is off",
  ignore,
  async fn() {
    await using dir = await tempDir();
    const out = dir.file("run");
    const { code, stdout } = await runShell(["--no-auto-tune", out]);
    assertEquals(code, 1, stdout);
    assertEquals(await readBatch(out), 1);
  },
});

Deno.test({
  name: "examples/shell fails the gate when the job does not heed its parameter",
  ignore,
  async fn() {
    await using dir = await tempDir();
    const { code, stdout } = await runShell([dir.file("run")], { BATCH: "2" });
    assertEquals(code, 1, stdout);
    assertStringIncludes(stdout, "effective_mismatch");
  },
});

Deno.test({
  name: "examples/shell refuses a flag that it does not have",
  ignore,
  async fn() {
    const { code, stderr } = await runShell(["--no-autotune"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "unknown flag --no-autotune");
  },
});
