import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SoakError } from "../base/errors.ts";
import { type GateOptions, type GateResult, runGate } from "../gate.ts";
import { Forgery, honestRun, summaryName } from "./kit/forgery.ts";
import { posix } from "./kit/posix.ts";
import { bench, READ_SIZE, TINY } from "./kit/real_system.ts";
import { namesIn, type TempDir, tempDir, textsIn } from "./kit/temp_dir.ts";

async function gate(
  temp: TempDir,
  change: (run: Forgery) => void | Promise<void> = () => {},
  options: GateOptions = { strict: true },
  [seed, iterations]: readonly [number, number] = [7, 24],
): Promise<GateResult> {
  const run = new Forgery(await honestRun(seed, iterations), iterations);
  await change(run);
  run.write(temp.file("run"));
  return await runGate(temp.file("run"), options);
}

function statuses({ checks }: GateResult): string {
  return checks.map(({ status }) => status).join(" ");
}

Deno.test("a settled run passes every check and leaves its reports", async () => {
  await using temp = await tempDir();
  const result = await gate(temp, undefined, { strict: true, prometheus: true });
  assertEquals([result.verdict, statuses(result)], ["PASS", "pass pass pass pass pass"]);
  assert(result.checks.every(({ look }) => look === null));
  const names = namesIn(temp.file("run"));
  for (
    const name of [
      "DELTA_VERIFY_REPORT.md",
      "DELTA_VERIFY_REPORT.json",
      "POST_SOAK_SNAPSHOT.json",
      "POST_SOAK_METRICS.prom",
      "GATE_REPORT.json",
    ]
  ) assert(names.includes(name), name);
  const report = JSON.parse(Deno.readTextFileSync(temp.file("run/GATE_REPORT.json")));
  assertEquals(report.verdict, "PASS");
  assertEquals(report.last_hash, result.verification.lastHash);
  assertEquals(report.profile, "market-maker");
});

Deno.test("metrics are written only when asked for", async () => {
  await using temp = await tempDir();
  await gate(temp);
  assert(!namesIn(temp.file("run")).includes("POST_SOAK_METRICS.prom"));
});

Deno.test("the gate's own reports do not disturb it when it runs again", async () => {
  await using temp = await tempDir();
  const first = await gate(temp);
  const again = await runGate(temp.file("run"), { strict: true });
  assertEquals(again, first);
});

Deno.test("a run that never settled fails on its KPIs and the freeze", async () => {
  await using temp = await tempDir();
  const result = await gate(temp, undefined, { strict: true }, [7, 3]);
  assertEquals([result.verdict, statuses(result)], ["FAIL", "fail fail pass pass pass"]);
  assert(result.checks[0]?.look?.includes("kpi_reasons"));
});

Deno.test("five of eight good iterations are a warning", async () => {
  await using temp = await tempDir();
  const result = await gate(temp, (run) => {
    for (const i of [17, 18, 19]) run.edit(i, ({ summary }) => void (summary["net_bps"] = 1));
  }, {});
  assertEquals(result.snapshot.verdict, "WARN");
  assertEquals(result.checks[0]?.status, "warn");
  // By itself a warning passes; but fewer than six good ones are not ready to freeze.
  assertEquals(result.checks.filter(({ status }) => status === "fail").map(({ name }) => name), [
    "Ready to freeze",
  ]);
});

Deno.test("findings fail the strict gate; otherwise they warn", async () => {
  const edit = (run: Forgery): void =>
    run.edit(9, ({ tuning }) => void (tuning.rationale = "trust me"));
  for (
    const [strict, verdict, status] of [[true, "FAIL", "fail"], [false, "PASS", "warn"]] as const
  ) {
    await using temp = await tempDir();
    const result = await gate(temp, edit, { strict });
    const last = result.checks.at(-1);
    assertEquals([result.verdict, last?.status], [verdict, status]);
    assertStringIncludes(last?.look ?? "", "ITER_SUMMARY_10.json");
    assertStringIncludes(last?.look ?? "", "record_chain_broken");
  }
});

Deno.test("the check points to the proof, not to a gap before it", async () => {
  await using temp = await tempDir();
  const result = await gate(temp, (run) => {
    run.remove(summaryName(4));
    run.edit(9, ({ effective_params }) => void (effective_params["tail_age_ms"] = 1));
  });
  assertEquals(result.verdict, "FAIL");
  assertStringIncludes(result.checks.at(-1)?.look ?? "", "effective_mismatch");
});

Deno.test("a missing summary leaves it open, strict or not", async () => {
  for (const strict of [true, false]) {
    await using temp = await tempDir();
    const result = await gate(temp, (run) => run.remove(summaryName(9)), { strict });
    assertEquals([result.verdict, result.checks.at(-1)?.status], ["INCONCLUSIVE", "unknown"]);
  }
});

