import { type Forgery, summaryName } from "./forgery.ts";
import { damage, lie, type Mutation } from "./mutations.ts";

const MIDDLE = 6;
const STEP = "STEP_IN_PROGRESS.json";

function replaceMiddle(run: Forgery, change: (text: string) => string): void {
  run.editText(summaryName(MIDDLE), change);
}

function swap(run: Forgery, a: string, b: string): void {
  [run.files[a], run.files[b]] = [run.text(b), run.text(a)];
}

/** Every way to lose, double, rename or damage a file. */
export const FILE_MUTATIONS: readonly Mutation[] = [
  damage("a summary is missing", "summary_missing", (run) => run.remove(summaryName(MIDDLE))),
  damage("the first summary is missing", "summary_missing", (run) => run.remove(summaryName(1))),
  damage(
    "the last summary is missing",
    "run_incomplete",
    (run) => run.remove(summaryName(run.iterations)),
  ),
  damage("the last three summaries are missing", "run_incomplete", (run) => {
    for (const i of run.all.slice(-3)) run.remove(summaryName(i));
  }),
  damage("the summaries after the first change are missing", [
    "run_incomplete",
    "runtime_unaccounted",
  ], (run) => {
    for (const i of run.all.slice(1)) run.remove(summaryName(i));
  }),
  damage("every other summary is missing", "summary_missing", (run) => {
    for (const i of run.all) if (i % 2 === 1) run.remove(summaryName(i));
  }),
  damage("the first half of the summaries is missing", "summary_missing", (run) => {
    for (const i of run.all.slice(0, run.iterations / 2)) run.remove(summaryName(i));
  }),
  damage("all summaries are missing", "run_incomplete", (run) => {
    for (const i of run.all) run.remove(summaryName(i));
  }),
  damage(
    "two summaries are swapped",
    "summary_misnumbered",
    (run) => swap(run, summaryName(5), summaryName(6)),
  ),
  lie("two summaries are swapped and renumbered", ["record_chain_broken", "time_wrong"], (run) => {
    swap(run, summaryName(5), summaryName(6));
    run.edit(5, (draft) => void (draft.iteration = 5));
    run.edit(6, (draft) => void (draft.iteration = 6));
  }),
  lie("all summaries are in reverse and renumbered", "record_chain_broken", (run) => {
    const texts = run.all.map((i) => run.text(summaryName(i))).reverse();
    for (const i of run.all) {
      run.files[summaryName(i)] = texts[i - 1] ?? "";
      run.edit(i, (draft) => void (draft.iteration = i));
    }
  }),
  damage("a summary overwrites the next", "summary_misnumbered", (run) => {
    run.files[summaryName(MIDDLE + 1)] = run.text(summaryName(MIDDLE));
  }),
  lie("a summary overwrites the next and is renumbered", "record_chain_broken", (run) => {
    run.files[summaryName(MIDDLE + 1)] = run.text(summaryName(MIDDLE));
    run.edit(MIDDLE + 1, (draft) => void (draft.iteration = MIDDLE + 1));
  }),
  damage(
    "a summary says that it is another",
    "summary_misnumbered",
    (run) => run.edit(MIDDLE, (draft) => void (draft.iteration = 5)),
  ),
  damage("there is a copy of a summary", "summary_misnamed", (run) => {
    run.files["ITER_SUMMARY_6 (copy).json"] = run.text(summaryName(MIDDLE));
  }),
  damage("there is a backup of a summary", "summary_misnamed", (run) => {
    run.files["ITER_SUMMARY_6.json.bak"] = run.text(summaryName(MIDDLE));
  }),
  damage(
    "a summary's number has a leading zero",
    ["summary_missing", "summary_misnamed"],
    (run) => run.rename(summaryName(MIDDLE), "ITER_SUMMARY_06.json"),
  ),
  damage(
    "a summary's name is in small letters",
    ["summary_missing", "summary_misnamed"],
    (run) => run.rename(summaryName(MIDDLE), "iter_summary_6.json"),
  ),
  damage("there is a summary too many", "summary_unexpected", (run) => {
    run.files[summaryName(run.iterations + 1)] = run.text(summaryName(run.iterations));
  }),
  damage("there is a summary far beyond the end", "summary_unexpected", (run) => {
    run.files[summaryName(999_999_999)] = run.text(summaryName(1));
  }),
  damage(
    "a summary is truncated",
    "summary_unreadable",
    (run) => replaceMiddle(run, (text) => text.slice(0, -1)),
  ),
  damage("a summary is empty", "summary_unreadable", (run) => replaceMiddle(run, () => "")),
  damage("a summary is null", "summary_unreadable", (run) => replaceMiddle(run, () => "null")),
  damage(
    "a summary is a list",
    "summary_unreadable",
    (run) => replaceMiddle(run, (text) => `[${text}]`),
  ),
  damage(
    "a summary is an empty object",
    "summary_unreadable",
    (run) => replaceMiddle(run, () => "{}"),
  ),
  damage(
    "a summary is nested without end",
    "summary_unreadable",
    (run) => replaceMiddle(run, () => "[".repeat(100_000)),
  ),
  damage("a summary is a folder", "summary_unreadable", (run) => {
    run.remove(summaryName(MIDDLE));
    run.folders.push(summaryName(MIDDLE));
  }),
  damage("a summary is not UTF-8", "summary_unreadable", (run) => {
    run.bytes[summaryName(MIDDLE)] = Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d);
  }),
  damage(
    "a summary has a byte order mark",
    "summary_unreadable",
    (run) => replaceMiddle(run, (text) => `\ufeff${text}`),
  ),
  damage(
    "a summary has a key twice",
    "summary_unreadable",
    (run) =>
      replaceMiddle(run, (text) => text.replace('"iteration":6', '"iteration":6,"iteration":6')),
  ),
  damage(
    "a summary has a field too many",
    "summary_unreadable",
    (run) => run.editJson(summaryName(MIDDLE), (draft) => void (draft["comment"] = "none")),
  ),
  damage(
    "a summary lacks a field",
    "summary_unreadable",
    (run) => run.editJson(summaryName(MIDDLE), (draft) => void delete draft["effective_params"]),
  ),
  damage(
    "a summary's number becomes text",
    "summary_unreadable",
    (run) => run.editJson(summaryName(MIDDLE), (draft) => void (draft["iteration"] = "6")),
  ),
  damage(
    "applied becomes 1",
    "summary_unreadable",
    (run) => replaceMiddle(run, (text) => text.replace('"applied":false', '"applied":1')),
  ),
  lie(
    "a summary is formatted",
    "not_canonical",
    (run) => replaceMiddle(run, (text) => JSON.stringify(JSON.parse(text), null, 2)),
  ),
  lie(
    "a summary ends with a line feed",
    "not_canonical",
    (run) => replaceMiddle(run, (text) => `${text}\n`),
  ),
  lie(
    "a number is written in another way",
    "not_canonical",
    (run) => replaceMiddle(run, (text) => text.replace('"iteration":6', '"iteration":6.0')),
  ),
  lie(
    "the last summary is edited",
    "report_mismatch",
    (run) => run.edit(run.iterations, ({ tuning }) => void (tuning.rationale = "done")),
  ),
  damage("a step is left over", "step_left_over", (run) => {
    run.files[STEP] = run.text(summaryName(run.iterations));
  }),
  damage("a damaged step is left over", "step_left_over", (run) => {
    run.files[STEP] = "{";
  }),
];
