import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { runGate } from "../../gate.ts";
import type { SystemRequest } from "../../model/system_spec.ts";
import { verifyRun } from "../../proof/verify.ts";
import {
  PROGRESS_FILE,
  readProgress,
  readSummary,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "../../record/artifacts.ts";
import { renderGate } from "../../report/verdict_text.ts";
import { style } from "../../report/terminal.ts";
import { applyDeltasWithTracking } from "../../run/apply.ts";
import { replayRun } from "../../run/replay.ts";
import { type RunResult, runSoak } from "../../run/run.ts";
import type { RunOptions } from "../../run/state.ts";
import { posix } from "../kit/posix.ts";
import { type Bench, bench, incidentsOf, READ_SIZE, REPORT, TINY } from "../kit/real_system.ts";
import { memoryDir, namesIn, textsIn } from "../kit/temp_dir.ts";

const REPORTS = ["DELTA_VERIFY_REPORT.json", "DELTA_VERIFY_REPORT.md", "GATE_REPORT.json"]
  .concat("POST_SOAK_METRICS.prom", "POST_SOAK_SNAPSHOT.json");
const GOOD = `${READ_SIZE}\n${REPORT}`;

function mock(dir: string, options: Partial<RunOptions> = {}): Promise<RunResult> {
  return runSoak({ dir, iterations: 8, autoTune: true, ...options });
}

function more(dir: string, iterations?: number, options: Partial<RunOptions> = {}) {
  return runSoak({ dir, resume: true, iterations, ...options });
}

/** Aborts a run after an iteration; 0: before the first. */
function until(last: number): Pick<RunOptions, "signal" | "onIteration"> {
  const stop = new AbortController();
  if (last === 0) stop.abort();
  return {
    signal: stop.signal,
    onIteration: ({ iteration }) => void (iteration === last && stop.abort()),
  };
}

async function settingsOf(dir: string, i: number): Promise<unknown> {
  return (await readSummary(dir, i)).record.settings;
}

async function expectProven(dir: string, iterations: number): Promise<void> {
  const { verdict, findings, iterations: seen } = await verifyRun(dir, { strict: true });
  assertEquals({ verdict, findings, seen }, { verdict: "PASS", findings: [], seen: iterations });
}

Deno.test("a simulated run goes on beyond its end: recorded, proven, replayed to the byte", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir);
  const before = textsIn(dir);
  const { status, iterations, done, changed } = await more(dir, 12);
  assertEquals({ status, iterations, done, changed }, {
    status: "finished",
    iterations: 12,
    done: 8,
    changed: { iterations: 12 },
  });
  assertEquals(await settingsOf(dir, 9), [{ resume: null, values: { iterations: 12 } }]);
  for (const i of [8, 10, 12]) assertEquals(await settingsOf(dir, i), undefined);
  const after = textsIn(dir);
  assertEquals(after["SOAK_RUN.json"], before["SOAK_RUN.json"], "how it was started stays");
  assertEquals(namesIn(dir).includes(PROGRESS_FILE), false);
  await expectProven(dir, 12);
  assertEquals(await replayRun(dir), { iterations: 12, files: 15, difference: null });
});

Deno.test("a run is extended at any point, also twice, and is proven and replayed each time", async () => {
  for (
    const [first, second] of [[0, 0], [0, 3], [1, 8], [5, 9], [7, 8], [8, 10], [8, 0]] as const
  ) {
    await using temp = await memoryDir();
    const dir = temp.file("run");
    await mock(dir, first === 8 ? {} : until(first));
    await more(dir, 10, second === 10 ? {} : until(second));
    const { status } = await more(dir, 13);
    assertEquals(status, "finished");
    await expectProven(dir, 13);
    assertEquals((await replayRun(dir)).difference, null, `extended after ${first} and ${second}`);
  }
});

Deno.test("the last iteration is the one that was the last when it was recorded", async () => {
  await using temp = await memoryDir();
  const [late, early] = [temp.file("late"), temp.file("early")];
  await mock(late, { iterations: 3 });
  await more(late, 8);
  await mock(early, { iterations: 3, ...until(2) });
  await more(early, 8);
  const third = async (dir: string) => (await readSummary(dir, 3)).record.tuning;
  assertEquals((await third(late)).applied, false);
  assertStringIncludes((await third(late)).skipReason?.note ?? "", "last iteration");
  assertEquals((await third(early)).applied, true);
  for (const dir of [late, early]) await expectProven(dir, 8);
});

Deno.test("a run that is not extended stays the same to the byte", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir);
  await runGate(dir, { prometheus: true });
  const before = textsIn(dir);
  const { status, changed } = await more(dir, 8);
  assertEquals([status, changed], ["complete", {}]);
  assertEquals(textsIn(dir), before);
});

