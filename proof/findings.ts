/**
 * What verification can find, each kind under a stable code.
 *
 * @module
 */

/**
 * Whether a finding proves that the record is false (`"proof"`), or only that something is
 * missing or unreadable, so that nothing can be said about it (`"gap"`).
 */
export type FindingClass = "proof" | "gap";

/** One kind of finding. */
export interface FindingKind {
  /** Whether it proves a falsehood or leaves a gap. */
  readonly class: FindingClass;
  /** What causes it, in one sentence. */
  readonly cause: string;
}

function gap(cause: string): FindingKind {
  return { class: "gap", cause };
}

function proof(cause: string): FindingKind {
  return { class: "proof", cause };
}

/** The stable code of a kind of finding. */
export type FindingCode =
  | "run_missing"
  | "run_unreadable"
  | "run_incomplete"
  | "step_left_over"
  | "progress_missing"
  | "progress_unreadable"
  | "progress_unexpected"
  | "summary_missing"
  | "summary_unreadable"
  | "summary_misnamed"
  | "summary_misnumbered"
  | "summary_unexpected"
  | "runtime_missing"
  | "runtime_unaccounted"
  | "runtime_unreadable"
  | "report_missing"
  | "report_unreadable"
  | "profile_unknown"
  | "hash_missing"
  | "run_at_odds"
  | "settings_at_odds"
  | "settings_change_wrong"
  | "start_untrue"
  | "version_at_odds"
  | "profile_altered"
  | "profile_unexpected"
  | "not_canonical"
  | "record_chain_broken"
  | "initial_hash_mismatch"
  | "runtime_hash_mismatch"
  | "runtime_not_next"
  | "old_hash_mismatch"
  | "state_hash_mismatch"
  | "summary_hash_mismatch"
  | "hash_changed_unapplied"
  | "signature_stuck"
  | "final_runtime_mismatch"
  | "state_chain_broken"
  | "applied_nothing"
  | "deltas_without_apply"
  | "partial_apply"
  | "changes_wrong"
  | "rule_unknown"
  | "rule_did_not_fire"
  | "rule_step_wrong"
  | "unknown_key"
  | "value_out_of_bounds"
  | "value_wrong_kind"
  | "increments_stored"
  | "kpi_missing"
  | "kpi_unmeasured"
  | "failure_untrue"
  | "incident_untrue"
  | "attempts_wrong"
  | "restarts_excessive"
  | "kpi_verdict_wrong"
  | "kpi_reasons_wrong"
  | "guard_loosened"
  | "guard_ignored"
  | "skip_reason_missing"
  | "skip_reason_unneeded"
  | "skip_reason_false"
  | "skip_reason_incomplete"
  | "skip_note_wrong"
  | "proposal_while_guarded"
  | "proposal_while_off"
  | "proposal_missing"
  | "proposal_wrong"
  | "effective_mismatch"
  | "effective_missing"
  | "time_wrong"
  | "time_backwards"
  | "time_too_short"
  | "report_mismatch";

