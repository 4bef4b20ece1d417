import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { JsonObject } from "../../base/json_value.ts";
import { VERSION } from "../../base/version.ts";
import { GUARDS } from "../../model/guards.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { getAllParams } from "../../model/params.ts";
import type { Profile } from "../../model/profile.ts";
import { FAULT_KINDS } from "../../model/system_spec.ts";
import { verifyRun } from "../../proof/verify.ts";
import {
  LOCK_FILE,
  readRun,
  readSummary,
  RUN_FILE,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "../../record/artifacts.ts";
import type { IterationRecord } from "../../record/records.ts";
import { applyDeltasWithTracking } from "../../run/apply.ts";
import { type RunResult, runSoak } from "../../run/run.ts";
import type { RunOptions } from "../../run/state.ts";
import { honestRun, loosen, unfinishedRun } from "../kit/forgery.ts";
import { naiveGuards, type PastIteration } from "../kit/naive_guards.ts";
import {
  fillFolder,
  memoryDir as tempDir,
  namesIn,
  type TempDir,
  textsIn,
} from "../kit/temp_dir.ts";

type Files = Readonly<Record<string, string>>;

const TUNED = { iterations: 12, autoTune: true } as const;

function run(dir: string, options: Omit<RunOptions, "dir"> = TUNED): Promise<RunResult> {
  return runSoak({ dir, ...options });
}

async function filesOf(parent: TempDir, options: Omit<RunOptions, "dir"> = TUNED): Promise<Files> {
  const dir = parent.file(`whole ${crypto.randomUUID()}`);
  await run(dir, options);
  return textsIn(dir);
}

async function recordsOf(dir: string, iterations: number): Promise<IterationRecord[]> {
  const records: IterationRecord[] = [];
  for (let i = 1; i <= iterations; i++) records.push((await readSummary(dir, i)).record);
  return records;
}

/** The bytes of the runtime that an iteration ran under, as its summary tells it. */
function runtimeUnder(files: Files, iteration: number): string {
  return canonicalJson(JSON.parse(files[summaryFile(iteration)] ?? "").runtime_overrides);
}

/** A run's files as they were right after an iteration. */
function filesAfter(files: Files, iteration: number): Record<string, string> {
  const kept = Object.entries(files).filter(([name]) => {
    const number = /^ITER_SUMMARY_(\d+)\.json$/.exec(name)?.[1];
    return number === undefined ? name !== TUNING_REPORT_FILE : Number(number) <= iteration;
  });
  return { ...Object.fromEntries(kept), [RUNTIME_FILE]: runtimeUnder(files, iteration + 1) };
}

function applied(files: Files, iteration: number): boolean {
  return JSON.parse(files[summaryFile(iteration)] ?? "").tuning.applied;
}

Deno.test("runSoak() writes the run, the runtime, one summary an iteration and the report", async () => {
  await using parent = await tempDir();
  const dir = parent.file("a/b/run");
  const result = await run(dir, { iterations: 3, autoTune: true });
  assertEquals(namesIn(dir), [
    "ITER_SUMMARY_1.json",
    "ITER_SUMMARY_2.json",
    "ITER_SUMMARY_3.json",
    RUN_FILE,
    TUNING_REPORT_FILE,
    RUNTIME_FILE,
  ]);
  assertEquals([result.status, result.recorded, result.done, result.archived], [
    "finished",
    3,
    0,
    null,
  ]);
  for (const text of Object.values(textsIn(dir))) {
    assertEquals(text, canonicalJson(JSON.parse(text)));
  }
  assertEquals(namesIn(parent.file("a/b")), ["run"]);
});

Deno.test("runSoak() records all that is needed to run again", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await run(dir, {
    iterations: 2,
    autoTune: true,
    seed: 77,
    mockFault: { kind: "late", rate: 0.5 },
  });
  const { record } = await readRun(dir);
  assertEquals(record.system, {
    kind: "mock",
    fault: { kind: "late", rate: 0.5 },
    iterationSeconds: 300,
  });
  assertEquals([record.seed, record.iterations, record.autoTune], [77, 2, true]);
  assertEquals(record.profile, marketMaker);
  assertEquals(record.startedUtc, "2025-01-01T00:00:00Z");
  assertEquals(record.initialHash, await sha256Hex(runtimeUnder(textsIn(dir), 1)));
});

Deno.test("runSoak() leaves auto-tune off and the seed at 1 unless told otherwise", async () => {
  await using parent = await tempDir();
  await run(parent.file("run"), { iterations: 1 });
  const { record } = await readRun(parent.file("run"));
  assertEquals([record.autoTune, record.seed], [false, 1]);
});

Deno.test("runSoak() writes byte-identical directories for the same options", async () => {
  await using parent = await tempDir();
  for (const options of [TUNED, { iterations: 4 }, { ...TUNED, seed: 9, startMs: 1.7e12 }]) {
    assertEquals(await filesOf(parent, options), await filesOf(parent, options));
  }
});

