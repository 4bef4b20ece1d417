/**
 * The reports of a verification: `DELTA_VERIFY_REPORT.json` with everything, written as it is
 * found, and `DELTA_VERIFY_REPORT.md` with what deserves a look. What `--json` prints is here too.
 *
 * @module
 */

import { join } from "@std/path/join";
import { AtomicFile, atomicWrite, removeStaleTemps } from "../base/atomic_file.ts";
import { canonicalJson } from "../base/canonical.ts";
import type { JsonObject } from "../base/json_value.ts";
import { printable } from "../base/text.ts";
import type { Finding } from "../proof/findings.ts";
import type { InForce } from "../proof/in_force.ts";
import type { JudgedProposal } from "../proof/outcome.ts";
import type { VerifyResult } from "../proof/verdict.ts";
import { VERIFY_JSON_FILE, VERIFY_REPORT_FILE } from "../record/artifacts.ts";
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
    finding_counts: result.findingCounts,
    last_hash: result.lastHash,
    ...inForceToJson(result.inForce),
    unprovable: result.unprovable,
  };
}

/** Where a run was made with something else than its start says, as the reports have it. */
export function inForceToJson({ guards, versions }: InForce): JsonObject {
  const settings = Object.entries(guards).map(([name, own]) => [name, { ...own }]);
  return {
    guards_in_force: Object.fromEntries(settings),
    other_versions: versions.map(({ toolVersion, first, last }) => ({
      tool_version: toolVersion,
      first,
      last,
    })),
  };
}

/** Collects a report while the verification goes on. */
export class VerifyReport implements Disposable {
  readonly #dir: string;
  readonly #encoder = new TextEncoder();
  #json: AtomicFile | null = null;
  #entries = 0;
  readonly #proposals: JudgedProposal[] = [];
  readonly #shortfalls: JudgedProposal[] = [];
  #chunk = "";

  /** Starts a report for the run in a directory; nothing is written yet. */
  constructor(dir: string) {
    this.#dir = dir;
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

  /** Puts both reports in place. */
  finish(result: VerifyResult): void {
    const opening = this.#entries === 0 ? '{"entries":[' : "";
    this.#append(`${opening}],"schema_version":1,"summary":${canonicalJson(summaryOf(result))}}`);
    this.#flush();
    this.#json?.commit();
    this.#json = null;
    removeStaleTemps(this.#dir); // of a verification that was killed
    const all = result.counts.total <= MAX_ROWS;
    const text = renderVerifyMarkdown(result, all ? this.#proposals : this.#shortfalls, all);
    atomicWrite(join(this.#dir, VERIFY_REPORT_FILE), this.#encoder.encode(text));
  }

  /** Gives up what was not put in place. */
  [Symbol.dispose](): void {
    this.#json?.abort();
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

  #flush(): void {
    this.#json ??= AtomicFile.create(join(this.#dir, VERIFY_JSON_FILE));
    this.#json.write(this.#encoder.encode(this.#chunk));
    this.#chunk = "";
  }
}

/** How many findings a report lists one by one. */
const MAX_LISTED = 50;

/** The report `DELTA_VERIFY_REPORT.md`: the answer first, then findings, then proposals. */
export function renderVerifyMarkdown(
  result: VerifyResult,
  proposals: readonly JudgedProposal[],
  all: boolean,
): string {
  return [
    `# ${result.verdict}: ${markdown(result.reason)}`,
    "",
    ...verdictLines(result).map((line) => `- ${markdown(line)}`),
    ...result.unprovable.map((sentence) => `- Not proven: ${markdown(sentence)}`),
    "",
    ...findingsMarkdown(result),
    "",
    ...proposalsMarkdown(result, proposals, all),
    "",
  ].join("\n");
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
  { counts }: VerifyResult,
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
      `| ${iteration} | ${markdown(targetsText(proposedDeltas), 200)} | ${outcome} | ${
        markdown(reason)
      } |`
    ),
    ...(left > 0 ? ["", `And ${left} more.`] : []),
  ];
}

function targetsText(deltas: Readonly<Record<string, number>>): string {
  return Object.entries(deltas).map(([key, value]) => `${key} = ${value}`).join(", ");
}

/**
 * Text from data, so that it shows in Markdown as it is and can't be markup of any kind: no
 * emphasis, code, link, table cell, HTML, nor an address that is made a link by itself.
 */
function markdown(text: string, maxLength = 400): string {
  return printable(text, maxLength)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\\`*[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, "\\$&")
    .replaceAll("://", ":&#47;&#47;")
    .replaceAll("@", "&#64;")
    .replaceAll(/www\./gi, (www) => `${www.slice(0, -1)}&#46;`);
}
