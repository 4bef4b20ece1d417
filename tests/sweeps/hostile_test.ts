import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { join } from "@std/path";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { MAX_FILE_BYTES } from "../../base/read_file.ts";
import { verifyRun } from "../../proof/verify.ts";
import {
  PROGRESS_FILE,
  RUN_FILE,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "../../record/artifacts.ts";
import { parseRun, parseSummary } from "../../record/records.ts";
import { runSoak } from "../../run/run.ts";
import { DAMAGES, variants } from "../kit/hostile.ts";
import { posix } from "../kit/posix.ts";
import { type Ended, ended, peakMiB, soak, spawnSoak } from "../kit/soak_process.ts";
import { fillFolder, namesIn, type TempDir, tempDir, textsIn } from "../kit/temp_dir.ts";

const SUMMARY = summaryFile(3);
/** What proves a run, and what says that a step is left over. */
const RECORDS = [RUN_FILE, SUMMARY, RUNTIME_FILE, TUNING_REPORT_FILE];

// deno-lint-ignore no-control-regex
const CONTROL = /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

async function finishedRun(dir: string): Promise<Readonly<Record<string, string>>> {
  await runSoak({ dir, iterations: 12, autoTune: true });
  return textsIn(dir);
}

/** Fails unless a run is refused: by a verdict other than PASS, or by an error of one line. */
async function expectRefusal(dir: string, what: string): Promise<void> {
  for (const strict of [true, false]) {
    try {
      const { verdict, findings } = await verifyRun(dir, { strict });
      assert(findings.length > 0, `${what}: no finding`);
      if (strict) assert(verdict !== "PASS", `${what}: PASS`);
    } catch (error) {
      assert(error instanceof SoakError, `${what}: ${error}`);
      assertEquals(error.kind, "artifact", `${what}: ${error.message}`);
      expectOneLine(error.message, what);
    }
  }
}

function expectOneLine(message: string, what: string): void {
  assertNotMatch(message, /\n/, what);
  assertNotMatch(message, CONTROL, what);
  assert(message.length < 1000, `${what}: a message of ${message.length} characters`);
}

/** Fails unless a process refused in one line, without a stack trace, in time. */
function expectClear(
  { code, stdout, stderr }: Ended,
  codes: readonly number[],
  what: string,
): void {
  assert(codes.includes(code), `${what}: exit ${code}\n${stdout}${stderr}`);
  assertNotMatch(stdout + stderr, /this is a bug|^ +at /m, what);
  assertNotMatch(stdout + stderr, CONTROL, what);
  if (code > 1 && stdout === "") {
    const lines = stderr.split("\n").filter((line) => !line.startsWith("soak: going on"));
    assertEquals(lines.length, 2, `${what}: ${stderr}`);
    assertMatch(stderr, /^soak: .+ \(.+\); .+\n$/m, what);
  }
}

for (const name of RECORDS) {
  Deno.test(`verifyRun() refuses a run whose ${name} is damaged, however it is`, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    const { [name]: text = "" } = await finishedRun(dir);
    for (const [damage, make] of Object.entries(DAMAGES)) {
      const made = make(text);
      if (made === text) continue; // no number in it, say
      const bytes = typeof made === "string" ? new TextEncoder().encode(made) : made;
      await Deno.writeFile(join(dir, name), bytes);
      await expectRefusal(dir, `${name} ${damage}`);
    }
  });

  Deno.test(`verifyRun() refuses a run whose ${name} is cut off, wherever it is`, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    const { [name]: text = "" } = await finishedRun(dir);
    for (let i = 0; i < 40; i++) {
      const length = Math.floor(text.length * i / 40);
      await Deno.writeTextFile(join(dir, name), text.slice(0, length));
      await expectRefusal(dir, `${name} cut off at ${length}`);
    }
  });
}