Deno.test("runSoak() writes other numbers for another seed", async () => {
  await using parent = await tempDir();
  const [one, two] = [await filesOf(parent, TUNED), await filesOf(parent, { ...TUNED, seed: 2 })];
  assert(one[summaryFile(1)] !== two[summaryFile(1)]);
});

Deno.test("runSoak() lets its virtual clock go five minutes an iteration from the start", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await run(dir, { iterations: 3, startMs: Date.UTC(2031, 11, 31, 23, 55) });
  const records = await recordsOf(dir, 3);
  assertEquals(records.map(({ utc }) => utc), [
    "2031-12-31T23:55:00Z",
    "2032-01-01T00:00:00Z",
    "2032-01-01T00:05:00Z",
  ]);
});

Deno.test("runSoak() changes the hash exactly when it applied, and says why not otherwise", async () => {
  await using parent = await tempDir();
  for (const options of [{ iterations: 60, autoTune: true }, { iterations: 5, autoTune: false }]) {
    const dir = parent.file(`run ${options.autoTune}`);
    await run(dir, options);
    const records = await recordsOf(dir, options.iterations);
    const { record: start } = await readRun(dir);
    let hash = start.initialHash;
    for (const { tuning, stateHash, runtime } of records) {
      assertEquals(await sha256Hex(canonicalJson(runtime)), hash);
      assertEquals([tuning.oldHash, tuning.stateHash], [hash, stateHash]);
      assertEquals(stateHash !== hash, tuning.applied);
      assertEquals(tuning.skipReason === null, tuning.applied);
      if (tuning.skipReason !== null) {
        assertEquals(Object.keys(tuning.skipReason).sort(), [...GUARDS, "note"].sort());
        assert(tuning.skipReason.note !== "");
        assert(GUARDS.some((guard) => tuning.skipReason?.[guard] === true));
        assertEquals([tuning.deltas, tuning.changes, tuning.changedKeys], [{}, [], []]);
      }
      hash = stateHash;
    }
    assertEquals(await sha256Hex(await Deno.readTextFile(join(dir, RUNTIME_FILE))), hash);
    assertEquals(records.some(({ tuning }) => tuning.applied), options.autoTune);
  }
});

Deno.test("runSoak() records changes that lead from one runtime to the next", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await run(dir);
  const records = await recordsOf(dir, 12);
  for (const [i, { tuning, runtime }] of records.entries()) {
    const next = records[i + 1];
    if (next === undefined) continue;
    const [before, after] = [getAllParams(runtime), getAllParams(next.runtime)];
    assertEquals(after, { ...before, ...tuning.deltas });
    assertEquals(
      Object.fromEntries(tuning.changes.map(({ key, to }) => [key, to])),
      tuning.deltas,
    );
    for (const { key, from } of tuning.changes) assertEquals(before[key], from);
    assertEquals(tuning.changedKeys, Object.keys(tuning.deltas).sort());
    assertEquals(next.effectiveParams, after);
  }
});

Deno.test("runSoak() records skip reasons that the naive guards confirm", async () => {
  await using parent = await tempDir();
  for (const seed of [1, 2, 3]) {
    const dir = parent.file(`run ${seed}`);
    await run(dir, { iterations: 60, autoTune: true, seed });
    const past: PastIteration[] = [];
    for (const { utc, kpiVerdict, runtime, tuning } of await recordsOf(dir, 60)) {
      const present = { timeMs: Date.parse(utc), kpisMet: kpiVerdict === "PASS", applied: null };
      const expected = naiveGuards([...past, present], runtime, tuning.proposedDeltas, marketMaker);
      if (tuning.skipReason === null) {
        assertEquals(GUARDS.filter((guard) => expected[guard]), []);
      } else {
        const { note: _, ...flags } = tuning.skipReason;
        assertEquals(flags, expected);
      }
      past.push({ ...present, applied: tuning.applied ? tuning.changes : null });
    }
  }
});

Deno.test("runSoak() chains each summary to the bytes of the file before", async () => {
  await using parent = await tempDir();
  const files = await filesOf(parent);
  let before = files[RUN_FILE] ?? "";
  for (let i = 1; i <= 12; i++) {
    const text = files[summaryFile(i)] ?? "";
    assertEquals(JSON.parse(text).previous_hash, await sha256Hex(before));
    before = text;
  }
});

Deno.test("runSoak() reports what the summaries say, and counts it", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const { counts } = await run(dir);
  const records = await recordsOf(dir, 12);
  const files = textsIn(dir);
  const skipped = Object.fromEntries(GUARDS.map((guard) => [guard, 0]));
  for (const { tuning } of records) {
    const first = GUARDS.find((guard) => tuning.skipReason?.[guard] === true);
    if (first !== undefined) skipped[first] = (skipped[first] ?? 0) + 1;
  }
  const expected = {
    count: 12,
    applied: records.filter(({ tuning }) => tuning.applied).length,
    skipped,
  };
  assertEquals<unknown>(counts, expected);
  assertEquals(JSON.parse(files[TUNING_REPORT_FILE] ?? ""), {
    iterations: records.map(({ iteration }) => ({
      ...JSON.parse(files[summaryFile(iteration)] ?? "").tuning,
      iteration,
    })),
    summary: { ...expected, last_hash: await sha256Hex(files[summaryFile(12)] ?? "") },
  });
});

