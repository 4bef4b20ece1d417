import { assert, assertEquals } from "@std/assert";
import type { VerifyResult } from "../../proof/verdict.ts";
import { type VerifyOptions, verifyRun } from "../../proof/verify.ts";
import { type Draft, Forgery, honestRun } from "../kit/forgery.ts";
import { posix } from "../kit/posix.ts";
import { bench, READ_SIZE, REPORT } from "../kit/real_system.ts";
import { tempDir } from "../kit/temp_dir.ts";

/** Verifies what would be the same run of a real system, after something was done to it. */
async function verifyReal(
  change: (run: Forgery) => void | Promise<void>,
  options: VerifyOptions = { strict: true },
): Promise<VerifyResult> {
  const run = new Forgery(await honestRun(7, 12), 12);
  run.editJson("SOAK_RUN.json", (draft) => {
    draft["mode"] = "exec";
    draft["seed"] = null;
    draft["system"] = {
      kind: "exec",
      command: ["./bot"],
      timeout_seconds: 10,
      grace_seconds: 1,
      pause_seconds: 0,
      retries: 0,
      on_error: "continue",
      prometheus_url: null,
    };
  });
  await change(run);
  await run.resign();
  await using temp = await tempDir();
  run.write(temp.file("run"));
  return await verifyRun(temp.file("run"), options);
}

function codes({ findingCounts }: VerifyResult): string[] {
  return Object.keys(findingCounts);
}

/** Makes an iteration one that could not be measured. */
function fail(run: Forgery, i: number): void {
  run.edit(i, (draft) => {
    const { summary, effective_params } = draft;
    draft.incidents = [{ kind: "failed", reason: "timed out", times: 1 }];
    summary["failure"] = "timed out";
    for (const key of Object.keys(summary)) {
      if (typeof summary[key] === "number") summary[key] = null;
    }
    summary.kpi_verdict = "FAIL";
    summary.kpi_reasons = ["risk_ratio", "maker_taker_ratio", "net_bps", "p95_latency_ms"]
      .map((key) => `${key} was not measured`);
    for (const key of Object.keys(effective_params)) delete effective_params[key];
  });
}

Deno.test("a run of a real system passes by the same rules", async () => {
  const { verdict, findings } = await verifyReal(() => {});
  assertEquals([verdict, findings], ["PASS", []]);
});

Deno.test("real time need not be regular, but may not go backwards", async () => {
  const move = (utc: string) => (run: Forgery): void =>
    run.edit(12, ({ summary }) => void (summary.runtime_utc = utc));
  assertEquals((await verifyReal(move("2025-01-01T02:00:00Z"))).verdict, "PASS");
  const back = await verifyReal(move("2025-01-01T00:01:00Z"));
  assertEquals([back.verdict, codes(back)], ["FAIL", ["time_backwards"]]);
});

Deno.test("a failed measurement after a change leaves its proof to the next one", async () => {
  const { counts, findings } = await verifyReal((run) => {
    fail(run, 2);
    run.edit(2, ({ tuning: { skip_reason: reason } }) => {
      if (reason !== null) reason.note = "not measured: timed out";
    });
  });
  assertEquals([counts.full, counts.unproven, findings], [3, 0, []]);
});

Deno.test("a failed measurement has no values", async () => {
  const result = await verifyReal((run) =>
    run.edit(2, ({ summary }) => void (summary["failure"] = "timed out"))
  );
  assertEquals(codes(result), ["failure_untrue", "attempts_wrong", "skip_note_wrong"]);
});

Deno.test("a system that never says what it runs with proves no change", async () => {
  const { verdict, counts } = await verifyReal((run) => {
    for (const i of run.all) run.edit(i, (draft) => void (draft.effective_params = {}));
  });
  assertEquals([verdict, counts.full, counts.fail], ["FAIL", 0, 3]);
});

Deno.test("a system that stops saying what it runs with is found out", async () => {
  const result = await verifyReal((run) => {
    for (const i of run.all.slice(5)) run.edit(i, (draft) => void (draft.effective_params = {}));
  });
  assert(codes(result).includes("effective_missing"));
});

Deno.test("a changed key that the next measurement does not report is a finding", async () => {
  const key = "base_spread_bps_delta";
  let changes: number[] = [];
  const { verdict, counts, findings, inEffect } = await verifyReal((run) => {
    changes = run.all.filter((i) => Object.hasOwn(run.read(i).tuning.deltas, key));
    for (const i of run.all) run.edit(i, (draft) => void delete draft.effective_params[key]);
  });
  assert(changes.length > 0 && changes.length === counts.fail);
  assertEquals(verdict, "FAIL");
  const found = findings.map(({ code, iteration }) => [code, iteration]);
  assertEquals(found, changes.map((i) => ["effective_missing", i + 1]));
  assertEquals(inEffect?.never, [key]);
});

