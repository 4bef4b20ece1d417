/**
 * Tells the story of one iteration, from measurement to proof.
 *
 * @module
 */

import { join } from "@std/path/join";
import { SoakError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { GUARDS } from "../model/guards.ts";
import { valuesText } from "../model/changed_settings.ts";
import { type Incident, often } from "../model/incident.ts";
import { type Profile, ruleFires } from "../model/profile.ts";
import { valueText } from "../model/value.ts";
import type { AuditedIteration } from "../proof/audit_sink.ts";
import type { Finding } from "../proof/findings.ts";
import type { JudgedProposal } from "../proof/outcome.ts";
import { verifyRun } from "../proof/verify.ts";
import { resumeCommand } from "../record/artifacts.ts";
import type { IterationRecord } from "../record/records.ts";
import { type Page, page, type Style, table } from "./terminal.ts";
import { findingLine } from "./verdict_text.ts";

/** No value is longer, unless it is forged. */
const MAX_VALUE = 100;

/** Everything that verification knows of one iteration. */
interface Story {
  readonly audited: AuditedIteration;
  readonly next: AuditedIteration | null;
  readonly proposal: JudgedProposal | null;
  readonly findings: readonly Finding[];
}

/** What is known of an iteration that has not come to be recorded. */
interface PendingStory {
  readonly audited: null;
  readonly incidents: readonly Incident[];
}

/** Explains one iteration of a run. */
export async function explainIteration(
  dir: string,
  iteration: number,
  style: Style,
): Promise<Page> {
  const story = await tell(dir, iteration);
  if (story.audited === null) return pendingPage(dir, iteration, story.incidents, style);
  const { audited } = story;
  const { record, profile } = audited;
  return page([
    style.bold(`Iteration ${record.iteration}, ${record.utc}`) + versionWords(record),
    ...settingsLines(record),
    "",
    ...incidentLines(audited, style),
    ...kpiLines(audited, style),
    "",
    ...ruleLines(audited, profile),
    "",
    ...guardLines(audited, style),
    "",
    ...stepLines(audited),
    "",
    ...outcomeLines(story, style),
    ...(story.findings.length === 0 ? [] : [
      "",
      style.bold("Findings"),
      ...story.findings.map((finding) => `  ${findingLine(finding, style)}`),
    ]),
  ]);
}

function versionWords({ toolVersion }: IterationRecord): string {
  return toolVersion === undefined
    ? ""
    : `, recorded by soak ${printable(toolVersion, 40)}, not by the version that started the run`;
}

function settingsLines({ settings = [] }: IterationRecord): string[] {
  return settings.map(({ values }) => `Settings from here on: ${valuesText(values)}`);
}

async function tell(dir: string, iteration: number): Promise<Story | PendingStory> {
  let audited: AuditedIteration | null = null;
  let next: AuditedIteration | null = null;
  let proposal: JudgedProposal | null = null;
  const findings: Finding[] = [];
  const incidents: Incident[] = [];
  const { iterations, iterationsAsked, run } = await verifyRun(dir, {
    observer: {
      iteration(seen) {
        if (seen.record.iteration === iteration) audited = seen;
        if (seen.record.iteration === iteration + 1) next = seen;
      },
      proposal(judged) {
        if (judged.iteration === iteration) proposal = judged;
      },
      incident(incident, before) {
        if (before === iteration) incidents.push(incident);
      },
      finding(finding) {
        if (finding.iteration === iteration) findings.push(finding);
      },
    },
  });
  if (audited !== null) return { audited, next, proposal, findings };
  const [first] = findings;
  if (run === null) {
    throw new SoakError("artifact", "only a run that soak itself recorded can be explained", {
      where: dir,
      remedy: "soak verify tells what can be said about this one",
    });
  }
  if (first === undefined && incidents.length > 0) return { audited, incidents };
  if (first === undefined) {
    throw new SoakError("artifact", `there is no iteration ${iteration}`, {
      where: dir,
      remedy: `the run has ${iterations} of ${iterationsAsked} iterations`,
    });
  }
  throw new SoakError("artifact", `iteration ${iteration} can't be read: ${first.code}`, {
    where: join(dir, first.file),
    remedy: first.message,
  });
}

function pendingPage(
  dir: string,
  iteration: number,
  incidents: readonly Incident[],
  style: Style,
): Page {
  return page([
    style.bold(`Iteration ${iteration} is not recorded`),
    "",
    "What has happened so far",
    ...incidentRows(incidents, style),
    "",
    `To go on with it: ${resumeCommand(dir)}`,
  ]);
}

function incidentLines({ record: { incidents = [], failure } }: AuditedIteration, style: Style) {
  if (incidents.length === 0) return [];
  const title = failure === null
    ? "What happened before it was measured"
    : "Why it was not measured";
  return [title, ...incidentRows(incidents, style), ""];
}

function incidentRows(incidents: readonly Incident[], style: Style): string[] {
  const rows = incidents.map(({ kind, reason, times }) => [
    `  ${kind === "resumed" ? kind : style.red(kind)}`,
    often(times),
    printable(reason),
  ]);
  return table(rows);
}

function kpiLines({ record, judgement, profile }: AuditedIteration, style: Style): string[] {
  const rows = profile.kpis.map(({ key, target, better, unit }) => {
    const value = Object.hasOwn(record.kpis, key) ? record.kpis[key] ?? null : null;
    const missed = judgement.reasons.some((reason) => reason.startsWith(`${key} `));
    return [
      `  ${printable(key)}`,
      value === null ? "–" : String(value),
      printable(unit),
      target === null ? "observed only" : `${better === "lower" ? "≤" : "≥"} ${target}`,
      target === null ? "" : missed ? style.red("missed") : style.green("met"),
    ];
  });
  return [
    `KPIs: ${judgement.verdict}` +
    (judgement.verdict === record.kpiVerdict ? "" : `, but recorded as ${record.kpiVerdict}`),
    ...table(rows, { align: ["left", "right"] }),
  ];
}

function ruleLines({ record }: AuditedIteration, profile: Profile): string[] {
  const fired = profile.rules.filter((rule) => ruleFires(rule, record.kpis));
  return [
    fired.length === 0 ? "Rules: none fired" : "Rules that fired",
    ...fired.map((rule) => {
      const conditions = rule.when
        .map(({ kpi, op, value }) => `${kpi} ${record.kpis[kpi]} ${op} ${value}`).join(", ");
      return `  ${printable(`${rule.name}: ${conditions}`)}`;
    }),
    `  rationale: ${printable(record.tuning.rationale)}`,
  ];
}

function guardLines({ guards }: AuditedIteration, style: Style): string[] {
  if (guards === null) return ["Guards: unknown, since an earlier record is missing"];
  return [
    "Guards, recomputed",
    ...table(GUARDS.map((guard) => [
      `  ${guard}`,
      guards[guard].holds ? style.yellow("holds") : "clear",
      printable(guards[guard].detail),
    ])),
  ];
}

function stepLines({ record: { tuning } }: AuditedIteration): string[] {
  const hashes = tuning.oldHash === tuning.stateHash
    ? `  state ${tuning.stateHash}, as before`
    : `  state ${tuning.oldHash} → ${tuning.stateHash}`;
  if (!tuning.applied) {
    const proposed = Object.entries(tuning.proposedDeltas).map(([key, to]) =>
      `${key} = ${valueText(to)}`
    );
    return [
      `Nothing applied: ${printable(tuning.skipReason?.note ?? "no reason is recorded")}`,
      ...(proposed.length === 0 ? [] : [`  proposed ${printable(proposed.join(", "), 400)}`]),
      hashes,
    ];
  }
  return [
    "Applied",
    ...table(tuning.changes.map(({ key, from, to, rule }) => [
      `  ${printable(key)}`,
      [from, to].map((value) => printable(valueText(value), MAX_VALUE)).join(" → "),
      `by ${printable(rule)}`,
    ])),
    hashes,
  ];
}

function outcomeLines({ audited, next, proposal }: Story, style: Style): string[] {
  if (proposal === null) return ["Nothing was proposed, so there is nothing to observe"];
  const paint = proposal.outcome === "full"
    ? style.green
    : proposal.outcome === "fail"
    ? style.red
    : style.yellow;
  const observed = Object.keys(audited.record.tuning.proposedDeltas).map((key) => {
    const value = next !== null && Object.hasOwn(next.record.effectiveParams, key)
      ? next.record.effectiveParams[key]
      : undefined;
    return [
      `  ${printable(key)}`,
      value === undefined ? "not reported" : printable(valueText(value), MAX_VALUE),
    ];
  });
  return [
    next === null
      ? "No next iteration observed it"
      : `Observed by iteration ${next.record.iteration}`,
    ...(next === null ? [] : table(observed)),
    `Verdict: ${paint(proposal.outcome)}, ${printable(proposal.reason)}`,
  ];
}