Deno.test("runSoak() proposes nothing after the last iteration, even if it is the first", async () => {
  await using parent = await tempDir();
  for (const iterations of [1, 4]) {
    const dir = parent.file(`run ${iterations}`);
    await run(dir, { iterations, autoTune: true });
    const { tuning } = (await readSummary(dir, iterations)).record;
    assertEquals([tuning.proposedDeltas, tuning.applied], [{}, false]);
  }
});

Deno.test("runSoak() calls onStart once, then onIteration for each summary once it is written", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const seen: string[] = [];
  await run(dir, {
    iterations: 3,
    onStart: ({ done, archived }) => seen.push(`start ${done} ${archived}`),
    onIteration: ({ iteration }) => {
      seen.push(`${iteration} ${namesIn(dir).includes(summaryFile(iteration))}`);
    },
  });
  assertEquals(seen, ["start 0 null", "1 true", "2 true", "3 true"]);
});

Deno.test("runSoak() refuses to start without a number of iterations, and touches nothing", async () => {
  await using parent = await tempDir();
  await run(parent.file("run"), { iterations: 2 });
  const before = textsIn(parent.file("run"));
  const error = await assertRejects(() => run(parent.file("run"), {}), SoakError, "iterations");
  assertEquals(error.kind, "usage");
  assertEquals(textsIn(parent.file("run")), before);
  assertEquals(namesIn(parent.path), ["run"]);
});

Deno.test("runSoak() moves an earlier run aside, under the name of its start", async () => {
  await using parent = await tempDir();
  const dir = parent.file("latest");
  const startMs = Date.UTC(2026, 1, 3, 4, 5, 6);
  await run(dir, { iterations: 2, startMs });
  const first = textsIn(dir);
  const { archived } = await run(dir, { iterations: 3 });
  assertEquals(archived, parent.file("20260203T040506Z"));
  assertEquals(textsIn(parent.file("20260203T040506Z")), first);
  assertEquals(namesIn(parent.path), ["20260203T040506Z", "latest"]);
  assertEquals(textsIn(dir), await filesOf(parent, { iterations: 3 }));
});

Deno.test("runSoak() numbers earlier runs of the same start, and loses none", async () => {
  await using parent = await tempDir();
  const dir = parent.file("latest");
  const runs: Files[] = [];
  for (const seed of [1, 2, 3, 4]) {
    await run(dir, { iterations: 1, seed });
    runs.push(textsIn(dir));
  }
  assertEquals(namesIn(parent.path), [
    "20250101T000000Z",
    "20250101T000000Z-2",
    "20250101T000000Z-3",
    "latest",
  ]);
  for (const [i, name] of namesIn(parent.path).entries()) {
    assertEquals(textsIn(parent.file(name)), runs[i]);
  }
});

Deno.test("runSoak() does not archive a run onto its own directory", async () => {
  await using parent = await tempDir();
  const dir = parent.file("20250101T000000Z");
  await run(dir, { iterations: 1 });
  const { archived } = await run(dir, { iterations: 1 });
  assertEquals(archived, parent.file("20250101T000000Z-20250101T000000Z"));
});

Deno.test("runSoak() keeps the name of an earlier run, unless that is latest", async () => {
  await using parent = await tempDir();
  for (const _ of [1, 2, 3]) await run(parent.file("redis 7"), { iterations: 1 });
  const stamped = "redis 7-20250101T000000Z";
  assertEquals(namesIn(parent.path), ["redis 7", stamped, `${stamped}-2`]);
});

Deno.test("runSoak() of a real system takes no profile for granted, and leaves nothing", async () => {
  await using parent = await tempDir();
  const dir = parent.file("real");
  const system = { kind: "exec", command: ["true"] } as const;
  const error = await assertRejects(() => runSoak({ dir, iterations: 1, system }), SoakError);
  assertEquals([error.kind, error.where], ["usage", "profile"]);
  assertStringIncludes(error.message, "soak profile init FILE, then --profile FILE");
  assertEquals(namesIn(parent.path), []);
});

Deno.test("runSoak() moves a run aside whose SOAK_RUN.json it can't read", async () => {
  await using parent = await tempDir();
  fillFolder(parent.file("latest"), { [RUN_FILE]: "{", "notes.txt": "kept" });
  const { archived } = await run(parent.file("latest"), { iterations: 1 });
  assertEquals(archived, parent.file("unreadable"));
  assertEquals(textsIn(parent.file("unreadable")), { [RUN_FILE]: "{", "notes.txt": "kept" });
});

