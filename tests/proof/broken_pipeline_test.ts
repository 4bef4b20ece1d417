import { assert, assertEquals } from "@std/assert";
import { canonicalJson } from "../../base/canonical.ts";
import { sha256Hex } from "../../base/hash.ts";
import { atomicWriteJson } from "../../base/json_file.ts";
import { EMPTY_HISTORY } from "../../model/guards.ts";
import { applyDeltas, type Deltas } from "../../model/params.ts";
import type { FindingCode } from "../../proof/findings.ts";
import { verifyRun } from "../../proof/verify.ts";
import { applyDeltasWithTracking, type ApplyOptions, type ApplyResult } from "../../run/apply.ts";
import { runSoak } from "../../run/run.ts";
import { tempDir } from "../kit/temp_dir.ts";

type Apply = typeof applyDeltasWithTracking;

async function runtimeAt(path: string): Promise<Record<string, Record<string, number>>> {
  return JSON.parse(await Deno.readTextFile(path));
}

/** What an apply of other targets than the proposed ones would tell. */
async function applyOthers(options: ApplyOptions, others: Deltas): Promise<ApplyResult> {
  return await applyDeltasWithTracking({ ...options, proposedDeltas: others });
}

/** Verifies a run that was made with an apply step of its own. */
async function findings(apply: Apply): Promise<{ verdict: string; codes: string[] }> {
  await using temp = await tempDir();
  const dir = temp.file("run");
  try {
    await runSoak({ dir, iterations: 12, autoTune: true, apply });
  } catch {
    // The soak loop notices some of it by itself; the records must tell all the same.
  }
  const { verdict, findingCounts } = await verifyRun(dir, { strict: true });
  return { verdict, codes: Object.keys(findingCounts) };
}

async function assertFound(apply: Apply, ...wanted: FindingCode[]): Promise<void> {
  const { verdict, codes } = await findings(apply);
  assertEquals(wanted.filter((code) => !codes.includes(code)), [], `found ${codes.join(", ")}`);
  assertEquals(verdict, "FAIL");
}

Deno.test("an honest apply step passes, so that what follows shows something", async () => {
  assertEquals(await findings(applyDeltasWithTracking), { verdict: "PASS", codes: [] });
});

Deno.test("an apply step that skips the write is found out by the state that follows", async () => {
  // It claims the state that it found, so that the soak loop goes on.
  await assertFound(
    async (options) => {
      const before = await Deno.readTextFile(options.runtimePath);
      const result = await applyDeltasWithTracking(options);
      await Deno.writeTextFile(options.runtimePath, before);
      return { ...result, stateHash: result.oldHash };
    },
    "signature_stuck",
    "runtime_not_next",
  );
});

Deno.test("an apply step that passes over every guard is found out", async () => {
  let changes = 0;
  await assertFound(
    async (options) => {
      const { history: _, ...unguarded } = options;
      const proposedDeltas = Object.keys(options.proposedDeltas).length > 0
        ? options.proposedDeltas
        : { tail_age_ms: 700 + changes++ };
      return await applyDeltasWithTracking({
        ...unguarded,
        history: { ...EMPTY_HISTORY, iteration: 1 },
        proposedDeltas,
      });
    },
    "guard_ignored",
    "partial_apply",
  );
});

Deno.test("an apply step that applies half is found out", async () => {
  await assertFound(async (options) => {
    const kept = Object.entries(options.proposedDeltas).slice(0, 2);
    return await applyOthers(options, Object.fromEntries(kept));
  }, "partial_apply");
});

Deno.test("an apply step that writes half and claims all is found out", async () => {
  await assertFound(
    async (options) => {
      const before = await runtimeAt(options.runtimePath);
      const result = await applyDeltasWithTracking(options);
      if (!result.applied) return result;
      const kept = Object.fromEntries(Object.entries(options.proposedDeltas).slice(0, 2));
      const { stateHash } = await atomicWriteJson(
        options.runtimePath,
        applyDeltas(before, kept).runtime,
      );
      return { ...result, stateHash };
    },
    "state_hash_mismatch",
    "runtime_not_next",
  );
});

Deno.test("an apply step that writes another value is found out", async () => {
  await assertFound(
    async (options) => {
      const result = await applyDeltasWithTracking(options);
      if (!result.applied) return result;
      const wrong = applyDeltas(await runtimeAt(options.runtimePath), { max_age_ms: 4000 }).runtime;
      const { stateHash } = await atomicWriteJson(options.runtimePath, wrong);
      return { ...result, stateHash };
    },
    "state_hash_mismatch",
    "runtime_not_next",
  );
});

Deno.test("an apply step that writes without an apply is found out", async () => {
  let once = true;
  await assertFound(
    async (options) => {
      const result = await applyDeltasWithTracking(options);
      if (result.applied || !once) return result;
      once = false;
      const wrong = applyDeltas(await runtimeAt(options.runtimePath), { max_age_ms: 4000 }).runtime;
      const { stateHash } = await atomicWriteJson(options.runtimePath, wrong);
      return { ...result, stateHash };
    },
    "hash_changed_unapplied",
    "runtime_not_next",
  );
});

Deno.test("an apply step that lies about the hash is found out", async () => {
  const lie = await sha256Hex(canonicalJson("lie"));
  // The soak loop stops at once, so the run is cut short as well.
  await assertFound(async (options) => {
    const result = await applyDeltasWithTracking(options);
    return result.applied ? { ...result, stateHash: lie } : result;
  }, "state_hash_mismatch");
});

Deno.test("an apply step that invents a skip reason is found out", async () => {
  await assertFound(async (options) => {
    const { stateHash } = await applyOthers(options, {});
    const note = "cooldown: 1 left";
    const flags = { freeze: false, oscillation: false, velocity: false, no_op: false };
    return {
      applied: false,
      noOp: false,
      oldHash: stateHash,
      stateHash,
      deltasApplied: {},
      changedKeys: [],
      bytesWritten: 0,
      skipReason: { ...flags, cooldown: true, note },
    };
  }, "skip_reason_false");
});

Deno.test("the soak loop itself stops when the apply step lies about the state", async () => {
  await using temp = await tempDir();
  let message = "";
  try {
    await runSoak({
      dir: temp.file("run"),
      iterations: 3,
      autoTune: true,
      apply: async (options) => ({
        ...await applyDeltasWithTracking(options),
        stateHash: "0".repeat(64),
      }),
    });
  } catch (error) {
    message = error instanceof Error ? error.message : "";
  }
  assert(message.startsWith("the runtime was changed by something else"), message);
});
