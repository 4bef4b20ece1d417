import { assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { computeJsonHash } from "../../base/json.ts";
import { posix } from "../kit/posix.ts";
import { soak } from "../kit/soak_process.ts";
import { type TempDir, tempDir } from "../kit/temp_dir.ts";
import { stepScript } from "../kit/workflow.ts";

/**
 * Stands in for Python where there is none. It knows the one program that the step runs and, as
 * Python does, calls a text in place of the number an error.
 */
const STAND_IN = `
const [flag, program = ""] = Deno.args;
const form = /^import sys; sys\\.exit\\(0 if float\\('([^]*)'\\) >= 0\\.95 else 1\\)$/;
const [, text] = form.exec(program) ?? [];
if (flag !== "-c" || text === undefined) Deno.exit(2);
if (!/^(?:\\d+\\.\\d+|\\d+|NaN)$/.test(text)) {
  console.error("ValueError: could not convert string to float");
  Deno.exit(1);
}
Deno.exit(Number(text) >= 0.95 ? 0 : 1);
`;

const hasPython = posix && await succeeds("python", "-c", "float('1')");

async function succeeds(program: string, ...args: readonly string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs the step of `soak.yml` as a runner does, in a working directory. */
async function checkMetrics(
  cwd: string,
  path: string,
): Promise<{ readonly code: number; readonly out: string }> {
  const shell = await succeeds("bash", "-c", "true") ? "bash" : "sh";
  const script = join(cwd, "step.sh");
  await Deno.writeTextFile(script, stepScript("Check delta metrics"));
  const { code, stdout } = await new Deno.Command(shell, {
    args: ["-e", script],
    cwd,
    env: { PATH: path },
    stderr: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout) };
}

/** A folder with a `python` in it, to stand first on the path. */
async function standIn(temp: TempDir): Promise<string> {
  const folder = temp.file("bin");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(join(folder, "python.ts"), STAND_IN);
  const start =
    `exec '${Deno.execPath()}' run --quiet --no-config --no-lock "$(dirname "$0")/python.ts"`;
  const path = join(folder, "python");
  await Deno.writeTextFile(path, `#!/bin/sh\n${start} "$@"\n`, { mode: 0o755 });
  return folder;
}

async function gated(cwd: string, ...run: readonly string[]): Promise<number> {
  const made = await soak(
    ["run", "--mock", "--auto-tune", "--iterations", "12", "--quiet", ...run],
    { cwd },
  );
  assertEquals(made.code, 0, made.stderr);
  return (await soak(["gate", "--strict", "--prometheus"], { cwd })).code;
}

/** Tries the step with the stand-in, and again with the machine's own python if it has one. */
function step(what: string, body: (temp: TempDir, path: string) => Promise<void>): void {
  Deno.test(`the step of soak.yml ${what}`, { ignore: !posix }, async () => {
    const path = Deno.env.get("PATH") ?? "";
    for (const isOwn of hasPython ? [false, true] : [false]) {
      await using temp = await tempDir();
      await body(temp, isOwn ? path : `${await standIn(temp)}:${path}`);
    }
  });
}

step("passes what the gate passes", async (temp, path) => {
  assertEquals(await gated(temp.path), 0);
  assertEquals(await checkMetrics(temp.path, path), {
    code: 0,
    out: "Delta apply ratio: 1.000000\n",
  });
});

step("fails what did not take effect", async (temp, path) => {
  assertEquals(await gated(temp.path, "--mock-fault", "clamp:1"), 1);
  assertEquals(await checkMetrics(temp.path, path), {
    code: 1,
    out: "Delta apply ratio: 0.000000\n",
  });
});

step("compares the one number that there is, and fails if there is none", async (temp, path) => {
  const metrics = temp.file("artifacts/soak/latest/POST_SOAK_METRICS.prom");
  await Deno.mkdir(dirname(metrics), { recursive: true });
  const cases = [
    ["soak_delta_full_apply_ratio 0.950000\n", 0],
    ["soak_delta_full_apply_ratio 0.949999999\n", 1],
    ["soak_delta_full_apply_ratio NaN\n", 1],
    ["# TYPE soak_delta_full_apply_ratio gauge\nsoak_delta_full_apply_ratio 1\n", 1],
    ["", 1],
  ] as const;
  for (const [text, code] of cases) {
    await Deno.writeTextFile(metrics, text);
    assertEquals((await checkMetrics(temp.path, path)).code, code, text);
  }
});

/** What `soak apply --json` prints. */
async function applied(cwd: string, ...targets: readonly string[]): Promise<unknown> {
  const args = ["apply", "--runtime", "runtime.json", ...targets, "--json"];
  return JSON.parse((await soak(args, { cwd })).stdout);
}

Deno.test("soak apply --json has the fields of the pipeline's result, applied or not", async () => {
  await using temp = await tempDir();
  await Deno.writeTextFile(temp.file("runtime.json"), '{"engine":{"tail_age_ms":600}}');
  const before = await computeJsonHash({ engine: { tail_age_ms: 600 } });
  const after = await computeJsonHash({ engine: { tail_age_ms: 630 } });
  assertEquals(await applied(temp.path, "tail_age_ms=630"), {
    applied: true,
    bytes_written: 30,
    changed_keys: ["tail_age_ms"],
    deltas_applied: { tail_age_ms: 630 },
    no_op: false,
    old_hash: before,
    skip_reason: null,
    state_hash: after,
  });
  assertEquals(await applied(temp.path, "tail_age_ms=630"), {
    applied: false,
    bytes_written: 0,
    changed_keys: [],
    deltas_applied: {},
    no_op: true,
    old_hash: after,
    skip_reason: {
      cooldown: false,
      freeze: false,
      no_op: true,
      note: "every target equals the current value",
      oscillation: false,
      velocity: false,
    },
    state_hash: after,
  });
});