Deno.test("runSoak() refuses a directory with files in it but no run, and touches nothing", async () => {
  await using parent = await tempDir();
  fillFolder(parent.file("home"), { "thesis.txt": "years of work" });
  const error = await assertRejects(() => run(parent.file("home")), SoakError, "no soak run");
  assertEquals(error.kind, "usage");
  assertEquals(error.remedy, "choose another --out, or empty it");
  assertEquals(textsIn(parent.file("home")), { "thesis.txt": "years of work" });
  // What other scripts left in the usual place is no run of soak's, and is not moved either.
  fillFolder(parent.file("latest"), { "ITER_SUMMARY_1.json": "{}" });
  const older = await assertRejects(() => run(parent.file("latest")), SoakError, "no soak run");
  assertEquals(
    older.remedy,
    "a run of other scripts is not moved aside: move it yourself, or choose another --out",
  );
  assertEquals(textsIn(parent.file("latest")), { "ITER_SUMMARY_1.json": "{}" });
  assertEquals(namesIn(parent.path).toSorted(), ["home", "latest"]);
});

Deno.test("runSoak() takes an empty directory", async () => {
  await using parent = await tempDir();
  Deno.mkdirSync(parent.file("empty"));
  const { status, archived } = await run(parent.file("empty"), { iterations: 1 });
  assertEquals([status, archived], ["finished", null]);
});

Deno.test("runSoak() refuses a directory that another run holds, naming its process", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  let refusals = 0;
  await run(dir, {
    iterations: 2,
    apply: async (options) => {
      for (const resume of [false, true]) {
        const error = await assertRejects(
          () => run(dir, { iterations: 2, resume }),
          SoakError,
          // Windows lets nobody read a file that is locked, hence not who holds the lock.
          Deno.build.os === "windows" ? "locked by" : `process ${Deno.pid}`,
        );
        assertEquals(error.kind, "system");
        refusals++;
      }
      return await applyDeltasWithTracking(options);
    },
  });
  assertEquals(refusals, 4);
  assertEquals(textsIn(dir), await filesOf(parent, { iterations: 2 }));
});

Deno.test("runSoak() stops when something else changed the runtime between two iterations", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const error = await assertRejects(
    () =>
      run(dir, {
        ...TUNED,
        onIteration: ({ iteration }) => {
          if (iteration === 3) Deno.writeTextFileSync(join(dir, RUNTIME_FILE), "{}");
        },
      }),
    SoakError,
    "changed by something else",
  );
  assertEquals(error.kind, "system");
  assert(!namesIn(dir).includes(summaryFile(4)));
  assertEquals(namesIn(parent.path), ["run"]);
});

Deno.test("runSoak() stops when something else changed the runtime within an iteration", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const foreign = '{"engine":{"tail_age_ms":777}}';
  const error = await assertRejects(
    () =>
      run(dir, {
        ...TUNED,
        apply: async (options) => {
          Deno.writeTextFileSync(options.runtimePath, foreign);
          return await applyDeltasWithTracking(options);
        },
      }),
    SoakError,
    "changed by something else",
  );
  assertEquals(error.kind, "system");
  assertEquals(textsIn(dir)[RUNTIME_FILE], foreign);
});

// --- going on --------------------------------------------------------------------------------

Deno.test("runSoak() that was aborted at any point can be resumed, to the same bytes", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  for (let point = 0; point < 12; point++) {
    const dir = parent.file(`aborted at ${point}`);
    const controller = new AbortController();
    if (point === 0) controller.abort();
    const first = await run(dir, {
      ...TUNED,
      signal: controller.signal,
      onIteration: ({ iteration }) => {
        if (iteration === point) controller.abort();
      },
    });
    assertEquals([first.status, first.recorded], ["interrupted", point]);
    assertEquals(first.counts.count, point);
    const second = await run(dir, { resume: true });
    assertEquals([second.status, second.done, second.recorded], ["finished", point, 12]);
    assertEquals(textsIn(dir), whole, `aborted at ${point}`);
    assertEquals(namesIn(dir).filter((name) => name.endsWith(".lock")), []);
  }
});

Deno.test("runSoak() that is interrupted after every single iteration ends in the same bytes", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  for (let i = 1; i <= 12; i++) {
    const controller = new AbortController();
    const { recorded, status } = await run(dir, {
      ...(i === 1 ? TUNED : { resume: true }),
      signal: controller.signal,
      onIteration: () => controller.abort(),
    });
    assertEquals([recorded, status], [i, i === 12 ? "finished" : "interrupted"]);
  }
  assertEquals(textsIn(dir), await filesOf(parent));
});

Deno.test("runSoak() counts as finished when it is aborted after the last iteration", async () => {
  await using parent = await tempDir();
  const controller = new AbortController();
  const { status } = await run(parent.file("run"), {
    iterations: 2,
    signal: controller.signal,
    onIteration: ({ iteration }) => {
      if (iteration === 2) controller.abort();
    },
  });
  assertEquals(status, "finished");
});

