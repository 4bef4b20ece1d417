/**
 * The commands and their flags as data. Parser and help read the same table, so they can't disagree.
 *
 * @module
 */

import { FAULT_KINDS } from "../model/system_spec.ts";
import type { CommandSpec, FlagSpec } from "./command_spec.ts";
import { RUN_REAL_FLAGS, RUN_SYSTEM_FLAGS } from "./run_flags.ts";

/** Where runs are written to and read from unless a flag says otherwise. */
export const DEFAULT_DIR = "artifacts/soak/latest";

/** The profile unless `--profile` names another. */
export const DEFAULT_PROFILE = "market-maker";

/** Share of proposals, in percent, that must be in full effect unless `--threshold` is given. */
export const THRESHOLD_PCT = { default: 90, strict: 95 } as const;

/** How often `--mock-fault` strikes unless a rate is given. */
export const DEFAULT_FAULT_RATE = 0.5;

const JSON_FLAG: FlagSpec = {
  name: "json",
  placeholder: null,
  description: "print the result as one JSON document",
};

const PATH_FLAG: FlagSpec = {
  name: "path",
  placeholder: "DIR",
  description: "the run directory",
  default: DEFAULT_DIR,
  synonyms: ["out", "dir", "directory"],
};

const STRICT_FLAG: FlagSpec = {
  name: "strict",
  placeholder: null,
  description: "fail on any finding, and when there is nothing to judge",
};

const REPORT_DIR_FLAG: FlagSpec = {
  name: "report-dir",
  placeholder: "DIR",
  description: "the folder for the reports, made if it is missing; the run directory unless given",
  synonyms: ["reports", "report"],
};

const RUNTIME_FLAG: FlagSpec = {
  name: "runtime",
  placeholder: "FILE",
  description: "the runtime file with the live parameters",
  synonyms: ["path", "file"],
};

const PROFILE_FLAG: FlagSpec = {
  name: "profile",
  placeholder: "FILE|NAME",
  description: "what is tuned: parameters, KPIs, rules",
  default: DEFAULT_PROFILE,
};

const ALLOW_NO_DELTAS_FLAG: FlagSpec = {
  name: "allow-no-deltas",
  placeholder: null,
  description: "accept a run in which nothing was proposed, such as one that needed no change",
};

const EXPECTED_PROFILE_FLAG: FlagSpec = {
  name: "profile",
  placeholder: "FILE|NAME",
  description: "the profile that the run must have been made under",
};

const RUN: CommandSpec = {
  summary: "run a soak, or go on with an interrupted one",
  positionals: ["[-- COMMAND ARG…]"],
  details: [
    "Measures the system, lets the tuner propose changes, applies each one whole or not at " +
    "all, and records every iteration. An earlier run in the same directory is moved aside: DIR " +
    "to DIR-START, latest to START.",
    "--iterations and one of --mock, --exec and --service are needed, and --profile with the " +
    "last two, except with --resume: a resumed run takes everything from its records, and flags " +
    "that contradict them are refused. Those that are about running it alone may be other ones " +
    "from there on, which is recorded: more --iterations, also for a run that is finished, " +
    "--timeout, --grace, --retries, --ready-timeout and --max-restarts.",
    "A COMMAND runs without a shell, in a process group of its own. It finds SOAK_RUNTIME, " +
    "SOAK_RUN_DIR and, unless it is a service, SOAK_ITERATION and SOAK_OUTPUT in its environment. " +
    'One that measures writes {"kpis":{…},"effective_params":{…}} to SOAK_OUTPUT. What it prints ' +
    "goes to logs/ in the run directory. From source, real systems need `deno task soak:real`.",
    "The COMMAND is recorded in full: no password belongs in it. A program inherits soak's " +
    "environment, which is not recorded; --secret-env NAME also keeps the value of NAME out of " +
    "records and logs when a program prints it.",
  ],
  flags: [
    {
      name: "iterations",
      placeholder: "N",
      description: "how many iterations to run; with --resume the run may get more",
      range: { min: 1, max: 1_000_000_000, integer: true },
      synonyms: ["count", "n"],
    },
    {
      name: "warmup",
      placeholder: "N",
      description:
        "the first N of them are recorded and proven, but not judged; as many must be left, " +
        "from half of the gate's window to all of it",
      range: { min: 0, max: 1_000_000_000, integer: true },
      default: 0,
      synonyms: ["warm-up", "warmup-iterations"],
    },
    { name: "mock", placeholder: null, description: "soak the built-in simulated system" },
    ...RUN_SYSTEM_FLAGS,
    PROFILE_FLAG,
    {
      name: "start",
      placeholder: "NAME",
      description: "start from the values that the profile names so, instead of its defaults",
      synonyms: ["start-values", "starts"],
    },
    {
      name: "auto-tune",
      placeholder: null,
      description: "let the tuner change parameters",
      synonyms: ["tune"],
    },
    {
      name: "seed",
      placeholder: "S",
      description: "seed of the simulation",
      range: { min: 0, max: 4_294_967_295, integer: true },
      default: 1,
    },
    {
      name: "mock-fault",
      placeholder: "KIND[:RATE]",
      description: `make the simulated system misbehave: ${FAULT_KINDS.join(", ")}; ` +
        `RATE is above 0 and up to 1 (${DEFAULT_FAULT_RATE} if left out)`,
    },
    {
      name: "out",
      placeholder: "DIR",
      description: "the run directory",
      default: DEFAULT_DIR,
      synonyms: ["path", "dir", "directory", "output"],
    },
    {
      name: "resume",
      placeholder: null,
      description: "go on with the run in the directory, finished or not",
    },
    {
      name: "fail-fast",
      placeholder: null,
      description: "end with exit 1 at the first iteration that ran with other values than the " +
        "runtime's",
      synonyms: ["bail", "failfast"],
    },
    { name: "quiet", placeholder: null, description: "show no progress", synonyms: ["silent"] },
    JSON_FLAG,
    ...RUN_REAL_FLAGS,
  ],
  examples: [
    ["soak run --mock --auto-tune --iterations 24", "two simulated hours, with tuning"],
    [
      "soak run --exec --profile p.json --iterations 24 --auto-tune -- ./measure.sh",
      "run a command of yours once for each iteration",
    ],
    [
      "soak run --service --profile p.json --iterations 9 --measure ./m.sh -- ./serve",
      "keep a server running and measure it every 30 s",
    ],
    ["soak run --resume --out artifacts/soak/latest", "go on after an interruption"],
    ["soak run --resume --iterations 30", "let a run go on for longer"],
  ],
  exits: {
    0: "ran to its end, or had nothing left to do; soak gate judges it",
    1: "--fail-fast: the system ran with other values than the runtime's",
    4: "the system could not be measured, or the disk not written; --resume goes on",
    130: "interrupted (143: terminated); --resume goes on",
  },
};

