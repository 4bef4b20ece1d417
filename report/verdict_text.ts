/**
 * What `soak verify` and `soak gate` print: the answer, its figures, findings, the check list.
 *
 * @module
 */

import { basename } from "@std/path/basename";
import { printable, ratioText, shellWord } from "../base/text.ts";
import type { GateCheck } from "../judgement/checks.ts";
import { valuesText } from "../model/changed_settings.ts";
import { GUARD_SETTINGS } from "../model/guard_settings.ts";
import { incidentText } from "../model/incident.ts";
import type { Finding } from "../proof/findings.ts";
import type { InForce } from "../proof/in_force.ts";
import { LENIENCY, type VerifyResult } from "../proof/verdict.ts";
import { VERIFY_REPORT_FILE } from "../record/artifacts.ts";
import type { RunRecord } from "../record/records.ts";
import { displayWidth, type Page, page, type Style, table } from "./terminal.ts";

/** What stands below the answer of a verification, a line each. */
export function verdictLines(result: VerifyResult): string[] {
  const { strict, ratio, counts, signatureStuck, iterations, run } = result;
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
    ...runLines(result),
    `Full-apply ratio: ${found}${rest.join("")}; wanted at least ${barWords(result)} (${mode})`,
    `Signature stuck: ${signatureStuck}`,
    `Iterations judged: ${iterations}` + (run === null ? "" : ` of ${result.iterationsAsked}`),
    ...(result.older === undefined ? [`Last record: ${result.lastHash ?? "unknown"}`] : []),
  ];
}

/** Where a run was made with something else than its start says, a line for each kind. */
function inForceLines({ guards, versions, settings: changed }: InForce): string[] {
  const changes = changed.map(({ iteration, values }) =>
    `${valuesText(values)} from iteration ${iteration} on`
  );
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
    ...(changes.length === 0 ? [] : [`Settings changed: ${changes.join("; ")}`]),
    ...(stretches.length === 0 ? [] : [`Other versions: ${stretches.join(", ")}`]),
  ];
}

/** The share that is enough for this run, and why. */
function barWords({ threshold, signatureStuck }: VerifyResult): string {
  if (signatureStuck > 0 || threshold === 0) return String(threshold);
  const lenient = Number(Math.max(0, threshold - LENIENCY).toFixed(6));
  return `${lenient}, ${LENIENCY} less than ${threshold} as no signature is stuck`;
}

/** Digits of a profile's hash that are enough to tell it from others by eye. */
export const SHORT_HASH = 12;

/**
 * Which run was judged, what of it no measurement showed, what its start does not say, and what
 * happened to the system.
 */
function runLines(result: VerifyResult): string[] {
  const { run, inEffect, inForce, older } = result;
  const incidents = incidentText(result.incidents);
  return [
    ...(run === null ? [] : [`Run: ${runWords(run, result)}`]),
    ...(older === undefined ? [] : [`Run: ${OLDER_RUN}`]),
    ...neverSeenLines(inEffect?.never ?? [], run?.profile.parameters.length ?? 0),
    ...inForceLines(inForce),
    ...(incidents === "none" ? [] : [`Incidents: ${incidents}`]),
  ];
}

/** What a run without SOAK_RUN.json is, and how much can be said of it. */
const OLDER_RUN = "an older one, not recorded by soak: it can be disproven in places, never proven";

function neverSeenLines(never: readonly string[], parameters: number): string[] {
  if (never.length === 0) return [];
  const shown = never.slice(0, 5).map((key) => printable(key, 60)).join(", ");
  const more = never.length > 5 ? ` and ${never.length - 5} more` : "";
  const noun = parameters === 1 ? "parameter" : "parameters";
  return [`Never seen in effect: ${never.length} of ${parameters} ${noun} (${shown}${more})`];
}

