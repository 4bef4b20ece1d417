/**
 * What takes the place of the Python scripts that `soak` replaces: for hints in errors and for
 * `soak help migrating`.
 *
 * @module
 */

/** Modules of the scripts by name, and the command that does their work. */
export const SCRIPT_MODULES: Readonly<Record<string, string>> = {
  run: "soak run --mock --auto-tune --iterations N",
  iter_watcher: "soak run --auto-tune",
  apply_pipeline: "soak apply --runtime FILE KEY=VALUE",
  params: "soak params",
  jsonx: "soak hash FILE",
  verify_deltas_applied: "soak verify --strict",
  soak_gate: "soak gate --strict --prometheus",
  extract_post_soak_snapshot: "soak gate --json",
  analyze_post_soak: "soak gate",
  build_reports: "soak gate --report-dir DIR",
  export_soak_metrics: "soak gate --prometheus",
};

/** Their flags that `soak` has under another name or not at all, and what to do instead. */
export const SCRIPT_FLAGS: Readonly<Record<string, string>> = {
  hours: "count with --iterations N: an hour of --mock is 12",
  preset: "name start values of the profile with --start NAME",
  "profile steady_safe": "name start values of the profile with --start NAME",
  "preset-file": "start from a file with --runtime FILE",
  "run-isolated": "leave it out, or name a directory with --out DIR",
  "export-json": "take the result from --json",
  src: "name the run with --path DIR",
  "last-n": "set gate.window in the profile",
  compare: "compare the POST_SOAK_SNAPSHOT.json of two runs",
  "skip-analyzer": "leave it out: the gate is one program",
  "skip-delta-verify": "leave it out: the gate always verifies",
  pretty: "leave it out: --json is one line for other programs",
  notify: "let CI send it when the exit code is not 0",
  "webhook-url": "let CI send it when the exit code is not 0",
};

/** What else is different enough to trip over. */
export const TRAPS: readonly (readonly [what: string, how: string])[] = [
  ["deltas", "are targets, never increments: tail_age_ms=630, not +30"],
  ["soak gate", "fails on findings with --strict only: soak_gate verified strictly"],
  ["--threshold", "is in percent: 60, not 0.60"],
  ["--warmup", "takes a number: --warmup 4, where the scripts knew a switch"],
  ["exit codes", "1 is a failure, 3 could not tell, 2 a wrong command line"],
  ["nothing proposed", "is no success: exit 3, unless --allow-no-deltas accepts it"],
  ["latest/", "is the run itself, with nothing below: no latest/soak/latest"],
  ["older runs", "are read and reported, and never counted as proven"],
];

/** Where there is more. */
export const MORE = "see soak help migrating, or docs/migrating.md";

/**
 * The module of the scripts that a command line begins with: `soak_gate`, `tools.soak.soak_gate`,
 * `tools/soak/soak_gate.py`, also behind `python -m`. `undefined`: it begins with something else.
 */
export function scriptModule(args: readonly string[]): string | undefined {
  const name = modulePath(args).split(/[/.]/).at(-1)?.replaceAll("-", "_") ?? "";
  return Object.hasOwn(SCRIPT_MODULES, name) ? name : undefined;
}

/** Any other module of theirs, which says by its folder that it is one: `tools.soak.name`. */
export function otherScript(args: readonly string[]): string | undefined {
  const path = modulePath(args);
  return /^tools[/.](?:soak|common)[/.]/.test(path) ? path : undefined;
}

/** The module that a command line begins with, without `python -m` and `.py`. */
function modulePath(args: readonly string[]): string {
  const words = /^python[\d.]*$/.test(args[0] ?? "") ? args.slice(1) : args;
  const [first = "", second = ""] = words;
  const word = first === "-m" ? second : first.replace(/^-m/, "");
  return word.replaceAll("\\", "/").replace(/\.py$/, "").replace(/^\.\//, "");
}
