import { damage, lie, type Mutation } from "./mutations.ts";

const RUN = "SOAK_RUN.json";
const RUNTIME = "runtime_overrides.json";
const REPORT = "TUNING_REPORT.json";
const ZERO = "0".repeat(64);

const pretty = (text: string): string => JSON.stringify(JSON.parse(text), null, 2);
const half = (text: string): string => text.slice(0, text.length >> 1);

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

/** Every way to change `SOAK_RUN.json`, the runtime file or the report, and nothing else. */
export const RUN_MUTATIONS: readonly Mutation[] = [...run, ...runtime, ...report];
