import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { canonicalJson } from "../../base/canonical.ts";
import { VERSION } from "../../base/version.ts";
import { unfinishedRun } from "../kit/forgery.ts";
import { soak as soakProcess } from "../kit/soak_process.ts";
import { startCli, TINY } from "../kit/real_system.ts";
import { tempDir } from "../kit/temp_dir.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the real command line in a directory. */
async function soak(cwd: string, ...args: readonly string[]): Promise<Outcome> {
  return await soakWith({}, cwd, ...args);
}

/** The same, with variables on top of the environment. */
async function soakWith(
  env: Readonly<Record<string, string>>,
  cwd: string,
  ...args: readonly string[]
): Promise<Outcome> {
  const { code, stdout, stderr } = await soakProcess(args, { cwd, env });
  return { code, out: stdout, err: stderr };
}

/** A tuned run of 12 iterations in the default place. */
async function tunedRun(cwd: string): Promise<string> {
  const { code, err } = await soak(
    cwd,
    ...["run", "--mock", "--auto-tune", "--iterations", "12", "--quiet"],
  );
  assertEquals(code, 0, err);
  return join(cwd, "artifacts", "soak", "latest");
}

/** The one line that an error is. */
function errorLine({ err }: Outcome): string {
  const lines = err.trimEnd().split("\n");
  assertEquals(lines.length, 1, err);
  assertMatch(err, /^soak: /);
  return lines[0] ?? "";
}

Deno.test("a tuned run passes strict verification and the strict gate", async () => {
  await using dir = await tempDir();
  await tunedRun(dir.path);
  const verified = await soak(dir.path, "verify", "--strict");
  assertEquals(verified.code, 0);
  assertMatch(verified.out, /^PASS /);
  const gated = await soak(dir.path, "gate", "--strict", "--prometheus");
  assertEquals(gated.code, 0);
  assertStringIncludes(gated.out, "Gate: PASS");
  const metrics = await Deno.readTextFile(
    join(dir.path, "artifacts/soak/latest/POST_SOAK_METRICS.prom"),
  );
  assertMatch(metrics, /^soak_delta_full_apply_ratio 1\.000000$/m);
  assertMatch(metrics, /^soak_gate_pass 1$/m);
});

Deno.test("a run without the tuner ends in verdict FAIL and exit 1", async () => {
  await using dir = await tempDir();
  const run = await soak(dir.path, "run", "--mock", "--iterations", "12", "--quiet");
  assertEquals(run.code, 0);
  const gated = await soak(dir.path, "gate", "--strict");
  assertEquals(gated.code, 1);
  assertStringIncludes(gated.out, "FAIL, 0 of the last 8 iterations");
  const verified = await soak(dir.path, "verify", "--strict");
  assertEquals(verified.code, 3);
  assertStringIncludes(verified.out, "nothing was proposed");
  assertEquals((await soak(dir.path, "verify", "--strict", "--allow-no-deltas")).code, 0);
});

Deno.test("an applied value changed by hand is named by verify and gate, with exit 1", async () => {
  await using dir = await tempDir();
  const run = await tunedRun(dir.path);
  const path = join(run, "ITER_SUMMARY_2.json");
  const summary = JSON.parse(await Deno.readTextFile(path));
  assertEquals(summary.runtime_overrides.engine.tail_age_ms, 630);
  summary.runtime_overrides.engine.tail_age_ms = 640;
  await Deno.writeTextFile(path, canonicalJson(summary));
  for (const command of ["verify", "gate"]) {
    const { code, out } = await soak(dir.path, command, "--strict");
    assertEquals(code, 1, out);
    assertStringIncludes(out, "ITER_SUMMARY_2.json");
  }
  const report = await Deno.readTextFile(join(run, "DELTA_VERIFY_REPORT.md"));
  assertStringIncludes(report, "engine.tail_age_ms should be 630, is 640");
});

Deno.test("a truncated summary is inconclusive: exit 3, and the file is named", async () => {
  await using dir = await tempDir();
  const run = await tunedRun(dir.path);
  const path = join(run, "ITER_SUMMARY_5.json");
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.slice(0, text.length / 2));
  for (const command of ["verify", "gate"]) {
    const { code, out } = await soak(dir.path, command, "--strict");
    assertEquals(code, 3, out);
    assertStringIncludes(out, "ITER_SUMMARY_5.json");
  }
});

