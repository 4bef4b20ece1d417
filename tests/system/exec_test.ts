import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { sleep } from "../../base/wait.ts";
import { printable } from "../../base/text.ts";
import { runGate } from "../../gate.ts";
import type { SystemRequest } from "../../model/system_spec.ts";
import { verifyRun } from "../../proof/verify.ts";
import { readRun, readSummary } from "../../record/artifacts.ts";
import { applyDeltasWithTracking } from "../../run/apply.ts";
import { LOG_HEAD_BYTES, LOG_TAIL_BYTES } from "../../system/output_log.ts";
import { posix } from "../kit/posix.ts";
import {
  type Bench,
  bench,
  exists,
  hasPid,
  isRunning,
  logOf,
  pidIn,
  READ_SIZE,
  REPORT,
  startCli,
  TINY,
  until,
} from "../kit/real_system.ts";
import { inRepository } from "../kit/repository.ts";
import { ended, peakMiB, spawnSoak } from "../kit/soak_process.ts";
import { namesIn } from "../kit/temp_dir.ts";

const CONFIG = inRepository("deno.json");

const GOOD = `${READ_SIZE}\n${REPORT}`;

function exec(command: readonly string[], more: SystemRequest = {}): SystemRequest {
  return { kind: "exec", command, graceSeconds: 1, ...more };
}

async function failure(promise: Promise<unknown>): Promise<SoakError> {
  return await assertRejects(() => promise, SoakError);
}

Deno.test("exec runs the command once for each iteration and tunes to a passing strict gate", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script("measure", `echo "i=$SOAK_ITERATION $1" >> calls\n${GOOD}`);
  const { run, counts } = await b.run(exec([command, "a b"]), { iterations: 8 });
  assertEquals(run.seed, null);
  assertEquals(counts.applied, 2);
  assertEquals(
    Deno.readTextFileSync(b.file("calls")),
    Array.from({ length: 8 }, (_, i) => `i=${i + 1} a b\n`).join(""),
  );
  const { verdict, verification } = await runGate(b.dir, { strict: true });
  assertEquals([verdict, verification.findings], ["PASS", []]);
  assertEquals((await readSummary(b.dir, 1)).record.runtime, { size: 2 });
});

Deno.test("exec tells the command where things are, in a new place each time, and cleans up", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script(
    "measure",
    `printf '%s\\n' "$SOAK_OUTPUT" >> outputs; printf '%s' "$SOAK_RUNTIME|$SOAK_RUN_DIR" > env\n${GOOD}`,
  );
  await b.run(exec([command]));
  const outputs = Deno.readTextFileSync(b.file("outputs")).trim().split("\n");
  assertEquals(new Set(outputs).size, 3);
  assert(outputs.every((path) => path.startsWith(b.dir) && !exists(path)));
  assertEquals(
    Deno.readTextFileSync(b.file("env")),
    `${join(b.dir, "runtime_overrides.json")}|${b.dir}`,
  );
  assertEquals(namesIn(b.dir).filter((name) => name.startsWith("OUTPUT")), []);
});

const WRITE = (text: string): string => `cat > "$SOAK_OUTPUT" <<'END'\n${text}\nEND`;

const BROKEN: readonly (readonly [body: string, says: string])[] = [
  ["echo boom >&2; exit 7", "the command exited with code 7"],
  ["kill -SEGV $$", "the command was killed by SIGSEGV"],
  ["true", "nothing was written to SOAK_OUTPUT"],
  [`: > "$SOAK_OUTPUT"`, "SOAK_OUTPUT is empty"],
  [`mkdir "$SOAK_OUTPUT"`, "a folder, not a regular file"],
  [`mkfifo "$SOAK_OUTPUT"`, "a FIFO, not a regular file"],
  [`head -c 1048577 /dev/zero > "$SOAK_OUTPUT"`, "larger than 1048576 bytes"],
  [WRITE("cost=3"), "SOAK_OUTPUT"],
  [WRITE("[]"), "expected an object, found []"],
  [WRITE(`{"kpis":{"cost":NaN}}`), "SOAK_OUTPUT"],
  [WRITE(`{"kpis":{}}`), "SOAK_OUTPUT has no KPI cost"],
  [WRITE(`{"kpis":{"cost":"3"}}`), '$.kpis.cost: expected a number, found "3"'],
  [WRITE(`{"kpis":{"cost":null}}`), "$.kpis.cost: expected a number, found null"],
  [WRITE(`{"kpis":{"cost":1e999}}`), "SOAK_OUTPUT"],
  [WRITE(`{"kpis":{"cost":1,"cost":2}}`), "SOAK_OUTPUT"],
  [WRITE(`{"kpis":{"cost":1,"price":2}}`), 'there is no KPI "price" (known: cost)'],
  [WRITE(`{"kpis":{"cost":1},"effective_params":{"sise":2}}`), 'no parameter "sise"'],
  [WRITE(`{"kpis":{"cost":1},"params":{}}`), 'there is no field "params"'],
];