Deno.test("no report of an earlier end stands beside a run that went on", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir);
  await runGate(dir, { prometheus: true });
  assertEquals(REPORTS.filter((name) => !namesIn(dir).includes(name)), []);
  await more(dir, 12, until(0));
  assertEquals(namesIn(dir).filter((name) => REPORTS.includes(name)), []);
});

Deno.test("a run may get more iterations, not fewer, and nothing is touched when it is refused", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir, until(5));
  const before = textsIn(dir);
  for (const iterations of [7, 5, 1]) {
    const error = await assertRejects(() => more(dir, iterations), SoakError);
    assertEquals([error.kind, error.where], ["usage", "iterations"]);
    assertStringIncludes(error.message, "may get more, not fewer");
    assertEquals(textsIn(dir), before);
  }
  for (const iterations of [2e9, 8.5, NaN]) {
    assertEquals((await assertRejects(() => more(dir, iterations), SoakError)).kind, "usage");
    assertEquals(textsIn(dir), before);
  }
});

Deno.test("what was asked for too many may be taken back until it is on record", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir);
  await more(dir, 1_000_000, until(0));
  await more(dir, 11);
  assertEquals(await settingsOf(dir, 9), [{ resume: null, values: { iterations: 11 } }]);
  await expectProven(dir, 11);
});

Deno.test("an extension outlasts its process, and is not claimed before it happens", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir);
  const { status, iterations } = await more(dir, 11, until(0));
  assertEquals([status, iterations], ["interrupted", 11]);
  assertEquals((await readProgress(dir))?.settings, [{ resume: null, values: { iterations: 11 } }]);
  const { verdict, findingCounts, iterationsAsked } = await verifyRun(dir, { strict: true });
  assertEquals([verdict, findingCounts, iterationsAsked], [
    "INCONCLUSIVE",
    { run_incomplete: 1 },
    11,
  ]);
  assertEquals((await replayRun(dir)).difference, null);
  assertEquals((await more(dir)).status, "finished");
  await expectProven(dir, 11);
});

Deno.test("a run killed between any two writes of its extension ends in the same bytes", async () => {
  await using temp = await memoryDir();
  const whole = temp.file("whole");
  await mock(whole, { iterations: 2 });
  const base = textsIn(whole);
  await more(whole, 6);
  const wanted = textsIn(whole);
  assert((await readSummary(whole, 3)).record.tuning.applied, "a step is carried over");
  const moments: Record<string, Partial<RunOptions>> = {
    "before it applies": { apply: () => Promise.reject(new Error("crash")) },
    "between step file and runtime": {
      apply: (options) =>
        applyDeltasWithTracking({
          ...options,
          async beforeWrite(plan) {
            await options.beforeWrite?.(plan);
            throw new Error("crash");
          },
        }),
    },
    "between runtime and summary": {
      async apply(options) {
        await applyDeltasWithTracking(options);
        throw new Error("crash");
      },
    },
    "after the summary": {
      onIteration: () => {
        throw new Error("crash");
      },
    },
  };
  for (const [moment, options] of Object.entries(moments)) {
    const dir = temp.file(moment);
    Deno.mkdirSync(dir);
    for (const [name, text] of Object.entries(base)) Deno.writeTextFileSync(join(dir, name), text);
    await assertRejects(() => more(dir, 6, options), Error, "crash");
    if (moment === "between runtime and summary") {
      assert(namesIn(dir).includes(STEP_FILE));
      const { findingCounts } = await verifyRun(dir, { strict: true });
      assertEquals(findingCounts, { run_incomplete: 1, step_left_over: 1 });
    }
    assertEquals((await more(dir)).status, "finished", moment);
    assertEquals(textsIn(dir), wanted, moment);
  }
  // Killed after the summary had taken the change in, before the file that carried it was removed.
  const dir = temp.file("left over");
  Deno.mkdirSync(dir);
  for (const [name, text] of Object.entries(wanted)) Deno.writeTextFileSync(join(dir, name), text);
  const { previousHash, settings = [] } = (await readSummary(dir, 3)).record;
  const progress = { incidents: [], previous_hash: previousHash, settings: [{ iterations: 6 }] };
  assertEquals(settings.length, 1);
  Deno.writeTextFileSync(join(dir, PROGRESS_FILE), JSON.stringify(progress));
  assertEquals((await more(dir)).status, "complete");
  assertEquals(textsIn(dir), wanted);
});