Deno.test("a missing and an empty directory are exit 3 with one line", async () => {
  await using dir = await tempDir();
  for (const command of ["verify", "gate", "replay"]) {
    const missing = await soak(dir.path, command, "--path", "not there");
    assertEquals([missing.code, missing.out], [3, ""]);
    assertStringIncludes(errorLine(missing), "not there");
  }
  const empty = await soak(dir.path, "gate", "--path", ".");
  assertEquals(empty.code, 3);
  assertStringIncludes(errorLine(empty), "no soak run");
});

Deno.test("--json puts exactly one JSON document on stdout, for every command that has it", async () => {
  await using dir = await tempDir();
  await tunedRun(dir.path);
  const runtime = "artifacts/soak/latest/runtime_overrides.json";
  const calls = [
    ["run", "--mock", "--auto-tune", "--iterations", "12", "--json"],
    ["verify", "--strict", "--json"],
    ["gate", "--strict", "--json"],
    ["replay", "--json"],
    ["params", "--json"],
    ["params", "get", "tail_age_ms", "--runtime", runtime, "--json"],
    ["params", "validate", "tail_age_ms=9000", "--json"],
    ["apply", "--runtime", runtime, "max_age_ms=3100", "--json"],
  ];
  for (const args of calls) {
    const { out } = await soak(dir.path, ...args);
    assertEquals(out, `${canonicalJson(JSON.parse(out))}\n`, args.join(" "));
  }
});

Deno.test("usage errors are exit 2 and one line with the nearest spelling", async () => {
  await using dir = await tempDir();
  const cases = [
    [["gate", "--strickt"], "--strict"],
    [["gat"], "gate"],
    [["run", "--mock", "--iterations", "ten"], "--iterations"],
    [["run", "--mock", "--iterations", "0"], "--iterations"],
    [["verify", "--threshold", "NaN"], "--threshold"],
    [["apply", "--runtime", "x.json"], "KEY=VALUE"],
  ] as const;
  for (const [args, hint] of cases) {
    const outcome = await soak(dir.path, ...args);
    assertEquals(outcome.code, 2, outcome.err);
    assertStringIncludes(errorLine(outcome), hint);
  }
});

Deno.test("soak without arguments shows help on stderr and is exit 2; soak help is exit 0", async () => {
  await using dir = await tempDir();
  const bare = await soak(dir.path);
  assertEquals([bare.code, bare.out], [2, ""]);
  const asked = await soak(dir.path, "help");
  assertEquals([asked.code, asked.err], [0, ""]);
  assertEquals(asked.out, bare.err);
  for (const topic of ["run", "verify", "gate", "replay", "apply", "params", "hash", "codes"]) {
    const { code, out } = await soak(dir.path, "help", topic);
    assertEquals(code, 0, topic);
    assert(out.length > 100, topic);
  }
});

Deno.test("an earlier run is moved aside, never overwritten", async () => {
  await using dir = await tempDir();
  await tunedRun(dir.path);
  await tunedRun(dir.path);
  const { err } = await soak(
    dir.path,
    ...["run", "--mock", "--iterations", "1", "--quiet"],
  );
  assertStringIncludes(err, "20250101T000000Z-2");
  const names = [...Deno.readDirSync(join(dir.path, "artifacts/soak"))].map(({ name }) => name);
  assertEquals(names.sort(), ["20250101T000000Z", "20250101T000000Z-2", "latest"]);
});

Deno.test("nothing but plain text goes to a pipe", async () => {
  await using dir = await tempDir();
  const run = await soak(dir.path, "run", "--mock", "--auto-tune", "--iterations", "12");
  const gate = await soak(dir.path, "gate", "--strict");
  for (const text of [run.out, run.err, gate.out]) {
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(text), text);
  }
  assertMatch(run.err, /iteration 12\/12: PASS/);
});