/** Every kind of finding, by its code. */
export const FINDING_KINDS: Readonly<Record<FindingCode, FindingKind>> = {
  run_missing: gap("SOAK_RUN.json is not there, so nothing says how the run was started."),
  run_unreadable: gap("SOAK_RUN.json is damaged, or a field has the wrong type."),
  run_incomplete: gap("The run has fewer iterations than it was started for; resume it."),
  step_left_over: gap("STEP_IN_PROGRESS.json is still there: a step was not completed; resume it."),
  progress_missing: gap(
    "RUN_IN_PROGRESS.json of an unfinished run is not there: how it ended is not on record.",
  ),
  progress_unreadable: gap("RUN_IN_PROGRESS.json is damaged, or a field has the wrong type."),
  progress_unexpected: gap(
    "RUN_IN_PROGRESS.json does not follow the last record, or the run is finished; resume it.",
  ),
  summary_missing: gap("The summary of an iteration is not there though later ones are."),
  summary_unreadable: gap("A summary is damaged, or a field is missing or has the wrong type."),
  summary_misnamed: gap("A file looks like a summary but is not named as one; perhaps a copy."),
  summary_misnumbered: gap("A summary says that it is of another iteration than its name."),
  summary_unexpected: gap("There is a summary beyond the number of iterations asked for."),
  runtime_missing: gap("The runtime file is not there."),
  runtime_unaccounted: gap(
    "The runtime file is not the last recorded state, and the run's later records are missing.",
  ),
  runtime_unreadable: gap("The runtime file is damaged or not a JSON object."),
  report_missing: gap("TUNING_REPORT.json is not there."),
  report_unreadable: gap("TUNING_REPORT.json is not JSON at all: truncated or damaged."),
  profile_unknown: gap(
    "The profile is another version's built-in one, or claims to be; verify with that version.",
  ),
  hash_missing: gap(
    "Iterations of an older run record no SHA-256 as state hash: their state is unknown.",
  ),
  run_at_odds: proof("The fields of SOAK_RUN.json are at odds with each other."),
  settings_at_odds: proof(
    "The settings of the system in SOAK_RUN.json are such that no run starts with them.",
  ),
  settings_change_wrong: proof(
    "A change of settings is recorded that no resume can have made: to fewer iterations, for example.",
  ),
  start_untrue: proof(
    "The run is said to start from values that its profile does not name, or did not start from them.",
  ),
  version_at_odds: proof(
    "A summary says that another version made it, which can't be: it started the run or never resumed.",
  ),
  profile_altered: proof("The recorded profile bears a built-in name but is not the built-in one."),
  profile_unexpected: proof(
    "The run was made under another profile than the one that was asked for with --profile.",
  ),
  not_canonical: proof(
    "A file's bytes are not the canonical form that soak writes: it was edited.",
  ),
  record_chain_broken: proof("A record does not name the hash of the one before: one was edited."),
  initial_hash_mismatch: proof("The first runtime does not hash to SOAK_RUN.json's initial_hash."),
  runtime_hash_mismatch: proof("A recorded runtime does not hash to the state hash before it."),
  runtime_not_next: proof("A runtime is not the one before with the recorded change re-applied."),
  old_hash_mismatch: proof("old_hash is not the hash of the runtime that the iteration ran under."),
  state_hash_mismatch: proof("state_hash is not the hash of the re-applied runtime."),
  summary_hash_mismatch: proof("summary.state_hash and tuning.state_hash are at odds."),
  hash_changed_unapplied: proof("The state hash changed although nothing was applied."),
  signature_stuck: proof("A change is recorded as applied, but the state hash did not change."),
  final_runtime_mismatch: proof("The runtime file is not the state after the last iteration."),
  state_chain_broken: proof(
    "An older run's iteration starts from another state hash than the one before left.",
  ),
  applied_nothing: proof("An apply is recorded with no deltas at all."),
  deltas_without_apply: proof("Deltas or changes are recorded for an apply that did not happen."),
  partial_apply: proof("The applied deltas are not the proposed ones: all or none is the rule."),
  changes_wrong: proof("changes or changed_keys do not match the runtime and the deltas."),
  rule_unknown: proof("A change names a rule that the recorded profile does not have."),
  rule_did_not_fire: proof("A change names a rule whose conditions the KPIs do not meet."),
  rule_step_wrong: proof("A change goes further than its rule allows, or the other way."),
  unknown_key: proof("A delta, a KPI or an effective parameter is not in the recorded profile."),
  value_out_of_bounds: proof(
    "A value lies outside its parameter's bounds, or is none of its list.",
  ),
  value_wrong_kind: proof(
    "A value is missing or of another kind than its parameter: a fraction for an integer, 1 for true.",
  ),
  increments_stored: proof("An older run stored increments as if they were the new values."),
  kpi_missing: proof("A KPI of the profile is not recorded."),
  kpi_unmeasured: proof("A KPI has no value although no failed measurement is recorded."),
  failure_untrue: proof(
    "An iteration claims that it could not be measured, but is simulated or has values.",
  ),
  incident_untrue: proof("An incident is recorded that this kind of run can't have had."),
  attempts_wrong: proof(
    "The failed attempts are more or fewer than the run's retries make, or not those that are told.",
  ),
  restarts_excessive: proof("The service died more often than the run's settings let it."),
  kpi_verdict_wrong: proof("The KPI verdict contradicts the KPI values and targets."),
  kpi_reasons_wrong: proof("The reasons for a KPI verdict are not those that the values give."),
  guard_loosened: proof(
    "A guard setting in the runtime, tuner.<name>, is looser than the profile allows, or invalid.",
  ),
  guard_ignored: proof("A change was applied although a guard held."),
  skip_reason_missing: proof("Nothing was applied and no skip reason says why."),
  skip_reason_unneeded: proof("A skip reason is recorded for a change that was applied."),
  skip_reason_false: proof("A skip reason names a guard that, recomputed, did not hold."),
  skip_reason_incomplete: proof("A guard held, but the skip reason does not name it."),
  skip_note_wrong: proof("The skip reason's note is not the one that the record gives."),
  proposal_while_guarded: proof("A proposal was made while frozen or cooling down."),
  proposal_while_off: proof("A proposal was made although auto-tune is off."),
  proposal_missing: proof(
    "The rules ask for a change, no guard forbids it, and none was proposed.",
  ),
  proposal_wrong: proof("A proposal is not the one that the rules and guards give."),
  effective_mismatch: proof("The system ran with another value than the runtime told it."),
  effective_missing: proof(
    "The system did not say what it runs with for a parameter that it reported before, or that " +
      "was changed.",
  ),
  time_wrong: proof("An iteration's time is not what the run's virtual clock gives."),
  time_backwards: proof("An iteration's time lies before the one before it."),
  time_too_short: proof(
    "An iteration took less time than the recorded pause and interval make it.",
  ),
  report_mismatch: proof("TUNING_REPORT.json is not what the summaries give."),
};