Deno.test("a changed key is looked for past failed measurements", async () => {
  const result = await verifyReal((run) => {
    fail(run, 2);
    run.edit(2, ({ tuning: { skip_reason: reason } }) => {
      if (reason !== null) reason.note = "not measured: timed out";
    });
    const [key = ""] = Object.keys(run.read(1).tuning.deltas);
    for (const i of run.all) run.edit(i, (draft) => void delete draft.effective_params[key]);
  });
  const missing = result.findings.filter(({ code }) => code === "effective_missing");
  assertEquals(missing[0]?.iteration, 3);
});

Deno.test(
  "a change that was never measured passes no strict verification, however few are asked for",
  {
    ignore: !posix,
  },
  async () => {
    await using b = await bench();
    const measure = `[ "$SOAK_ITERATION" -gt 2 ] && exit 3\n${READ_SIZE}\n${REPORT}`;
    const command = [b.script("measure", measure)];
    await b.run({ kind: "exec", command, onError: "continue" }, { iterations: 5 });
    const threshold = 0.4;
    const strict = await verifyRun(b.dir, { strict: true, threshold });
    assertEquals([strict.counts.full, strict.counts.unproven, strict.findings], [1, 1, []]);
    assertEquals([strict.verdict, strict.reason], [
      "INCONCLUSIVE",
      "1 of 2 proposals can't be proven",
    ]);
    assertEquals((await verifyRun(b.dir, { threshold })).verdict, "PASS");
  },
);

Deno.test("parameters that are never reported are named, and only they", async () => {
  const quiet = ["tick_size", "max_age_ms"];
  const { verdict, inEffect } = await verifyReal((run) => {
    for (const i of run.all) {
      run.edit(
        i,
        ({ effective_params: effective }) => quiet.forEach((key) => delete effective[key]),
      );
    }
  });
  assertEquals(verdict, "PASS");
  assertEquals(inEffect?.never.toSorted(), quiet.toSorted());
  assertEquals(inEffect?.fewest, 15);
});

Deno.test("a seed belongs to a simulation", async () => {
  const result = await verifyReal((run) => run.editRun((draft) => void (draft.seed = 7)));
  assert(codes(result).includes("run_at_odds"));
});

Deno.test("a run that stops at a failed measurement has none on record", async () => {
  const failed = (run: Forgery): void => {
    fail(run, 2);
    run.edit(2, ({ tuning: { skip_reason: reason } }) => {
      if (reason !== null) reason.note = "not measured: timed out";
    });
  };
  const stopping = await verifyReal((run) => {
    failed(run);
    run.editJson("SOAK_RUN.json", (draft) => {
      draft["system"] = { ...(draft["system"] as Record<string, string>), on_error: "stop" };
    });
  });
  assertEquals([stopping.verdict, codes(stopping)], ["FAIL", ["failure_untrue"]]);
  assertEquals((await verifyReal(failed)).verdict, "PASS");
});

Deno.test("only a service is started again", async () => {
  const result = await verifyReal((run) =>
    run.edit(4, (draft) => {
      draft.incidents = [{ kind: "died", reason: "exited with code 1", times: 4 }];
    })
  );
  assertEquals([result.verdict, codes(result)], ["FAIL", ["incident_untrue"]]);
});

Deno.test("an honest service takes the time that it says, over failures and a resume", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const measure = b.script(
    "measure",
    `[ "$SOAK_ITERATION" = 2 ] && exit 1; ${READ_SIZE}; ${REPORT}`,
  );
  const system = {
    ...{ kind: "service", command: ["sleep", "600"], measureCommand: measure } as const,
    ...{ intervalSeconds: 0.2507, pauseSeconds: 0.1503, onError: "continue" } as const,
  };
  const stop = new AbortController();
  await b.run(system, {
    iterations: 5,
    signal: stop.signal,
    onIteration: ({ iteration }) => iteration === 3 && stop.abort(),
  });
  await b.run({}, { resume: true, iterations: 5, autoTune: undefined, profile: undefined });
  assertEquals((await verifyRun(b.dir, { strict: true })).findings, []);
});

Deno.test("an iteration may be short by what clocks and timers cut off, and not by more", async () => {
  const withPause = (pause: number): Promise<VerifyResult> =>
    verifyReal((run) =>
      run.editJson("SOAK_RUN.json", (draft) => {
        draft["system"] = { ...draft["system"] as Draft, pause_seconds: pause };
      })
    );
  assertEquals(codes(await withPause(300.05)), []);
  assertEquals(codes(await withPause(310)), ["time_too_short"]);
});
