import { canonicalJson } from "../../base/canonical.ts";
import { sha256Hex } from "../../base/hash.ts";
import { VERSION } from "../../base/version.ts";
import { type Forgery, loosen, summaryName } from "./forgery.ts";
import { lie, type Mutation } from "./mutations.ts";

const MIDDLE = 6;

/** A forger who also makes everything again that depends on the change. */
function forge(
  name: string,
  codes: Parameters<typeof lie>[1],
  change: (run: Forgery) => void | Promise<void>,
): Mutation {
  return lie(`re-signed: ${name}`, codes, async (run) => {
    await change(run);
    await run.resign();
  });
}

function setKpis(run: Forgery, i: number, kpis: Readonly<Record<string, number>>): void {
  run.edit(i, ({ summary }) => void Object.assign(summary, kpis));
}

const GOOD = { risk_ratio: 0.36, net_bps: 2.9, maker_taker_ratio: 0.9, p95_latency_ms: 300 };

/** Lies in which the forger made the chain of hashes and the report again. */
export const FORGERIES: readonly Mutation[] = [
  forge("a bad iteration is made good", "rule_did_not_fire", (run) => {
    const i = run.applied();
    setKpis(run, i, GOOD);
    run.edit(i, ({ summary }) => {
      summary.kpi_verdict = "PASS";
      summary.kpi_reasons = [];
    });
  }),
  forge("a good iteration is made bad", ["skip_reason_false"], (run) => {
    setKpis(run, run.skipped("freeze", 3), { risk_ratio: 0.43 });
    run.edit(run.skipped("freeze", 3), ({ summary }) => {
      summary.kpi_verdict = "FAIL";
      summary.kpi_reasons = ["risk_ratio 0.43 > 0.42"];
    });
  }),
  forge(
    "a verdict is turned",
    "kpi_verdict_wrong",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary.kpi_verdict = "FAIL")),
  ),
  forge("a change is erased without a trace", "proposal_missing", async (run) => {
    const i = run.applied(2);
    run.holdBack(i, { no_op: true, note: "no rule has a step left to take" }, false);
    await run.restate();
  }),
  forge("a change is erased, a cooldown excuses it", "skip_reason_false", async (run) => {
    run.holdBack(run.applied(2), { cooldown: true, note: "cooldown: 1 left" }, true);
    await run.restate();
  }),
  forge("a change is erased, a freeze excuses it", "skip_reason_false", async (run) => {
    run.holdBack(run.applied(2), { freeze: true, note: "freeze" }, true);
    await run.restate();
  }),
  forge("a change is erased, velocity excuses it", "skip_reason_false", async (run) => {
    run.holdBack(run.applied(2), { velocity: true, note: "velocity" }, true);
    await run.restate();
  }),
  forge("verdicts are rewritten to justify a skip", "kpi_verdict_wrong", async (run) => {
    const i = run.applied(2);
    for (const j of [i - 1, i]) {
      run.edit(j, ({ summary }) => {
        summary.kpi_verdict = "PASS";
        summary.kpi_reasons = [];
      });
    }
    run.holdBack(i, { freeze: true, note: "freeze" }, false);
    await run.restate();
  }),
  forge("an earlier change is invented to justify a cooldown", "guard_ignored", async (run) => {
    run.impose(2, { max_age_ms: 3010 });
    await run.restate();
  }),
  forge("a step beyond the velocity cap", ["guard_ignored", "proposal_wrong"], async (run) => {
    run.impose(run.applied(2), { tail_age_ms: 790 }, "latency-elevated");
    await run.restate();
  }),
  forge("a step while frozen", ["guard_ignored", "proposal_while_guarded"], async (run) => {
    run.impose(run.skipped("freeze", 3), { tail_age_ms: 700 }, "latency-elevated");
    await run.restate();
  }),
  forge("a step while cooling down", ["guard_ignored", "proposal_while_guarded"], async (run) => {
    run.impose(run.skipped("cooldown"), { tail_age_ms: 650 }, "latency-elevated");
    await run.restate();
  }),
  forge("a step out of bounds", "value_out_of_bounds", async (run) => {
    run.impose(run.applied(2), { tail_age_ms: 900 }, "latency-elevated");
    await run.restate();
  }),
  forge("a step after the end", ["guard_ignored", "proposal_wrong"], async (run) => {
    run.impose(run.iterations, { tail_age_ms: 700 }, "latency-elevated");
    await run.restate();
  }),
  forge("a step is a little longer", "proposal_wrong", async (run) => {
    const i = run.applied();
    run.impose(i, { ...run.read(i).tuning.deltas, tail_age_ms: 631 });
    await run.restate();
  }),
  forge("a step is a little shorter", "proposal_wrong", async (run) => {
    const i = run.applied();
    run.impose(i, { ...run.read(i).tuning.deltas, tail_age_ms: 629 });
    await run.restate();
  }),
  forge("one of a change's keys is dropped", "proposal_wrong", async (run) => {
    const i = run.applied();
    const { tail_age_ms: _, ...deltas } = run.read(i).tuning.deltas;
    run.impose(i, deltas);
    await run.restate();
  }),
  forge("a change gets one more key", ["rule_step_wrong", "proposal_wrong"], async (run) => {
    const i = run.applied();
    run.impose(i, { ...run.read(i).tuning.deltas, max_age_ms: 3010 });
    await run.restate();
  }),
  forge(
    "a change names the wrong rule",
    "rule_did_not_fire",
    (run) =>
      run.edit(run.applied(), ({ tuning: { changes: [first] } }) => {
        if (first !== undefined) first.rule = "risk-low";
      }),
  ),
  forge(
    "the changes stand in another order",
    "changes_wrong",
    (run) => run.edit(run.applied(), ({ tuning }) => void tuning.changes.reverse()),
  ),
  forge("only half of a change is applied", "partial_apply", async (run) => {
    const i = run.applied();
    run.edit(i, ({ tuning }) => {
      const kept = tuning.changes.slice(0, 2);
      tuning.changes = kept;
      tuning.deltas = Object.fromEntries(kept.map(({ key, to }) => [key, to]));
      tuning.changed_keys = Object.keys(tuning.deltas).sort();
    });
    await run.restate();
  }),
  forge("a change takes no effect", ["runtime_hash_mismatch", "runtime_not_next"], async (run) => {
    const i = run.applied();
    const kept = run.read(i);
    run.holdBack(i, {}, true);
    await run.restate();
    run.edit(i, ({ tuning, summary }) => {
      const { old_hash } = tuning;
      Object.assign(tuning, kept.tuning, { old_hash });
      summary.state_hash = tuning.state_hash;
    });
  }),
  forge("a change takes no effect and says so", "signature_stuck", async (run) => {
    const i = run.applied();
    const kept = run.read(i);
    run.holdBack(i, {}, true);
    await run.restate();
    run.edit(i, ({ tuning }) => {
      const { old_hash, state_hash } = tuning;
      Object.assign(tuning, kept.tuning, { old_hash, state_hash });
    });
  }),
  forge(
    "a change takes effect though it says that it was held back",
    ["runtime_not_next"],
    (run) => {
      const i = run.applied();
      const { state_hash } = run.read(i).tuning;
      run.holdBack(i, { velocity: true, note: "velocity" }, true);
      run.edit(i, ({ tuning }) => void (tuning.state_hash = state_hash));
    },
  ),
  forge(
    "proposals of the present values fill up the ratio",
    "proposal_wrong",
    (run) =>
      run.edit(run.skipped("freeze", 4), (draft) => {
        const { engine } = draft.runtime_overrides;
        draft.tuning.proposed_deltas = { tail_age_ms: engine?.["tail_age_ms"] ?? 0 };
      }),
  ),
  forge(
    "the system ran with another value",
    "effective_mismatch",
    (run) =>
      run.edit(run.applied() + 1, ({ effective_params }) => {
        effective_params["tail_age_ms"] = 600;
      }),
  ),
  forge("the system did not say what it ran with", "effective_missing", (run) => {
    for (const i of run.all) run.edit(i, (draft) => void (draft.effective_params = {}));
  }),
  forge("all values are 999", "value_out_of_bounds", async (run) => {
    run.edit(1, ({ runtime_overrides }) => {
      for (const group of Object.values(runtime_overrides)) {
        for (const key of Object.keys(group)) group[key] = 999;
      }
    });
    await run.restate();
    run.editRun((draft) => void (draft.initial_hash = run.read(1).tuning.old_hash));
  }),
  forge("another first runtime", "initial_hash_mismatch", async (run) => {
    run.edit(1, ({ runtime_overrides: { market } }) => {
      if (market !== undefined) market["tick_size"] = 0.02;
    });
    await run.restate();
  }),
  forge("a value changes by itself", "runtime_not_next", async (run) => {
    run.edit(MIDDLE, ({ runtime_overrides: { market } }) => {
      if (market !== undefined) market["tick_size"] = 0.02;
    });
    await run.restate(MIDDLE);
    run.edit(MIDDLE - 1, ({ tuning, summary }) => {
      tuning.state_hash = summary.state_hash = run.read(MIDDLE).tuning.old_hash;
    });
  }),
  forge(
    "the last summary and the runtime agree on another value",
    "runtime_not_next",
    async (run) => {
      run.edit(run.iterations, ({ runtime_overrides: { market } }) => {
        if (market !== undefined) market["tick_size"] = 0.02;
      });
      await run.restate(run.iterations);
    },
  ),
  forge("every state hash is replaced by another", "old_hash_mismatch", async (run) => {
    for (const i of run.all) {
      const { tuning } = run.read(i);
      const [old, state] = [await sha256Hex(tuning.old_hash), await sha256Hex(tuning.state_hash)];
      run.edit(i, (draft) => {
        draft.tuning.old_hash = old;
        draft.tuning.state_hash = draft.summary.state_hash = state;
      });
    }
  }),
  forge(
    "a time is moved",
    "time_wrong",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary.runtime_utc = "2025-01-01T00:26:00Z")),
  ),
  forge("times are stretched to an hour an iteration", "time_wrong", (run) => {
    for (const i of run.all) {
      run.edit(i, ({ summary }) => {
        summary.runtime_utc = new Date(Date.UTC(2025, 0, 1, i - 1)).toISOString();
      });
    }
  }),
  forge("an iteration is cut out", ["time_wrong"], (run) => {
    for (const i of run.all.slice(MIDDLE - 1, -1)) {
      run.files[summaryName(i)] = run.text(summaryName(i + 1));
      run.edit(i, (draft) => void (draft.iteration = i));
    }
    run.edit(run.iterations, ({ summary }) => void (summary["net_bps"] = 3));
  }),
  forge("two iterations change places", "time_wrong", (run) => {
    const [a, b] = [run.text(summaryName(7)), run.text(summaryName(8))];
    [run.files[summaryName(7)], run.files[summaryName(8)]] = [b, a];
    for (const i of [7, 8]) run.edit(i, (draft) => void (draft.iteration = i));
  }),
  forge(
    "a note is rewritten",
    "skip_note_wrong",
    (run) =>
      run.edit(MIDDLE, ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) reason.note = "all KPIs on target";
      }),
  ),
  forge(
    "a freeze is said to be a cooldown",
    "skip_reason_false",
    (run) =>
      run.edit(run.skipped("freeze", 4), ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) Object.assign(reason, { freeze: false, cooldown: true });
      }),
  ),
  forge(
    "auto-tune is said to have been off",
    "proposal_while_off",
    (run) => run.editRun((draft) => void (draft.auto_tune = false)),
  ),
  forge("a failed measurement excuses a skip", "failure_untrue", async (run) => {
    const i = run.applied(2);
    run.holdBack(i, { no_op: true, note: "not measured: timed out" }, false);
    run.edit(i, ({ summary }) => void (summary["failure"] = "timed out"));
    await run.restate();
  }),
  forge("the cooldown is switched off in the runtime", "skip_reason_false", async (run) => {
    run.edit(1, ({ runtime_overrides: { tuner } }) => {
      if (tuner !== undefined) tuner["cooldown_iters"] = 0;
    });
    await run.restate();
    run.editRun((draft) => void (draft.initial_hash = run.read(1).tuning.old_hash));
  }),
  forge("one good iteration is made enough to freeze", "guard_loosened", (run) => loosen(run)),
  forge(
    "the freeze is never to hold",
    ["guard_loosened", "skip_reason_false"],
    (run) => loosen(run, { freeze_after: 1000 }),
  ),
  forge(
    "a setting that a guard can't have",
    "guard_loosened",
    (run) => loosen(run, { freeze_iters: -1 }),
  ),
  forge(
    "a summary names the version that started the run",
    "version_at_odds",
    (run) => run.editJson(summaryName(MIDDLE), (draft) => void (draft["tool_version"] = VERSION)),
  ),
  forge(
    "a KPI target is loosened in the profile",
    "profile_altered",
    (run) =>
      run.editRun(({ profile: { kpis: [kpi] } }) => {
        if (kpi !== undefined) kpi.target = 0.421;
      }),
  ),
  {
    ...forge("a loosened profile is said to be another version's", "profile_unknown", (run) => {
      run.editJson("SOAK_RUN.json", (draft) => void (draft["tool_version"] = "0.0.9"));
      run.editRun(({ profile }) => void (profile.gate["pass"] = profile.gate["warn"] = 1));
    }),
    verdict: "INCONCLUSIVE",
  },
  forge(
    "a loosened profile goes by another name",
    "kpi_verdict_wrong",
    (run) =>
      run.editRun(({ profile }) => {
        profile.name = "market-maker-2";
        for (const kpi of profile.kpis) if (kpi.key === "net_bps") kpi.target = 9;
      }),
  ),
  forge(
    "the freeze is switched off in a renamed profile",
    "skip_reason_false",
    (run) =>
      run.editRun(({ profile }) => {
        profile.name = "market-maker-2";
        profile.guards["freeze_after"] = 1000;
      }),
  ),
  lie("the report is made again from an edited summary", "record_chain_broken", async (run) => {
    const chained = run.text(summaryName(MIDDLE + 1));
    run.edit(MIDDLE, ({ tuning }) => void (tuning.rationale = "trust me"));
    const { previous_hash } = JSON.parse(chained);
    await run.resign();
    run.edit(MIDDLE + 1, (draft) => void (draft.previous_hash = previous_hash));
    run.files["TUNING_REPORT.json"] = canonicalJson(JSON.parse(run.text("TUNING_REPORT.json")));
  }),
];