Deno.test("exec stops at a measurement that fails, says why, and can be resumed", {
  ignore: !posix,
}, async () => {
  for (const [body, says] of BROKEN) {
    await using b = await bench();
    const broken = `echo last words; printf '\\033[31mred\\n'\n${body}`;
    const command = b.script(
      "measure",
      `if [ "$SOAK_ITERATION" = 2 ]; then\n${broken}\nelse\n${GOOD}\nfi`,
    );
    const error = await failure(b.run(exec([command])));
    assertEquals(error.kind, "system", body);
    assertStringIncludes(error.message, "iteration 2 was not measured: ", body);
    assertStringIncludes(error.message, says, body);
    assertStringIncludes(error.message, "last words | red", body);
    assertEquals(printable(error.message), error.message);
    assertEquals(namesIn(b.dir), [
      "ITER_SUMMARY_1.json",
      "RUN_IN_PROGRESS.json",
      "SOAK_RUN.json",
      "logs",
      "runtime_overrides.json",
    ]);
    b.script("measure", GOOD);
    const result = await b.run({}, { resume: true, iterations: undefined });
    assertEquals([result.status, result.done], ["finished", 1], body);
    assertStringIncludes(logOf(b, 2), "last words", body);
    assert(exists(join(b.dir, "logs", "ITER_2.2.log")), body);
    assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS", body);
  }
});

Deno.test("exec says when a command can't be started, whatever --on-error says", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  Deno.writeTextFileSync(b.file("plain"), "no program", { mode: 0o644 });
  Deno.writeTextFileSync(b.file("orphan"), "#!/no/such/shell\n", { mode: 0o755 });
  const cases = [
    ["no-such-command-here", "the command was not found"],
    [b.file("missing"), "the command was not found"],
    [b.file("orphan"), "the command was not found"],
    [b.file("plain"), "the command may not be executed"],
    [b.temp.path, "the command may not be executed"],
  ] as const;
  for (const [command, says] of cases) {
    const error = await failure(b.run(exec([command], { onError: "continue" })));
    assertEquals(error.kind, "system");
    assertStringIncludes(error.message, says, command);
    assertStringIncludes(error.message, command);
  }
});

/** A command whose second iteration fails, right after a change was applied. */
function faltering(b: Bench): string {
  return b.script("measure", `[ "$SOAK_ITERATION" = 2 ] && exit 3\n${GOOD}`);
}

Deno.test("exec records a failed iteration and goes on when told to", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  await b.run(exec([faltering(b)], { onError: "continue" }), { iterations: 5 });
  const { record } = await readSummary(b.dir, 2);
  const why = "the command exited with code 3";
  assertEquals([record.failure, record.kpis, record.effectiveParams], [why, { cost: null }, {}]);
  assertEquals([record.kpiVerdict, record.tuning.proposedDeltas], ["FAIL", {}]);
  assertEquals(record.tuning.skipReason?.note, `not measured: ${why}`);
  const result = await verifyRun(b.dir, { strict: true });
  assertEquals([result.verdict, result.findings, result.counts.full], ["PASS", [], 2]);
});

Deno.test("the gate fails when too many iterations could not be measured", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script("measure", `[ "$SOAK_ITERATION" -gt 4 ] && exit 3\n${GOOD}`);
  await b.run(exec([command], { onError: "continue" }), { iterations: 6 });
  assertEquals((await runGate(b.dir, {})).verdict, "FAIL");
});

