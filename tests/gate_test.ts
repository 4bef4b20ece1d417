import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { type GateOptions, type GateResult, runGate } from "../gate.ts";
import { marketMaker } from "../model/market_maker.ts";
import { hashOfProfile } from "../model/profile_check.ts";
import { LOCK_FILE } from "../record/artifacts.ts";
import { Forgery, honestRun, summaryName } from "./kit/forgery.ts";
import { makeLegacyRun } from "./kit/legacy_run.ts";
import { onOpen } from "./kit/on_open.ts";
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
  assertEquals([result.verdict, statuses(result)], ["PASS", "pass pass pass pass pass pass"]);
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

/** The moments of a gate's work at which another run takes the place of the one it judges. */
for (const moment of ["ITER_SUMMARY_24.json", ".soak-tmp"]) {
  Deno.test(`no answer is written into a run that was never judged, swapped at ${moment}`, {
    ignore: !posix,
  }, async () => {
    await using temp = await tempDir();
    const [dir, other] = [temp.file("run"), temp.file("other")];
    new Forgery(await honestRun(7, 24), 24).write(dir);
    new Forgery(await honestRun(8, 24), 24).write(other);
    const [judged, unjudged] = [textsIn(dir), textsIn(other)];
    using opening = onOpen(moment, () => {
      Deno.renameSync(dir, temp.file("aside"));
      Deno.renameSync(other, dir);
    });
    const { kind, message } = await assertRejects(() => runGate(dir, { strict: true }), SoakError);
    assertEquals([kind, opening.done], ["system", true]);
    assertEquals(
      message,
      `the run was moved or replaced while it was judged (${dir}); judge again what is there now`,
    );
    assertEquals(textsIn(dir), unjudged);
    const { [LOCK_FILE]: _left, ...aside } = textsIn(temp.file("aside"));
    assertEquals(aside, judged);
  });
}

Deno.test(
  "an answer stays with its run even if that is swapped between the last look and the write",
  {
    ignore: !posix,
  },
  async () => {
    await using temp = await tempDir();
    const [dir, other] = [temp.file("run"), temp.file("other")];
    new Forgery(await honestRun(7, 24), 24).write(dir);
    new Forgery(await honestRun(8, 24), 24).write(other);
    const unjudged = textsIn(other);
    // The folder is opened to flush it, after the look and before the rename.
    using opening = onOpen("/run", () => {
      Deno.renameSync(dir, temp.file("aside"));
      Deno.renameSync(other, dir);
    });
    const { what } = await assertRejects(() => runGate(dir, { strict: true }), SoakError);
    assertEquals([what, opening.done], ["the run was moved or replaced while it was judged", true]);
    assertEquals(textsIn(dir), unjudged);
  },
);

Deno.test("reports go to a folder of their own, and nothing is left in the run", async () => {
  await using temp = await tempDir();
  const reportDir = temp.file("a/b");
  new Forgery(await honestRun(7, 24), 24).write(temp.file("run"));
  const before = textsIn(temp.file("run"));
  const options = { strict: true, prometheus: true };
  const here = await runGate(temp.file("run"), { ...options, reportDir });
  assertEquals([here.verdict, here.unwritten], ["PASS", null]);
  assertEquals(textsIn(temp.file("run")), before);
  assertEquals(here, await runGate(temp.file("run"), options));
  const { length: count } = namesIn(reportDir);
  assertEquals(count, 5);
  assertEquals({ ...textsIn(temp.file("run")), ...before }, { ...before, ...textsIn(reportDir) });
});

Deno.test("reports are not written into another run, and may be into one's own", async () => {
  await using temp = await tempDir();
  for (const name of ["run", "other"]) {
    new Forgery(await honestRun(7, 24), 24).write(temp.file(name));
  }
  const before = textsIn(temp.file("other"));
  const { kind, what } = await assertRejects(
    () => runGate(temp.file("run"), { reportDir: temp.file("other") }),
    SoakError,
  );
  assertEquals([kind, what], ["usage", "the folder for the reports has another run in it"]);
  assertEquals(textsIn(temp.file("other")), before);
  const { unwritten } = await runGate(temp.file("run"), { reportDir: temp.file("other/../run") });
  assertEquals(unwritten, null);
  assert(namesIn(temp.file("run")).includes("GATE_REPORT.json"));
});