/** Every code, in the catalogue's order. */
export const FINDING_CODES: readonly FindingCode[] = Object.keys(FINDING_KINDS) as FindingCode[];

/** One thing that verification found. */
export interface Finding {
  /** The stable code. */
  readonly code: FindingCode;
  /** The iteration; `null` when it concerns the run as a whole. */
  readonly iteration: number | null;
  /** The file to look at. */
  readonly file: string;
  /** What the artifacts say, as JSON text; `null` when they say nothing. */
  readonly recorded: string | null;
  /** What was recomputed, as JSON text; `null` when nothing could be. */
  readonly recomputed: string | null;
  /** What is wrong and where to look, in one sentence. */
  readonly message: string;
}

/** A finding before it is given its file and iteration. */
export interface RecordFinding {
  /** The stable code. */
  readonly code: FindingCode;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** What the record says; `undefined` when it says nothing. */
  readonly recorded: unknown;
  /** What was recomputed; `undefined` when nothing could be. */
  readonly recomputed: unknown;
}

/** What is wrong with a record: the code, the sentence, and the two values that are at odds. */
export function found(
  code: FindingCode,
  message: string,
  recorded?: unknown,
  recomputed?: unknown,
): RecordFinding {
  return { code, message, recorded, recomputed };
}

/** Gives a finding its file and the iteration; `null`: it concerns the run as a whole. */
export function findingIn(
  file: string,
  iteration: number | null,
  { code, message, recorded, recomputed }: RecordFinding,
): Finding {
  return {
    code,
    iteration,
    file,
    recorded: valueText(recorded),
    recomputed: valueText(recomputed),
    message: shortened(message),
  };
}

function valueText(value: unknown): string | null {
  return value === undefined ? null : shortened(JSON.stringify(value));
}

/** A finding says enough in so many characters; hostile records could make it say any number. */
const MAX_TEXT = 2000;

function shortened(text: string): string {
  return text.length <= MAX_TEXT
    ? text
    : `${text.slice(0, MAX_TEXT).replace(/[\ud800-\udbff]$/, "")}… (${text.length} characters)`;
}

/** Whether a finding proves a falsehood or leaves a gap. */
export function classOf(finding: Pick<Finding, "code">): FindingClass {
  return FINDING_KINDS[finding.code].class;
}