Deno.test("a change that no measurement shows in effect is not counted as full", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script("measure", `[ "$SOAK_ITERATION" -gt 1 ] && exit 3\n${GOOD}`);
  await b.run(exec([command], { onError: "continue" }));
  const { counts, verdict } = await verifyRun(b.dir, { strict: true });
  assertEquals([counts.full, counts.unproven], [0, 1]);
  assert(verdict !== "PASS");
});

Deno.test("exec tries a failed measurement again, and logs each attempt", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script(
    "measure",
    `echo "try $SOAK_ITERATION"; echo x >> tries; [ $(wc -l < tries) -lt 3 ] && exit 9\n${GOOD}`,
  );
  await b.run(exec([command], { retries: 2 }), { iterations: 1 });
  assertEquals((await readSummary(b.dir, 1)).record.failure, null);
  const log = logOf(b, 1);
  assertEquals(log.split("try 1\n").length, 4);
  assertStringIncludes(log, "exited with code 9; trying again (2 of 2)");
});

/** Lets a command take too long; one that was not even ready to tell its pid gets more time. */
async function overtime(
  b: Bench,
  body: string,
  ready: string,
  more: SystemRequest,
): Promise<{ error: SoakError; limit: string }> {
  const command = b.script("measure", body);
  for (const timeoutSeconds of [0.3, 3, 30]) {
    const error = await failure(b.run(exec([command], { timeoutSeconds, ...more })));
    if (hasPid(b.file(ready))) return { error, limit: `${timeoutSeconds} s` };
  }
  throw new Error("the command never got ready");
}

Deno.test("exec ends a command that takes too long", { ignore: !posix }, async () => {
  await using b = await bench();
  const body = "echo $$ > pid; exec sleep 1000";
  const { error, limit } = await overtime(b, body, "pid", { graceSeconds: 60 });
  assertStringIncludes(error.message, `the command took longer than ${limit} (`);
  assert(!isRunning(pidIn(b.file("pid"))));
});

Deno.test("exec kills a command that ignores SIGTERM, with all of its processes", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const body =
    "trap '' TERM; echo $$ > pid; sleep 1000 & echo $! > child; while :; do sleep 1; done";
  const { error } = await overtime(b, body, "child", { graceSeconds: 0.3 });
  assertStringIncludes(error.message, "ignored SIGTERM for 0.3 s and was killed");
  for (const name of ["pid", "child"]) {
    await until(() => !isRunning(pidIn(b.file(name))), `${name} is gone`);
  }
});

Deno.test("exec ends what a command leaves behind, and does not wait for what got away", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const stray = b.script("stray", "trap '' TERM HUP; while :; do sleep 1; done");
  const command = b.script(
    "measure",
    `sleep 1000 & echo $! > tame\n'${stray}' & echo $! > wild\n${GOOD}`,
  );
  await b.run(exec([command]), { iterations: 1 });
  for (const name of ["tame", "wild"]) {
    await until(() => !isRunning(pidIn(b.file(name))), `${name} is gone`);
  }
});

Deno.test("exec keeps the beginning and the end of what is printed", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script("measure", `${chatter(LOG_HEAD_BYTES + 8 * LOG_TAIL_BYTES)}\n${GOOD}`);
  await b.run(exec([command]), { iterations: 1 });
  const log = logOf(b, 1);
  assert(log.startsWith("first\nxxx") && log.endsWith("last\n"), log.slice(-40));
  assertStringIncludes(log.slice(LOG_HEAD_BYTES), "bytes are left out here]");
  assert(log.length < LOG_HEAD_BYTES + LOG_TAIL_BYTES + 100, String(log.length));
});

Deno.test("exec keeps little of 100 MiB of output in memory", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using b = await bench();
  const peakWith = async (output: string): Promise<number> => {
    const command = b.script("measure", `${output}\n${GOOD}`);
    const child = spawnSoak(cliArgs(b, command), { permissions: ["--allow-all"] });
    const end = ended(child);
    const peak = await peakMiB(child, end);
    assertEquals((await end).code, 0);
    return peak;
  };
  const grown = await peakWith(chatter(100 * 2 ** 20)) - await peakWith("echo quiet");
  assert(grown < 80, `${grown} MiB`);
});

