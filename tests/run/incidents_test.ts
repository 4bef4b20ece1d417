import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { type GateResult, runGate } from "../../gate.ts";
import { NO_INCIDENTS } from "../../model/incident.ts";
import type { Profile } from "../../model/profile.ts";
import type { SystemRequest } from "../../model/system_spec.ts";
import { verifyRun } from "../../proof/verify.ts";
import { PROGRESS_FILE, readProgress, readSummary, writeProgress } from "../../record/artifacts.ts";
import { explainIteration } from "../../report/explain.ts";
import { RunTable } from "../../report/run_table.ts";
import { renderGate, renderVerification } from "../../report/verdict_text.ts";
import { style } from "../../report/terminal.ts";
import type { RunOptions } from "../../run/state.ts";
import { posix } from "../kit/posix.ts";
import {
  type Bench,
  bench,
  exists,
  incidentsOf,
  logOf,
  READ_SIZE,
  REPORT,
  startCli,
  TINY,
  until,
} from "../kit/real_system.ts";
import { namesIn } from "../kit/temp_dir.ts";

const GOOD = `${READ_SIZE}\n${REPORT}`;
const RESUME: Partial<RunOptions> = { resume: true, iterations: undefined, autoTune: undefined };

/** A service whose runtime is read anew on SIGHUP, unless it is left to die of the signal. */
function server(trap = "trap load HUP"): string {
  return `load() { ${READ_SIZE}; echo $size > effective.new; mv effective.new effective; }
${trap}
load
while :; do sleep 0.02; done`;
}

/** What is measured once the service runs with it; it dies in the iterations that `deadly` names. */
function service(b: Bench, deadly: readonly number[], more: SystemRequest = {}): SystemRequest {
  const dies = deadly.map((i) =>
    `[ "$SOAK_ITERATION" = ${i} ] && [ ! -e died${i} ] && { touch died${i}; echo iteration ${i};
kill -s SEGV "$SOAK_SERVICE_PID"; while kill -0 "$SOAK_SERVICE_PID" 2>&-; do sleep 0.02; done; exit 1; }`
  );
  const wait = `${READ_SIZE}; while [ "$(cat effective)" != "$size" ]; do
kill -0 "$SOAK_SERVICE_PID" || exit 1; sleep 0.02; done`;
  return {
    kind: "service",
    command: [b.script("server", server())],
    measureCommand: b.script("measure", [...dies, wait, REPORT].join("\n")),
    readyFile: b.file("effective"),
    reloadSignal: "SIGHUP",
    intervalSeconds: 0,
    graceSeconds: 1,
    ...more,
  };
}

function exec(b: Bench, body: string, more: SystemRequest = {}): SystemRequest {
  return { kind: "exec", command: [b.script("measure", body)], graceSeconds: 1, ...more };
}

/** Fails every first attempt at an iteration. */
const FAILS_ONCE =
  `[ -e tried$SOAK_ITERATION ] || { touch tried$SOAK_ITERATION; echo first try; exit 9; }\n${GOOD}`;

/** Goes on with a run until it is finished; returns how often it ended by an error. */
async function runToTheEnd(b: Bench, system: SystemRequest, iterations: number): Promise<number> {
  let ends = 0;
  let options: Partial<RunOptions> = { iterations };
  for (;;) {
    try {
      await b.run(ends === 0 ? system : {}, options);
      return ends;
    } catch (error) {
      if (!(error instanceof SoakError) || error.kind !== "system") throw error;
      ends++;
      options = RESUME;
    }
  }
}

/** The gate's check, and whether it is the only one that failed. */
function stayedUp({ checks, verdict }: GateResult): readonly [string, string, string | null] {
  const check = checks.find(({ name }) => name === "Stayed up");
  assert(check !== undefined);
  const failed = checks.filter(({ status }) => status === "fail");
  assertEquals(failed, check.status === "fail" ? [check] : []);
  assertEquals(verdict, check.status === "fail" ? "FAIL" : "PASS");
  return [check.foundText, check.wantedText, check.look];
}

function allowing(gate: Partial<Profile["gate"]>): Profile {
  return { ...TINY, gate: { ...TINY.gate, ...gate } };
}

const AND_NOW = "; a resume does not undo it: mend it and start a new run, in whose profile " +
  "gate.max_restarts and gate.max_failed may allow some";
const NONE = "no death, no failed measurement";

