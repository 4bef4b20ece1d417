import type { FindingCode } from "../findings.ts";
import { type Forgery, NO_REASON, summaryName } from "./forgery.ts";

/** One way to falsify or damage a run directory. */
export interface Mutation {
  /** What is done. */
  readonly name: string;
  /** Codes that name the cause; each must be found. */
  readonly codes: readonly FindingCode[];
  /** How strict verification must end: proven false, or nothing proven. */
  readonly verdict: "FAIL" | "INCONCLUSIVE";
  /** Does it. */
  readonly apply: (run: Forgery) => void | Promise<void>;
}

type Apply = Mutation["apply"];

/** A mutation that proves the record false. */
export function lie(name: string, codes: FindingCode | FindingCode[], apply: Apply): Mutation {
  return { name, codes: [codes].flat(), verdict: "FAIL", apply };
}

/** A mutation that leaves something unknown. */
export function damage(name: string, codes: FindingCode | FindingCode[], apply: Apply): Mutation {
  return { name, codes: [codes].flat(), verdict: "INCONCLUSIVE", apply };
}

const RUN = "SOAK_RUN.json";
const RUNTIME = "runtime_overrides.json";
const REPORT = "TUNING_REPORT.json";
const ZERO = "0".repeat(64);
const MIDDLE = 6;

const pretty = (text: string): string => JSON.stringify(JSON.parse(text), null, 2);
const half = (text: string): string => text.slice(0, text.length >> 1);

const values: Mutation[] = [
  lie(
    "a bad KPI value is made a good one",
    "kpi_reasons_wrong",
    (run) => run.edit(run.applied(), ({ summary }) => void (summary["risk_ratio"] = 0.2)),
  ),
  lie(
    "all KPI values of a bad iteration are made good",
    "kpi_verdict_wrong",
    (run) =>
      run.edit(run.applied(), ({ summary }) => {
        Object.assign(summary, { risk_ratio: 0.3, net_bps: 3, maker_taker_ratio: 0.9 });
        summary["p95_latency_ms"] = 300;
      }),
  ),
  lie(
    "a good KPI value is made a bad one",
    "kpi_verdict_wrong",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary["net_bps"] = -1)),
  ),
  lie(
    "a KPI value is changed within its verdict",
    "record_chain_broken",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary["net_bps"] = 3.999)),
  ),
  lie(
    "a KPI is said to be unmeasured",
    "kpi_missing",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary["risk_ratio"] = null)),
  ),
  lie(
    "a KPI is removed",
    "kpi_missing",
    (run) => run.edit(MIDDLE, ({ summary }) => void delete summary["slippage_bps_p95"]),
  ),
  lie(
    "a KPI is invented",
    "unknown_key",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary["happiness"] = 1)),
  ),
  lie(
    "a failed measurement is claimed",
    "failure_untrue",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary["failure"] = "timed out")),
  ),
  lie(
    "a FAIL verdict is turned into PASS",
    "kpi_verdict_wrong",
    (run) =>
      run.edit(run.applied(), ({ summary }) => {
        summary.kpi_verdict = "PASS";
        summary.kpi_reasons = [];
      }),
  ),
  lie(
    "a PASS verdict is turned into FAIL",
    "kpi_verdict_wrong",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary.kpi_verdict = "FAIL")),
  ),
  lie(
    "the reasons of a FAIL are removed",
    "kpi_reasons_wrong",
    (run) => run.edit(run.applied(), ({ summary }) => void (summary.kpi_reasons = [])),
  ),
  lie(
    "a runtime value moves by one step",
    ["runtime_hash_mismatch", "runtime_not_next"],
    (run) =>
      run.edit(MIDDLE, ({ runtime_overrides: { engine } }) => {
        if (engine !== undefined) engine["max_age_ms"] = 3010;
      }),
  ),
  lie("all runtime values are 999", "value_out_of_bounds", (run) => {
    for (const i of run.all) {
      run.edit(i, ({ runtime_overrides }) => {
        for (const group of Object.values(runtime_overrides)) {
          for (const key of Object.keys(group)) group[key] = 999;
        }
      });
    }
  }),
  lie(
    "a runtime value is removed",
    "value_wrong_kind",
    (run) =>
      run.edit(MIDDLE, ({ runtime_overrides: { risk } }) => void delete risk?.["impact_cap_ratio"]),
  ),
  lie(
    "a runtime group is removed",
    "value_wrong_kind",
    (run) => run.edit(MIDDLE, ({ runtime_overrides }) => void delete runtime_overrides["market"]),
  ),
  lie(
    "a value is added to the runtime",
    "runtime_not_next",
    (run) =>
      run.edit(MIDDLE, ({ runtime_overrides }) => void (runtime_overrides["extra"] = { a: 1 })),
  ),
  lie(
    "an integer in the runtime gets a fraction",
    "value_wrong_kind",
    (run) =>
      run.edit(MIDDLE, ({ runtime_overrides: { engine } }) => {
        if (engine !== undefined) engine["max_age_ms"] = 3000.5;
      }),
  ),
  lie(
    "a number in the runtime becomes text",
    "value_wrong_kind",
    (run) =>
      run.editText(
        summaryName(MIDDLE),
        (text) =>
          text.replace(/"max_age_ms":(\d+),"min_interval_ms":(\d+),"replace/, (_, a, b) =>
            `"max_age_ms":"${a}","min_interval_ms":${b},"replace`),
      ),
  ),
  lie(
    "an effective value is another one",
    "effective_mismatch",
    (run) =>
      run.edit(MIDDLE, ({ effective_params }) => void (effective_params["tail_age_ms"] = 777)),
  ),
  lie("all effective values are 999", "effective_mismatch", (run) => {
    for (const i of run.all) {
      run.edit(i, ({ effective_params }) => {
        for (const key of Object.keys(effective_params)) effective_params[key] = 999;
      });
    }
  }),
  lie(
    "an effective value is removed",
    "effective_missing",
    (run) =>
      run.edit(
        run.applied() + 1,
        ({ effective_params }) => void delete effective_params["tail_age_ms"],
      ),
  ),
  lie("all effective values are removed", "effective_missing", (run) => {
    for (const i of run.all) run.edit(i, (draft) => void (draft.effective_params = {}));
  }),
  lie(
    "an effective value is invented",
    "unknown_key",
    (run) => run.edit(MIDDLE, ({ effective_params }) => void (effective_params["turbo"] = 1)),
  ),
];