Deno.test("SOURCE_DATE_EPOCH starts the virtual clock, and nonsense in it is a usage error", async () => {
  await using dir = await tempDir();
  const start = (epoch: string): Promise<Outcome> =>
    soakWith(
      { SOURCE_DATE_EPOCH: epoch },
      dir.path,
      ...["run", "--mock", "--iterations", "1", "--quiet"],
    );
  assertEquals((await start("86400")).code, 0);
  const run = await Deno.readTextFile(join(dir.path, "artifacts/soak/latest/SOAK_RUN.json"));
  assertEquals(JSON.parse(run).started_utc, "1970-01-02T00:00:00Z");
  const wrong = await start("yesterday");
  assertEquals(wrong.code, 2);
  assertStringIncludes(errorLine(wrong), "SOURCE_DATE_EPOCH");
});

Deno.test("soak hash prints what sha256sum prints", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "a b.json"), '{"a":1}');
  const { code, out } = await soak(dir.path, "hash", "a b.json");
  assertEquals(code, 0);
  assertEquals(
    out,
    "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862  a b.json\n",
  );
  assertEquals((await soak(dir.path, "hash", "none.json")).code, 3);
});

Deno.test("soak apply applies all or nothing and says so by its exit code", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "runtime.json");
  const text = '{"engine":{"min_interval_ms":55,"tail_age_ms":600}}';
  await Deno.writeTextFile(path, text);
  const apply = (...targets: string[]): Promise<Outcome> =>
    soak(dir.path, "apply", "--runtime", "runtime.json", ...targets);

  assertEquals((await apply("tail_age_ms=630")).code, 0);
  const applied = await Deno.readTextFile(path);
  assertEquals(applied, '{"engine":{"min_interval_ms":55,"tail_age_ms":630}}');
  assertEquals((await apply("tail_age_ms=630")).code, 0, "a target that is there already");
  const held = await apply("tail_age_ms=800");
  assertEquals(held.code, 1, "over the velocity cap");
  assertStringIncludes(held.out, "velocity");
  const refused = await apply("tail_age_ms=640", "min_interval_ms=9000");
  assertEquals(refused.code, 2);
  assertStringIncludes(errorLine(refused), "min_interval_ms");
  const misspelt = await apply("tail_age=640");
  assertEquals(misspelt.code, 2);
  assertStringIncludes(errorLine(misspelt), "did you mean tail_age_ms?");
  assertEquals(await Deno.readTextFile(path), applied);
});

Deno.test("a flat runtime file is taken for what it means, and every command says so", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "flat.json");
  const flat = canonicalJson({ min_interval_ms: 65, tuner: { Velocity_cap: 9 } });
  await Deno.writeTextFile(path, flat);
  const notes =
    "soak: flat.json: at its top, min_interval_ms is taken as engine.min_interval_ms\n" +
    "soak: flat.json: kept, but neither a parameter of market-maker nor a guard setting: " +
    "tuner.Velocity_cap (did you mean tuner.velocity_cap?)\n";
  const run = ["run", "--mock", "--iterations", "2", "--quiet", "--runtime", "flat.json"];
  const started = await soak(dir.path, ...run);
  assertEquals([started.code, started.err], [0, notes]);
  const first = JSON.parse(
    await Deno.readTextFile(join(dir.path, "artifacts/soak/latest/ITER_SUMMARY_1.json")),
  );
  assertEquals(first.effective_params.min_interval_ms, 65);
  assertEquals(first.runtime_overrides.min_interval_ms, undefined);
  assertEquals(first.runtime_overrides.engine.min_interval_ms, 65);

  const got = await soak(dir.path, "params", "get", "min_interval_ms", "--runtime", "flat.json");
  assertEquals([got.code, got.out, got.err], [0, "65\n", notes]);
  const apply = ["apply", "--runtime", "flat.json"];
  const same = await soak(dir.path, ...apply, "min_interval_ms=65");
  assertEquals([same.code, same.err], [0, notes]);
  assertEquals(await Deno.readTextFile(path), flat);
  const applied = await soak(dir.path, ...apply, "tail_age_ms=630");
  assertEquals([applied.code, applied.err], [0, notes]);
  const nested = { engine: { min_interval_ms: 65, tail_age_ms: 630 }, tuner: { Velocity_cap: 9 } };
  assertEquals(JSON.parse(await Deno.readTextFile(path)), nested);
});

