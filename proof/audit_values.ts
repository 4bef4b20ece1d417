/**
 * Checks that need one record and the profile alone: bounds, kinds, changes and their rules.
 *
 * @module
 */

import { differences, differenceText } from "../model/effective.ts";
import { findParameter, type ParameterProblem, validateDeltas, valueOf } from "../model/params.ts";
import {
  type Action,
  type KpiJudgement,
  type Parameter,
  type ParameterValue,
  type ParameterValues,
  type Profile,
  ruleFires,
} from "../model/profile.ts";
import { actionTarget, placeOf, roundToStep, scaleOf } from "../model/scale.ts";
import { quotedValue } from "../model/value.ts";
import type { IterationRecord, RecordedChange, RunRecord } from "../record/records.ts";
import { type FindingCode, found, type RecordFinding } from "./findings.ts";

const CODES: Readonly<Record<ParameterProblem["code"], FindingCode>> = {
  unknown_key: "unknown_key",
  wrong_kind: "value_wrong_kind",
  missing: "value_wrong_kind",
  out_of_bounds: "value_out_of_bounds",
};

/** Rounding noise between a step as computed and as recorded. */
const TOLERANCE = 1e-9;

/** Enough to see what is wrong with a part of a record; hostile ones could have millions. */
const MAX_PROBLEMS = 50;

/** Checks kinds and bounds of the runtime, the proposal and the deltas. */
export function auditValues(
  { tuning: { proposedDeltas, deltas } }: IterationRecord,
  runtimeProblems: readonly ParameterProblem[],
  { parameters }: Profile,
): RecordFinding[] {
  const parts = [
    ["runtime_overrides", runtimeProblems],
    ["proposed_deltas", validateDeltas(proposedDeltas, parameters)],
    ["deltas", validateDeltas(deltas, parameters)],
  ] as const;
  return parts.flatMap(([part, problems]) =>
    problems.slice(0, MAX_PROBLEMS)
      .map(({ code, message }) => found(CODES[code], `${part}: ${message}`))
  );
}

/** Checks that what is recorded of a change follows from the runtime, the deltas and the rules. */
export function auditChanges(record: IterationRecord, profile: Profile): RecordFinding[] {
  const { tuning } = record;
  if (!tuning.applied) {
    const empty = Object.keys(tuning.deltas).length === 0 && tuning.changes.length === 0 &&
      tuning.changedKeys.length === 0;
    return empty ? [] : [
      found(
        "deltas_without_apply",
        "nothing was applied, yet deltas, changes or changed_keys are recorded",
      ),
    ];
  }
  const findings: RecordFinding[] = [];
  if (Object.keys(tuning.deltas).length === 0) {
    findings.push(found("applied_nothing", "an apply is recorded without any deltas"));
  }
  if (!sameValues(tuning.deltas, tuning.proposedDeltas)) {
    findings.push(
      found(
        "partial_apply",
        "the applied deltas are not the proposed ones",
        tuning.deltas,
        tuning.proposedDeltas,
      ),
    );
  }
  const changed = Object.keys(tuning.deltas)
    .filter((key) => valueOf(record.runtime, key, profile.parameters) !== tuning.deltas[key])
    .sort();
  if (!sameTexts(changed, tuning.changedKeys)) {
    findings.push(
      found(
        "changes_wrong",
        "changed_keys are not the keys whose value changes",
        tuning.changedKeys,
        changed,
      ),
    );
  }
  const listed = tuning.changes.map(({ key }) => key).sort();
  if (!sameTexts(listed, changed)) {
    findings.push(
      found(
        "changes_wrong",
        "changes do not list the keys whose value changes, each once",
        listed,
        changed,
      ),
    );
  }
  return [...findings, ...tuning.changes.flatMap((change) => auditChange(change, record, profile))];
}

function auditChange(
  change: RecordedChange,
  record: IterationRecord,
  profile: Profile,
): RecordFinding[] {
  const { key, from, to, rule: name } = change;
  const [before, target] = [
    valueOf(record.runtime, key, profile.parameters),
    record.tuning.deltas[key],
  ];
  if (from !== before || to !== target) {
    return [
      found(
        "changes_wrong",
        `the change of ${key} is not from the runtime's value to the delta's`,
        { from, to },
        { from: before ?? null, to: target ?? null },
      ),
    ];
  }
  const rule = profile.rules.find((rule) => rule.name === name);
  const parameter = findParameter(key, profile.parameters);
  if (rule === undefined || parameter === undefined) {
    return [
      found("rule_unknown", `the change of ${key} names a rule ${name}, which the profile has not`),
    ];
  }
  if (!ruleFires(rule, record.kpis)) {
    return [
      found(
        "rule_did_not_fire",
        `the change of ${key} names the rule ${name}, whose conditions the KPIs do not meet`,
      ),
    ];
  }
  const allowed = rule.then.some((action) =>
    action.param === key && isWithinStep(action, from, to, parameter)
  );
  return allowed ? [] : [
    found(
      "rule_step_wrong",
      `the change of ${key} from ${quotedValue(from)} to ${
        quotedValue(to)
      } is not a step that the ` +
        `rule ${name} takes`,
    ),
  ];
}