const changes: Mutation[] = [
  lie(
    "a proposed target is changed",
    "partial_apply",
    (run) =>
      run.edit(run.applied(), ({ tuning }) => void (tuning.proposed_deltas["tail_age_ms"] = 640)),
  ),
  lie(
    "an applied target is changed",
    ["partial_apply", "state_hash_mismatch"],
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.deltas["tail_age_ms"] = 640)),
  ),
  lie(
    "an applied target is removed",
    ["partial_apply", "changes_wrong"],
    (run) => run.edit(run.applied(), ({ tuning }) => void delete tuning.deltas["tail_age_ms"]),
  ),
  lie(
    "an applied target is added",
    ["partial_apply", "changes_wrong"],
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.deltas["max_age_ms"] = 4000)),
  ),
  lie(
    "both targets are out of bounds",
    "value_out_of_bounds",
    (run) =>
      run.edit(run.applied(), ({ tuning }) => {
        tuning.proposed_deltas["tail_age_ms"] = tuning.deltas["tail_age_ms"] = 9999;
      }),
  ),
  lie(
    "a target for an unknown key",
    "unknown_key",
    (run) =>
      run.edit(run.applied(), ({ tuning }) => {
        tuning.proposed_deltas["warp"] = tuning.deltas["warp"] = 9;
      }),
  ),
  lie(
    "a proposal is erased",
    "partial_apply",
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.proposed_deltas = {})),
  ),
  lie(
    "changed_keys is emptied",
    "changes_wrong",
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.changed_keys = [])),
  ),
  lie(
    "changed_keys has one more",
    "changes_wrong",
    (run) => run.edit(run.applied(), ({ tuning }) => void tuning.changed_keys.push("tick_size")),
  ),
  lie(
    "a change starts from another value",
    "changes_wrong",
    (run) =>
      run.edit(run.applied(), ({ tuning: { changes: [first] } }) => {
        if (first !== undefined) first.from += 1;
      }),
  ),
  lie(
    "a change ends at another value",
    "changes_wrong",
    (run) =>
      run.edit(run.applied(), ({ tuning: { changes: [first] } }) => {
        if (first !== undefined) first.to += 1;
      }),
  ),
  lie(
    "a change is listed twice",
    "changes_wrong",
    (run) => run.edit(run.applied(), ({ tuning }) => void tuning.changes.push(...tuning.changes)),
  ),
  lie(
    "the changes are removed",
    "changes_wrong",
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.changes = [])),
  ),
  lie(
    "the changes stand in another order",
    "changes_wrong",
    (run) => run.edit(run.applied(), ({ tuning }) => void tuning.changes.reverse()),
  ),
  lie(
    "a change names a rule that is not there",
    "rule_unknown",
    (run) =>
      run.edit(run.applied(), ({ tuning: { changes: [first] } }) => {
        if (first !== undefined) first.rule = "because";
      }),
  ),
  lie(
    "a change names a rule that did not fire",
    "rule_did_not_fire",
    (run) =>
      run.edit(run.applied(), ({ tuning: { changes: [first] } }) => {
        if (first !== undefined) first.rule = "risk-low";
      }),
  ),
  lie(
    "an applied change is said to be none",
    ["deltas_without_apply", "skip_reason_missing"],
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.applied = false)),
  ),
  lie(
    "nothing is said to be applied",
    ["applied_nothing", "guard_ignored"],
    (run) =>
      run.edit(MIDDLE, ({ tuning }) => {
        tuning.applied = true;
        tuning.skip_reason = null;
      }),
  ),
];

