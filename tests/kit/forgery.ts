import { join } from "@std/path";
import { canonicalJson } from "../../base/canonical.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { JsonValue } from "../../base/json_value.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { applyDeltas, findParameter, getAllParams } from "../../model/params.ts";
import type { Parameter, ParameterValue, ParameterValues, Profile } from "../../model/profile.ts";
import { TuningReportText } from "../../record/tuning_report.ts";
import { runSoak } from "../../run/run.ts";
import { fillFolder, memoryDir, textsIn } from "./temp_dir.ts";

/** A JSON object that can be changed in place. */
export type Draft = Record<string, JsonValue>;

/** A skip reason that can be changed in place. */
export interface ReasonDraft {
  freeze: boolean;
  oscillation: boolean;
  velocity: boolean;
  cooldown: boolean;
  no_op: boolean;
  note: string;
}

/** A change that can be changed in place. */
export interface ChangeDraft {
  key: string;
  from: ParameterValue;
  to: ParameterValue;
  rule: string;
}

/** A summary that can be changed in place. */
export interface SummaryDraft {
  iteration: number;
  previous_hash: string;
  runtime_overrides: Record<string, Record<string, ParameterValue>>;
  effective_params: Record<string, ParameterValue>;
  incidents?: { kind: string; reason: string; times: number }[];
  summary: Record<string, JsonValue> & {
    runtime_utc: string;
    state_hash: string;
    kpi_verdict: string;
    kpi_reasons: string[];
  };
  tuning: {
    proposed_deltas: Record<string, ParameterValue>;
    applied: boolean;
    deltas: Record<string, ParameterValue>;
    changed_keys: string[];
    changes: ChangeDraft[];
    old_hash: string;
    state_hash: string;
    skip_reason: ReasonDraft | null;
    rationale: string;
  };
}

/** `SOAK_RUN.json` that can be changed in place. */
export interface RunDraft {
  iterations: number;
  seed: number | null;
  auto_tune: boolean;
  started_utc: string;
  initial_hash: string;
  mode: string;
  profile: {
    name: string;
    kpis: { key: string; target: number | null }[];
    guards: Record<string, number>;
    gate: Record<string, number>;
  };
}

const RUN = "SOAK_RUN.json";
const RUNTIME = "runtime_overrides.json";
const REPORT = "TUNING_REPORT.json";

/** The name of a summary. */
export function summaryName(iteration: number): string {
  return `ITER_SUMMARY_${iteration}.json`;
}

const bases = new Map<string, Promise<Readonly<Record<string, string>>>>();

/** The files of an honest run; each is made once. */
export function honestRun(
  seed: number,
  iterations: number,
  profile: Profile = marketMaker,
): Promise<Readonly<Record<string, string>>> {
  const key = `${profile.name}, ${seed}x${iterations}`;
  const known = bases.get(key) ?? makeRun(seed, iterations, profile);
  bases.set(key, known);
  return known;
}

async function makeRun(
  seed: number,
  iterations: number,
  profile: Profile,
): Promise<Record<string, string>> {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await runSoak({ dir, iterations, autoTune: true, seed, profile });
  return textsIn(dir);
}

/** The files of a run in a forger's hands. */
export class Forgery {
  readonly files: Record<string, string>;
  readonly folders: string[] = [];
  readonly bytes: Record<string, Uint8Array> = {};
  readonly iterations: number;
  readonly parameters: readonly Parameter[];

  constructor(
    files: Readonly<Record<string, string>>,
    iterations: number,
    { parameters }: Pick<Profile, "parameters"> = marketMaker,
  ) {
    this.files = { ...files };
    this.iterations = iterations;
    this.parameters = parameters;
  }

  /** The numbers of all iterations. */
  get all(): number[] {
    return Array.from({ length: this.iterations }, (_, i) => i + 1);
  }

  read(iteration: number): SummaryDraft {
    return JSON.parse(this.text(summaryName(iteration)));
  }

  text(name: string): string {
    const text = this.files[name];
    if (text === undefined) throw new Error(`no ${name}`);
    return text;
  }