Deno.test("an extension overwrites no summary that lies beyond the end", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir);
  for (const text of [Deno.readTextFileSync(join(dir, summaryFile(8))), "{", ""]) {
    Deno.writeTextFileSync(join(dir, summaryFile(9)), text);
    assertEquals((await more(dir)).status, "complete");
    const before = textsIn(dir);
    const error = await assertRejects(() => more(dir, 12), SoakError);
    assertEquals(error.kind, "artifact");
    assertStringIncludes(error.message, "there is a summary of iteration 9, and the run has 8");
    assertEquals(textsIn(dir), before);
    const { findingCounts } = await verifyRun(dir, { strict: true });
    assertEquals(findingCounts, { summary_unexpected: 1 });
  }
  Deno.removeSync(join(dir, summaryFile(9)));
  await more(dir, 12);
  await expectProven(dir, 12);
});

Deno.test("the gate says how many iterations there were at first, and what changed", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await mock(dir);
  await more(dir, 24);
  const { verification, checks, verdict } = await runGate(dir, { strict: true });
  assertEquals(verdict, "PASS");
  const [run, changed] = renderGate(verification, checks, verdict, style(false)).split("\n");
  assertStringIncludes(run ?? "", ", 24 iterations (8 at first) from ");
  assertEquals(changed, "Settings changed: 24 iterations from iteration 9 on");
  const report = JSON.parse(Deno.readTextFileSync(join(dir, "GATE_REPORT.json")));
  assertEquals([report.run.iterations, report.run.iterations_at_first], [24, 8]);
  assertEquals(report.settings_changed, [{ iteration: 9, iterations: 24 }]);
});

Deno.test("damage to the record of an extension is a gap, never proof", async () => {
  await using temp = await memoryDir();
  const whole = temp.file("whole");
  await mock(whole, { iterations: 2 });
  await more(whole, 8);
  const files = textsIn(whole);
  for (const damaged of ["{", null]) {
    const dir = temp.file(`damaged ${damaged}`);
    Deno.mkdirSync(dir);
    for (const [name, text] of Object.entries(files)) {
      const isHit = name === summaryFile(3);
      if (isHit && damaged === null) continue;
      Deno.writeTextFileSync(join(dir, name), isHit ? damaged ?? "" : text);
    }
    const { verdict, findingClasses } = await verifyRun(dir, { strict: true });
    assertEquals([verdict, findingClasses.proof], ["INCONCLUSIVE", 0], `${damaged}`);
  }
});

// --- real systems -----------------------------------------------------------------------------

function exec(b: Bench, body: string, settings: SystemRequest = {}): SystemRequest {
  return { kind: "exec", command: [b.script("measure", body)], graceSeconds: 1, ...settings };
}

Deno.test("a finished run of a real system goes on, and that is no failed measurement", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const profile = { ...TINY, gate: { ...TINY.gate, window: 8, pass: 6, warn: 6 } };
  await b.run(exec(b, GOOD), { iterations: 8, profile });
  await b.run({}, { resume: true, iterations: 12, autoTune: undefined, profile: undefined });
  assertEquals(await incidentsOf(b, 12), { 9: ["resumed ×1: after it was finished"] });
  assertEquals(await settingsOf(b.dir, 9), [{ resume: 1, values: { iterations: 12 } }]);
  await expectProven(b.dir, 12);
  assertEquals((await runGate(b.dir, { strict: true })).verdict, "PASS");
});

Deno.test("the flag that an error asks for, given with --resume, lets the run go on: --timeout", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const slow = `[ "$SOAK_ITERATION" = 2 ] && [ ! -e fast ] && sleep 60\n${GOOD}`;
  const error = await assertRejects(
    () => b.run(exec(b, slow, { timeoutSeconds: 1 })),
    SoakError,
    "add --timeout SECONDS if it may take longer",
  );
  assertStringIncludes(error.message, "mend it and go on with: soak run --resume --out ");
  Deno.writeTextFileSync(b.file("fast"), "");
  const going = { resume: true, iterations: undefined, autoTune: undefined, profile: undefined };
  await b.run({ timeoutSeconds: 30, retries: 2 }, going);
  assertEquals(await settingsOf(b.dir, 2), [
    { resume: 1, values: { timeoutSeconds: 30, retries: 2 } },
  ]);
  const { verdict, findings, inForce } = await verifyRun(b.dir, { strict: true });
  assertEquals([verdict, findings], ["PASS", []]);
  assertEquals(inForce.settings, [{ iteration: 2, values: { timeoutSeconds: 30, retries: 2 } }]);
});

/** A service that dies in an iteration until it has died so often. */
function dying(b: Bench, times: number, maxRestarts: number): SystemRequest {
  const measure = `n=$(ls | grep -c ^died)
if [ "$SOAK_ITERATION" = 2 ] && [ "$n" -lt ${times} ]; then touch died$n
kill -s KILL "$SOAK_SERVICE_PID"; while kill -0 "$SOAK_SERVICE_PID" 2>&-; do sleep 0.02; done; exit 1
fi
${GOOD}`;
  return {
    kind: "service",
    command: [b.script("server", "touch up; while :; do sleep 0.02; done")],
    measureCommand: b.script("measure", measure),
    readyFile: b.file("up"),
    intervalSeconds: 0,
    graceSeconds: 1,
    maxRestarts,
  };
}