Deno.test("a runtime file that contradicts itself is refused and left as it is", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "two.json");
  const problem = "min_interval_ms is 65 at the top and 60 at engine.min_interval_ms";
  const text = canonicalJson({ engine: { min_interval_ms: 60 }, min_interval_ms: 65 });
  await Deno.writeTextFile(path, text);
  const commands = [
    ["run", "--mock", "--iterations", "2", "--runtime", "two.json"],
    ["apply", "--runtime", "two.json", "tail_age_ms=630"],
    ["params", "get", "min_interval_ms", "--runtime", "two.json"],
  ];
  for (const [i, command] of commands.entries()) {
    const { code, ...streams } = await soak(dir.path, ...command);
    assertEquals(code, [2, 3, 3][i]);
    assertStringIncludes(errorLine({ code, ...streams }), problem);
    assertEquals(await Deno.readTextFile(path), text);
  }
  await Deno.writeTextFile(path, canonicalJson({ engine: { min_interval_ms: 60 } }));
  for (const command of commands) assertEquals((await soak(dir.path, ...command)).code, 0);
});

Deno.test("a target that its step rounds is said to be", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "runtime.json");
  await Deno.writeTextFile(path, canonicalJson({ engine: { max_age_ms: 3000 } }));
  const note = "soak: max_age_ms 3004 becomes 3000, its step is 10\n";
  const target = "max_age_ms=3004";
  const validated = await soak(dir.path, "params", "validate", target);
  assertEquals([validated.code, validated.out, validated.err], [0, "valid\n", note]);
  const applied = await soak(dir.path, "apply", "--runtime", "runtime.json", target);
  assertEquals([applied.code, applied.err], [0, note]);
});

Deno.test("a program that is not found though its file is near is told how to write it", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using dir = await tempDir();
  const script = join(dir.path, "a b", "m.sh");
  await Deno.mkdir(join(dir.path, "a b"));
  for (const path of [script, join(dir.path, "start.sh")]) {
    await Deno.writeTextFile(path, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  }
  await Deno.writeTextFile(join(dir.path, "p.json"), JSON.stringify(TINY));
  const run = ["run", "--profile", "p.json", "--iterations", "1"];
  const torn = await soak(dir.path, ...run, "--service", "--measure", `${script} 2`, "--", "./x");
  assertEquals([torn.code, errorLine(torn)], [
    2,
    "soak: a path with blanks is taken for several words (--measure); " +
    `write --measure "'${script}' 2"`,
  ]);
  const bare = await startCli([...run, "--exec", "--", "start.sh"], `cd '${dir.path}'`).end();
  assertEquals([bare.code, errorLine(bare)], [
    4,
    "soak: the command was not found (start.sh); it is not on PATH; did you mean ./start.sh?",
  ]);
});

Deno.test("guard settings that the profile does not allow are refused with file, field and remedy", async () => {
  await using dir = await tempDir();
  const tuner = { freeze_after: 1 };
  const text = canonicalJson({ engine: { tail_age_ms: 600 }, tuner });
  await Deno.writeTextFile(join(dir.path, "own.json"), text);
  const run = ["run", "--mock", "--iterations", "3", "--runtime", "own.json"];
  const problem = "tuner.freeze_after is 1, but the profile allows 2 only";
  const started = await soak(dir.path, ...run);
  assertEquals([started.code, errorLine(started)], [
    2,
    `soak: the runtime to start from: ${problem} (--runtime own.json); correct the file or the ` +
    "profile",
  ]);
  const applied = await soak(dir.path, "apply", "--runtime", "own.json", "tail_age_ms=610");
  assertEquals([applied.code, errorLine(applied)], [
    3,
    `soak: ${problem} (own.json); correct the file or the profile`,
  ]);
  assertEquals(await Deno.readTextFile(join(dir.path, "own.json")), text);
  assertEquals((await soak(dir.path, "gate")).code, 3, "no run was started");

  await Deno.writeTextFile(join(dir.path, "own.json"), text.replace('"freeze_after":1', ""));
  assertEquals((await soak(dir.path, ...run)).code, 0, "the remedy works");
});

