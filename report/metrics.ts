/**
 * Metrics in the Prometheus text format.
 *
 * @module
 */

import { printable } from "../base/text.ts";
import type { Snapshot } from "../judgement/snapshot.ts";
import { type Guard, GUARDS } from "../model/guards.ts";
import { INCIDENT_KINDS, type IncidentCounts } from "../model/incident.ts";
import type { Profile } from "../model/profile.ts";
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
 * assertStringIncludes(text, "\nsoak_delta_full_apply_ratio 0.949600\n");
 * ```
 */
export function renderMetrics(input: MetricsInput): string {
  const { counts, snapshot } = input;
  return [
    gauge(
      "soak_delta_full_apply_ratio",
      "Share of proposals in full effect, 0 to 1; NaN if none was made.",
      [
        { value: exactRatio(input.ratio) },
      ],
    ),
    gauge("soak_delta_full_count", "Proposals in full effect.", [{ value: counts.full }]),
    gauge("soak_delta_partial_count", "Proposals held back for a reason that holds up.", [
      { value: counts.partial_ok },
    ]),
    gauge("soak_delta_fail_count", "Proposals that did not take effect.", [{ value: counts.fail }]),
    gauge("soak_delta_unproven_count", "Proposals whose effect can't be proven.", [
      { value: counts.unproven },
    ]),
    gauge("soak_delta_total_count", "Proposals made.", [{ value: counts.total }]),
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
    gauge("soak_verdict_pass_count", "Last iterations that met every KPI.", [
      { value: snapshot.pass_count_last8 },
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

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${exposition(help)}\n# TYPE ${name} gauge\n${lines.join("")}`;
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

/** A ratio with at least six digits and never rounded: 0.9496 must not become 0.950. */
function exactRatio(ratio: number | null): string {
  if (ratio === null) return "NaN";
  const shortest = String(ratio);
  const decimals = shortest.split(".")[1]?.length ?? 0;
  return decimals < 6 && !shortest.includes("e") ? ratio.toFixed(6) : shortest;
}