for (const kind of FAULT_KINDS) {
  Deno.test(`runSoak() resumes a system with fault ${kind} to the same bytes`, async () => {
    await using parent = await tempDir();
    const options = { ...TUNED, iterations: 9, mockFault: { kind, rate: 0.6 } };
    const whole = await filesOf(parent, options);
    for (const point of [1, 2, 4, 5, 7]) {
      const dir = parent.file(`run ${point}`);
      fillFolder(dir, filesAfter(whole, point));
      await run(dir, { resume: true });
      assertEquals(textsIn(dir), whole);
    }
  });
}

Deno.test("runSoak() resumed after a crash between any two writes ends in the same bytes", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  let steps = 0;
  for (let i = 1; i <= 11; i++) {
    const summary = whole[summaryFile(i)] ?? "";
    const before = i === 1
      ? { [RUN_FILE]: whole[RUN_FILE] ?? "", [RUNTIME_FILE]: runtimeUnder(whole, 1) }
      : filesAfter(whole, i - 1);
    const states: Record<string, Record<string, string>> = {
      "after its summary": filesAfter(whole, i),
    };
    if (applied(whole, i)) {
      steps++;
      states["with the step written down"] = { ...before, [STEP_FILE]: summary };
      states["with the runtime written"] = {
        ...before,
        [STEP_FILE]: summary,
        [RUNTIME_FILE]: runtimeUnder(whole, i + 1),
      };
      states["with the summary written"] = { ...filesAfter(whole, i), [STEP_FILE]: summary };
    }
    for (const [state, files] of Object.entries(states)) {
      const dir = parent.file(`iteration ${i} ${state}`);
      fillFolder(dir, files);
      const { status } = await run(dir, { resume: true });
      assertEquals(status, "finished");
      assertEquals(textsIn(dir), whole, `iteration ${i} ${state}`);
    }
  }
  assert(steps >= 2, `only ${steps} iterations applied something`);
});

for (
  const [moment, breakApply] of Object.entries(
    {
      "before it applies": () => Promise.reject(new Error("crash")),
      "between step file and runtime": (options) =>
        applyDeltasWithTracking({
          ...options,
          beforeWrite: async (plan) => {
            await options.beforeWrite?.(plan);
            throw new Error("crash");
          },
        }),
      "between runtime and summary": async (options) => {
        await applyDeltasWithTracking(options);
        throw new Error("crash");
      },
    } satisfies Record<string, typeof applyDeltasWithTracking>,
  )
) {
  Deno.test(`runSoak() that dies at every iteration ${moment} still ends in the same bytes`, async () => {
    await using parent = await tempDir();
    const whole = await filesOf(parent);
    const dir = parent.file("run");
    const tried = new Set<string>();
    for (let life = 0; life < 30; life++) {
      const crashOnce: typeof applyDeltasWithTracking = (options) => {
        const attempt = String(options.history?.iteration);
        if (tried.has(attempt)) return applyDeltasWithTracking(options);
        tried.add(attempt);
        return breakApply(options);
      };
      try {
        await run(dir, { ...(life === 0 ? TUNED : { resume: true }), apply: crashOnce });
        break;
      } catch (error) {
        assertEquals(error instanceof Error && error.message, "crash");
      }
    }
    assertEquals(textsIn(dir), whole);
  });
}

Deno.test("runSoak() resumed after a crash before the first runtime was written starts over", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  fillFolder(parent.file("run"), { [RUN_FILE]: whole[RUN_FILE] ?? "" });
  await run(parent.file("run"), { resume: true });
  assertEquals(textsIn(parent.file("run")), whole);
});

Deno.test("runSoak() removes on resuming what a killed process left half done", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  const dir = parent.file("run");
  fillFolder(dir, {
    ...filesAfter(whole, 4),
    ".ITER_SUMMARY_5.json.0123456789abcdef01234567.soak-tmp": '{"iteration":',
    [`${RUNTIME_FILE}.lock`]: "",
    [LOCK_FILE]: '{"pid":1,"started":"2025-01-01T00:00:00Z"}',
    [TUNING_REPORT_FILE]: '{"iterations":[],"summary":{}}',
  });
  await run(dir, { resume: true });
  assertEquals(textsIn(dir), whole);
});

Deno.test("runSoak() resumed with a step that was not the next one drops it", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  const other = await filesOf(parent, { ...TUNED, seed: 2 });
  for (
    const [i, step] of [whole[summaryFile(1)], whole[summaryFile(7)], other[summaryFile(5)]]
      .entries()
  ) {
    const dir = parent.file(`run ${i}`);
    fillFolder(dir, { ...filesAfter(whole, 4), [STEP_FILE]: step ?? "" });
    await run(dir, { resume: true });
    assertEquals(textsIn(dir), whole);
  }
});