Deno.test("an answer is given where no report can be written, with the reason for that", async () => {
  await using temp = await tempDir();
  new Forgery(await honestRun(7, 24), 24).write(temp.file("run"));
  const answered = await runGate(temp.file("run"), { strict: true });
  for (const name of ["DELTA_VERIFY_REPORT.json", "DELTA_VERIFY_REPORT.md", "GATE_REPORT.json"]) {
    const dir = temp.file(name);
    new Forgery(await honestRun(7, 24), 24).write(dir);
    Deno.mkdirSync(temp.file(`${name}/${name}`));
    const { unwritten, ...answer } = await runGate(dir, { strict: true });
    assertEquals({ ...answer, unwritten: null }, answered);
    assertEquals(unwritten?.kind, "system");
    assertStringIncludes(unwritten?.message ?? "", `the reports are not written: `);
    assertStringIncludes(unwritten?.where ?? "", name);
    // An answer is not written down beside reports that are not its own.
    assertEquals(namesIn(dir).filter((other) => /^GATE_.*|soak-tmp$/.test(other)), [
      ...(name.startsWith("GATE") ? [name] : []),
    ]);
  }
});

Deno.test("a run that never settled fails on its KPIs and the freeze", async () => {
  await using temp = await tempDir();
  const result = await gate(temp, undefined, { strict: true }, [7, 3]);
  assertEquals([result.verdict, statuses(result)], ["FAIL", "fail fail pass pass pass pass"]);
  assert(result.checks[0]?.look?.includes("kpi_reasons"));
});

Deno.test("five of eight good iterations are a warning", async () => {
  await using temp = await tempDir();
  const result = await gate(temp, (run) => {
    for (const i of [17, 18, 19]) run.edit(i, ({ summary }) => void (summary["net_bps"] = 1));
  }, {});
  assertEquals(result.snapshot.verdict, "WARN");
  assertEquals(result.checks[0]?.status, "warn");
  assertEquals(result.checks[0]?.wantedText, "at least 6 of 8, 5 with a warning");
  assertEquals(result.checks[1]?.foundText, "frozen in 4 of the last 8");
});

/** A tiny system whose KPI misses its target in the iterations that a pattern of a shell names. */
async function noisy(misses: string, answered = false): Promise<GateResult> {
  await using b = await bench();
  const command = b.script(
    "measure",
    `${READ_SIZE}\ncost=$((20 - 2 * size)); [ $cost -gt 9 ] || cost=9\n` +
      `case $SOAK_ITERATION in ${misses}) cost=11;; esac\n` +
      `printf '{"kpis":{"cost":%s},"effective_params":{"size":%s}}' $cost $size > "$SOAK_OUTPUT"`,
  );
  const gate = { ...TINY.gate, window: 8, pass: 6, warn: 5 };
  const when = [{ kpi: "cost", op: ">", value: answered ? 10 : 11 }] as const;
  const profile = { ...TINY, gate, rules: TINY.rules.map((rule) => ({ ...rule, when })) };
  await b.run({ kind: "exec", command: [command] }, { iterations: 16, profile });
  return await runGate(b.dir, { strict: true });
}

Deno.test("readiness does not hang on the last samples of a noisy system", {
  ignore: !posix,
}, async () => {
  for (
    const [misses, verdict, kpis, freeze] of [
      ["none", "PASS", "pass", "pass"],
      ["16", "PASS", "pass", "pass"],
      ["15|16", "PASS", "pass", "pass"],
      ["9|10|11", "PASS", "warn", "pass"],
      ["14|15|16", "FAIL", "warn", "fail"],
      ["13|14|15|16", "FAIL", "fail", "fail"],
      ["10|13|15", "PASS", "warn", "pass"],
    ] as const
  ) {
    const result = await noisy(misses);
    const found = [result.verdict, result.checks[0]?.status, result.checks[1]?.status];
    assertEquals(found, [verdict, kpis, freeze], `${misses}: ${statuses(result)}`);
  }
});

Deno.test("a change that answers a miss right before the end is not passed on what was before it", {
  ignore: !posix,
}, async () => {
  // The tuner moves after iteration 15, and what it moved to has been seen once, off target.
  const missed = await noisy("15|16", true);
  assertEquals([missed.verdict, statuses(missed)], ["FAIL", "pass fail pass pass pass pass"]);
  assertEquals(
    missed.checks[1]?.foundText,
    "frozen in 6 of the last 8, the last state on target in 0 of 1",
  );
  assertStringIncludes(missed.checks[1]?.look ?? "", "soak for more iterations");
  assertEquals((await noisy("15", true)).verdict, "PASS");
});

