/**
 * Checks skip reasons and applies against guards that are evaluated again.
 *
 * @module
 */

import type { TuningRecord } from "../record/records.ts";
import { found, type RecordFinding } from "./findings.ts";
import { type GuardEvaluation, GUARDS } from "../model/guards.ts";
import type { SkipReason } from "../model/skip_reason.ts";

/**
 * Checks what is recorded of a step against the guards.
 *
 * @param tuning What is recorded.
 * @param guards The guards, evaluated again.
 * @param reason The skip reason that they give.
 * @returns What is wrong.
 */
export function auditGuards(
  tuning: TuningRecord,
  guards: GuardEvaluation,
  reason: SkipReason | null,
): RecordFinding[] {
  const findings: RecordFinding[] = [];
  const proposed = Object.keys(tuning.proposedDeltas).length > 0;
  const locked = guards.freeze.holds ? "freeze" : guards.cooldown.holds ? "cooldown" : null;
  if (proposed && locked !== null) {
    findings.push(found(
      "proposal_while_guarded",
      `a proposal was made while ${locked} held: ${guards[locked].detail}`,
      tuning.proposedDeltas,
    ));
  }
  return [
    ...findings,
    ...(tuning.applied ? auditApplied(tuning, guards) : auditSkipped(tuning, guards, reason)),
  ];
}

function auditApplied(tuning: TuningRecord, guards: GuardEvaluation): RecordFinding[] {
  const findings: RecordFinding[] = [];
  const held = GUARDS.filter((guard) => guards[guard].holds);
  if (held.length > 0) {
    const told = held.map((guard) => `${guard} held (${guards[guard].detail})`).join(" and ");
    findings.push(found("guard_ignored", `a change was applied although ${told}`, null, held));
  }
  if (tuning.skipReason !== null) {
    findings.push(found(
      "skip_reason_unneeded",
      "a change was applied, yet a skip reason is recorded",
      tuning.skipReason,
      null,
    ));
  }
  return findings;
}

function auditSkipped(
  { skipReason: recorded }: TuningRecord,
  guards: GuardEvaluation,
  reason: SkipReason | null,
): RecordFinding[] {
  if (recorded === null) {
    return [found(
      "skip_reason_missing",
      "nothing was applied and no skip reason says why",
      null,
      reason,
    )];
  }
  const detail = (guard: typeof GUARDS[number]): string => guards[guard].detail;
  const untrue = GUARDS.filter((guard) => recorded[guard] && !guards[guard].holds);
  const unsaid = GUARDS.filter((guard) => !recorded[guard] && guards[guard].holds);
  const findings: RecordFinding[] = [];
  if (untrue.length > 0) {
    const told = untrue.map((guard) => `${guard} did not hold: ${detail(guard)}`).join("; ");
    findings.push(found("skip_reason_false", told, recorded, reason));
  }
  if (unsaid.length > 0) {
    const told = unsaid.map((guard) => `${guard} held: ${detail(guard)}`).join("; ");
    findings.push(found("skip_reason_incomplete", `left out: ${told}`, recorded, reason));
  }
  if (findings.length > 0) return findings;
  if (reason === null) {
    return [found(
      "skip_reason_false",
      "no guard held, so nothing kept the proposal back",
      recorded,
      null,
    )];
  }
  return recorded.note === reason.note ? [] : [found(
    "skip_note_wrong",
    "the note is not the one that the record gives",
    recorded.note,
    reason.note,
  )];
}