Deno.test("a service that dies now and then fails the gate, which names the iterations", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  await b.run(service(b, [5, 7]), { iterations: 9 });
  const died = "died ×1: was killed by SIGSEGV";
  assertEquals(await incidentsOf(b, 9), { 5: [died], 7: [died] });
  for (const strict of [true, false]) {
    assertEquals(stayedUp(await runGate(b.dir, { strict })), [
      "2 deaths, no failed measurement",
      NONE,
      "iterations 5, 7: what happened is in DELTA_VERIFY_REPORT.md, what was printed in logs/" +
      AND_NOW,
    ]);
  }
  assertEquals(namesIn(b.dir).includes(PROGRESS_FILE), false);
});

Deno.test("neither exit code 4 nor a resume hides a death, and both are told", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  assertEquals(await runToTheEnd(b, service(b, [4, 6], { maxRestarts: 0 }), 7), 2);
  const dead = (restarts: string): string[] => [
    "died ×1: was killed by SIGSEGV",
    `failed ×1: the service was killed by SIGSEGV, after ${restarts}`,
    `stopped ×1: the service was killed by SIGSEGV, after ${restarts}`,
    "resumed ×1: after an error",
  ];
  assertEquals(await incidentsOf(b, 7), { 4: dead("no restart"), 6: dead("1 restart") });
  assert(logOf(b, 4).startsWith("iteration 4\n"), "the log of the first attempt is kept");
  const result = await runGate(b.dir, { strict: true, prometheus: true });
  assertEquals(stayedUp(result), [
    "2 deaths, 2 failed measurements",
    NONE,
    "iterations 4, 6: what happened is in DELTA_VERIFY_REPORT.md, what was printed in logs/" +
    AND_NOW,
  ]);

  const read = (name: string): string => Deno.readTextFileSync(join(b.dir, name));
  const counts = { died: 2, failed: 2, stopped: 2, resumed: 2 };
  assertEquals(JSON.parse(read("GATE_REPORT.json")).incidents, counts);
  const incidents =
    "Incidents: 2 deaths, 2 failed measurements, stopped by an error 2 times, resumed 2 times";
  const shown = renderGate(result.verification, result.checks, result.verdict, style(false));
  const verified = renderVerification(result.verification, null, style(false));
  for (const text of [shown, verified]) assertEquals(text.split(incidents).length, 2);
  assertEquals(JSON.parse(read("DELTA_VERIFY_REPORT.json")).summary.incidents, counts);
  assertStringIncludes(read("DELTA_VERIFY_REPORT.md"), "| 6 | died | 1 | was killed by SIGSEGV |");
  assertStringIncludes(read("POST_SOAK_METRICS.prom"), '\nsoak_incident_count{kind="died"} 2\n');
  const story = await explainIteration(b.dir, 6, style(false));
  assertStringIncludes(story, "What happened before it was measured\n  died     once");
  const rows = new RunTable();
  rows.take((await readSummary(b.dir, 6)).record);
  const what = "(1 death, 1 failed measurement, stopped by an error once, resumed once)";
  assertStringIncludes(rows.render(TINY, style(false)), what);
});

Deno.test("a run that ended by an error and was not resumed tells so", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const system = exec(b, `[ "$SOAK_ITERATION" = 3 ] && exit 7\n${GOOD}`, { retries: 1 });
  await assertRejects(() => b.run(system, { iterations: 5 }), SoakError, "iteration 3");
  const { verdict, incidents, findingCounts } = await verifyRun(b.dir, { strict: true });
  assertEquals(verdict, "INCONCLUSIVE");
  assertEquals(incidents, { died: 0, failed: 2, stopped: 1, resumed: 0 });
  assertEquals(findingCounts, { run_incomplete: 1 });
  const story = await explainIteration(b.dir, 3, style(false));
  assertStringIncludes(story, "Iteration 3 is not recorded\n\nWhat has happened so far\n  failed");
  assertStringIncludes(story, "\nTo go on with it: soak run --resume --out ");
  const { checks } = await runGate(b.dir);
  const check = checks.find(({ name }) => name === "Stayed up");
  assertEquals([check?.status, check?.foundText], ["fail", "no death, 2 failed measurements"]);
});

Deno.test("attempts that failed before one that did not are counted, and can be allowed", {
  ignore: !posix,
}, async () => {
  for (
    const [allowed, wanted] of [
      [undefined, NONE],
      [5, "no death, at most 5 failed measurements"],
      [6, "no death, at most 6 failed measurements"],
    ] as const
  ) {
    await using b = await bench();
    const profile = allowing(allowed === undefined ? {} : { max_failed: allowed });
    await b.run(exec(b, FAILS_ONCE, { retries: 1 }), { iterations: 6, profile });
    const [found, limit, look] = stayedUp(await runGate(b.dir, { strict: true }));
    assertEquals([found, limit], ["no death, 6 failed measurements", wanted]);
    assertEquals(look === null, allowed === 6);
  }
});