Deno.test("a run of five is judged by what five must do", async () => {
  await using temp = await tempDir();
  const { checks } = await gate(temp, undefined, { strict: true }, [7, 5]);
  assertEquals(checks[0]?.wantedText, "at least 4 of 5");
});

Deno.test("a run without any iteration gives nothing to judge", async () => {
  await using temp = await tempDir();
  const { verdict, checks } = await gate(temp, (run) => {
    run.files["runtime_overrides.json"] = canonicalJson(run.read(1).runtime_overrides);
    for (const i of run.all) run.remove(summaryName(i));
    run.remove("TUNING_REPORT.json");
  });
  assertEquals([verdict, statuses({ checks } as GateResult)], [
    "INCONCLUSIVE",
    "unknown unknown unknown pass unknown unknown",
  ]);
  assertEquals(checks[0]?.foundText, "no iteration to judge");
  assertStringIncludes(checks.at(-1)?.look ?? "", "soak run --resume");
});

/** A system that is on target, if need be from iteration 3 on, though no rule fires. */
async function settled(
  effective: string,
  options: GateOptions,
  autoTune = true,
): Promise<GateResult> {
  await using b = await bench();
  const command = b.script(
    "measure",
    `cost=3; ${autoTune ? "" : "[ $SOAK_ITERATION -lt 3 ] && cost=16\n"}` +
      `printf '{"kpis":{"cost":'$cost'},"effective_params":${effective}}' > "$SOAK_OUTPUT"`,
  );
  await b.run({ kind: "exec", command: [command] }, { iterations: 8, autoTune });
  return await runGate(b.dir, { strict: true, ...options });
}

Deno.test("a run that needed no change passes when that is accepted", {
  ignore: !posix,
}, async () => {
  const open = await settled('{"size":2}', {});
  assertEquals(open.verdict, "INCONCLUSIVE");
  const ratio = open.checks.find(({ id }) => id === "full_apply_ratio");
  assertEquals(ratio?.status, "unknown");
  assertEquals(
    ratio?.look,
    "nothing needed changing; 1 value seen in effect in each iteration; no change was proven; " +
      "--allow-no-deltas accepts that",
  );
  // Nothing else stands in the way, so that the remedy works.
  assertEquals(statuses(open), "pass pass unknown pass pass pass");
  assertEquals((await settled('{"size":2}', { allowNoDeltas: true })).verdict, "PASS");
  // Accepting that nothing changed is not accepting another value in effect, and is not offered.
  assertEquals((await settled('{"size":3}', { allowNoDeltas: true })).verdict, "FAIL");
  const wrong = await settled('{"size":3}', {});
  const look = wrong.checks.find(({ id }) => id === "full_apply_ratio")?.look;
  assertEquals(look, "look at the findings first, named below");
  assertEquals(wrong.verification.inEffect, { never: [], fewest: 0 });
});

Deno.test(
  "what is accepted without a proposal is said: misses, and a run in which nothing was seen",
  {
    ignore: !posix,
  },
  async () => {
    const missed = await settled('{"size":2}', { allowNoDeltas: true }, false);
    assertEquals([missed.verdict, statuses(missed)], ["PASS", "pass pass warn pass pass pass"]);
    assertStringIncludes(missed.checks[2]?.look ?? "", "missed in 2 of 8 iterations");
    const mute = await settled("{}", { allowNoDeltas: true });
    assertEquals([mute.verdict, mute.checks[2]?.status], ["INCONCLUSIVE", "unknown"]);
    assertStringIncludes(mute.checks[2]?.look ?? "", "report effective_params");
  },
);

Deno.test("accepting a run without proposals is offered only where nothing else fails", {
  ignore: !posix,
}, async () => {
  for (const [first, offered] of [[8, true], [1, false]] as const) {
    await using b = await bench();
    const command = b.script(
      "measure",
      `cost=3; [ $SOAK_ITERATION -ge ${first} ] && cost=16\n` +
        `printf '{"kpis":{"cost":'$cost'},"effective_params":{"size":2}}' > "$SOAK_OUTPUT"`,
    );
    const profile = { ...TINY, rules: [] };
    await b.run({ kind: "exec", command: [command] }, { iterations: 8, autoTune: true, profile });
    const { checks } = await runGate(b.dir, { strict: true });
    const ratio = checks.find(({ id }) => id === "full_apply_ratio");
    assertEquals(
      ratio?.look,
      `KPIs were missed in ${9 - first} of 8 iterations and nothing was proposed: skip_reason in ` +
        `the summaries says why${offered ? "; --allow-no-deltas accepts that" : ""}`,
    );
    const { verdict } = await runGate(b.dir, { strict: true, allowNoDeltas: true });
    assertEquals(verdict, offered ? "PASS" : "FAIL");
  }
});