Deno.test("runSoak() has nothing left to do in a complete run, and leaves it as it is", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const first = await run(dir);
  const before = textsIn(dir);
  const second = await run(dir, { resume: true });
  assertEquals([second.status, second.done, second.recorded], ["complete", 12, 12]);
  assertEquals(second.counts, first.counts);
  assertEquals(textsIn(dir), before);
});

Deno.test("runSoak() resumes when the options given say what the run was started with", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const options = { ...TUNED, seed: 3, mockFault: { kind: "late", rate: 0.2 } } as const;
  await run(dir, { ...options, signal: AbortSignal.abort() });
  const { status } = await run(dir, { ...options, resume: true });
  assertEquals(status, "finished");
});

Deno.test("runSoak() refuses to resume with options that contradict the run, and touches nothing", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await run(dir, { ...TUNED, signal: AbortSignal.abort() });
  const before = textsIn(dir);
  const contradictions: [string, Omit<RunOptions, "dir">][] = [
    ["iterations", { iterations: 11 }],
    ["warmup", { warmup: 4 }],
    ["start", { start: "busy" }],
    ["autoTune", { autoTune: false }],
    ["seed", { seed: 2 }],
    ["mockFault", { mockFault: { kind: "late", rate: 0.5 } }],
  ];
  for (const [option, options] of contradictions) {
    const error = await assertRejects(() => run(dir, { ...options, resume: true }), SoakError);
    assertEquals([error.kind, error.where], ["usage", option]);
    assertEquals(textsIn(dir), before);
  }
});

Deno.test("runSoak() refuses to resume where there is no run, and makes no directory", async () => {
  await using parent = await tempDir();
  Deno.mkdirSync(parent.file("empty"));
  fillFolder(parent.file("other"), { "notes.txt": "kept" });
  for (const name of ["missing", join("missing", "deeper"), "empty", "other"]) {
    const error = await assertRejects(() => run(parent.file(name), { resume: true }), SoakError);
    assertEquals(error.kind, "usage");
    assertStringIncludes(error.message, "no run to resume");
  }
  assertEquals(namesIn(parent.path), ["empty", "other"]);
  assertEquals(namesIn(parent.file("other")), ["notes.txt"]);
});

Deno.test("runSoak() refuses to resume when the runtime is not the recorded one", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  for (const runtime of ["{}", runtimeUnder(whole, 1)]) {
    const dir = parent.file(`run ${runtime.length}`);
    fillFolder(dir, { ...filesAfter(whole, 4), [RUNTIME_FILE]: runtime });
    const error = await assertRejects(() => run(dir, { resume: true }), SoakError);
    assertEquals(error.kind, "system");
    assertEquals(textsIn(dir)[RUNTIME_FILE], runtime);
    assert(!namesIn(dir).includes(summaryFile(5)));
  }
});

Deno.test("runSoak() refuses to call a run complete whose runtime is not the recorded one", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  fillFolder(dir, { ...await filesOf(parent), [RUNTIME_FILE]: "{}" });
  const before = textsIn(dir);
  const error = await assertRejects(() => run(dir, { resume: true }), SoakError);
  assertEquals(error.kind, "system");
  assertEquals(textsIn(dir), before);
});

Deno.test("runSoak() refuses to resume records that do not follow one another", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  const other = await filesOf(parent, { ...TUNED, seed: 2 });
  const broken: [string, string | undefined][] = [
    ["another run's", other[summaryFile(2)]],
    ["another iteration's", whole[summaryFile(3)]],
    ["changed", whole[summaryFile(2)]?.replace('"applied":false', '"applied":true')],
    ["truncated", whole[summaryFile(2)]?.slice(0, 100)],
  ];
  for (const [name, text] of broken) {
    assert(text !== undefined && text !== whole[summaryFile(2)]);
    const dir = parent.file(name);
    fillFolder(dir, { ...filesAfter(whole, 4), [summaryFile(2)]: text });
    const before = textsIn(dir);
    const error = await assertRejects(() => run(dir, { resume: true }), SoakError);
    assertEquals(error.kind, "artifact", name);
    assertEquals(textsIn(dir), before);
  }
});

Deno.test("runSoak() resumed with a runtime that a step does not know leaves all evidence", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  const first = [...Array(11).keys()].map((i) => i + 2).find((i) => applied(whole, i)) ?? 0;
  const dir = parent.file("run");
  fillFolder(dir, {
    ...filesAfter(whole, first - 1),
    [STEP_FILE]: whole[summaryFile(first)] ?? "",
    [RUNTIME_FILE]: '{"engine":{"tail_age_ms":777}}',
  });
  const before = textsIn(dir);
  const error = await assertRejects(() => run(dir, { resume: true }), SoakError);
  assertEquals(error.kind, "system");
  assertStringIncludes(error.message, "changed by something else");
  assertEquals(textsIn(dir), before);
});