const hashes: Mutation[] = [
  lie(
    "tuning.state_hash is forged",
    ["state_hash_mismatch", "summary_hash_mismatch"],
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.state_hash = ZERO)),
  ),
  lie(
    "both state hashes are forged",
    ["state_hash_mismatch", "runtime_hash_mismatch"],
    (run) =>
      run.edit(run.applied(), ({ tuning, summary }) => {
        tuning.state_hash = summary.state_hash = ZERO;
      }),
  ),
  lie(
    "summary.state_hash is forged",
    "summary_hash_mismatch",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary.state_hash = ZERO)),
  ),
  lie(
    "old_hash is forged",
    "old_hash_mismatch",
    (run) => run.edit(run.applied(2), ({ tuning }) => void (tuning.old_hash = ZERO)),
  ),
  lie(
    "old_hash and state_hash are swapped",
    "old_hash_mismatch",
    (run) =>
      run.edit(run.applied(), ({ tuning }) => {
        [tuning.old_hash, tuning.state_hash] = [tuning.state_hash, tuning.old_hash];
      }),
  ),
  lie(
    "a change leaves the hash as it was",
    "signature_stuck",
    (run) =>
      run.edit(run.applied(), ({ tuning, summary }) => {
        tuning.state_hash = summary.state_hash = tuning.old_hash;
      }),
  ),
  lie(
    "the hash changes without an apply",
    "hash_changed_unapplied",
    (run) =>
      run.edit(MIDDLE, ({ tuning, summary }) => {
        tuning.state_hash = summary.state_hash = ZERO;
      }),
  ),
  lie(
    "previous_hash is forged",
    "record_chain_broken",
    (run) => run.edit(MIDDLE, (draft) => void (draft.previous_hash = ZERO)),
  ),
  lie(
    "previous_hash of the first summary is forged",
    "record_chain_broken",
    (run) => run.edit(1, (draft) => void (draft.previous_hash = ZERO)),
  ),
  lie("all hashes are forged", ["old_hash_mismatch", "record_chain_broken"], (run) => {
    for (const i of run.all) {
      run.edit(i, (draft) => {
        draft.previous_hash = draft.tuning.old_hash = ZERO;
        draft.tuning.state_hash = draft.summary.state_hash = ZERO;
      });
    }
  }),
  lie(
    "initial_hash is forged",
    "initial_hash_mismatch",
    (run) => run.editRun((draft) => void (draft.initial_hash = ZERO)),
  ),
  damage(
    "a hash is written in capitals",
    "summary_unreadable",
    (run) =>
      run.edit(MIDDLE, ({ tuning }) => void (tuning.old_hash = tuning.old_hash.toUpperCase())),
  ),
  damage(
    "a hash is too short",
    "summary_unreadable",
    (run) => run.edit(MIDDLE, ({ tuning }) => void (tuning.old_hash = "abc")),
  ),
  damage(
    "a hash is null",
    "summary_unreadable",
    (run) => run.editJson(summaryName(MIDDLE), (draft) => void (draft["previous_hash"] = null)),
  ),
];

