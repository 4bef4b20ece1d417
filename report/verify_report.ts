/**
 * The reports of a verification: `DELTA_VERIFY_REPORT.json` with everything, written as it is
 * found, and `DELTA_VERIFY_REPORT.md` with what deserves a look. What `--json` prints is here too.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import type { JsonObject } from "../base/json_value.ts";
import { valuesToJson } from "../model/changed_settings.ts";
import { type Incident, incidentText } from "../model/incident.ts";
import type { Deltas } from "../model/params.ts";
import { systemToJson } from "../model/system_spec.ts";
import { valueText } from "../model/value.ts";
import type { Finding } from "../proof/findings.ts";
import type { InForce } from "../proof/in_force.ts";
import type { JudgedProposal } from "../proof/outcome.ts";
import type { VerifyResult } from "../proof/verdict.ts";
import { VERIFY_JSON_FILE, VERIFY_REPORT_FILE } from "../record/artifacts.ts";
import { markdown } from "./markdown.ts";
import type { PendingReport, ReportFolder } from "./report_folder.ts";
import { verdictLines } from "./verdict_text.ts";

/** The report is readable up to about this many rows; beyond it, only what failed is listed. */
export const MAX_ROWS = 60;

/** A verification's result in the shape of the files, which is also what `--json` prints. */
export function summaryOf(result: VerifyResult): JsonObject {
  return {
    verdict: result.verdict,
    reason: result.reason,
    strict: result.strict,
    threshold: result.threshold,
    full_apply_ratio: result.ratio,
    counts: result.counts,
    signature_stuck: result.signatureStuck,
    iterations: result.iterations,
    iterations_missing_a_kpi: result.missed,
    incidents: result.incidents,
    parameters_never_seen: result.inEffect?.never ?? null,
    values_seen_in_each: result.inEffect?.fewest ?? null,
    run: runFacts(result),
    finding_counts: result.findingCounts,
    last_hash: result.lastHash,
    ...inForceToJson(result.inForce),
    unprovable: result.unprovable,
    older_run: olderToJson(result),
  };
}

function olderToJson({ older }: VerifyResult): JsonObject | null {
  return older === undefined ? null : { cause: older.cause, notes: older.notes };
}

/** Which run was judged, for a report; `null` if the record of it can't be read. */
export function runFacts(
  { run, profileHash, iterationsAsked }: VerifyResult,
): JsonObject | null {
  if (run === null) return null;
  const iterations = iterationsAsked ?? run.iterations;
  return {
    profile: { name: run.profile.name, hash: profileHash },
    system: systemToJson(run.system),
    seed: run.seed,
    iterations,
    ...(iterations === run.iterations ? {} : { iterations_at_first: run.iterations }),
    warmup: run.warmup ?? 0,
    start: run.start ?? null,
    auto_tune: run.autoTune,
    started_utc: run.startedUtc,
    tool_version: run.toolVersion,
  };
}

/** An incident with the iteration whose measurement it came before. */
interface RecordedIncident extends Incident {
  readonly iteration: number;
}

/** Where a run was made with something else than its start says, as the reports have it. */
export function inForceToJson({ guards, versions, settings: changed }: InForce): JsonObject {
  const settings = Object.entries(guards).map(([name, own]) => [name, { ...own }]);
  return {
    guards_in_force: Object.fromEntries(settings),
    other_versions: versions.map(({ toolVersion, first, last }) => ({
      tool_version: toolVersion,
      first,
      last,
    })),
    settings_changed: changed.map(({ iteration, values }) => ({
      iteration,
      ...valuesToJson(values),
    })),
  };
}

/** Collects a report while the verification goes on. */
export class VerifyReport implements Disposable {
  readonly #folder: ReportFolder;
  readonly #encoder = new TextEncoder();
  #json: PendingReport | null = null;
  #entries = 0;
  readonly #proposals: JudgedProposal[] = [];
  readonly #shortfalls: JudgedProposal[] = [];
  readonly #incidents: RecordedIncident[] = [];
  #chunk = "";

  /** Starts a report that goes to a folder; nothing is written yet. */
  constructor(folder: ReportFolder) {
    this.#folder = folder;
  }

  /** Takes in a finding. */
  finding(finding: Finding): void {
    this.#entry({ ...finding, kind: "finding" });
  }

  /** Takes in a proposal. */
  proposal(proposal: JudgedProposal): void {
    if (this.#proposals.length < MAX_ROWS) this.#proposals.push(proposal);
    if (proposal.outcome !== "full" && this.#shortfalls.length < MAX_ROWS) {
      this.#shortfalls.push(proposal);
    }
    this.#entry({
      kind: "proposal",
      iteration: proposal.iteration,
      proposed_deltas: proposal.proposedDeltas,
      applied: proposal.applied,
      outcome: proposal.outcome,
      reason: proposal.reason,
    });
  }

  /** Takes in an incident. */
  incident(incident: Incident, iteration: number): void {
    if (this.#incidents.length < MAX_ROWS) this.#incidents.push({ ...incident, iteration });
    const { kind, reason, times } = incident;
    this.#entry({ kind: "incident", iteration, incident: kind, reason, times });
  }

  /** Puts both reports in place. */
  async finish(result: VerifyResult): Promise<void> {
    const opening = this.#entries === 0 ? '{"entries":[' : "";
    this.#append(`${opening}],"schema_version":1,"summary":${canonicalJson(summaryOf(result))}}`);
    await this.#flush().commit();
    this.#json = null;
    this.#folder.cleanUp(); // after a verification that was killed
    const all = result.counts.total <= MAX_ROWS;
    const proposals = all ? this.#proposals : this.#shortfalls;
    const text = renderVerifyMarkdown(result, proposals, all, this.#incidents);
    await this.#folder.write(VERIFY_REPORT_FILE, text);
  }

  /** Gives up what was not put in place. */
  [Symbol.dispose](): void {
    this.#json?.[Symbol.dispose]();
    this.#json = null;
  }

  #entry(entry: unknown): void {
    this.#append((this.#entries === 0 ? '{"entries":[' : ",") + canonicalJson(entry));
    this.#entries++;
  }

  #append(text: string): void {
    this.#chunk += text;
    if (this.#chunk.length > 65_536) this.#flush();
  }

  #flush(): PendingReport {
    const json = this.#json ??= this.#folder.create(VERIFY_JSON_FILE);
    json.write(this.#encoder.encode(this.#chunk));
    this.#chunk = "";
    return json;
  }
}