Deno.test("a failed iteration counts with each of its attempts, even long before the end", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const body = `[ "$SOAK_ITERATION" = 2 ] && exit 3\n${GOOD}`;
  const system = exec(b, body, { retries: 2, onError: "continue" });
  await b.run(system, { iterations: 8 });
  assertEquals(await incidentsOf(b, 8), { 2: ["failed ×3: the command exited with code 3"] });
  const [found] = stayedUp(await runGate(b.dir, { strict: true }));
  assertEquals(found, "no death, 3 failed measurements");
});

Deno.test("a reload signal that kills the service is a restart like any other", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = [b.script("fragile", server(""))];
  await b.run(service(b, [], { command }), { iterations: 6 });
  const died = ["died ×1: was killed by SIGHUP"];
  assertEquals(await incidentsOf(b, 6), { 2: died, 3: died });
  assertEquals(stayedUp(await runGate(b.dir))[0], "2 deaths, no failed measurement");
});

Deno.test("restarts can be allowed", { ignore: !posix }, async () => {
  await using b = await bench();
  await b.run(service(b, [3]), { iterations: 6, profile: allowing({ max_restarts: 1 }) });
  assertEquals(stayedUp(await runGate(b.dir, { strict: true })), [
    "1 death, no failed measurement",
    "at most 1 death, no failed measurement",
    null,
  ]);
});

Deno.test("soak's own death loses no incident", { ignore: !posix }, async () => {
  await using b = await bench();
  const stuck = `[ -e go ] || { touch stuck; while [ ! -e go ]; do sleep 0.02; done; exit 1; }`;
  const body = `[ -e tried ] || { touch tried; exit 9; }\n${stuck}\n${GOOD}`;
  const { command = [] } = exec(b, body);
  Deno.writeTextFileSync(b.file("tiny.json"), JSON.stringify(TINY));
  const process = startCli([
    ...["run", "--exec", "--auto-tune", "--profile", b.file("tiny.json"), "--iterations", "6"],
    ...["--retries", "1", "--grace", "1", "--out", b.dir, "--", ...command],
  ]);
  await until(() => exists(b.file("stuck")), "the second attempt is at work");
  process.kill("SIGKILL");
  await process.end();
  Deno.writeTextFileSync(b.file("go"), "");
  await b.run({}, RESUME);
  const lost = [
    "failed ×1: the command exited with code 9",
    "resumed ×1: after an interruption that cut a measurement off",
  ];
  assertEquals(await incidentsOf(b, 6), { 1: lost });
  const [found] = stayedUp(await runGate(b.dir, { strict: true }));
  assertEquals(found, "no death, 1 failed measurement");
});

Deno.test("an interruption is no failure, but the resume is on record", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const controller = new AbortController();
  const onIteration: RunOptions["onIteration"] = ({ iteration }) => {
    if (iteration === 2) controller.abort();
  };
  await b.run(exec(b, GOOD), { iterations: 6, signal: controller.signal, onIteration });
  const { incidents } = await b.run({}, RESUME);
  assertEquals(incidents, { died: 0, failed: 0, stopped: 0, resumed: 1 });
  assertEquals(await incidentsOf(b, 6), { 3: ["resumed ×1: after an interruption"] });
  assertEquals(stayedUp(await runGate(b.dir, { strict: true })), [NONE, NONE, null]);
  assertEquals(await verifyRun(b.dir).then(({ incidents }) => incidents), incidents);
});

Deno.test("who removes the record of how a run ended gains nothing", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const system = exec(b, FAILS_ONCE.replace("[ -e", '[ "$SOAK_ITERATION" -lt 3 ] || [ -e'));
  await assertRejects(() => b.run(system, { iterations: 6 }), SoakError, "iteration 3");
  Deno.removeSync(join(b.dir, PROGRESS_FILE));
  const { findingCounts } = await verifyRun(b.dir);
  assertEquals(findingCounts, { run_incomplete: 1, progress_missing: 1 });
  await assertRejects(() => b.run({}, RESUME), SoakError, "iteration 4");
  Deno.writeTextFileSync(join(b.dir, PROGRESS_FILE), "{");
  assertEquals((await verifyRun(b.dir)).findingCounts, {
    run_incomplete: 1,
    progress_unreadable: 1,
  });
  await assertRejects(() => b.run({}, RESUME), SoakError, PROGRESS_FILE);
  Deno.removeSync(join(b.dir, PROGRESS_FILE));
  assertEquals(
    (await incidentsOf(b, 3))[3]?.[0]?.slice(0, 40),
    "failed ×1: RUN_IN_PROGRESS.json was not ",
  );
});