Deno.test("runSoak() resumed with a step that does not lead where it says applies nothing", async () => {
  await using parent = await tempDir();
  const whole = await filesOf(parent);
  const step = JSON.parse(whole[summaryFile(1)] ?? "");
  step.tuning.deltas.tail_age_ms = 640;
  const dir = parent.file("run");
  fillFolder(dir, {
    [RUN_FILE]: whole[RUN_FILE] ?? "",
    [RUNTIME_FILE]: runtimeUnder(whole, 1),
    [STEP_FILE]: canonicalJson(step),
  });
  const before = textsIn(dir);
  await assertRejects(() => run(dir, { resume: true }), SoakError, "does not lead where it says");
  assertEquals(textsIn(dir), before);
});

Deno.test("runSoak() refuses values that its own records could not hold, and touches nothing", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  await run(dir);
  const before = textsIn(dir);
  const wrong: RunOptions[] = [
    ...[0, -1, 2.5, NaN, Infinity, 1e10].map((iterations) => ({ dir, iterations })),
    ...[-1, 1.5, NaN, 2 ** 32].map((seed) => ({ dir, iterations: 2, seed })),
    ...[NaN, Infinity, 1e18, 8.64e15].map((startMs) => ({ dir, iterations: 2, startMs })),
    ...[0, -3, 7, NaN].map((rate) => ({
      dir,
      iterations: 2,
      mockFault: { kind: "ignore", rate } as const,
    })),
    { dir, iterations: 2, runtime: { note: "x".repeat(1024 * 1024) } },
  ];
  for (const options of wrong) {
    const error = await assertRejects(() => runSoak(options), SoakError);
    assertEquals(error.kind, "usage", error.message);
    assertEquals(textsIn(dir), before);
  }
});

Deno.test("runSoak() records which version goes on with another one's run", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  (await unfinishedRun("0.0.9", 4)).write(dir);
  const whole = await recordsOf(dir, 4);
  const told: (readonly string[])[] = [];
  const resume = (stopAt: number): Promise<RunResult> => {
    const stop = new AbortController();
    return run(dir, {
      resume: true,
      signal: stop.signal,
      onStart: ({ madeBy }) => told.push(madeBy),
      onIteration: ({ iteration }) => iteration === stopAt && stop.abort(),
    });
  };
  await resume(6);
  await resume(12);
  assertEquals(told, [["0.0.9"], ["0.0.9", VERSION]]);
  const records = await recordsOf(dir, 12);
  assertEquals(records.slice(0, 4), whole);
  assertEquals(records.map(({ toolVersion }) => toolVersion), [
    ...Array(4).fill(undefined),
    ...Array(8).fill(VERSION),
  ]);
  const { verdict, inForce, findings } = await verifyRun(dir, { strict: true });
  assertEquals([verdict, findings], ["PASS", []]);
  assertEquals(inForce.versions, [{ toolVersion: VERSION, first: 5, last: 12 }]);
});

Deno.test("runSoak() records no version in a run of its own", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  (await unfinishedRun(VERSION, 4)).write(dir);
  const { madeBy } = await run(dir, { resume: true });
  assertEquals(madeBy, [VERSION]);
  assertEquals(textsIn(dir), { ...await honestRun(7, 12) });
});

Deno.test("runSoak() refuses to resume records of another format, and touches nothing", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const files = await unfinishedRun("9.1.0", 4);
  files.editJson(RUN_FILE, (draft) => {
    draft["schema_version"] = 2;
    draft["new"] = true;
  });
  files.write(dir);
  const before = textsIn(dir);
  const error = await assertRejects(() => run(dir, { resume: true }), SoakError);
  assertEquals(
    [error.kind, error.message],
    [
      "artifact",
      `the records have format 2, and soak ${VERSION} reads 1 (${join(dir, RUN_FILE)}: ` +
      "$.schema_version); use the version that made them, soak 9.1.0",
    ],
  );
  assertEquals(textsIn(dir), before);
});

/** The built-in profile with guard settings that are no parameters. */
const FIXED: Profile = {
  ...marketMaker,
  name: "fixed",
  parameters: marketMaker.parameters.filter(({ path }) => !path.startsWith("tuner.")),
};

Deno.test("runSoak() starts from no runtime whose guard settings the profile does not allow", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const refused: readonly (readonly [Profile, JsonObject, string])[] = [
    [marketMaker, { freeze_after: 1 }, "tuner.freeze_after is 1, but the profile allows 2 only"],
    [marketMaker, { velocity_cap: 100 }, "velocity_cap must be from 0.05 to 1 range, not 100"],
    [FIXED, { velocity_cap: 1e9 }, "tuner.velocity_cap is 1000000000"],
    [FIXED, { cooldown_iters: -7 }, "tuner.cooldown_iters is -7"],
    [FIXED, { oscillation_window: 0 }, "tuner.oscillation_window is 0"],
    [FIXED, { freeze_after: -3 }, "tuner.freeze_after is -3"],
  ];
  for (const [profile, tuner, message] of refused) {
    const options = { ...TUNED, profile, runtime: { tuner } };
    const error = await assertRejects(() => run(dir, options), SoakError, message);
    assertEquals([error.kind, error.where], ["usage", "runtime"]);
    assertEquals(namesIn(parent.path), []);
  }
});