const VERIFY: CommandSpec = {
  summary: "prove a finished run from its records alone",
  positionals: [],
  details: [
    "Recomputes whatever is recorded: hashes, applied changes, guards, KPI verdicts. Writes " +
    "DELTA_VERIFY_REPORT.md and .json into the run directory. A run at work is not judged.",
    "soak help codes lists what it can find, and what causes it.",
  ],
  flags: [
    PATH_FLAG,
    STRICT_FLAG,
    {
      name: "threshold",
      placeholder: "PCT",
      description: "share of proposals that must be in full effect, in percent",
      range: { min: 0, max: 100, integer: false },
      default: `${THRESHOLD_PCT.default}, with --strict ${THRESHOLD_PCT.strict}`,
    },
    ALLOW_NO_DELTAS_FLAG,
    EXPECTED_PROFILE_FLAG,
    {
      name: "explain",
      placeholder: "I",
      description: "tell the story of iteration I instead",
      range: { min: 1, max: 1_000_000_000, integer: true },
    },
    REPORT_DIR_FLAG,
    JSON_FLAG,
  ],
  examples: [
    ["soak verify --strict", "prove the latest run"],
    ["soak verify --explain 7", "why iteration 7 did what it did"],
  ],
  exits: {
    0: "proven",
    1: "the records don't prove the run",
    3: "nothing was proposed, or records are missing or unreadable",
    4: "the run is at work; or a report can't be written, though the verdict is printed",
  },
};

const GATE: CommandSpec = {
  summary: "judge a run: KPIs, proof and metrics, in one exit code",
  positionals: [],
  details: [
    "Takes the snapshot of the last iterations, verifies the run and prints one line a check. " +
    "Writes GATE_REPORT.json and POST_SOAK_SNAPSHOT.json into the run directory. A run at work is " +
    "not judged.",
    "KPIs are on target when enough of the last iterations met every KPI (gate.pass of " +
    "gate.window in the profile; from gate.warn on it passes with a warning; those of a warm-up are " +
    "not among them). The run is ready to " +
    "freeze when, besides, the freeze was entered among them, the state that the run ends with was " +
    "on target in most of its iterations, and the last 3 did not all miss a KPI. That the system " +
    "stayed up is about the whole run: every death and every failed attempt to measure counts, " +
    "also before a --resume, against gate.max_restarts and gate.max_failed. Without --strict, " +
    "findings of the verification are named and do not count.",
    "Without --profile a run is judged by the profile that it records: look at the first line.",
  ],
  flags: [
    PATH_FLAG,
    STRICT_FLAG,
    {
      name: "prometheus",
      placeholder: null,
      description: "also write POST_SOAK_METRICS.prom",
      synonyms: ["prom", "metrics"],
    },
    ALLOW_NO_DELTAS_FLAG,
    EXPECTED_PROFILE_FLAG,
    REPORT_DIR_FLAG,
    JSON_FLAG,
  ],
  examples: [
    ["soak gate --strict", "what a pipeline runs after the soak"],
    ["soak gate --strict --prometheus --path out/run", "another run, with metrics"],
    ["soak gate --strict --path /media/run --report-dir .", "a run that is for reading only"],
  ],
  exits: {
    0: "every check passed, maybe with a warning",
    1: "a check failed",
    3: "nothing to judge, or records are missing or unreadable",
    4: "the run is at work; or a report can't be written, though the verdict is printed",
  },
};

