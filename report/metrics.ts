/**
 * Metrics in the Prometheus text format.
 *
 * @module
 */

import { printable } from "../base/text.ts";
import type { Snapshot } from "../judgement/snapshot.ts";
import { type Guard, GUARDS } from "../model/guards.ts";
import { INCIDENT_KINDS, type IncidentCounts } from "../model/incident.ts";
import { type Profile, RATIO_METRIC } from "../model/profile.ts";
import type { FindingCode } from "../proof/findings.ts";

/** What metrics are made from. */
export interface MetricsInput {
  /** Full applications as a share of proposals made; `null` if none was made. */
  readonly ratio: number | null;
  /** Proposals by outcome. */
  readonly counts: {
    readonly full: number;
    readonly partial_ok: number;
    readonly fail: number;
    readonly unproven: number;
    readonly total: number;
  };
  /** Applied changes that left the state hash as it was. */
  readonly signatureStuck: number;
  /** What happened to the system over the whole run. */
  readonly incidents: IncidentCounts;
  /** How many findings there are of each code; codes that are left out have none. */
  readonly findingCounts: Readonly<Partial<Record<FindingCode, number>>>;
  /** Every code that can be found, so that a metric is there before it is needed. */
  readonly findingCodes: readonly FindingCode[];
  /** Iterations that applied nothing, by the first guard that held. */
  readonly skipped: Readonly<Record<Guard, number>>;
  /** The snapshot of the last iterations. */
  readonly snapshot: Snapshot;
  /** The profile with the KPIs' metric names. */
  readonly profile: Profile;
  /** Whether the gate passed. */
  readonly gatePassed: boolean;
}

/** The guards that have a metric each for the last iterations. */
const GUARDS_IN_WINDOW = [
  "velocity",
  "cooldown",
  "oscillation",
] as const satisfies readonly Guard[];

const VERDICTS: readonly Snapshot["verdict"][] = ["PASS", "WARN", "FAIL"];

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | string;
}

/**
 * Renders metrics as a Prometheus text file.
 *
 * @param input What to render.
 * @returns The whole file, ending with a line feed.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { marketMaker } from "../model/market_maker.ts";
 * import { takeSnapshot } from "../judgement/snapshot.ts";
 *
 * const text = renderMetrics({
 *   ratio: 0.9496,
 *   counts: { full: 245, partial_ok: 0, fail: 13, unproven: 0, total: 258 },
 *   signatureStuck: 0,
 *   incidents: { died: 0, failed: 0, stopped: 0, resumed: 0 },
 *   findingCounts: {},
 *   findingCodes: ["guard_ignored"],
 *   skipped: { freeze: 0, oscillation: 0, velocity: 0, cooldown: 0, no_op: 0 },
 *   snapshot: takeSnapshot([], marketMaker),
 *   profile: marketMaker,
 *   gatePassed: false,
 * });
 * assertStringIncludes(text, "soak_delta_full_apply_ratio 0.949600\n");
 * ```
 */
export function renderMetrics(input: MetricsInput): string {
  const { counts, snapshot } = input;
  return [
    sample(RATIO_METRIC, { value: exactRatio(input.ratio) }),
    gauge("soak_delta_full_count", "Proposals in full effect.", [{ value: counts.full }]),
    gauge("soak_delta_partial_count", "Proposals held back for a reason that holds up.", [
      { value: counts.partial_ok },
    ]),
    gauge("soak_delta_fail_count", "Proposals that did not take effect.", [{ value: counts.fail }]),
    gauge("soak_delta_unproven_count", "Proposals whose effect can't be proven.", [
      { value: counts.unproven },
    ]),
    gauge("soak_delta_proposed_count", "Proposals made.", [{ value: counts.total }]),
    gauge("soak_delta_total_count", "Proposals made, as soak_delta_proposed_count.", [{
      value: counts.total,
    }]),
    gauge("soak_signature_stuck_count", "Applied changes that left the state hash as it was.", [
      { value: input.signatureStuck },
    ]),
    gauge(
      "soak_incident_count",
      "What happened over the whole run: deaths of the service, failed attempts to measure, ends " +
        "by an error, resumes.",
      INCIDENT_KINDS.map((kind) => ({ labels: { kind }, value: input.incidents[kind] })),
    ),
    ...input.profile.kpis.map(({ key, metric, unit }) =>
      gauge(`soak_kpi_${metric}_mean`, `Mean of ${key} over the last iterations, in ${unit}.`, [
        { value: snapshot.kpi_last8[key]?.mean ?? "NaN" },
      ])
    ),
    gauge("soak_freeze_ready", "Whether the configuration is ready to freeze, 0 or 1.", [
      { value: Number(snapshot.freeze_ready) },
    ]),
    gauge(
      "soak_verdict",
      "1 for the verdict on the KPIs of the last iterations, 0 for the others.",
      VERDICTS.map((verdict) => ({
        labels: { verdict },
        value: Number(snapshot.verdict === verdict),
      })),
    ),
    gauge("soak_verdict_pass_count", "Last iterations that met every KPI.", [
      { value: snapshot.pass_count_last8 },
    ]),
    ...GUARDS_IN_WINDOW.map((guard) =>
      gauge(`soak_guards_${guard}_count`, `Last iterations in which the guard ${guard} held.`, [
        { value: snapshot.guards_last8[guard] },
      ])
    ),
    gauge("soak_anomalies_count", "KPI values of the last iterations that stand far out.", [
      { value: snapshot.anomalies_count },
    ]),
    gauge(
      "soak_skip_reason_count",
      "Iterations that applied nothing, by the first guard that held.",
      GUARDS.map((guard) => ({ labels: { reason: guard }, value: input.skipped[guard] })),
    ),
    gauge(
      "soak_verify_finding_count",
      "Findings of the verification, by code.",
      input.findingCodes.map((code) => ({
        labels: { code },
        value: input.findingCounts[code] ?? 0,
      })),
    ),
    gauge("soak_gate_pass", "Whether the gate passed, 0 or 1.", [
      { value: Number(input.gatePassed) },
    ]),
  ].join("");
}

/** Samples with their help and type. The help is left out where it would name the ratio's metric. */
function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const told = `# HELP ${name} ${exposition(help)}\n`;
  const lines = samples.map((one) => sample(name, one));
  return `${told.includes(RATIO_METRIC) ? "" : told}# TYPE ${name} gauge\n${lines.join("")}`;
}

function sample(name: string, { labels, value }: Sample): string {
  return `${name}${labelText(labels)} ${value}\n`;
}

function labelText(labels: Sample["labels"]): string {
  if (labels === undefined) return "";
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${exposition(value).replaceAll('"', '\\"')}"`
  );
  return `{${pairs.join(",")}}`;
}

/** Text as the format takes it: on one line, with nothing raw in it, and its backslashes doubled. */
function exposition(text: string): string {
  return printable(text).replaceAll("\\", "\\\\");
}

/**
 * A ratio with at least six digits and never rounded, for 0.9496 must not become 0.950; nor with an
 * exponent, before which a pattern for digits would stop.
 */
function exactRatio(ratio: number | null): string {
  if (ratio === null) return "NaN";
  const shortest = String(ratio);
  if (shortest.includes("e")) return ratio.toFixed(20);
  const decimals = shortest.split(".")[1]?.length ?? 0;
  return decimals < 6 ? ratio.toFixed(6) : shortest;
}
