import { NO_REASON, summaryName } from "./forgery.ts";
import { damage, lie, type Mutation } from "./mutations.ts";

const ZERO = "0".repeat(64);
const MIDDLE = 6;

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

/** Every way to change a hash, a skip reason or a time, and nothing that depends on it. */
export const CLAIM_MUTATIONS: readonly Mutation[] = [...hashes, ...reasons, ...times];