/** Whether a change goes the way of an action, and no further. */
function isWithinStep(
  action: Action,
  from: ParameterValue,
  to: ParameterValue,
  parameter: Parameter,
): boolean {
  const [start, end] = [placeOf(parameter, from), placeOf(parameter, to)];
  if (start === undefined || end === undefined) return false;
  const full = roundToStep(actionTarget(action, start, parameter), scaleOf(parameter));
  return Math.sign(full - start) === Math.sign(end - start) &&
    Math.abs(end - start) <= Math.abs(full - start) + TOLERANCE;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

function sameValues(
  a: ParameterValues,
  b: ParameterValues,
): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

/** Checks the KPI values against the profile, and the recorded verdict against the values. */
export function auditKpis(
  record: IterationRecord,
  judgement: KpiJudgement,
  run: RunRecord,
): RecordFinding[] {
  const { profile } = run;
  const findings = auditFailure(record, run);
  const keys = profile.kpis.map(({ key }) => key);
  const missing = keys.filter((key) => !Object.hasOwn(record.kpis, key));
  if (missing.length > 0) {
    findings.push(found("kpi_missing", `${list(missing)} is not recorded`, null, missing));
  }
  const unmeasured = keys.filter((key) => record.kpis[key] === null);
  if (unmeasured.length > 0 && record.failure === null) {
    const message = `${list(unmeasured)} has no value, yet no failed measurement is recorded`;
    findings.push(found("kpi_unmeasured", message, null, unmeasured));
  }
  const unknown = Object.keys(record.kpis)
    .filter((key) => !profile.kpis.some((kpi) => kpi.key === key));
  if (unknown.length > 0) {
    findings.push(found(
      "unknown_key",
      `the summary has ${list(unknown)}, which is no KPI of the profile`,
      unknown,
    ));
  }
  if (judgement.verdict !== record.kpiVerdict) {
    const why = judgement.reasons.length > 0 ? `: ${judgement.reasons.join(", ")}` : "";
    findings.push(found(
      "kpi_verdict_wrong",
      `the KPI values give ${judgement.verdict}${why}`,
      record.kpiVerdict,
      judgement.verdict,
    ));
  } else if (!sameTexts(judgement.reasons, record.kpiReasons)) {
    findings.push(found(
      "kpi_reasons_wrong",
      "kpi_reasons are not what the KPI values give",
      record.kpiReasons,
      judgement.reasons,
    ));
  }
  return findings;
}

/** Checks that a failed measurement is one that can be. */
function auditFailure(record: IterationRecord, { system }: RunRecord): RecordFinding[] {
  const { failure } = record;
  const simulated = system.kind === "mock";
  const findings: RecordFinding[] = [];
  const untrue = (message: string, value: unknown): void => {
    findings.push(found("failure_untrue", `the iteration claims ${message}`, value, null));
  };
  if (failure !== null && system.kind !== "mock" && system.onError === "stop") {
    untrue("a failed measurement, at which this run would have stopped", failure);
  }
  if (failure !== null && simulated) {
    untrue("a failed measurement, which a simulated system does not have", failure);
  }
  const hasValues = Object.values(record.kpis).some((value) => value !== null) ||
    Object.keys(record.effectiveParams).length > 0;
  if (failure !== null && !simulated && hasValues) {
    untrue("a failed measurement, yet values are recorded", failure);
  }
  return findings;
}

/** Checks what the system said it was running with against the recorded runtime. */
export function auditEffective(
  record: IterationRecord,
  mustReport: readonly string[],
  told: ParameterValues,
  profile: Profile,
): RecordFinding[] {
  const { effectiveParams: effective } = record;
  const reported = Object.keys(effective);
  if (
    reported.length === profile.parameters.length &&
    profile.parameters.every(({ key }) =>
      effective[key] !== undefined && effective[key] === told[key]
    )
  ) return [];
  const findings: RecordFinding[] = [];
  const unknown = reported
    .filter((key) => findParameter(key, profile.parameters) === undefined);
  if (unknown.length > 0) {
    findings.push(found(
      "unknown_key",
      `effective_params has ${list(unknown)}, which is no parameter of the profile`,
      unknown,
    ));
  }
  const missing = mustReport.filter((key) => !Object.hasOwn(effective, key));
  if (missing.length > 0) {
    findings.push(found(
      "effective_missing",
      `the system does not say what ${list(missing)} it runs with`,
      null,
      missing,
    ));
  }
  const differing = differences(effective, told, profile.parameters);
  if (differing.length > 0) {
    findings.push(found(
      "effective_mismatch",
      `the system ran with ${list(differing.map(differenceText))}`,
      Object.fromEntries(differing.map(({ key, effective }) => [key, effective])),
      Object.fromEntries(differing.map(({ key, wanted }) => [key, wanted ?? null])),
    ));
  }
  return findings;
}

function list(names: readonly string[]): string {
  return names.length <= 3
    ? names.join(", ")
    : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}
