/**
 * What `soak verify` and `soak gate` print: the answer, its figures, findings, the check list.
 *
 * @module
 */

import { printable, ratioText } from "../base/text.ts";
import type { GateCheck } from "../judgement/checks.ts";
import { GUARD_SETTINGS } from "../model/guard_settings.ts";
import type { Finding } from "../proof/findings.ts";
import type { InForce } from "../proof/in_force.ts";
import { LENIENCY, type VerifyResult } from "../proof/verdict.ts";
import { VERIFY_REPORT_FILE } from "../record/artifacts.ts";
import type { RunRecord } from "../record/records.ts";
import { type Style, table } from "./terminal.ts";

/** What stands below the answer of a verification, a line each. */
export function verdictLines(result: VerifyResult): string[] {
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
    ...inForceLines(result.inForce),
  ];
}

/** Where a run was made with something else than its start says, a line for each kind. */
export function inForceLines({ guards, versions }: InForce): string[] {
  const settings = GUARD_SETTINGS.flatMap((name) => {
    const own = guards[name];
    if (own === undefined) return [];
    const { least, most, profile } = own;
    return [`${name} ${least === most ? least : `from ${least} to ${most}`} instead of ${profile}`];
  });
  const stretches = versions.map(({ toolVersion, first, last }) =>
    `${first === last ? `iteration ${first}` : `iterations ${first} to ${last}`} by soak ${
      printable(toolVersion, 40)
    }`
  );
  return [
    ...(settings.length === 0 ? [] : [`Guards in force: ${settings.join(", ")}, by the runtime`]),
    ...(stretches.length === 0 ? [] : [`Other versions: ${stretches.join(", ")}`]),
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

/** The answer of a verification, for a terminal; the findings below it. */
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
    : ` [recorded ${shortValue(finding.recorded)}, recomputed ${shortValue(finding.recomputed)}]`;
  const where = `${printable(finding.file)}: ${printable(finding.message, 400)}`;
  return `${style.yellow(finding.code)} ${where}${style.dim(values)}`;
}

function shortValue(text: string | null): string {
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
  inForce: InForce = { guards: {}, versions: [] },
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
    ...inForceLines(inForce),
    table(rows),
    ...(looks.length > 0 ? ["", ...looks] : []),
    "",
    `Gate: ${verdictText(verdict, style)}`,
  ].join("\n");
}