Deno.test("a run that another version goes on with is said to be one, everywhere", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "artifacts", "soak", "latest");
  await Deno.mkdir(join(dir.path, "artifacts", "soak"), { recursive: true });
  (await unfinishedRun("0.0.9", 8)).write(path);
  const resumed = await soak(dir.path, "run", "--resume", "--quiet");
  assertEquals([resumed.code, resumed.err.split("\n")], [0, [
    "soak: going on after iteration 8 of 12",
    `soak: made by soak 0.0.9 so far; soak ${VERSION} goes on, and records that`,
    "",
  ]]);
  const words = `Other versions: iterations 9 to 12 by soak ${VERSION}`;
  assertStringIncludes((await soak(dir.path, "verify", "--strict")).out, `\n  ${words}\n`);
  const gated = await soak(dir.path, "gate", "--strict");
  assertEquals(gated.code, 0);
  assertStringIncludes(gated.out, `${words}\n`);
  const json = JSON.parse((await soak(dir.path, "gate", "--strict", "--json")).out);
  assertEquals(json.verification.other_versions, [{ first: 9, last: 12, tool_version: VERSION }]);
  const told = await soak(dir.path, "verify", "--explain", "9");
  assertStringIncludes(told.out, `, recorded by soak ${VERSION}, not by the version that started`);
});

Deno.test("the version that started a run goes on after another one", async () => {
  await using dir = await tempDir();
  const run = await unfinishedRun(VERSION, 8);
  for (const i of [6, 7]) {
    run.editJson(`ITER_SUMMARY_${i}.json`, (draft) => void (draft["tool_version"] = "9.1.0"));
  }
  await run.resign();
  run.remove("TUNING_REPORT.json");
  run.write(join(dir.path, "run"));
  const resumed = await soak(dir.path, "run", "--resume", "--quiet", "--out", "run");
  assertEquals([resumed.code, resumed.err.split("\n")], [0, [
    "soak: going on after iteration 8 of 12",
    `soak: made by soak ${VERSION} and 9.1.0 so far; soak ${VERSION} goes on`,
    "",
  ]]);
});

Deno.test("records of another format are refused by name, whatever else is in them", async () => {
  await using dir = await tempDir();
  const run = await unfinishedRun("9.1.0", 8);
  run.editJson("SOAK_RUN.json", (draft) => void Object.assign(draft, { schema_version: 7, x: 1 }));
  run.write(join(dir.path, "run"));
  const refusal = `the records have format 7, and soak ${VERSION} reads 1 (run/SOAK_RUN.json: ` +
    "$.schema_version); use the version that made them, soak 9.1.0";
  const resumed = await soak(dir.path, "run", "--resume", "--out", "run");
  assertEquals([resumed.code, errorLine(resumed)], [3, `soak: ${refusal}`]);
  const verified = await soak(dir.path, "verify", "--path", "run");
  assertEquals(verified.code, 3);
  assertStringIncludes(verified.out, refusal);
});

Deno.test("--fail-fast ends at the last iteration, too, and says so in JSON", async () => {
  await using folder = await tempDir();
  const args = [
    "run",
    "--mock",
    "--auto-tune",
    "--mock-fault",
    "clamp:1",
    "--fail-fast",
    "--quiet",
  ];
  const { code, out, err } = await soak(folder.path, ...args, "--iterations", "2", "--json");
  assertEquals(code, 1);
  const { status, recorded, changes } = JSON.parse(out);
  assertEquals({ status, recorded, changes }, {
    status: "failed",
    recorded: 2,
    changes: { in_effect: 0, not_in_effect: 1, not_seen: 0 },
  });
  assertMatch(
    err,
    /^soak: stopped by --fail-fast: iteration 2 ran with .* mend it and start a new run\n$/,
    "a run that is finished can't go on",
  );
});

Deno.test("a resumed run's table and counts have the iterations that were recorded before", async () => {
  await using folder = await tempDir();
  const whole = await soak(folder.path, "run", "--mock", "--auto-tune", "--iterations", "12");
  const run = folder.file("begun");
  const fault = ["--mock-fault", "late:1", "--fail-fast"];
  const options = ["--mock", "--auto-tune", "--iterations", "12", "--quiet", "--out", run];
  await soak(folder.path, "run", ...options, ...fault);
  const resumed = await soak(folder.path, "run", "--resume", "--quiet", "--out", run);
  const alone = await soak(folder.path, "run", ...options, ...fault.slice(0, 2));
  assertEquals([whole.code, resumed.code, alone.code], [0, 0, 0]);
  assertEquals(resumed.out, alone.out);
  assert(whole.out !== alone.out);
});