Deno.test("an incident that a summary has taken in is not counted twice", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const controller = new AbortController();
  const onIteration: RunOptions["onIteration"] = () => controller.abort();
  const system = exec(b, FAILS_ONCE, { retries: 1 });
  await b.run(system, { iterations: 4, signal: controller.signal, onIteration });
  assertEquals((await readProgress(b.dir))?.incidents, []);
  assertEquals((await verifyRun(b.dir)).incidents.failed, 1);
  assertEquals((await b.run({}, RESUME)).incidents.failed, 4);
  assertEquals((await verifyRun(b.dir)).incidents.failed, 4);
});

Deno.test("a simulated run has no incidents, however often it is resumed", async () => {
  await using b = await bench();
  const controller = new AbortController();
  const options = { profile: undefined, signal: controller.signal };
  await b.run({ kind: "mock" }, { ...options, onIteration: () => controller.abort() });
  assertEquals(namesIn(b.dir).includes(PROGRESS_FILE), false);
  const { incidents, status } = await b.run({}, { ...RESUME, profile: undefined });
  assertEquals([status, incidents], ["finished", { died: 0, failed: 0, stopped: 0, resumed: 0 }]);
  assertEquals(await incidentsOf(b, 3), {});
});

Deno.test("limit: who rewrites the record of how a run ended before the resume is believed", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  await assertRejects(
    () => b.run(exec(b, FAILS_ONCE), { iterations: 2 }),
    SoakError,
    "iteration 1",
  );
  const progress = await readProgress(b.dir);
  assertEquals(progress?.incidents.map(({ kind }) => kind), ["failed", "stopped"]);
  const { previousHash = "" } = progress ?? {};
  await writeProgress(b.dir, { previousHash, incidents: [], isMeasuring: false });
  await assertRejects(() => b.run({}, RESUME), SoakError, "iteration 2");
  const { findingCounts, incidents } = await verifyRun(b.dir);
  assertEquals([findingCounts, incidents.failed], [{ run_incomplete: 1 }, 1]);
});

/** A service that dies each time it was measured, once it has been told to. */
function pausedService(b: Bench, more: SystemRequest = {}): SystemRequest {
  const body = `trap : HUP\n: > effective\nwhile [ ! -e doom ]; do sleep 0.02; done
rm doom; touch dead; kill -s SEGV $$`;
  return {
    ...service(b, []),
    command: [b.script("mortal", body)],
    measureCommand: b.script("measures", `${READ_SIZE}; ${REPORT}; touch doom`),
    ...more,
  };
}

/** Waits until `RUN_IN_PROGRESS.json` tells of a death. */
function untilDeathIsNoted(b: Bench): Promise<void> {
  const path = join(b.dir, PROGRESS_FILE);
  const noted = (): boolean => exists(path) && Deno.readTextFileSync(path).includes('"died"');
  return until(noted, "the death is on record");
}

for (const setting of ["pauseSeconds", "intervalSeconds"] as const) {
  Deno.test(`a death is on record at once, even with ${setting} to wait`, {
    ignore: !posix,
  }, async () => {
    await using b = await bench();
    const controller = new AbortController();
    // The service is seen to be ready, and only then told to die.
    const doomed = { readyFile: undefined, readyCommand: b.script("seen", "touch doom") };
    const system = pausedService(b, {
      pauseSeconds: 600,
      [setting]: 600,
      ...(setting === "intervalSeconds" ? doomed : {}),
    });
    const running = b.run(system, { iterations: 2, signal: controller.signal });
    await untilDeathIsNoted(b);
    controller.abort();
    const { incidents } = await running;
    assertEquals(incidents, { died: 1, failed: 0, stopped: 0, resumed: 0 });
    assertEquals((await verifyRun(b.dir)).incidents.died, 1);
  });
}