Deno.test("an applied value that was changed by hand fails the gate and is named", async () => {
  await using temp = await tempDir();
  const result = await gate(
    temp,
    (run) => run.edit(1, ({ tuning }) => void (tuning.deltas["tail_age_ms"] = 640)),
    {},
  );
  assertEquals(result.verdict, "FAIL");
  assertStringIncludes(result.checks[4]?.look ?? "", "ITER_SUMMARY_1.json");
});

Deno.test("one stuck signature is tolerated by its own check, two are not", async () => {
  const stick = (count: number) => (run: Forgery): void => {
    for (let n = 1; n <= count; n++) {
      run.edit(run.applied(n), ({ tuning, summary }) => {
        tuning.state_hash = summary.state_hash = tuning.old_hash;
      });
    }
  };
  for (const [count, status] of [[1, "pass"], [2, "fail"]] as const) {
    await using temp = await tempDir();
    const { checks } = await gate(temp, stick(count), {});
    assertEquals(checks[3]?.status, status);
  }
});

Deno.test("skips are counted by the first guard that held, as recomputed", async () => {
  await using temp = await tempDir();
  const { skipped } = await gate(temp, (run) => {
    for (const i of run.all) {
      run.edit(i, ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) Object.assign(reason, { freeze: false, velocity: true });
      });
    }
  }, {});
  assertEquals(skipped, { freeze: 19, oscillation: 0, velocity: 0, cooldown: 2, no_op: 0 });
});

Deno.test("a directory without a run is an error, and nothing is written into it", async () => {
  await using temp = await tempDir();
  Deno.mkdirSync(temp.file("run"));
  await assertRejects(() => runGate(temp.file("run")), SoakError, "there is no soak run");
  assertEquals(namesIn(temp.file("run")), []);
});

Deno.test("a gate that can't answer leaves no earlier answer behind", async () => {
  await using temp = await tempDir();
  const dir = temp.file("run");
  await gate(temp, () => {}, { strict: true, prometheus: true });
  assert(namesIn(dir).includes("GATE_REPORT.json"));
  for (const name of namesIn(dir)) {
    if (/^(SOAK_RUN|ITER_SUMMARY)/.test(name)) Deno.removeSync(`${dir}/${name}`);
  }
  await assertRejects(() => runGate(dir), SoakError, "there is no soak run");
  assertEquals(namesIn(dir).filter((name) => /^(GATE|POST)/.test(name)), []);
});

Deno.test("metrics of an earlier gate do not outlive a gate without metrics", async () => {
  await using temp = await tempDir();
  await gate(temp, () => {}, { strict: true, prometheus: true });
  await runGate(temp.file("run"), { strict: true });
  assert(!namesIn(temp.file("run")).includes("POST_SOAK_METRICS.prom"));
});

Deno.test("a run that a looser setting of its own made ready to freeze does not pass", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const measure = b.script(
    "measure",
    `[ $SOAK_ITERATION = 5 ] && cost=50 || cost=5
${READ_SIZE}
printf '{"kpis":{"cost":%s},"effective_params":{"size":%s}}' $cost $size > "$SOAK_OUTPUT"`,
  );
  const runtime = { tuner: { freeze_after: 1 } };
  const profile = { ...TINY, guards: { ...TINY.guards, freeze_after: 1 } };
  await b.run({ kind: "exec", command: [measure] }, { iterations: 6, profile, runtime });
  assertEquals((await runGate(b.dir, { strict: true })).verdict, "PASS");

  Deno.removeSync(`${b.dir}/logs`, { recursive: true });
  const run = new Forgery(textsIn(b.dir), 6);
  run.editRun(({ profile: { guards } }) => void (guards["freeze_after"] = 2));
  await run.resign();
  run.write(b.file("forged"));
  const { verdict, checks, verification } = await runGate(b.file("forged"), { strict: true });
  assertEquals([verdict, verification.findingCounts], ["FAIL", { guard_loosened: 6 }]);
  assertStringIncludes(checks.at(-1)?.look ?? "", "tuner.freeze_after is 1, but the profile");
  const report = JSON.parse(Deno.readTextFileSync(b.file("forged/GATE_REPORT.json")));
  assertEquals(report.guards_in_force, { freeze_after: { least: 1, most: 1, profile: 2 } });
});

Deno.test("the gate names guard settings and versions that the run's start does not", async () => {
  await using temp = await tempDir();
  const { verdict, verification } = await gate(temp, async (run) => {
    for (const i of [9, 10, 24]) {
      run.editJson(summaryName(i), (draft) => void (draft["tool_version"] = "9.1.0"));
    }
    await run.resign();
  });
  assertEquals([verdict, verification.findings], ["PASS", []]);
  const report = JSON.parse(Deno.readTextFileSync(temp.file("run/GATE_REPORT.json")));
  assertEquals([report.guards_in_force, report.other_versions], [{}, [
    { first: 9, last: 10, tool_version: "9.1.0" },
    { first: 24, last: 24, tool_version: "9.1.0" },
  ]]);
});