const reasons: Mutation[] = [
  lie(
    "a skip reason is removed",
    "skip_reason_missing",
    (run) => run.edit(run.skipped("cooldown"), ({ tuning }) => void (tuning.skip_reason = null)),
  ),
  lie(
    "an applied change gets a skip reason",
    "skip_reason_unneeded",
    (run) => run.edit(run.applied(), ({ tuning }) => void (tuning.skip_reason = { ...NO_REASON })),
  ),
  ...(["cooldown", "oscillation", "velocity"] as const).map((guard) =>
    lie(
      `${guard} is invented`,
      "skip_reason_false",
      (run) =>
        run.edit(run.skipped("freeze", 4), ({ tuning: { skip_reason: reason } }) => {
          if (reason !== null) reason[guard] = true;
        }),
    )
  ),
  lie(
    "a freeze is invented",
    "skip_reason_false",
    (run) =>
      run.edit(run.skipped("cooldown"), ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) reason.freeze = true;
      }),
  ),
  lie("every skip is excused by a cooldown", "skip_reason_false", (run) => {
    for (const i of run.all) {
      run.edit(i, ({ tuning }) => {
        if (tuning.skip_reason !== null) tuning.skip_reason = { ...NO_REASON, cooldown: true };
      });
    }
  }),
  lie(
    "a freeze is left out",
    "skip_reason_incomplete",
    (run) =>
      run.edit(run.skipped("freeze"), ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) reason.freeze = false;
      }),
  ),
  lie(
    "a cooldown is left out",
    "skip_reason_incomplete",
    (run) =>
      run.edit(run.skipped("cooldown"), ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) reason.cooldown = false;
      }),
  ),
  lie(
    "no_op is left out",
    "skip_reason_incomplete",
    (run) =>
      run.edit(MIDDLE, ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) reason.no_op = false;
      }),
  ),
  lie(
    "a note tells something else",
    "skip_note_wrong",
    (run) =>
      run.edit(MIDDLE, ({ tuning: { skip_reason: reason } }) => {
        if (reason !== null) reason.note = "all is well";
      }),
  ),
  damage(
    "a flag of a skip reason becomes text",
    "summary_unreadable",
    (run) =>
      run.editText(summaryName(MIDDLE), (text) => text.replace('"no_op":true', '"no_op":"yes"')),
  ),
  damage(
    "a flag of a skip reason is removed",
    "summary_unreadable",
    (run) => run.editText(summaryName(MIDDLE), (text) => text.replace('"oscillation":false,', "")),
  ),
  damage(
    "a skip reason becomes a text",
    "summary_unreadable",
    (run) =>
      run.editText(
        summaryName(MIDDLE),
        (text) => text.replace(/"skip_reason":\{[^}]*\}/, '"skip_reason":"cooldown"'),
      ),
  ),
  lie(
    "a proposal is made while frozen",
    "proposal_while_guarded",
    (run) =>
      run.edit(run.skipped("freeze"), ({ tuning }) => {
        tuning.proposed_deltas = { tail_age_ms: 700 };
      }),
  ),
  lie(
    "a rationale is rewritten",
    "record_chain_broken",
    (run) => run.edit(MIDDLE, ({ tuning }) => void (tuning.rationale = "trust me")),
  ),
];

const times: Mutation[] = [
  lie("a time is a second late", "time_wrong", (run) =>
    run.edit(MIDDLE, ({ summary }) => {
      summary.runtime_utc = summary.runtime_utc.replace(":00Z", ":01Z");
    })),
  lie(
    "a time lies before the start",
    "time_wrong",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary.runtime_utc = "2024-12-31T23:00:00Z")),
  ),
  lie("all times are the same", "time_wrong", (run) => {
    const { runtime_utc } = run.read(1).summary;
    for (const i of run.all) run.edit(i, ({ summary }) => void (summary.runtime_utc = runtime_utc));
  }),
  lie(
    "the start is moved",
    ["time_wrong", "record_chain_broken"],
    (run) => run.editRun((draft) => void (draft.started_utc = "2025-01-01T00:00:01Z")),
  ),
  damage(
    "a time is none",
    "summary_unreadable",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary.runtime_utc = "noon")),
  ),
  damage(
    "a time is that of a day that is not there",
    "summary_unreadable",
    (run) => run.edit(MIDDLE, ({ summary }) => void (summary.runtime_utc = "2025-02-30T00:00:00Z")),
  ),
];