Deno.test("a damaged step file is found by verifyRun() and refused when resuming", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const whole = await finishedRun(dir);
  for (const [damage, make] of Object.entries(DAMAGES)) {
    const made = make(whole[summaryFile(12)] ?? "");
    const bytes = typeof made === "string" ? new TextEncoder().encode(made) : made;
    await Deno.writeFile(join(dir, STEP_FILE), bytes);
    await expectRefusal(dir, `step ${damage}`);
    try {
      await runSoak({ dir, resume: true });
      await Deno.remove(dir, { recursive: true });
      fillFolder(dir, whole);
    } catch (error) {
      assert(error instanceof SoakError && error.kind === "artifact", `${damage}: ${error}`);
      expectOneLine(error.message, damage);
    }
  }
});

Deno.test("the readers refuse a wrong type at every place with the place's name", async () => {
  await using parent = await tempDir();
  const whole = await finishedRun(parent.file("run"));
  const readers = { [RUN_FILE]: parseRun, [summaryFile(1)]: parseSummary, [SUMMARY]: parseSummary };
  let refused = 0;
  for (const [name, read] of Object.entries(readers)) {
    for (const { path, document } of variants(JSON.parse(whole[name] ?? ""))) {
      try {
        read(document, name);
      } catch (error) {
        assert(
          error instanceof SoakError && error.kind === "artifact",
          `${name} ${path}: ${error}`,
        );
        expectOneLine(error.message, `${name} ${path}`);
        assert(error.message.includes(name), error.message);
        refused++;
      }
    }
  }
  assert(refused > 5000, `only ${refused} refused`);
});

for (
  const [name, code] of Object.entries(
    {
      "ITER_SUMMARY_01.json": "summary_misnamed",
      "ITER_SUMMARY_1e3.json": "summary_misnamed",
      "ITER_SUMMARY_-1.json": "summary_misnamed",
      "ITER_SUMMARY_0.json": "summary_misnamed",
      "ITER_SUMMARY_.json": "summary_misnamed",
      "ITER_SUMMARY_3.json.bak": "summary_misnamed",
      "iter_summary_3.json": "summary_misnamed",
      "ITER_SUMMARY_٣.json": "summary_misnamed",
      "ITER_SUMMARY_3 .json": "summary_misnamed",
      "ITER_SUMMARY_\u001b[2J.json": "summary_misnamed",
      "ITER_SUMMARY_13.json": "summary_unexpected",
      "ITER_SUMMARY_99999999999999999999.json": "summary_unexpected",
      [`ITER_SUMMARY_${"9".repeat(200)}.json`]: "summary_unexpected",
    } as const,
  )
) {
  Deno.test(
    `verifyRun() finds ${JSON.stringify(name).slice(0, 60)} in a run`,
    { ignore: !posix },
    async () => {
      await using parent = await tempDir();
      const dir = parent.file("run");
      const whole = await finishedRun(dir);
      await Deno.writeTextFile(join(dir, name), whole[SUMMARY] ?? "");
      const { verdict, findingCounts } = await verifyRun(dir, { strict: true });
      assert(verdict !== "PASS");
      assertEquals(findingCounts[code], 1);
    },
  );
}

Deno.test("a summary named after an iteration in a far future keeps nobody busy", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const whole = await finishedRun(dir);
  const run = JSON.parse(whole[RUN_FILE] ?? "");
  await Deno.writeTextFile(join(dir, RUN_FILE), canonicalJson({ ...run, iterations: 1e9 }));
  await Deno.writeTextFile(join(dir, summaryFile(1e9)), whole[SUMMARY] ?? "");
  for (const command of ["verify", "gate", "replay"]) {
    const end = await soak([command, "--path", dir]);
    expectClear(end, [1, 3], command);
  }
});

