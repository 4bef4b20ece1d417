import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/hash.ts";
import { computeJsonHash } from "../../base/json.ts";
import type { JsonObject } from "../../base/json_value.ts";
import { EMPTY_HISTORY, GUARDS, observeIteration, rememberApplied } from "../../model/guards.ts";
import { applyDeltasWithTracking, type ApplyOptions } from "../../run/apply.ts";
import { namesIn, type TempDir, tempDir } from "../kit/temp_dir.ts";

const RUNTIME: JsonObject = {
  engine: { min_interval_ms: 55, tail_age_ms: 600 },
  own: { nested: [1, "é"] },
  risk: { impact_cap_ratio: 0.11 },
};
const NAME = "runtime overrides.json";

async function withRuntime(text: string): Promise<TempDir> {
  const dir = await tempDir();
  await Deno.writeTextFile(dir.file(NAME), text);
  return dir;
}

function apply(
  dir: TempDir,
  proposedDeltas: ApplyOptions["proposedDeltas"],
  more: Omit<ApplyOptions, "runtimePath" | "proposedDeltas"> = {},
): ReturnType<typeof applyDeltasWithTracking> {
  return applyDeltasWithTracking({ runtimePath: dir.file(NAME), proposedDeltas, ...more });
}

Deno.test("applyDeltasWithTracking() applies a proposal and says what it did", async () => {
  await using dir = await withRuntime(canonicalJson(RUNTIME));
  const next = { ...RUNTIME, engine: { min_interval_ms: 60, tail_age_ms: 630 } };
  const result = await apply(dir, { tail_age_ms: 630, min_interval_ms: 60 });
  const text = await Deno.readTextFile(dir.file(NAME));
  assertEquals(text, canonicalJson(next));
  assertEquals(result, {
    applied: true,
    noOp: false,
    oldHash: await computeJsonHash(RUNTIME),
    stateHash: await sha256Hex(text),
    deltasApplied: { tail_age_ms: 630, min_interval_ms: 60 },
    changedKeys: ["min_interval_ms", "tail_age_ms"],
    bytesWritten: new TextEncoder().encode(text).length,
    skipReason: null,
  });
});

Deno.test("applyDeltasWithTracking() counts a target that equals its value as no change", async () => {
  await using dir = await withRuntime(canonicalJson(RUNTIME));
  const result = await apply(dir, { tail_age_ms: 630, min_interval_ms: 55 });
  assertEquals(result.changedKeys, ["tail_age_ms"]);
  assertEquals(result.deltasApplied, { tail_age_ms: 630, min_interval_ms: 55 });
});

Deno.test("applyDeltasWithTracking() rounds a target to its step, in file and result", async () => {
  await using dir = await withRuntime(canonicalJson(RUNTIME));
  const { deltasApplied } = await apply(dir, { impact_cap_ratio: 0.1 + 0.005 + 0.0001 });
  assertEquals(deltasApplied, { impact_cap_ratio: 0.105 });
  assertStringIncludes(await Deno.readTextFile(dir.file(NAME)), '"impact_cap_ratio":0.105}');
});

Deno.test("applyDeltasWithTracking() sets a parameter that the runtime lacks", async () => {
  await using dir = await withRuntime("{}");
  const { applied, changedKeys } = await apply(dir, { tick_size: 0.01 });
  assertEquals([applied, changedKeys], [true, ["tick_size"]]);
  assertEquals(await Deno.readTextFile(dir.file(NAME)), '{"market":{"tick_size":0.01}}');
});

Deno.test("applyDeltasWithTracking() writes nothing when every target is the current value", async () => {
  const text = canonicalJson(RUNTIME);
  await using dir = await withRuntime(text);
  for (const deltas of [{}, { tail_age_ms: 600 }, { impact_cap_ratio: 0.1100000001 }]) {
    const result = await apply(dir, deltas);
    assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
    assertEquals(result, {
      applied: false,
      noOp: true,
      oldHash: await sha256Hex(text),
      stateHash: await sha256Hex(text),
      deltasApplied: {},
      changedKeys: [],
      bytesWritten: 0,
      skipReason: {
        freeze: false,
        oscillation: false,
        velocity: false,
        cooldown: false,
        no_op: true,
        note: result.skipReason?.note ?? "",
      },
    });
    assert(result.skipReason?.note !== "");
  }
});

Deno.test("applyDeltasWithTracking() writes nothing when a guard holds, and names all that do", async () => {
  const text = canonicalJson(RUNTIME);
  await using dir = await withRuntime(text);
  const at = (iteration: number) => ({ iteration, timeMs: iteration * 300_000, kpisMet: true });
  const history = observeIteration(
    rememberApplied(observeIteration(EMPTY_HISTORY, at(1)), [
      { key: "tail_age_ms", from: 570, to: 600 },
    ]),
    at(2),
  );
  const result = await apply(dir, { tail_age_ms: 800 }, { history });
  assertEquals(GUARDS.filter((guard) => result.skipReason?.[guard]), [
    "freeze",
    "velocity",
    "cooldown",
  ]);
  assert(result.skipReason?.note.startsWith("freeze"));
  assertEquals([result.applied, result.noOp, result.bytesWritten], [false, false, 0]);
  assertEquals([result.stateHash, result.oldHash], [await sha256Hex(text), await sha256Hex(text)]);
  assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
});