function runWords(run: RunRecord, { profileHash, iterationsAsked }: VerifyResult): string {
  const { profile, system, start, startedUtc, autoTune, toolVersion } = run;
  return [
    `profile ${printable(profile.name, 60)} ${(profileHash ?? "").slice(0, SHORT_HASH)}`,
    ...(start === undefined ? [] : [`start ${printable(start, 60)}`]),
    systemWords(run),
    ...(system.kind === "mock" && system.fault !== null
      ? [`fault ${system.fault.kind}:${system.fault.rate}`]
      : []),
    `${iterationWords(run, iterationsAsked ?? run.iterations)} from ${startedUtc}`,
    `auto-tune ${autoTune ? "on" : "off"}`,
    `soak ${printable(toolVersion, 40)}`,
  ].join(", ");
}

/** `24 iterations`, `30 iterations (24 at first, the first 4 a warm-up)`. */
function iterationWords({ iterations: first, warmup }: RunRecord, asked: number): string {
  const more = [
    ...(asked === first ? [] : [`${first} at first`]),
    ...(warmup === undefined ? [] : [`the first ${warmup} a warm-up`]),
  ];
  return `${asked} ${asked === 1 ? "iteration" : "iterations"}` +
    (more.length === 0 ? "" : ` (${more.join(", ")})`);
}

function systemWords({ system, seed }: RunRecord): string {
  if (system.kind === "mock") return `mock with seed ${seed}`;
  const [program = "", ...args] = system.command;
  const command = [basename(program), ...args].map(shellWord).join(" ");
  return `${system.kind} of ${printable(command, 100)}`;
}

/** The answer of a verification, for a terminal; the findings below it. */
export function renderVerification(
  result: VerifyResult,
  dir: string | null,
  style: Style,
): Page {
  const { verdict, findings, findingCounts } = result;
  const total = Object.values(findingCounts).reduce((sum, count) => sum + count, 0);
  const listed = findings.slice(0, 10);
  return page([
    `${verdictText(verdict, style)} ${printable(result.reason)}`,
    ...verdictLines(result).map((line) => `  ${line}`),
    ...(result.older?.notes ?? []).map((note) => `  ${printable(note)}`),
    ...result.unprovable.map((sentence) => `  Not proven: ${printable(sentence)}`),
    ...(verdict === "INCONCLUSIVE" && result.ratio === null && total === 0 &&
        (result.inEffect?.fewest ?? 0) > 0
      ? ["  To accept a run in which nothing was proposed: --allow-no-deltas"]
      : []),
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
  ]);
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

/**
 * The gate's answer: which run was judged, the check list, a line a check, and the verdict. Where the
 * lines do not fit, each has what is wanted below it.
 */
export function renderGate(
  verification: VerifyResult,
  checks: readonly GateCheck[],
  verdict: string,
  style: Style,
  columns = Infinity,
): Page {
  const { findingClasses } = verification;
  const paints = { pass: style.green, warn: style.yellow, fail: style.red, unknown: style.yellow };
  const rows = checks.map(({ name, status, foundText, wantedText }) => [
    paints[status](MARKS[status]),
    name,
    printable(foundText, 120),
    style.dim(`wanted ${printable(wantedText, 120)}`),
  ]);
  const lines = table(rows);
  const narrow = rows.flatMap(([mark, name, found, wanted]) => [
    `${mark} ${name}: ${found}`,
    `    ${wanted}`,
  ]);
  const looks = checks.filter(({ look }) => look !== null)
    .map(({ name, look }) => `  ${name}: ${printable(look ?? "", 300)}`);
  return page([
    ...runLines(verification),
    ...(lines.every((line) => displayWidth(line) <= columns) ? lines : narrow),
    ...(looks.length > 0 ? ["", ...looks] : []),
    ...(verification.strict || findingClasses.proof === 0 ||
        verification.findingCounts.profile_unexpected !== undefined
      ? []
      : ["", "Without --strict, findings are named and do not count."]),
    "",
    `Gate: ${verdictText(verdict, style)}`,
  ]);
}