/** How many findings a report lists one by one. */
const MAX_LISTED = 50;

/** The report `DELTA_VERIFY_REPORT.md`: the answer first, then findings, then proposals. */
export function renderVerifyMarkdown(
  result: VerifyResult,
  proposals: readonly JudgedProposal[],
  all: boolean,
  incidents: readonly RecordedIncident[] = [],
): string {
  return [
    `# ${result.verdict}: ${markdown(result.reason)}`,
    "",
    ...verdictLines(result).map((line) => `- ${markdown(line)}`),
    `- ${applicationsText(result)}`,
    ...(result.older?.notes ?? []).map((note) => `- ${markdown(note)}`),
    ...result.unprovable.map((sentence) => `- Not proven: ${markdown(sentence)}`),
    "",
    ...findingsMarkdown(result),
    "",
    ...proposalsMarkdown(result, proposals, all),
    "",
    ...incidentsMarkdown(result, incidents),
  ].join("\n");
}

/**
 * The line that scripts read their figures from. One digit of the percentage, rounded down, stays
 * below 95 % even where a script rounds it once more to three digits of a ratio. Nothing applied of
 * nothing proposed is 0 %: it must not pass for proven.
 */
function applicationsText({ counts: { full, total } }: VerifyResult): string {
  const tenths = total === 0 ? 0 : Math.floor(full * 1000 / total);
  return `Full applications: ${full}/${total} (${(tenths / 10).toFixed(1)}%)`;
}

function findingsMarkdown({ findings, findingCounts }: VerifyResult): string[] {
  const counts = Object.entries(findingCounts);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return ["## Findings", "", "None."];
  const listed = findings.slice(0, MAX_LISTED);
  return [
    `## Findings: ${total}`,
    "",
    "| code | iteration | file | what is wrong | recorded | recomputed |",
    "|---|--:|---|---|---|---|",
    ...listed.map((finding) => findingRow(finding)),
    ...(total > listed.length ? ["", `And ${total - listed.length} more. By code:`, ""] : []),
    ...(total > listed.length ? counts.map(([code, count]) => `- \`${code}\`: ${count}`) : []),
  ];
}

function findingRow(finding: Finding): string {
  const cells = [
    `\`${finding.code}\``,
    String(finding.iteration ?? ""),
    markdown(finding.file),
    markdown(finding.message),
    markdown(finding.recorded ?? "", 80),
    markdown(finding.recomputed ?? "", 80),
  ];
  return `| ${cells.join(" | ")} |`;
}

function proposalsMarkdown(
  { counts, older }: VerifyResult,
  proposals: readonly JudgedProposal[],
  all: boolean,
): string[] {
  if (counts.total === 0) return ["## Proposals", "", "None was made."];
  const title = all
    ? `## Proposals: ${counts.total}`
    : `## Proposals that are not in full effect: ${counts.total - counts.full} of ${counts.total}`;
  if (proposals.length === 0) return [title, "", "None."];
  const left = (all ? counts.total : counts.total - counts.full) - proposals.length;
  return [
    title,
    "",
    "| after iteration | proposed | outcome | why |",
    "|--:|---|---|---|",
    ...proposals.map(({ iteration, proposedDeltas, outcome, reason }) =>
      `| ${iteration} | ${
        markdown(
          older === undefined ? targetsText(proposedDeltas) : incrementsText(proposedDeltas),
          200,
        )
      } | ${outcome} | ${markdown(reason)} |`
    ),
    ...(left > 0 ? ["", `And ${left} more.`] : []),
  ];
}

function incidentsMarkdown(
  { incidents: counts }: VerifyResult,
  incidents: readonly RecordedIncident[],
): string[] {
  if (incidents.length === 0) return [];
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const left = total - incidents.reduce((sum, { times }) => sum + times, 0);
  return [
    `## Incidents: ${incidentText(counts)}`,
    "",
    "| iteration | what | times | why |",
    "|--:|---|--:|---|",
    ...incidents.map(({ iteration, kind, times, reason }) =>
      `| ${iteration} | ${kind} | ${times} | ${markdown(reason)} |`
    ),
    ...(left > 0 ? ["", `And ${left} more.`] : []),
    "",
  ];
}

function targetsText(deltas: Deltas): string {
  return Object.entries(deltas).map(([key, value]) => `${key} = ${valueText(value)}`).join(", ");
}

/** The proposals of an older run, without the noise of its decimal arithmetic. */
function incrementsText(deltas: Deltas): string {
  return Object.entries(deltas).map(([key, value]) => {
    const increment = Number(Number(value).toPrecision(12));
    return `${key} ${increment < 0 ? "" : "+"}${increment}`;
  }).join(", ");
}