Deno.test("a run under another profile than the one asked for fails with a finding of its own", async () => {
  for (const strict of [true, false]) {
    for (
      const [expectedProfile, verdict] of [
        [marketMaker, "PASS"],
        [{ ...marketMaker, gate: { ...marketMaker.gate, pass: 7 } }, "FAIL"],
        [{ ...marketMaker, name: "market-makers" }, "FAIL"],
      ] as const
    ) {
      await using temp = await tempDir();
      const result = await gate(temp, undefined, { strict, expectedProfile });
      assertEquals(result.verdict, verdict);
      if (verdict === "PASS") continue;
      assertEquals(Object.keys(result.verification.findingCounts), ["profile_unexpected"]);
      assertEquals(
        result.checks.at(-1)?.foundText,
        "1 finding: the run was made under another profile",
      );
    }
  }
});

Deno.test("the report says which run was judged", async () => {
  await using temp = await tempDir();
  const { verification } = await gate(temp);
  const { run } = JSON.parse(Deno.readTextFileSync(temp.file("run/GATE_REPORT.json")));
  assertEquals(run.profile, { name: "market-maker", hash: verification.profileHash });
  assertEquals(run.profile.hash, await hashOfProfile(marketMaker));
  assertEquals([run.system.kind, run.seed, run.iterations], ["mock", 7, 24]);
  assertEquals(run.started_utc, "2025-01-01T00:00:00Z");
});

Deno.test("each check has a stable name and values beside its words", async () => {
  await using temp = await tempDir();
  await gate(temp);
  const { checks } = JSON.parse(Deno.readTextFileSync(temp.file("run/GATE_REPORT.json")));
  const byId = Object.fromEntries(
    (checks as { id: string; found: unknown; wanted: unknown }[]).map((c) => [c.id, c]),
  );
  assertEquals(byId["kpis"]?.found, { verdict: "PASS", on_target: 8, iterations: 8 });
  assertEquals(byId["kpis"]?.wanted, { pass: 6, warn: 5, iterations: 8 });
  assertEquals(byId["full_apply_ratio"]?.found, { ratio: 1, full: 3, total: 3 });
  assertEquals(byId["signature_stuck"]?.wanted, { count: 1 });
});

Deno.test("without --strict the gate says that findings did not count", async () => {
  await using temp = await tempDir();
  const edit = (run: Forgery): void =>
    run.edit(9, ({ tuning }) => void (tuning.rationale = "trust me"));
  const { checks } = await gate(temp, edit, {});
  assertEquals(checks.at(-1)?.foundText, "2 findings, not counted");
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
  assertMatch(
    result.checks.at(-1)?.look ?? "",
    /^look at .* \(effective_mismatch\), and what is missing: .* \(summary_missing\)(, and \d+ more in DELTA_VERIFY_REPORT.md)?$/,
  );
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
  assertStringIncludes(result.checks.at(-1)?.look ?? "", "ITER_SUMMARY_1.json");
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

Deno.test("an older run is told what it does not record, and no flag that would not help", async () => {
  await using temp = await tempDir();
  const files = await makeLegacyRun();
  const dir = temp.file("run");
  await Deno.mkdir(dir);
  await Deno.writeTextFile(
    `${dir}/ITER_SUMMARY_1.json`,
    files["ITER_SUMMARY_6.json"]
      ?.replace('"iteration": 6', '"iteration": 1') ?? "",
  );
  const look = "an older run does not record what would tell; soak again with soak run";
  for (const allowNoDeltas of [false, true]) {
    const { verdict, checks } = await runGate(dir, { allowNoDeltas });
    assertEquals(verdict, "INCONCLUSIVE");
    const looks = new Map(checks.map((check) => [check.id, check.look]));
    for (const id of ["freeze", "full_apply_ratio", "stayed_up"] as const) {
      assertEquals(looks.get(id), look, id);
    }
  }
});