const REPLAY: CommandSpec = {
  summary: "run a simulated run again and compare the bytes",
  positionals: [],
  details: [
    "Starts from what SOAK_RUN.json says and leaves the run directory as it is. Names the first " +
    "difference and where it stands.",
  ],
  flags: [PATH_FLAG, JSON_FLAG],
  examples: [
    ["soak replay", "check the latest run"],
    ["soak replay --path artifacts/soak/old --json", "another one, for a script"],
  ],
  exits: { 0: "every byte is the same", 1: "something differs" },
};

const APPLY: CommandSpec = {
  summary: "set parameters in a runtime file, all of them or none",
  positionals: ["KEY=VALUE…"],
  details: [
    "Values are targets, not increments: a number in plain digits, true or false for a boolean, one " +
    "of its values for an enum. Unknown keys and values out of bounds are refused and nothing is " +
    "written. The file is replaced in one step and read back. A number is rounded to its " +
    "parameter's step, and a parameter that stands at the top of the file, by its key, gets its " +
    "place; both are said.",
    "The velocity guard holds here too: a step over tuner.velocity_cap of a parameter's range, or " +
    "over tuner.max_delta_per_hour of it, is not applied, nor is anything that came with it. The " +
    "other guards need a run's history, which this command has not. A runtime that sets a guard " +
    "looser than the profile allows is refused.",
  ],
  flags: [{ ...RUNTIME_FLAG, required: true }, PROFILE_FLAG, JSON_FLAG],
  examples: [
    ["soak apply --runtime runtime_overrides.json tail_age_ms=660", "set one"],
    [
      "soak apply --runtime r.json min_interval_ms=60 impact_cap_ratio=0.09",
      "set two together",
    ],
  ],
  exits: {
    0: "every target is now in the file, applied or there already",
    1: "a guard held the change back; nothing was written",
    2: "an unknown key or a value out of bounds; nothing was written",
    3: "the runtime can't be read, or sets a guard looser than the profile allows",
  },
};

const PARAMS: CommandSpec = {
  summary: "list, read or check parameters",
  positionals: ["[list | get KEY | validate KEY=VALUE…]"],
  details: [
    "list (the default) shows every parameter with its values and unit. get prints the value " +
    "in a runtime file and needs --runtime. validate checks values and writes nothing.",
  ],
  flags: [
    { ...RUNTIME_FLAG, description: "the runtime file that get reads" },
    PROFILE_FLAG,
    JSON_FLAG,
  ],
  examples: [
    ["soak params get tail_age_ms --runtime runtime_overrides.json", "read one"],
    ["soak params validate tail_age_ms=660 min_interval_ms=60", "would these be accepted?"],
  ],
};

const PROFILE: CommandSpec = {
  summary: "start, show or check the profile of a system",
  positionals: ["init [FILE] | show [FILE|NAME] | check FILE | schema"],
  details: [
    "A profile is a JSON file with the parameters, KPIs, rules, guard settings and gate " +
    "thresholds of one kind of system.",
    "init writes one to start from, and its JSON Schema beside it for your editor; without FILE " +
    "it prints the profile. It overwrites nothing. show prints the profile in effect. check names " +
    "every mistake, one a line: ✗ for what must be mended, ! for what is legal but suspicious. " +
    "schema prints the JSON Schema.",
  ],
  flags: [JSON_FLAG],
  examples: [
    ["soak profile init profile.json", "write one to start from"],
    ["soak profile check profile.json", "what is wrong with it?"],
  ],
  exits: {
    0: "done; check found no mistake, maybe warnings",
    1: "check found a mistake",
    3: "check could not read the file",
  },
};

const HASH: CommandSpec = {
  summary: "print the state hash of files, as sha256sum does",
  positionals: ["FILE…"],
  details: ["The state hash of a runtime is the SHA-256 of the exact bytes of its file."],
  flags: [],
  examples: [
    ["soak hash runtime_overrides.json", "hash one file"],
    ["soak hash run/ITER_SUMMARY_*.json", "hash many"],
  ],
};

const HELP: CommandSpec = {
  summary: "show this, or help on a command or on codes",
  positionals: ["[COMMAND | codes | migrating]"],
  details: [
    "The same as --help after a command. codes lists what verification can find; migrating, " +
    "what takes the place of the Python scripts.",
    "For every command: a value that starts with a dash is written --out=-value, and -- ends " +
    "the flags, so that what follows it is never taken for one.",
  ],
  flags: [],
  examples: [
    ["soak help gate", "what the gate takes and what its exit codes mean"],
    ["soak help codes", "every finding, and what causes it"],
  ],
};

/** Every command, in the order in which help shows them. */
export const COMMANDS = {
  run: RUN,
  verify: VERIFY,
  gate: GATE,
  replay: REPLAY,
  apply: APPLY,
  params: PARAMS,
  profile: PROFILE,
  hash: HASH,
  help: HELP,
} as const;

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** What `soak help` has a text on. */
export type HelpTopic = CommandName | "codes" | "migrating";