Deno.test("applyDeltasWithTracking() takes guard settings from the file, not from the proposal", async () => {
  const runtime = { ...RUNTIME, tuner: { velocity_cap: 0.05 } };
  await using dir = await withRuntime(canonicalJson(runtime));
  const result = await apply(dir, { velocity_cap: 0.06, tail_age_ms: 630 });
  assertEquals([result.applied, result.skipReason?.velocity], [false, true]);
});

Deno.test("applyDeltasWithTracking() refuses a target that is not acceptable, and writes nothing", async () => {
  const text = canonicalJson(RUNTIME);
  await using dir = await withRuntime(text);
  const refused: [ApplyOptions["proposedDeltas"], string][] = [
    [{ tail_age_ms: 630, tail_age: 1 }, "tail_age is not a parameter"],
    [{ tail_age_ms: 630, min_interval_ms: 81 }, "min_interval_ms must be from 40 to 80 ms"],
    [{ tail_age_ms: 630.5 }, "tail_age_ms must be an integer"],
    [{ tail_age_ms: NaN }, "tail_age_ms must be a finite number"],
    [{ ["__proto__"]: 1 }, "__proto__ is not a parameter"],
  ];
  for (const [deltas, message] of refused) {
    const error = await assertRejects(() => apply(dir, deltas), SoakError, message);
    assertEquals(error.kind, "usage");
    assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
    assertEquals(namesIn(dir.path), [NAME]);
  }
});

Deno.test("applyDeltasWithTracking() leaves nothing but the runtime behind", async () => {
  await using dir = await withRuntime(canonicalJson(RUNTIME));
  await apply(dir, { tail_age_ms: 630 });
  await apply(dir, {});
  assertEquals(namesIn(dir.path), [NAME]);
});

Deno.test("applyDeltasWithTracking() calls beforeWrite with the plan, under the lock, before it writes", async () => {
  const text = canonicalJson(RUNTIME);
  await using dir = await withRuntime(text);
  const seen: unknown[] = [];
  const result = await apply(dir, { tail_age_ms: 630 }, {
    beforeWrite: async (plan) => {
      seen.push(plan, await Deno.readTextFile(dir.file(NAME)), namesIn(dir.path));
    },
  });
  assertEquals(seen, [result, text, [NAME, `${NAME}.lock`]]);
});

Deno.test("applyDeltasWithTracking() leaves the file untouched when beforeWrite throws", async () => {
  const text = canonicalJson(RUNTIME);
  await using dir = await withRuntime(text);
  await assertRejects(
    () =>
      apply(dir, { tail_age_ms: 630 }, {
        beforeWrite: () => Promise.reject(new RangeError("not now")),
      }),
    RangeError,
    "not now",
  );
  assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
  assertEquals(namesIn(dir.path), [NAME]);
});

Deno.test("applyDeltasWithTracking() does not call beforeWrite when nothing is to be written", async () => {
  await using dir = await withRuntime(canonicalJson(RUNTIME));
  const beforeWrite = () => Promise.reject(new Error("called"));
  await apply(dir, {}, { beforeWrite });
  await apply(dir, { tail_age_ms: 800 }, { beforeWrite });
  await assertRejects(() => apply(dir, { tail_age_ms: 900 }, { beforeWrite }), SoakError);
});

Deno.test("applyDeltasWithTracking() refuses a runtime that was changed by something else", async () => {
  const text = canonicalJson(RUNTIME);
  await using dir = await withRuntime(text);
  const error = await assertRejects(
    () => apply(dir, { tail_age_ms: 630 }, { expectedHash: "0".repeat(64) }),
    SoakError,
    "changed by something else",
  );
  assertEquals(error.kind, "system");
  assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
  const { applied } = await apply(dir, { tail_age_ms: 630 }, {
    expectedHash: await sha256Hex(text),
  });
  assertEquals(applied, true);
});

Deno.test("applyDeltasWithTracking() refuses a missing runtime, and does not make one", async () => {
  await using dir = await tempDir();
  const error = await assertRejects(() => apply(dir, { tail_age_ms: 630 }), SoakError);
  assertEquals(error.kind, "artifact");
  assertStringIncludes(error.message, NAME);
  assertEquals(namesIn(dir.path), []);
});