Deno.test(
  "the flag that an error asks for, given with --resume, lets the run go on: --max-restarts",
  {
    ignore: !posix,
  },
  async () => {
    await using b = await bench();
    const going = { resume: true, iterations: undefined, autoTune: undefined, profile: undefined };
    const failure = await assertRejects(() => b.run(dying(b, 5, 0)), SoakError);
    assertStringIncludes(failure.message, "soak run --resume --out ");
    let told = Number(/add --max-restarts (\d+)/.exec(failure.message)?.[1]);
    assertEquals(told, 3);
    // Without it, one more death ends the run again; with too few, a later one does.
    await assertRejects(() => b.run({}, going), SoakError, "after 1 restart");
    const again = await assertRejects(() => b.run({ maxRestarts: told }, going), SoakError);
    told = Number(/add --max-restarts (\d+)/.exec(again.message)?.[1]);
    assertEquals((await readProgress(b.dir))?.settings, [
      { resume: 2, values: { maxRestarts: 3 } },
    ]);
    const open = await verifyRun(b.dir, { strict: true });
    assertEquals([open.verdict, open.findingCounts], ["INCONCLUSIVE", { run_incomplete: 1 }]);
    await b.run({ maxRestarts: told }, going);
    assertEquals(await settingsOf(b.dir, 2), [
      { resume: 2, values: { maxRestarts: 3 } },
      { resume: 3, values: { maxRestarts: told } },
    ]);
    await expectProven(b.dir, 3);
  },
);

Deno.test("a lost record of what changed is told, and the run goes on as it is on record", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const failing = `[ -e good ] || exit 3\n${GOOD}`;
  const going = { resume: true, iterations: undefined, autoTune: undefined, profile: undefined };
  await assertRejects(() => b.run(exec(b, failing)), SoakError);
  await assertRejects(() => b.run({ retries: 1 }, going), SoakError);
  Deno.removeSync(join(b.dir, PROGRESS_FILE));
  Deno.writeTextFileSync(b.file("good"), "");
  await b.run({}, going);
  assertEquals(await settingsOf(b.dir, 1), undefined);
  assertEquals(
    (await incidentsOf(b, 1))[1]?.at(-1),
    "resumed ×1: after an end that is not on record",
  );
  await expectProven(b.dir, 3);
});

Deno.test("a resume may not change what the run means", { ignore: !posix }, async () => {
  await using b = await bench();
  const { signal } = until(0);
  await b.run(dying(b, 0, 0), { signal });
  const before = textsIn(b.dir);
  assert(before[TUNING_REPORT_FILE] !== undefined && before[RUNTIME_FILE] !== undefined);
  const going = { resume: true, iterations: undefined, autoTune: undefined, profile: undefined };
  const asked: readonly SystemRequest[] = [
    { intervalSeconds: 1 },
    { pauseSeconds: 1 },
    { onError: "continue" },
    { reloadRestart: true },
    { readyFile: "other" },
    { command: ["true"] },
    { kind: "exec" },
  ];
  for (const request of asked) {
    const error = await assertRejects(() => b.run(request, going), SoakError);
    assertEquals(error.kind, "usage");
    assertStringIncludes(error.message, "leave the flag out when resuming");
    assertEquals(textsIn(b.dir), before);
  }
  for (const [option, value] of [["warmup", 1], ["start", "busy"], ["seed", 4]] as const) {
    const error = await assertRejects(() => b.run({}, { ...going, [option]: value }), SoakError);
    assertEquals([error.kind, error.where], ["usage", option]);
    assertEquals(textsIn(b.dir), before);
  }
  // A run of commands has no restarts to allow.
  await using c = await bench();
  await c.run(exec(c, GOOD), { signal });
  const error = await assertRejects(() => c.run({ maxRestarts: 3 }, going), SoakError);
  assertEquals([error.kind, error.where], ["usage", "maxRestarts"]);
});

Deno.test("a finished run has nothing to change its settings for", { ignore: !posix }, async () => {
  await using b = await bench();
  await b.run(exec(b, GOOD));
  const going = { resume: true, iterations: undefined, autoTune: undefined, profile: undefined };
  const { status, changed } = await b.run({ retries: 5 }, going);
  assertEquals([status, changed], ["complete", {}]);
  assertEquals(namesIn(b.dir).includes(PROGRESS_FILE), false);
  await expectProven(b.dir, 3);
});