Deno.test("times and numbers beyond all bounds in SOAK_RUN.json are refused", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const whole = await finishedRun(dir);
  const run = JSON.parse(whole[RUN_FILE] ?? "");
  for (
    const change of [
      { started_utc: "9999-12-31T23:59:59Z" },
      { started_utc: "2025-02-30T00:00:00Z" },
      { started_utc: "+275760-09-13T00:00:00Z" },
      { iterations: 1e9 },
      { iterations: 1e9 + 1 },
      { iterations: -1 },
      { seed: -1 },
      { seed: 2 ** 53 },
      { schema_version: 2 },
      { mode: "exec" },
      { system: { ...run.system, iteration_seconds: Number.MAX_SAFE_INTEGER } },
      { system: { ...run.system, iteration_seconds: 0 } },
      { system: { ...run.system, fault: { kind: "late", rate: -1 } } },
      { system: { ...run.system, fault: { kind: "late", rate: 1e308 } } },
    ]
  ) {
    fillFolder(dir, { ...whole, [RUN_FILE]: canonicalJson({ ...run, ...change }) });
    const what = JSON.stringify(change);
    await expectRefusal(dir, what);
    await Deno.remove(join(dir, summaryFile(12)));
    try {
      await runSoak({ dir, resume: true });
      throw new Error(`${what} was resumed`);
    } catch (error) {
      assert(error instanceof SoakError, `${what}: ${error}`);
    }
    // With nothing recorded yet, there is no chain that the change could break.
    for (let i = 1; i < 12; i++) await Deno.remove(join(dir, summaryFile(i)));
    const stop = AbortSignal.abort();
    await runSoak({ dir, resume: true, signal: stop }).catch((error) => {
      assert(error instanceof SoakError, `${what}: ${error}`);
    });
    await Deno.remove(dir, { recursive: true });
  }
});

// --- what is no regular file -----------------------------------------------------------------

/** Things that are not a file to read, by name; each is put in the place of one. */
const IMPOSTORS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  "a folder": (path) => Deno.mkdir(path),
  "a FIFO": (path) => new Deno.Command("mkfifo", { args: [path] }).output(),
  "a symlink loop": (path) => Deno.symlink(path, path),
  "a dangling symlink": (path) => Deno.symlink(`${path}.nowhere`, path),
  "a link to a device": (path) => Deno.symlink("/dev/zero", path),
  "a file of 65 MiB": async (path) => {
    await Deno.writeTextFile(path, "");
    await Deno.truncate(path, MAX_FILE_BYTES + 1024 * 1024);
  },
};

async function putInPlace(path: string, make: (path: string) => Promise<unknown>): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(() => {});
  await make(path);
}

for (const [what, make] of Object.entries(IMPOSTORS)) {
  Deno.test(
    `${what} in place of a record is refused by every command`,
    { ignore: !posix },
    async () => {
      await using parent = await tempDir();
      const dir = parent.file("run");
      const whole = await finishedRun(dir);
      for (const name of [...RECORDS, STEP_FILE, PROGRESS_FILE]) {
        await putInPlace(join(dir, name), make);
        for (const command of ["verify", "gate"]) {
          const end = await soak([command, "--strict", "--path", dir]);
          // A link that leads nowhere is the same as no file, which is no harm for these two.
          const spare = name === STEP_FILE || name === PROGRESS_FILE;
          expectClear(
            end,
            spare && what === "a dangling symlink" ? [0] : [1, 3],
            `soak ${command}, ${name}`,
          );
        }
        // A simulated run that goes on makes its report anew, and has no incidents.
        if (name !== TUNING_REPORT_FILE && name !== PROGRESS_FILE) {
          const resumed = await soak(["run", "--resume", "--out", dir]);
          // A link that leads nowhere is the same as no file, and no step is no harm.
          const codes = name === STEP_FILE && what === "a dangling symlink" ? [0] : [2, 3, 4];
          if (!(name === SUMMARY && what === "a dangling symlink")) {
            expectClear(resumed, codes, `soak run --resume, ${name}`);
          }
        }
        if (name === RUN_FILE) {
          expectClear(await soak(["replay", "--path", dir]), [3], "replay");
        }
        await Deno.remove(dir, { recursive: true });
        fillFolder(dir, whole);
      }
    },
  );

  Deno.test(`${what} in place of a runtime is refused by apply, params and hash`, {
    ignore: !posix,
  }, async () => {
    await using parent = await tempDir();
    const path = parent.file(RUNTIME_FILE);
    await putInPlace(path, make);
    const commands = [
      ["apply", "--runtime", path, "tail_age_ms=630"],
      ["params", "get", "tail_age_ms", "--runtime", path],
      ["hash", path],
    ];
    for (const args of commands) {
      expectClear(await soak(args), [3], args[0] ?? "");
    }
    assertEquals(namesIn(parent.path), [RUNTIME_FILE]);
  });
}