/** Shell that prints many bytes between two lines. */
function chatter(bytes: number): string {
  return `echo first; head -c ${bytes} /dev/zero | tr '\\0' x; echo; echo last`;
}

Deno.test("verify catches a system that clamps or ignores a parameter", {
  ignore: !posix,
}, async () => {
  const cheats = [
    `${READ_SIZE}; [ $size -gt 3 ] && size=3\n${REPORT}`,
    `size=2\n${REPORT}`,
    `printf '{"kpis":{"cost":16}}' > "$SOAK_OUTPUT"`,
  ];
  for (const body of cheats) {
    await using b = await bench();
    await b.run(exec([b.script("measure", body)]), { iterations: 4 });
    const { verdict, counts } = await verifyRun(b.dir, { strict: true });
    assertEquals([verdict, counts.full], ["FAIL", 0], body);
  }
});

Deno.test("exec records all that is needed to resume, and refuses flags that contradict it", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script("measure", GOOD);
  await b.run(exec([command], { retries: 1, timeoutSeconds: 9, onError: "continue" }));
  assertEquals((await readRun(b.dir)).record.system, {
    kind: "exec",
    command: [command],
    timeoutSeconds: 9,
    graceSeconds: 1,
    pauseSeconds: 0,
    retries: 1,
    onError: "continue",
    prometheusUrl: null,
    secretEnv: [],
  });
  const again = { resume: true, iterations: undefined };
  assertEquals((await b.run(exec([command], { retries: 1 }), again)).status, "complete");
  const cases: readonly (readonly [SystemRequest, string])[] = [
    [{ pauseSeconds: 2 }, "started with 0, not 2 (pauseSeconds)"],
    [{ command: ["other"] }, "not other (command)"],
    [{ kind: "mock" }, "started with --exec, not --mock"],
    [{ intervalSeconds: 3 }, "started with none, not 3 (intervalSeconds)"],
  ];
  for (const [system, says] of cases) {
    const error = await failure(b.run(system, again));
    assertEquals(error.kind, "usage");
    assertStringIncludes(error.message, says);
  }
});

Deno.test("a step that was interrupted is completed without measuring again", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = b.script("measure", `echo "$SOAK_ITERATION" >> calls\n${GOOD}`);
  const dies: typeof applyDeltasWithTracking = async (options) => {
    await applyDeltasWithTracking(options);
    throw new Error("the power goes");
  };
  await assertRejects(() => b.run(exec([command]), { apply: dies }), Error, "the power goes");
  assert(namesIn(b.dir).includes("STEP_IN_PROGRESS.json"));
  const { done } = await b.run({}, { resume: true, iterations: undefined });
  assertEquals(done, 1);
  assertEquals(Deno.readTextFileSync(b.file("calls")), "1\n2\n3\n");
  assertEquals((await readSummary(b.dir, 1)).record.incidents, undefined);
  assertEquals((await readSummary(b.dir, 2)).record.incidents, [
    { kind: "stopped", reason: "Error: the power goes", times: 1 },
    { kind: "resumed", reason: "after an error", times: 1 },
  ]);
  const { verdict, findings, counts } = await verifyRun(b.dir, { strict: true });
  assertEquals([verdict, findings, counts.full], ["PASS", [], 2]);
});

Deno.test("a run starts from a given runtime, with defaults for what it lacks", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const system = exec([b.script("measure", GOOD)]);
  const cases = [
    [{ size: 5, other: { kept: true } }, { size: 5, other: { kept: true } }],
    [{ other: 1 }, { size: 2, other: 1 }],
  ];
  for (const [runtime, first] of cases) {
    await b.run(system, { runtime, iterations: 1 });
    assertEquals((await readSummary(b.dir, 1)).record.runtime, first);
    assertEquals((await verifyRun(b.dir, { allowNoDeltas: true })).findings, []);
  }
  for (const runtime of [{ size: 21 }, { size: "5" }, { size: 2.5 }]) {
    assertEquals((await failure(b.run(system, { runtime }))).where, "runtime");
  }
});

