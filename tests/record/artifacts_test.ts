import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "@std/path";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/hash.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json_value.ts";
import { marketMaker } from "../../model/market_maker.ts";
import {
  readRun,
  readStep,
  readSummary,
  removeStep,
  RUN_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
  writeRun,
  writeStep,
  writeSummary,
} from "../../record/artifacts.ts";
import {
  type IterationRecord,
  parseRun,
  parseSummary,
  type RunRecord,
  runToJson,
  summaryToJson,
  tuningToJson,
} from "../../record/records.ts";
import { listSummaries } from "../../record/summaries.ts";
import { rebuildTuningReport, TuningReportText } from "../../record/tuning_report.ts";
import { namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

const RUN: RunRecord = {
  toolVersion: "0.1.0",
  system: { kind: "mock", fault: { kind: "late", rate: 0.25 }, iterationSeconds: 300 },
  seed: 7,
  iterations: 24,
  autoTune: true,
  startedUtc: "2025-01-01T00:00:00Z",
  initialHash: "a".repeat(64),
  profile: marketMaker,
};

const APPLIED: IterationRecord = {
  iteration: 1,
  previousHash: "b".repeat(64),
  runtime: { engine: { tail_age_ms: 600 }, own: [null, "é"] },
  effectiveParams: { tail_age_ms: 600 },
  utc: "2025-01-01T00:00:00Z",
  stateHash: "d".repeat(64),
  kpis: { risk_ratio: 0.68, net_bps: -1.5, maker_taker_ratio: 0.8, p95_latency_ms: null },
  kpiVerdict: "FAIL",
  kpiReasons: ["risk_ratio 0.68 > 0.42"],
  failure: null,
  tuning: {
    proposedDeltas: { tail_age_ms: 630 },
    applied: true,
    deltas: { tail_age_ms: 630 },
    changedKeys: ["tail_age_ms"],
    changes: [{ key: "tail_age_ms", from: 600, to: 630, rule: "risk-high" }],
    oldHash: "c".repeat(64),
    stateHash: "d".repeat(64),
    skipReason: null,
    rationale: "risk-high (risk_ratio 0.68 >= 0.6): tail_age_ms 600 → 630",
  },
};

const SKIPPED: IterationRecord = {
  ...APPLIED,
  iteration: 2,
  stateHash: "c".repeat(64),
  failure: "no answer within 30 s",
  incidents: [
    { kind: "died", reason: "was killed by SIGSEGV", times: 2 },
    { kind: "failed", reason: "no answer within 30 s", times: 1 },
  ],
  tuning: {
    proposedDeltas: {},
    applied: false,
    deltas: {},
    changedKeys: [],
    changes: [],
    oldHash: "c".repeat(64),
    stateHash: "c".repeat(64),
    skipReason: {
      freeze: false,
      oscillation: false,
      velocity: false,
      cooldown: true,
      no_op: true,
      note: "cooldown: 1 left",
    },
    rationale: "cooling down",
  },
};

/** Every way to replace one value within a document, with the place where it is. */
function* replacements(
  value: JsonValue,
  change: (value: JsonValue, path: string) => readonly JsonValue[],
  path = "$",
): Generator<readonly [string, JsonValue]> {
  for (const other of change(value, path)) yield [path, other];
  const entries = Array.isArray(value)
    ? value.map((child, i) => [i, child, `${path}[${i}]`] as const)
    : isJsonObject(value)
    ? Object.entries(value).map(([name, child]) => [name, child, `${path}.${name}`] as const)
    : [];
  for (const [step, child, childPath] of entries) {
    for (const [at, other] of replacements(child, change, childPath)) {
      if (Array.isArray(value)) yield [at, value.map((old, i) => i === step ? other : old)];
      else yield [at, { ...(isJsonObject(value) ? value : {}), [step]: other }];
    }
  }
}

/** Every document with one object's field left out, with the place where it was. */
function* removals(value: JsonValue, path = "$"): Generator<readonly [string, JsonValue]> {
  if (!isJsonObject(value)) return;
  for (const [name, child] of Object.entries(value)) {
    const { [name]: _, ...rest } = value;
    yield [`${path}.${name}`, rest];
    for (const [at, other] of removals(child, `${path}.${name}`)) {
      yield [at, { ...value, [name]: other }];
    }
  }
}

/** Values of other JSON types than the given one. */
function otherTypes(value: JsonValue): JsonValue[] {
  const kind = (v: JsonValue) => v === null ? "null" : Array.isArray(v) ? "array" : typeof v;
  const samples: JsonValue[] = [true, 1.5, "text", { x: { y: 1 } }, [{ x: 1 }]];
  return samples.filter((sample) => kind(sample) !== kind(value));
}

/** Places whose content is anybody's: the runtime, and names of KPIs and parameters. */
function isFree(path: string): boolean {
  return path.startsWith("$.runtime_overrides.") ||
    /^\$\.(effective_params|tuning\.(proposed_)?deltas)\.\w+$/.test(path);
}

function refusesAll(
  documents: Iterable<readonly [string, JsonValue]>,
  parse: (value: JsonValue, file: string) => unknown,
): number {
  let count = 0;
  for (const [path, document] of documents) {
    const error = assertThrows(() => parse(document, "the file.json"), SoakError, "", path);
    assertEquals(error.kind, "artifact");
    assertStringIncludes(error.where ?? "", "the file.json: $");
    count++;
  }
  return count;
}

Deno.test("parseRun() reads back what runToJson() made", () => {
  for (
    const record of [
      RUN,
      { ...RUN, seed: null, autoTune: false, system: { ...RUN.system, fault: null } },
    ]
  ) {
    assertEquals(parseRun(JSON.parse(canonicalJson(runToJson(record))), "f"), record);
  }
});

Deno.test("parseSummary() reads back what summaryToJson() made", () => {
  for (const record of [APPLIED, SKIPPED]) {
    assertEquals(parseSummary(JSON.parse(canonicalJson(summaryToJson(record))), "f"), record);
  }
});

Deno.test("parseRun() and parseSummary() refuse every document with a field missing", () => {
  const run = [...removals(runToJson(RUN))].filter(([path]) => !path.startsWith("$.profile."));
  assert(refusesAll(run, parseRun) >= 15);
  const optional = [
    "$.incidents",
    "$.summary.failure",
    ...Object.keys(APPLIED.kpis).map((k) => `$.summary.${k}`),
  ];
  for (const record of [APPLIED, SKIPPED]) {
    const needed = [...removals(summaryToJson(record))]
      .filter(([path]) => !isFree(path) && !optional.includes(path));
    assert(refusesAll(needed, parseSummary) >= 19);
  }
});

/** Whether a value of a parameter stands there. */
function isParameter(path: string): boolean {
  return /^\$\.(effective_params\.|tuning\.((proposed_)?deltas\.|changes\[\d\]\.(from|to)$))/
    .test(path);
}

Deno.test("parseSummary() reads back values of every kind as they are", () => {
  const values = { on: true, off: false, mode: "very wide", lot: 25, empty: "" };
  const changes = [
    { key: "on", from: false, to: true, rule: "r" },
    { key: "mode", from: "tight", to: "very wide", rule: "r" },
  ];
  const tuning = { ...APPLIED.tuning, proposedDeltas: values, deltas: values, changes };
  const record = { ...APPLIED, effectiveParams: values, tuning };
  assertEquals(parseSummary(summaryToJson(record), "f"), record);
});

Deno.test("parseRun() and parseSummary() refuse every value of another type", () => {
  const run = runToJson(RUN);
  const change = (value: JsonValue, path: string) =>
    path.startsWith("$.profile.") || isFree(path) && typeof value !== "number"
      ? []
      : otherTypes(value);
  assert(refusesAll(replacements(run, change), parseRun) > 40);
  for (const record of [APPLIED, SKIPPED]) {
    // Where null stands another type may stand as well, and a runtime may hold anything. Which kind
    // of value a parameter has, the profile tells.
    const nullable = (value: JsonValue, path: string) =>
      path.startsWith("$.runtime_overrides.") || value === null
        ? []
        : change(value, path).filter((other) => typeof other === "object" || !isParameter(path));
    assert(refusesAll(replacements(summaryToJson(record), nullable), parseSummary) > 60);
  }
});

Deno.test("parseRun() and parseSummary() refuse a field that is not theirs, wherever it is", () => {
  const extra = (value: JsonValue, path: string): JsonValue[] =>
    !isJsonObject(value) || path.startsWith("$.runtime_overrides") ||
      /^\$\.(summary|effective_params|tuning\.(proposed_)?deltas)$/.test(path)
      ? []
      : [{ ...value, extra: 1 }];
  assert(refusesAll(replacements(runToJson(RUN), extra), parseRun) > 10);
  assertEquals(refusesAll(replacements(summaryToJson(APPLIED), extra), parseSummary), 3);
  assertEquals(refusesAll(replacements(summaryToJson(SKIPPED), extra), parseSummary), 5);
});

Deno.test("parseRun() refuses values that no run can have", () => {
  const run = runToJson(RUN);
  const wrong: JsonObject = {
    schema_version: 2,
    mode: "real",
    seed: -1,
    iterations: 0,
    started_utc: "yesterday",
    initial_hash: "A".repeat(64),
    system: { kind: "mock", fault: null, iteration_seconds: 0 },
  };
  for (const [field, value] of Object.entries(wrong)) {
    const error = assertThrows(() => parseRun({ ...run, [field]: value }, "f"), SoakError);
    assertStringIncludes(error.where ?? "", `f: $.${field}`);
  }
  assertThrows(() => parseRun({ ...run, seed: 2 ** 32 }, "f"), SoakError);
  assertThrows(() => parseRun({ ...run, iterations: 2.5 }, "f"), SoakError);
});

Deno.test("parseSummary() keeps keys like __proto__ as data", () => {
  const text = canonicalJson(summaryToJson(APPLIED)).replace(
    '"effective_params":{',
    '"effective_params":{"__proto__":5,',
  );
  const { effectiveParams } = parseSummary(JSON.parse(text), "f");
  assertEquals(Object.entries(effectiveParams), [["__proto__", 5], ["tail_age_ms", 600]]);
});

Deno.test("writeRun() and writeSummary() return the hash of the bytes, which readers confirm", async () => {
  await using dir = await tempDir();
  const runHash = await writeRun(dir.path, RUN);
  const hash = await writeSummary(dir.path, APPLIED);
  const texts = textsIn(dir.path);
  assertEquals(Object.keys(texts), [summaryFile(1), RUN_FILE]);
  assertEquals(runHash, await sha256Hex(texts[RUN_FILE] ?? ""));
  assertEquals(hash, await sha256Hex(texts[summaryFile(1)] ?? ""));
  assertEquals(await readRun(dir.path), { record: RUN, fileHash: runHash, canonical: true });
  assertEquals(await readSummary(dir.path, 1), {
    record: APPLIED,
    fileHash: hash,
    canonical: true,
  });
});

Deno.test("readSummary() tells when a file is not in canonical form", async () => {
  await using dir = await tempDir();
  const pretty = JSON.stringify(summaryToJson(APPLIED), null, 2);
  await Deno.writeTextFile(dir.file(summaryFile(1)), pretty);
  const { record, canonical, fileHash } = await readSummary(dir.path, 1);
  assertEquals([record, canonical, fileHash], [APPLIED, false, await sha256Hex(pretty)]);
});

Deno.test("readRun() and readSummary() name the file that is missing or damaged", async () => {
  await using dir = await tempDir();
  for (const name of [RUN_FILE, summaryFile(3)]) {
    const read = () => name === RUN_FILE ? readRun(dir.path) : readSummary(dir.path, 3);
    const missing = await assertRejects(read, SoakError, join(dir.path, name));
    assertEquals(missing.kind, "artifact");
    assert(missing.cause instanceof Deno.errors.NotFound);
    for (const text of ["", "{", "[]", '{"iteration":3,"iteration":3}', "\u{feff}{}"]) {
      await Deno.writeTextFile(dir.file(name), text);
      const damaged = await assertRejects(read, SoakError, join(dir.path, name));
      assertEquals(damaged.kind, "artifact");
    }
  }
});

Deno.test("readStep() gives back what writeStep() wrote, and null once it is removed", async () => {
  await using dir = await tempDir();
  assertEquals(await readStep(dir.path), null);
  await writeStep(dir.path, APPLIED);
  assertEquals(namesIn(dir.path), [STEP_FILE]);
  assertEquals(await readStep(dir.path), APPLIED);
  await removeStep(dir.path);
  await removeStep(dir.path);
  assertEquals([await readStep(dir.path), namesIn(dir.path)], [null, []]);
});

Deno.test("readStep() refuses a step that it can't read, rather than forget it", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file(STEP_FILE), '{"iteration":');
  await assertRejects(() => readStep(dir.path), SoakError, STEP_FILE);
});