  /** Changes one summary, and nothing that depends on it. */
  edit(iteration: number, change: (draft: SummaryDraft) => void): void {
    const draft = this.read(iteration);
    change(draft);
    this.files[summaryName(iteration)] = canonicalJson(draft);
  }

  /** Changes `SOAK_RUN.json`, and nothing that depends on it. */
  editRun(change: (draft: RunDraft) => void): void {
    const draft: RunDraft = JSON.parse(this.text(RUN));
    change(draft);
    this.files[RUN] = canonicalJson(draft);
  }

  /** Changes the text of a file. */
  editText(name: string, change: (text: string) => string): void {
    this.files[name] = change(this.text(name));
  }

  /** Changes a JSON file of any shape. */
  editJson(name: string, change: (draft: Draft) => void): void {
    const draft: Draft = JSON.parse(this.text(name));
    change(draft);
    this.files[name] = canonicalJson(draft);
  }

  rename(from: string, to: string): void {
    this.files[to] = this.text(from);
    delete this.files[from];
  }

  remove(name: string): void {
    this.text(name);
    delete this.files[name];
  }

  /** The n-th iteration (from 1) of those that fit. */
  find(fits: (draft: SummaryDraft) => boolean, n = 1): number {
    for (const i of this.all) if (fits(this.read(i)) && --n === 0) return i;
    throw new Error("the run has no such iteration");
  }

  /** The n-th iteration that applied something. */
  applied(n = 1): number {
    return this.find(({ tuning }) => tuning.applied, n);
  }

  /** The n-th iteration that a guard held back, and no other before it in priority. */
  skipped(guard: "cooldown" | "freeze" | "no_op", n = 1): number {
    return this.find(({ tuning: { skip_reason: reason } }) => {
      if (reason === null) return false;
      if (guard === "freeze") return reason.freeze;
      if (guard === "cooldown") return reason.cooldown && !reason.freeze;
      return reason.no_op && !reason.freeze && !reason.cooldown;
    }, n);
  }

  /** The states from an iteration on, made again: runtimes, hashes, effective parameters, file. */
  async restate(from = 1): Promise<void> {
    let runtime = this.read(from).runtime_overrides;
    for (const i of this.all.slice(from - 1)) {
      const draft = this.read(i);
      const { tuning } = draft;
      draft.runtime_overrides = runtime;
      draft.effective_params = getAllParams(runtime, this.parameters);
      tuning.old_hash = await sha256Hex(canonicalJson(runtime));
      if (tuning.applied) {
        for (const change of tuning.changes) {
          change.from = getAllParams(runtime, this.parameters)[change.key] ?? NaN;
        }
        runtime = nextRuntime(runtime, tuning.deltas, this.parameters);
      }
      tuning.state_hash = await sha256Hex(canonicalJson(runtime));
      draft.summary.state_hash = tuning.state_hash;
      this.files[summaryName(i)] = canonicalJson(draft);
    }
    this.files[RUNTIME] = canonicalJson(runtime);
  }

  /** All that signs the records, made again: the chain of hashes and the report. */
  async resign(): Promise<void> {
    let hash = await sha256Hex(this.text(RUN));
    const report = new TuningReportText();
    let text = "";
    for (const i of this.all) {
      this.edit(i, (draft) => void (draft.previous_hash = hash));
      hash = await sha256Hex(this.text(summaryName(i)));
      const { tuning } = this.read(i);
      text += report.next(i, {
        proposedDeltas: tuning.proposed_deltas,
        applied: tuning.applied,
        deltas: tuning.deltas,
        changedKeys: tuning.changed_keys,
        changes: tuning.changes,
        oldHash: tuning.old_hash,
        stateHash: tuning.state_hash,
        skipReason: tuning.skip_reason,
        rationale: tuning.rationale,
      });
    }
    this.files[REPORT] = text + report.end(hash);
  }