Deno.test("a service that ends with soak has not died", { ignore: !posix }, async () => {
  await using b = await bench();
  const controller = new AbortController();
  const wait = `kill -s TERM $SOAK_SERVICE_PID; touch hit; while [ ! -e go ]; do sleep 0.02; done
exit 1`;
  const system = service(b, [], { measureCommand: b.script("cut", wait) });
  const running = b.run(system, { iterations: 2, signal: controller.signal });
  await until(() => exists(b.file("hit")), "the service gets the signal");
  controller.abort();
  Deno.writeTextFileSync(b.file("go"), "");
  const { incidents, status } = await running;
  assertEquals([status, incidents], ["interrupted", NO_INCIDENTS]);
});

/** A run that ends by an error in iteration `i`; what is measured afterwards is good. */
async function failing(b: Bench, i: number): Promise<void> {
  const body =
    `[ "$SOAK_ITERATION" -lt ${i} ] || [ -e tried ] || { touch tried; exit 9; }\n${GOOD}`;
  await assertRejects(() => b.run(exec(b, body), { iterations: 6 }), SoakError, `iteration ${i}`);
}

const FOREIGN: Readonly<Record<string, (b: Bench, early: string) => void>> = {
  "of nobody's": ({ dir }) => {
    const text = `{"incidents":[],"previous_hash":"${"0".repeat(64)}"}`;
    Deno.writeTextFileSync(join(dir, PROGRESS_FILE), text);
  },
  "of an earlier iteration": ({ dir }, early) => {
    Deno.writeTextFileSync(join(dir, PROGRESS_FILE), early);
  },
};

for (const [whose, plant] of Object.entries(FOREIGN)) {
  Deno.test(`a record of incidents ${whose} is a finding and counts as a failed measurement`, {
    ignore: !posix,
  }, async () => {
    await using b = await bench();
    const path = join(b.dir, PROGRESS_FILE);
    const body = `[ "$SOAK_ITERATION" != 1 ] || cp run/${PROGRESS_FILE} early
[ "$SOAK_ITERATION" -lt 4 ] || [ -e tried ] || { touch tried; exit 9; }\n${GOOD}`;
    await assertRejects(() => b.run(exec(b, body), { iterations: 6 }), SoakError, "iteration 4");
    plant(b, Deno.readTextFileSync(b.file("early")));
    assertEquals((await verifyRun(b.dir)).findingCounts, {
      run_incomplete: 1,
      progress_unexpected: 1,
    });
    await b.run({}, RESUME);
    assertEquals((await incidentsOf(b, 6))[4], [
      `failed ×1: ${PROGRESS_FILE} did not follow the last record: how the run ended is not on record`,
      "resumed ×1: after an end that is not on record",
    ]);
    assertEquals(exists(path), false);
    assertEquals(
      stayedUp(await runGate(b.dir, { strict: true }))[0].endsWith("1 failed measurement"),
      true,
    );
  });
}

Deno.test("the first iteration's failure is not lost with its record, nor with other settings", {
  ignore: !posix,
}, async () => {
  const changes: Readonly<Record<string, (b: Bench) => void>> = {
    progress_missing: ({ dir }) => Deno.removeSync(join(dir, PROGRESS_FILE)),
    progress_unexpected: ({ dir }) => {
      const path = join(dir, "SOAK_RUN.json");
      const text = Deno.readTextFileSync(path);
      Deno.writeTextFileSync(path, text.replace('"retries":0', '"retries":3'));
    },
  };
  for (const [code, change] of Object.entries(changes)) {
    await using b = await bench();
    await failing(b, 1);
    change(b);
    assertEquals((await verifyRun(b.dir)).findingCounts, { run_incomplete: 1, [code]: 1 });
    assertEquals((await b.run({}, RESUME)).incidents.failed, 1);
  }
});

Deno.test("a record that tells of one iteration less than there is has lost nothing", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const controller = new AbortController();
  const signal = controller.signal;
  const onIteration: RunOptions["onIteration"] = ({ iteration }) => {
    if (iteration === 2) controller.abort();
  };
  await b.run(exec(b, FAILS_ONCE, { retries: 1 }), { iterations: 4, signal, onIteration });
  const { record } = await readSummary(b.dir, 2);
  const { previousHash, incidents = [] } = record;
  const stopped = { kind: "stopped", reason: "the disk is full", times: 1 } as const;
  for (const more of [[], [stopped]]) {
    await writeProgress(b.dir, {
      previousHash,
      incidents: [...incidents, ...more],
      isMeasuring: true,
    });
    const counts = { died: 0, failed: 2, stopped: more.length, resumed: 0 };
    const result = await verifyRun(b.dir);
    assertEquals([result.incidents, result.findingCounts], [counts, { run_incomplete: 1 }]);
  }
  await b.run({}, RESUME);
  assertEquals((await incidentsOf(b, 3))[3], [
    "stopped ×1: the disk is full",
    "resumed ×1: after an error",
    "failed ×1: the command exited with code 9",
  ]);
});