Deno.test("listSummaries() tells right names from wrong ones, and ignores other files", async () => {
  await using dir = await tempDir();
  const misnamed = [
    "ITER_SUMMARY.json",
    "ITER_SUMMARY_0.json",
    "ITER_SUMMARY_03.json",
    "ITER_SUMMARY_1.json.bak",
    "ITER_SUMMARY_2 (copy).json",
    "iter_summary_4.json",
  ];
  for (const name of [...misnamed, summaryFile(1), summaryFile(9), summaryFile(10), "x.json"]) {
    await Deno.writeTextFile(dir.file(name), "{}");
  }
  assertEquals(await listSummaries(dir.path, 9), {
    highest: 9,
    beyond: [summaryFile(10)],
    detached: [],
    misnamed: misnamed.sort(),
  });
  assertEquals((await listSummaries(dir.path, 1000)).highest, 10);
  for (const far of [5000, 900_000_000]) await Deno.writeTextFile(dir.file(summaryFile(far)), "");
  const { highest, detached } = await listSummaries(dir.path, 1e9);
  assertEquals({ highest, detached }, {
    highest: 10,
    detached: [summaryFile(5000), summaryFile(900_000_000)],
  });
});

Deno.test("listSummaries() says so when there is no such directory", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file("file"), "");
  const missing = await assertRejects(() => listSummaries(dir.file("none"), 1), SoakError);
  assertEquals(missing.kind, "artifact");
  assertStringIncludes(missing.message, dir.file("none"));
  const file = await assertRejects(() => listSummaries(dir.file("file"), 1), SoakError);
  assertEquals(file.kind, "artifact");
});

