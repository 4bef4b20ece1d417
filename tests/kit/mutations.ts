import type { FindingCode } from "../../proof/findings.ts";
import { type Forgery, summaryName } from "./forgery.ts";

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

const MIDDLE = 6;

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
    "kpi_unmeasured",
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
        if (first !== undefined) first.from = Number(first.from) + 1;
      }),
  ),
  lie(
    "a change ends at another value",
    "changes_wrong",
    (run) =>
      run.edit(run.applied(), ({ tuning: { changes: [first] } }) => {
        if (first !== undefined) first.to = Number(first.to) + 1;
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

/** Every way to change a value or a change, and nothing that depends on it. */
export const VALUE_MUTATIONS: readonly Mutation[] = [...values, ...changes];