Deno.test("runSoak() runs under stricter guard settings, which verification names", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const runtime = { tuner: { velocity_cap: 0.1, cooldown_iters: 3 } };
  await run(dir, { ...TUNED, profile: FIXED, runtime });
  const { verdict, findings, inForce } = await verifyRun(dir, { strict: true });
  assertEquals([verdict, findings], ["PASS", []]);
  assertEquals(inForce.guards, {
    velocity_cap: { profile: 0.25, least: 0.1, most: 0.1 },
    cooldown_iters: { profile: 2, least: 3, most: 3 },
  });
});

Deno.test("runSoak() does not go on under guard settings that the profile does not allow", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const files = await unfinishedRun(VERSION, 4);
  await loosen(files);
  files.write(dir);
  const error = await assertRejects(() => run(dir, { resume: true }), SoakError);
  assertEquals([error.kind, error.where], ["artifact", join(dir, RUNTIME_FILE)]);
  assertStringIncludes(error.message, "tuner.freeze_after is 1");
  assert(!namesIn(dir).includes(summaryFile(5)));
});

/** An honest system but for its faults, in words: iteration, key, what it ran with, what it should. */
function shownBy(events: string[]): Pick<RunOptions, "onIteration" | "onPhase" | "onRecorded"> {
  return {
    onRecorded: ({ iteration }) => events.push(`${iteration} recorded`),
    onPhase: ({ name }, iteration) => events.push(`${iteration} ${name}`),
    onIteration: ({ iteration }, differing) =>
      events.push(`${iteration} differs in ${differing.length}`),
  };
}

Deno.test("runSoak() tells phases, differences, and when resuming what was recorded", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const mockFault = { kind: "clamp", rate: 1 } as const;
  const events: string[] = [];
  const stop = new AbortController();
  await run(dir, {
    ...TUNED,
    mockFault,
    signal: stop.signal,
    ...shownBy(events),
    onIteration(record, differing) {
      shownBy(events).onIteration?.(record, differing);
      if (record.iteration === 2) stop.abort();
    },
  });
  assertEquals(events, ["1 applying", "1 differs in 0", "2 applying", "2 differs in 6"]);
  events.length = 0;
  const again = new AbortController();
  again.abort();
  await run(dir, { resume: true, signal: again.signal, ...shownBy(events) });
  assertEquals(events, ["1 recorded", "2 recorded"]);
});

for (const kind of FAULT_KINDS) {
  Deno.test(`failFast ends a run at the first contradiction, with the fault ${kind}`, async () => {
    await using parent = await tempDir();
    const mockFault = { kind, rate: 1 } as const;
    const options = { iterations: 12, autoTune: true, mockFault };
    const [dir, plain] = [parent.file("run"), parent.file("plain")];
    const result = await run(dir, { ...options, failFast: true });
    await run(plain, options);
    const { contradiction, recorded } = result;
    assertEquals(result.status, "failed");
    assertEquals(contradiction?.iteration, recorded);
    for (const { key, effective, wanted } of contradiction?.differing ?? []) {
      const { effectiveParams, runtime } = (await readSummary(dir, recorded)).record;
      assertEquals(effective, effectiveParams[key]);
      assertEquals(wanted, getAllParams(runtime)[key]);
      assert(effective !== wanted);
    }
    assert((contradiction?.differing ?? []).length > 0);
    // What was recorded is what is recorded without it, and everything before was in effect.
    const files = textsIn(dir);
    for (let i = 1; i <= recorded; i++) {
      assertEquals(files[summaryFile(i)], textsIn(plain)[summaryFile(i)]);
    }
    for (const { iteration, effectiveParams, runtime } of await recordsOf(dir, recorded)) {
      const isSame = canonicalJson(effectiveParams) === canonicalJson(getAllParams(runtime));
      assertEquals(isSame, iteration < recorded);
    }
    // The directory is whole: it can be judged, does not pass, and can be gone on with.
    assertEquals(
      JSON.parse(files[TUNING_REPORT_FILE] ?? "").summary.count,
      recorded,
    );
    const verified = await verifyRun(dir, { strict: true });
    assertEquals(verified.verdict, "FAIL");
    assert(
      verified.findings.some(({ code, iteration }) =>
        code === "effective_mismatch" && iteration === recorded
      ),
    );
    assertEquals((await run(dir, { resume: true })).status, "finished");
    assertEquals(textsIn(dir), textsIn(plain));
  });
}

Deno.test("failFast changes nothing of an honest run", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  const { status, contradiction } = await run(dir, { ...TUNED, failFast: true });
  assertEquals({ status, contradiction }, { status: "finished", contradiction: null });
  assertEquals(textsIn(dir), await filesOf(parent));
});
