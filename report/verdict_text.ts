/**
 * Reports people read: Markdown for the run directory, text for the terminal.
 *
 * @module
 */

import type { RunRecord } from "../record/records.ts";
import { VERIFY_REPORT_FILE } from "../record/artifacts.ts";
import type { Finding } from "../proof/findings.ts";
import type { JudgedProposal } from "../proof/outcome.ts";
import { printable } from "../base/text.ts";
import { type Style, table } from "./terminal.ts";
import { type GateCheck, LENIENCY, type VerifyResult } from "../proof/verify_result.ts";

/** How many findings a report lists one by one. */
const MAX_LISTED = 50;

/**
 * The report `DELTA_VERIFY_REPORT.md`: the answer first, then findings, then proposals.
 *
 * @param result How the verification ended.
 * @param proposals The proposals to list.
 * @param all Whether these are all proposals, or only those that are not in full effect.
 * @returns The report as Markdown.
 */
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

function verdictLines(result: VerifyResult): string[] {
  const { strict, ratio, threshold, counts, signatureStuck, iterations, run } = result;
  const mode = strict ? "strict: any finding fails" : "not strict: findings alone do not fail it";
  const found = ratio === null
    ? "none, for nothing was proposed"
    : `${ratioText(ratio)}, ${counts.full} of ${counts.total} proposals`;
  const rest = ([
    ["held back for a true reason", counts.partial_ok],
    ["failed", counts.fail],
    ["not proven", counts.unproven],
  ] as const).filter(([, count]) => count > 0).map(([what, count]) => `, ${count} ${what}`);
  return [
    ...(run === null ? [] : [`Run: ${runWords(run)}`]),
    `Full-apply ratio: ${found}${rest.join("")}; wanted at least ${threshold}, ` +
    `or ${lenient(threshold)} with no signature stuck (${mode})`,
    `Signature stuck: ${signatureStuck}`,
    `Iterations judged: ${iterations}` + (run === null ? "" : ` of ${run.iterations}`),
    `Last record: ${result.lastHash ?? "unknown"}`,
  ];
}

function lenient(threshold: number): number {
  return Number(Math.max(0, threshold - LENIENCY).toFixed(6));
}

function runWords({ system, seed, profile, toolVersion, autoTune, startedUtc }: RunRecord): string {
  const what = seed === null ? system.kind : `${system.kind} with seed ${seed}`;
  return `${what}, profile ${profile.name}, auto-tune ${autoTune ? "on" : "off"}, ` +
    `soak ${printable(toolVersion, 40)}, from ${startedUtc}`;
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
      `| ${iteration} | ${markdown(targets(proposedDeltas), 200)} | ${outcome} | ${
        markdown(reason)
      } |`
    ),
    ...(left > 0 ? ["", `And ${left} more.`] : []),
  ];
}

function targets(deltas: Readonly<Record<string, number>>): string {
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

/** A ratio with six digits at most, cut off: what is short of a threshold must not look like it. */
export function ratioText(ratio: number): string {
  return String(Math.floor(ratio * 1e6 + 1e-6) / 1e6);
}

/**
 * The answer of a verification, for a terminal; the findings below it.
 *
 * @param result How the verification ended.
 * @param dir Where the whole report is; `null` if it could not be written.
 * @param style Colours.
 * @returns Lines without a final newline.
 */
export function renderVerification(
  result: VerifyResult,
  dir: string | null,
  style: Style,
): string {
  const { verdict, findings, findingCounts } = result;
  const total = Object.values(findingCounts).reduce((sum, count) => sum + count, 0);
  const listed = findings.slice(0, 10);
  return [
    `${verdictText(verdict, style)} ${printable(result.reason)}`,
    ...verdictLines(result).map((line) => `  ${line}`),
    ...result.unprovable.map((sentence) => `  Not proven: ${printable(sentence)}`),
    ...(total === 0 ? [] : ["", style.bold(total === 1 ? "1 finding" : `${total} findings`)]),
    ...listed.map((finding) => `  ${findingLine(finding, style)}`),
    ...(total > listed.length ? [`  … and ${total - listed.length} more`] : []),
    ...(dir === null ? [] : [
      "",
      style.dim(
        `${printable(dir)}/${VERIFY_REPORT_FILE} has the whole report; ` +
          "soak help codes explains the codes",
      ),
    ]),
  ].join("\n");
}

/** A finding on one line. */
export function findingLine(finding: Finding, style: Style): string {
  const values = finding.recorded === null && finding.recomputed === null
    ? ""
    : ` [recorded ${shorten(finding.recorded)}, recomputed ${shorten(finding.recomputed)}]`;
  const where = `${printable(finding.file)}: ${printable(finding.message, 400)}`;
  return `${style.yellow(finding.code)} ${where}${style.dim(values)}`;
}

function shorten(text: string | null): string {
  if (text === null) return "nothing";
  const bare = /^"[0-9a-f]{64}"$/.test(text) ? text.slice(1, -1) : text;
  return printable(bare, 64);
}

/** A verdict in its colour. */
export function verdictText(verdict: string, style: Style): string {
  const paint = verdict === "PASS" ? style.green : verdict === "FAIL" ? style.red : style.yellow;
  return style.bold(paint(verdict));
}

const MARKS: Readonly<Record<GateCheck["status"], string>> = {
  pass: "✓",
  warn: "!",
  fail: "✗",
  unknown: "?",
};

/** The gate's check list, one line a check, and the verdict below it. */
export function renderGate(
  checks: readonly GateCheck[],
  verdict: string,
  style: Style,
): string {
  const paints = { pass: style.green, warn: style.yellow, fail: style.red, unknown: style.yellow };
  const rows = checks.map(({ name, status, found, wanted }) => [
    paints[status](MARKS[status]),
    name,
    printable(found, 120),
    style.dim(`wanted ${printable(wanted, 120)}`),
  ]);
  const looks = checks.filter(({ look }) => look !== null)
    .map(({ name, look }) => `  ${name}: look at ${printable(look ?? "", 300)}`);
  return [
    table(rows),
    ...(looks.length > 0 ? ["", ...looks] : []),
    "",
    `Gate: ${verdictText(verdict, style)}`,
  ].join("\n");
}