Deno.test("a damaged runtime is refused by apply and params, and left as it is", async () => {
  await using parent = await tempDir();
  const path = parent.file(RUNTIME_FILE);
  const text = '{"engine":{"tail_age_ms":600},"risk":{}}';
  const harmless = /CRLF|line feed|lone surrogate|__proto__|constructor|toString|1 MB/;
  for (const [damage, make] of Object.entries(DAMAGES)) {
    if (harmless.test(damage) || damage === "an empty object" || damage === "with -0") continue;
    const made = make(text);
    const bytes = typeof made === "string" ? new TextEncoder().encode(made) : made;
    await Deno.writeFile(path, bytes);
    expectClear(await soak(["apply", "--runtime", path, "tail_age_ms=630"]), [3], damage);
    assertEquals(await Deno.readFile(path), bytes, damage);
  }
});

Deno.test("inherited names are neither parameters nor values", async () => {
  await using parent = await tempDir();
  const path = parent.file(RUNTIME_FILE);
  const text = '{"__proto__":{"engine":{"tail_age_ms":1}},"constructor":{"tail_age_ms":2}}';
  await Deno.writeTextFile(path, text);
  for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    for (
      const args of [
        ["params", "get", key, "--runtime", path],
        ["params", "validate", `${key}=1`],
        ["apply", "--runtime", path, `${key}=1`],
      ]
    ) {
      const { code, stdout } = await soak(args);
      assert(code === 1 || code === 2, `${args.join(" ")}: exit ${code}, ${stdout}`);
    }
  }
  const { code, stdout } = await soak(["params", "get", "tail_age_ms", "--runtime", path]);
  assertEquals({ code, stdout }, { code: 3, stdout: "" });
  assertEquals((await soak(["apply", "--runtime", path, "tail_age_ms=630"])).code, 0);
  assertEquals(
    await Deno.readTextFile(path),
    '{"__proto__":{"engine":{"tail_age_ms":1}},"constructor":{"tail_age_ms":2},' +
      '"engine":{"tail_age_ms":630}}',
  );
});

// --- memory ----------------------------------------------------------------------------------

for (
  const [what, unit] of Object.entries({
    "opening brackets": "[",
    "empty arrays": "[],",
    "keys": '"k":0,',
    "digits": "9",
    "escapes": "\\u0041",
  })
) {
  Deno.test(`60 MiB of ${what} take bounded memory and time`, {
    ignore: Deno.build.os !== "linux",
  }, async () => {
    await using parent = await tempDir();
    const path = parent.file("large.json");
    const opening = { "empty arrays": "[", "keys": "{", "escapes": '["' }[what] ?? "";
    const text = opening + unit.repeat(Math.floor(60 * 1024 * 1024 / unit.length));
    await Deno.writeTextFile(path, text);
    const child = spawnSoak(["params", "get", "tail_age_ms", "--runtime", path]);
    const end = ended(child);
    const peak = await peakMiB(child, end);
    expectClear(await end, [3], what);
    assert(peak < 1024, `${peak} MiB`);
  });
}

// --- what data may do to its reader ----------------------------------------------------------

const NASTY = "\u001b[31m\u001b]0;x\u0007\u202e<script>x</script><!--|`![i](http://x)\r\n# H\n* l";