Deno.test("what stands in a finished run about its end is a finding and no incident", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  await b.run(exec(b, GOOD), { iterations: 4 });
  const { lastHash } = await verifyRun(b.dir);
  const incidents = [{ kind: "failed", reason: "x", times: 1 } as const];
  await writeProgress(b.dir, { previousHash: lastHash ?? "", incidents, isMeasuring: false });
  const result = await verifyRun(b.dir);
  assertEquals([result.findingCounts, result.incidents], [
    { progress_unexpected: 1 },
    NO_INCIDENTS,
  ]);
  await b.run({}, RESUME);
  assertEquals((await verifyRun(b.dir)).findingCounts, {});
});

Deno.test("a run that was moved writes no incidents to the run in its place", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const body =
    `[ -e moved ] || { mv run moved; mkdir run; echo other > run/${PROGRESS_FILE}; exit 9; }`;
  await assertRejects(() => b.run(exec(b, body), { iterations: 2 }), SoakError, "was moved");
  assertEquals(namesIn(b.dir), [PROGRESS_FILE]);
  assertEquals(Deno.readTextFileSync(join(b.dir, PROGRESS_FILE)), "other\n");
});

Deno.test("a service is not measured into the run that has its run's place by now", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const command = [b.script("mover", `mv run moved; mkdir run\n${server()}`)];
  const measureCommand = b.script("measures", `touch measured; ${READ_SIZE}; ${REPORT}`);
  const system = service(b, [], { command, measureCommand });
  await assertRejects(() => b.run(system, { iterations: 2 }), SoakError, "was moved");
  assertEquals([namesIn(b.dir), exists(b.file("measured"))], [[], false]);
});

Deno.test("a measurement that is thrown away, as its runtime was changed, has failed", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const body =
    `${GOOD}\n[ -e tried ] || { touch tried; cp "$SOAK_RUNTIME" kept; echo '{"size":9}' > "$SOAK_RUNTIME"; }`;
  await assertRejects(() => b.run(exec(b, body), { iterations: 6 }), SoakError, "something else");
  Deno.copyFileSync(b.file("kept"), join(b.dir, "runtime_overrides.json"));
  await b.run({}, RESUME);
  const what = "the runtime was changed by something else";
  assertEquals(await incidentsOf(b, 6), {
    1: [`failed ×1: ${what}`, `stopped ×1: ${what}`, "resumed ×1: after an error"],
  });
  assertEquals(
    stayedUp(await runGate(b.dir, { strict: true }))[0].endsWith("1 failed measurement"),
    true,
  );
});

Deno.test("a measurement that soak's own end cuts off is told, and is no failure", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const { command = [] } = exec(
    b,
    `[ -e go ] || { touch stuck; while [ ! -e go ]; do sleep 0.02; done; exit 1; }\n${GOOD}`,
  );
  Deno.writeTextFileSync(b.file("tiny.json"), JSON.stringify(TINY));
  const process = startCli([
    ...["run", "--exec", "--profile", b.file("tiny.json"), "--iterations", "3"],
    ...["--grace", "1", "--out", b.dir, "--", ...command],
  ]);
  await until(() => exists(b.file("stuck")), "the measurement is at work");
  process.kill("SIGKILL");
  await process.end();
  Deno.writeTextFileSync(b.file("go"), "");
  await b.run({}, { ...RESUME, profile: undefined });
  assertEquals(await incidentsOf(b, 3), {
    1: ["resumed ×1: after an interruption that cut a measurement off"],
  });
});

Deno.test("a broken record of incidents says what to do, and that works", {
  ignore: !posix,
}, async () => {
  for (const breakIt of [(path: string) => Deno.writeTextFileSync(path, "{"), Deno.mkdirSync]) {
    await using b = await bench();
    await failing(b, 2);
    const path = join(b.dir, PROGRESS_FILE);
    Deno.removeSync(path);
    breakIt(path);
    const error = await assertRejects(() => b.run({}, RESUME), SoakError, PROGRESS_FILE);
    assertStringIncludes(error.message, "remove it and resume again");
    Deno.removeSync(path);
    assertEquals((await b.run({}, RESUME)).incidents.failed, 1);
  }
});