Deno.test("TuningReportText makes canonical JSON, piece by piece", () => {
  for (const records of [[], [APPLIED], [SKIPPED, APPLIED, SKIPPED]]) {
    const text = new TuningReportText();
    const pieces = records.map(({ tuning }, i) => text.next(i + 1, tuning));
    const whole = [...pieces, text.end("e".repeat(64))].join("");
    const count = records.length;
    const applied = records.filter(({ tuning }) => tuning.applied).length;
    const skipped = {
      freeze: 0,
      oscillation: 0,
      velocity: 0,
      cooldown: count - applied,
      no_op: 0,
    };
    assertEquals(
      whole,
      canonicalJson({
        iterations: records.map(({ tuning }, i) => ({ ...tuningToJson(tuning), iteration: i + 1 })),
        summary: { count, applied, skipped, last_hash: "e".repeat(64) },
      }),
    );
    assertEquals(text.counts(), { count, applied, skipped });
  }
});

Deno.test("rebuildTuningReport() writes the report of the summaries that are there", async () => {
  await using dir = await tempDir();
  await writeSummary(dir.path, APPLIED);
  const last = await writeSummary(dir.path, SKIPPED);
  const counts = await rebuildTuningReport(dir.path, 2, "f".repeat(64));
  assertEquals([counts.count, counts.applied, counts.skipped.cooldown], [2, 1, 1]);
  const report = JSON.parse(await Deno.readTextFile(dir.file(TUNING_REPORT_FILE)));
  assertEquals(report.summary.last_hash, last);

  await rebuildTuningReport(dir.path, 0, "f".repeat(64));
  assertEquals(
    JSON.parse(await Deno.readTextFile(dir.file(TUNING_REPORT_FILE))).summary.last_hash,
    "f".repeat(64),
  );
});