Deno.test("applyDeltasWithTracking() refuses a runtime that is not a JSON object", async () => {
  for (const text of ["[]", "null", "7", '"runtime"']) {
    await using dir = await withRuntime(text);
    const error = await assertRejects(
      () => apply(dir, { tail_age_ms: 630 }),
      SoakError,
      "not a JSON object",
    );
    assertEquals(error.kind, "artifact");
    assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
    assertEquals(namesIn(dir.path), [NAME]);
  }
});

Deno.test("applyDeltasWithTracking() refuses a runtime that is not valid JSON, and keeps it", async () => {
  for (const text of ["", '{"engine":', '{"engine":{}}}', '{"a":1,"a":2}', '{"a":NaN}']) {
    await using dir = await withRuntime(text);
    const error = await assertRejects(() => apply(dir, { tail_age_ms: 630 }), SoakError);
    assertEquals(error.kind, "artifact");
    assertStringIncludes(error.message, NAME);
    assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
    assertEquals(namesIn(dir.path), [NAME]);
  }
});

Deno.test("applyDeltasWithTracking() refuses a runtime with no object where a section belongs", async () => {
  await using dir = await withRuntime('{"engine":"fast"}');
  await assertRejects(() => apply(dir, { tail_age_ms: 630 }), SoakError, "not an object");
  assertEquals(await Deno.readTextFile(dir.file(NAME)), '{"engine":"fast"}');
});

Deno.test("applyDeltasWithTracking() makes a pretty-printed runtime canonical, but only with a change", async () => {
  const pretty = JSON.stringify(RUNTIME, null, 2) + "\n";
  await using dir = await withRuntime(pretty);
  const skipped = await apply(dir, { tail_age_ms: 600 });
  assertEquals(await Deno.readTextFile(dir.file(NAME)), pretty);
  assertEquals(skipped.stateHash, await sha256Hex(pretty));

  const applied = await apply(dir, { tail_age_ms: 630 });
  const text = await Deno.readTextFile(dir.file(NAME));
  assertEquals(text, canonicalJson(JSON.parse(text)));
  assertEquals([applied.oldHash, applied.stateHash], [
    await sha256Hex(pretty),
    await sha256Hex(text),
  ]);
});

Deno.test("applyDeltasWithTracking() loses no update when calls for different keys run at once", async () => {
  await using dir = await withRuntime(canonicalJson(RUNTIME));
  const results = await Promise.all([
    apply(dir, { tail_age_ms: 630 }),
    apply(dir, { min_interval_ms: 60 }),
    apply(dir, { impact_cap_ratio: 0.1 }),
  ]);
  assertEquals(results.map(({ applied }) => applied), [true, true, true]);
  assertEquals(JSON.parse(await Deno.readTextFile(dir.file(NAME))), {
    engine: { min_interval_ms: 60, tail_age_ms: 630 },
    own: RUNTIME["own"],
    risk: { impact_cap_ratio: 0.1 },
  });
  // Each started from what another one left: the hashes make one chain from first to last.
  const byOldHash = new Map(results.map((result) => [result.oldHash, result.stateHash]));
  let hash: string | undefined = await computeJsonHash(RUNTIME);
  for (let i = 0; i < results.length; i++) hash = byOldHash.get(hash ?? "");
  assertEquals(hash, await sha256Hex(await Deno.readTextFile(dir.file(NAME))));
  assertEquals(namesIn(dir.path), [NAME]);
});

Deno.test("applyDeltasWithTracking() notices when the file does not hold what it wrote", async () => {
  await using dir = await withRuntime(canonicalJson(RUNTIME));
  const path = dir.file(NAME);
  const renameSync = Deno.renameSync;
  try {
    Deno.renameSync = (from, to) => {
      renameSync(from, to);
      Deno.writeTextFileSync(path, "{}");
    };
    const error = await assertRejects(() => apply(dir, { tail_age_ms: 630 }), SoakError);
    assertStringIncludes(error.message, "does not hold what was written");
    assertEquals(error.kind, "system");
  } finally {
    Deno.renameSync = renameSync;
  }
  assertEquals(namesIn(dir.path), [NAME]);
});

Deno.test("applyDeltasWithTracking() refuses a runtime with guard settings that are not allowed", async () => {
  const refused: [JsonObject, string][] = [
    [{ velocity_cap: 100, max_delta_per_hour: 2 }, "velocity_cap must be from 0.05 to 1 range"],
    [{ freeze_after: 1 }, "tuner.freeze_after is 1, but the profile allows 2 only"],
  ];
  for (const [tuner, message] of refused) {
    const text = canonicalJson({ ...RUNTIME, engine: { tail_age_ms: 500 }, tuner });
    await using dir = await withRuntime(text);
    const error = await assertRejects(() => apply(dir, { tail_age_ms: 800 }), SoakError, message);
    assertEquals([error.kind, error.where], ["artifact", dir.file(NAME)]);
    assertEquals(await Deno.readTextFile(dir.file(NAME)), text);
  }
});