async function nastyRun(parent: TempDir): Promise<string> {
  const dir = parent.file("run");
  const whole = await finishedRun(dir);
  const summary = JSON.parse(whole[summaryFile(1)] ?? "");
  summary.tuning.rationale = NASTY;
  summary.tuning.changed_keys = [NASTY];
  summary.tuning.changes = [{ key: NASTY, from: 1, to: 2, rule: NASTY }];
  summary.tuning.deltas = { [NASTY]: 1 };
  summary.tuning.proposed_deltas = { [NASTY]: 1 };
  summary.effective_params = { [NASTY]: 1 };
  summary.tool_version = NASTY;
  summary.runtime_overrides = { [NASTY]: 1 };
  summary.summary.kpi_reasons = [NASTY];
  summary.summary[NASTY] = 1;
  const skipped = JSON.parse(whole[summaryFile(2)] ?? "");
  skipped.tuning.skip_reason.note = NASTY;
  skipped.tuning.proposed_deltas = { [NASTY]: 1 };
  const run = JSON.parse(whole[RUN_FILE] ?? "");
  run.tool_version = NASTY;
  run.profile.name = NASTY;
  run.profile.rules[0].name = NASTY;
  fillFolder(dir, {
    [RUN_FILE]: canonicalJson(run),
    [summaryFile(1)]: canonicalJson(summary),
    [summaryFile(2)]: canonicalJson(skipped),
    [TUNING_REPORT_FILE]: canonicalJson({ [NASTY]: 1 }),
  });
  if (posix) await Deno.writeTextFile(join(dir, `ITER_SUMMARY_${NASTY.replaceAll("/", "")}`), "");
  return dir;
}

Deno.test("neither escape codes nor markup in data reach the terminal or a report", async () => {
  await using parent = await tempDir();
  const dir = await nastyRun(parent);
  for (
    const args of [
      ["verify", "--path", dir],
      ["verify", "--explain", "1", "--path", dir],
      ["verify", "--explain", "2", "--path", dir],
      ["verify", "--json", "--path", dir],
      ["gate", "--prometheus", "--path", dir],
      ["gate", "--json", "--path", dir],
      ["replay", "--path", dir],
      ["run", "--resume", "--out", dir],
    ]
  ) {
    const { code, stdout, stderr } = await soak(args);
    assert(code !== 0 || args.includes("--explain"), `${args.join(" ")}: exit ${code}`);
    assertNotMatch(stdout, CONTROL, args.join(" "));
    assertNotMatch(stderr, CONTROL, args.join(" "));
    assertNotMatch(stderr, /this is a bug/, args.join(" "));
  }
  for (const name of namesIn(dir)) {
    if (!/^(DELTA|POST|GATE)/.test(name)) continue;
    const text = await Deno.readTextFile(join(dir, name));
    assertNotMatch(text, CONTROL, name);
    if (!name.endsWith(".md")) continue;
    const bare = text.replaceAll(/`[^`\n]+`/g, "");
    assertNotMatch(bare, /[`<[\]\\*]/, name);
    assertNotMatch(bare, /^# H/m, name);
  }
});

Deno.test("escape codes in arguments do not reach the terminal", { ignore: !posix }, async () => {
  await using parent = await tempDir();
  for (
    const args of [
      [NASTY],
      ["run", NASTY],
      ["run", `--${NASTY}`],
      ["run", "--mock", "--iterations", NASTY],
      ["run", "--mock", "--iterations", "2", "--mock-fault", NASTY],
      ["verify", "--path", parent.file(NASTY)],
      ["gate", "--path", NASTY],
      ["replay", "--path", NASTY],
      ["run", "--resume", "--out", NASTY],
      ["apply", "--runtime", NASTY, "tail_age_ms=1"],
      ["apply", "--runtime", "x", `${NASTY}=1`],
      ["params", NASTY],
      ["params", "validate", `${NASTY}=1`],
      ["params", "get", NASTY, "--runtime", "x"],
      ["hash", NASTY],
      ["help", NASTY],
    ]
  ) {
    const { code, stdout, stderr } = await soak(args);
    assert(code >= 1 && code <= 3, `${JSON.stringify(args)}: exit ${code}`);
    assertNotMatch(stdout + stderr, CONTROL, JSON.stringify(args));
    assertNotMatch(stdout + stderr, /this is a bug/, JSON.stringify(args));
  }
});