const run: Mutation[] = [
  damage("SOAK_RUN.json is missing", "run_missing", (run) => run.remove(RUN)),
  damage("SOAK_RUN.json is truncated", "run_unreadable", (run) => run.editText(RUN, half)),
  damage("SOAK_RUN.json is empty", "run_unreadable", (run) => run.editText(RUN, () => "")),
  damage(
    "the mode is not the system's",
    "run_unreadable",
    (run) => run.editRun((draft) => void (draft.mode = "exec")),
  ),
  damage(
    "the number of iterations becomes text",
    "run_unreadable",
    (run) => run.editText(RUN, (text) => text.replace(/"iterations":(\d+)/, '"iterations":"$1"')),
  ),
  lie("SOAK_RUN.json is formatted", "not_canonical", (run) => run.editText(RUN, pretty)),
  lie(
    "more iterations are asked for",
    ["record_chain_broken", "run_incomplete"],
    (run) => run.editRun((draft) => void draft.iterations++),
  ),
  lie(
    "fewer iterations are asked for",
    ["record_chain_broken", "summary_unexpected"],
    (run) => run.editRun((draft) => void draft.iterations--),
  ),
  lie(
    "the seed is another one",
    "record_chain_broken",
    (run) => run.editRun((draft) => void (draft.seed = 4711)),
  ),
  lie(
    "the seed is removed",
    "run_at_odds",
    (run) => run.editRun((draft) => void (draft.seed = null)),
  ),
  lie(
    "auto-tune is said to be off",
    "proposal_while_off",
    (run) => run.editRun((draft) => void (draft.auto_tune = false)),
  ),
  lie(
    "a KPI target is loosened",
    "profile_altered",
    (run) =>
      run.editRun(({ profile: { kpis: [kpi] } }) => {
        if (kpi !== undefined) kpi.target = 0.9;
      }),
  ),
  lie(
    "a gate threshold is loosened",
    "profile_altered",
    (run) => run.editRun(({ profile }) => void (profile.gate["pass"] = 5)),
  ),
];

const runtime: Mutation[] = [
  damage("the runtime is missing", "runtime_missing", (run) => run.remove(RUNTIME)),
  damage("the runtime is truncated", "runtime_unreadable", (run) => run.editText(RUNTIME, half)),
  damage(
    "the runtime is a list",
    "runtime_unreadable",
    (run) => run.editText(RUNTIME, (text) => `[${text}]`),
  ),
  lie(
    "the runtime has another value",
    "final_runtime_mismatch",
    (run) =>
      run.editText(RUNTIME, (text) => text.replace('"max_age_ms":3000', '"max_age_ms":3010')),
  ),
  lie("the runtime is formatted", "final_runtime_mismatch", (run) => run.editText(RUNTIME, pretty)),
  lie(
    "the runtime ends with a line feed",
    "final_runtime_mismatch",
    (run) => run.editText(RUNTIME, (text) => `${text}\n`),
  ),
  lie("the runtime is the first one again", "final_runtime_mismatch", (run) => {
    run.files[RUNTIME] = JSON.stringify(run.read(1).runtime_overrides);
  }),
];

const report: Mutation[] = [
  damage("the report is missing", "report_missing", (run) => run.remove(REPORT)),
  damage("the report is truncated", "report_unreadable", (run) => run.editText(REPORT, half)),
  damage("the report is empty", "report_unreadable", (run) => run.editText(REPORT, () => "")),
  damage(
    "the report has something after its end",
    "report_unreadable",
    (run) => run.editText(REPORT, (text) => `${text}}`),
  ),
  damage("the report is a folder", "report_unreadable", (run) => {
    run.remove(REPORT);
    run.folders.push(REPORT);
  }),
  lie("the report is formatted", "report_mismatch", (run) => run.editText(REPORT, pretty)),
  lie(
    "the report says that a change was not applied",
    "report_mismatch",
    (run) => run.editText(REPORT, (text) => text.replace('"applied":true', '"applied":false')),
  ),
  lie(
    "the report has other counts",
    "report_mismatch",
    (run) => run.editText(REPORT, (text) => text.replace(/"count":(\d+)/, '"count":1$1')),
  ),
  lie(
    "the report has another last_hash",
    "report_mismatch",
    (run) =>
      run.editText(REPORT, (text) => text.replace(/"last_hash":"\w+"/, `"last_hash":"${ZERO}"`)),
  ),
  lie("the report lacks an iteration", "report_mismatch", (run) =>
    run.editJson(REPORT, (draft) => {
      if (Array.isArray(draft["iterations"])) draft["iterations"].splice(3, 1);
    })),
  lie(
    "the report has an iteration twice",
    "report_mismatch",
    (run) =>
      run.editJson(REPORT, (draft) => {
        const { iterations } = draft;
        if (Array.isArray(iterations)) iterations.splice(3, 0, iterations[3] ?? null);
      }),
  ),
];

/** Every way to change one thing, and nothing that depends on it. */
export const EDITS: readonly Mutation[] = [
  ...values,
  ...changes,
  ...hashes,
  ...reasons,
  ...times,
  ...run,
  ...runtime,
  ...report,
];