Deno.test("rebuildTuningReport() keeps the old report when a summary is missing", async () => {
  await using dir = await tempDir();
  await writeSummary(dir.path, APPLIED);
  await Deno.writeTextFile(dir.file(TUNING_REPORT_FILE), "old");
  await assertRejects(() => rebuildTuningReport(dir.path, 2, ""), SoakError, summaryFile(2));
  assertEquals(await Deno.readTextFile(dir.file(TUNING_REPORT_FILE)), "old");
  assertEquals(namesIn(dir.path), [summaryFile(1), TUNING_REPORT_FILE]);
});

Deno.test("parseRun() refuses a service whose settings are at odds with each other", () => {
  const system = {
    kind: "service",
    command: ["./serve"],
    timeoutSeconds: 10,
    graceSeconds: 1,
    pauseSeconds: 0,
    retries: 0,
    onError: "stop",
    prometheusUrl: null,
    secretEnv: ["PGPASSWORD", "TOKEN_2"],
    intervalSeconds: 1,
    measureCommand: "./measure",
    readyUrl: null,
    readyFile: null,
    readyTcp: null,
    readyCommand: null,
    readyTimeoutSeconds: 1,
    reloadSignal: null,
    reloadCommand: null,
    reloadRestart: false,
    maxRestarts: 3,
  } as const;
  const read = (change: object): RunRecord =>
    parseRun(runToJson({ ...RUN, seed: null, system: { ...system, ...change } }), "f");
  assertEquals(read({}).system, system);
  for (
    const change of [
      { measureCommand: null },
      { readyUrl: "http://127.0.0.1/", readyFile: "ready" },
      { readyFile: "ready", readyTcp: "127.0.0.1:1" },
      { readyTcp: "127.0.0.1:1", readyCommand: "./ask" },
      { readyTcp: "127.0.0.1" },
      { readyCommand: [] },
      { reloadSignal: "SIGHUP", reloadRestart: true },
      { command: [] },
      { secretEnv: ["TOKEN=abc"] },
      { secretEnv: ["TOKEN", "TOKEN"] },
    ]
  ) assertThrows(() => read(change), SoakError, "f: $.system");
  const without = runToJson({ ...RUN, seed: null, system: { ...system, secretEnv: [] } });
  assert(!/secret_env|ready_tcp|ready_command/.test(JSON.stringify(without)));
  assertEquals(parseRun(without, "f").system, { ...system, secretEnv: [] });
  const words = { measureCommand: ["./m", "a b"], readyCommand: ["./ask", "-q"] };
  assertEquals(read(words).system, { ...system, ...words });
  assertEquals(read({ readyTcp: "[::1]:1" }).system, { ...system, readyTcp: "[::1]:1" });
});