  /** Makes an iteration propose and apply targets as if a rule had asked for them. */
  impose(iteration: number, targets: ParameterValues, rule = "risk-high"): void {
    this.edit(iteration, (draft) => {
      const values = getAllParams(draft.runtime_overrides, this.parameters);
      const { tuning } = draft;
      tuning.proposed_deltas = { ...targets };
      tuning.deltas = { ...targets };
      tuning.applied = true;
      tuning.skip_reason = null;
      tuning.changed_keys = Object.keys(targets).filter((key) => values[key] !== targets[key])
        .sort();
      tuning.changes = Object.entries(targets)
        .map(([key, to]) => ({ key, from: values[key] ?? NaN, to, rule }));
    });
  }

  /** Makes an iteration that applied something one that held back, for a reason. */
  holdBack(iteration: number, reason: Partial<ReasonDraft>, keepProposal: boolean): void {
    this.edit(iteration, ({ tuning }) => {
      if (!keepProposal) tuning.proposed_deltas = {};
      tuning.applied = false;
      tuning.deltas = {};
      tuning.changed_keys = [];
      tuning.changes = [];
      tuning.skip_reason = { ...NO_REASON, ...reason };
    });
  }

  /** The value of a parameter in an iteration. */
  value(iteration: number, key: string): number {
    return Number(getAllParams(this.read(iteration).runtime_overrides, this.parameters)[key]);
  }

  /** Writes the files into a folder that is not there yet. */
  write(folder: string): void {
    fillFolder(folder, this.files);
    for (const name of this.folders) Deno.mkdirSync(join(folder, name));
    for (const [name, bytes] of Object.entries(this.bytes)) {
      Deno.writeFileSync(join(folder, name), bytes);
    }
  }
}

/** A reason that names no guard. */
export const NO_REASON: ReasonDraft = {
  freeze: false,
  oscillation: false,
  velocity: false,
  cooldown: false,
  no_op: false,
  note: "",
};

/** Applies what the pipeline would refuse, too. */
function nextRuntime(
  runtime: SummaryDraft["runtime_overrides"],
  deltas: ParameterValues,
  parameters: readonly Parameter[],
): SummaryDraft["runtime_overrides"] {
  try {
    return JSON.parse(canonicalJson(applyDeltas(runtime, deltas, parameters).runtime));
  } catch {
    const next: SummaryDraft["runtime_overrides"] = structuredClone(runtime);
    for (const [key, value] of Object.entries(deltas)) {
      const [group, name] = findParameter(key, parameters)?.path.split(".") ?? [];
      if (group !== undefined && name !== undefined) (next[group] ??= {})[name] = value;
    }
    return next;
  }
}

/** The values of the market-maker profile that a fresh run starts from. */
export const DEFAULTS: Readonly<Record<string, number>> = Object.fromEntries(
  marketMaker.parameters.map((parameter) => [parameter.key, parameter.default]),
);

/** An honest run of 12 iterations as another version would have left it after some of them. */
export async function unfinishedRun(toolVersion: string, after: number): Promise<Forgery> {
  const whole = await honestRun(7, 12);
  const names = [RUN, ...Array.from({ length: after }, (_, i) => summaryName(i + 1))];
  const files = Object.fromEntries(names.map((name) => [name, whole[name] ?? ""]));
  const run = new Forgery(files, after);
  const next = JSON.parse(whole[summaryName(after + 1)] ?? "");
  run.files[RUNTIME] = canonicalJson(next.runtime_overrides);
  run.editJson(RUN, (draft) => void (draft["tool_version"] = toolVersion));
  await run.resign();
  run.remove(REPORT);
  return run;
}

/** Writes a guard setting into every runtime, as if the run had started with it, and signs anew. */
export async function loosen(
  run: Forgery,
  tuner: Readonly<Record<string, number>> = { freeze_after: 1 },
): Promise<void> {
  const reported = Object.hasOwn(run.files, REPORT);
  run.edit(1, ({ runtime_overrides }) => {
    runtime_overrides["tuner"] = { ...runtime_overrides["tuner"], ...tuner };
  });
  await run.restate();
  run.editRun((draft) => void (draft.initial_hash = run.read(1).tuning.old_hash));
  await run.resign();
  if (!reported) run.remove(REPORT);
}