/** The command line for a soak of a script, with the profile in a file. */
function cliArgs(b: Bench, command: string, more: readonly string[] = []): string[] {
  Deno.writeTextFileSync(b.file("tiny.json"), JSON.stringify(TINY));
  const flags = ["--exec", "--profile", b.file("tiny.json"), "--auto-tune", "--iterations", "3"];
  return ["run", ...flags, "--out", b.dir, ...more, "--", command];
}

const SLOW = `${GOOD}\necho $$ > pid\nwhile [ ! -e go ]; do sleep 0.05; done`;

Deno.test("the first interruption lets the command finish; the run can be resumed", {
  ignore: !posix,
}, async () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await using b = await bench();
    const process = startCli(cliArgs(b, b.script("measure", SLOW)));
    await until(() => hasPid(b.file("pid")), "the command runs");
    process.kill(signal);
    await until(() => process.err().includes("stopping"), "soak has noticed");
    assert(isRunning(pidIn(b.file("pid"))));
    Deno.writeTextFileSync(b.file("go"), "");
    const end = await process.end();
    assertEquals(end.code, code, end.err);
    assertStringIncludes(
      end.err,
      "interrupted after iteration 1 of 3; go on with: soak run --resume",
    );
    const resumed = await startCli(["run", "--resume", "--out", b.dir]).end();
    assertEquals(resumed.code, 0, resumed.err);
    assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
  }
});

Deno.test("the second interruption, or the death of soak, ends the command at once", {
  ignore: !posix,
}, async () => {
  for (const kill of ["SIGINT", "SIGKILL"] as const) {
    await using b = await bench();
    const body = `sleep 1000 & echo $! > child\n${SLOW}`;
    const process = startCli(cliArgs(b, b.script("measure", body), ["--grace", "1"]));
    await until(() => hasPid(b.file("pid")), "the command runs");
    if (kill === "SIGINT") {
      process.kill("SIGINT");
      await until(() => process.err().includes("stopping"), "soak has noticed");
      await sleep(400); // sooner, it would be the first one still
    }
    process.kill(kill);
    const end = await process.end();
    assertEquals(end.code, kill === "SIGINT" ? 130 : 137, end.err);
    for (const name of ["pid", "child"]) {
      await until(() => !isRunning(pidIn(b.file(name))), `${name} is gone`);
    }
    Deno.writeTextFileSync(b.file("go"), "");
    const resumed = await startCli(["run", "--resume", "--out", b.dir]).end();
    assertEquals(resumed.code, 0, resumed.err);
    assertEquals(namesIn(b.dir).filter((name) => name.startsWith("OUTPUT")), []);
    assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
  }
});

Deno.test("the command line exits with 4 and one line when a measurement fails", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const end = await startCli(cliArgs(b, b.script("measure", "echo boom; exit 1"))).end();
  assertEquals([end.code, end.out], [4, ""]);
  assertStringIncludes(
    end.err,
    "soak: iteration 1 was not measured: the command exited with code 1",
  );
  assertStringIncludes(end.err, "it printed last: boom");
});

Deno.test("only a real run keeps the permissions to start programs and use the network", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const main = toFileUrl(inRepository("main.ts")).href;
  const code = `import { main } from ${JSON.stringify(main)};
await main(JSON.parse(Deno.args[0]));
const states = ["run", "net"].map((name) => Deno.permissions.querySync({ name }).state);
console.log(states.join());`;
  Deno.writeTextFileSync(b.file("probe.ts"), code);
  const probe = async (args: readonly string[]): Promise<string | undefined> => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--config",
        CONFIG,
        b.file("probe.ts"),
        JSON.stringify(args),
      ],
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout).trim().split("\n").at(-1);
  };
  const out = ["--out", b.dir];
  assertEquals(await probe(["run", "--mock", "--iterations", "1", ...out]), "prompt,prompt");
  for (const command of ["verify", "gate", "replay"]) {
    assertEquals(await probe([command, "--path", b.dir]), "prompt,prompt", command);
  }
  assertEquals(await probe(cliArgs(b, b.script("measure", GOOD))), "granted,granted");
});
