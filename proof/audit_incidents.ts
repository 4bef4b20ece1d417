/**
 * Checks what is recorded of restarts, failed attempts, ends and resumes against the settings of the
 * system: what no run under them can have had is not believed.
 *
 * @module
 */

import { countIncidents, type Incident, type IncidentCounts } from "../model/incident.ts";
import type { IterationRecord, RunRecord } from "../record/records.ts";
import { found, type RecordFinding } from "./findings.ts";

/** Checks the incidents of an iteration; `before`: what there was, `null` after a gap. */
export function auditIncidents(
  { incidents = [], failure }: Pick<IterationRecord, "incidents" | "failure">,
  { system }: RunRecord,
  before: IncidentCounts | null,
): RecordFinding[] {
  if (system.kind === "mock") return incidents.length === 0 ? [] : [foreign(incidents)];
  const counts = countIncidents(incidents);
  const findings = impossible(incidents, counts, system.kind);
  if (counts.stopped > counts.resumed) {
    findings.push(found("incident_untrue", "the run stopped by an error and was not resumed"));
  }
  const last = incidents.findLast(({ kind }) => kind === "failed");
  if (failure !== null && last?.reason !== failure) {
    const message = "the failure is not that of the last failed attempt";
    findings.push(found("attempts_wrong", message, failure, last?.reason ?? null));
  }
  const each = system.retries + 1;
  const most = each * (counts.resumed + 1) - (failure === null ? 1 : 0);
  const least = failure === null ? 0 : each;
  if (counts.failed > most || counts.failed < least) {
    findings.push(found(
      "attempts_wrong",
      `the recorded retries allow from ${least} to ${most} failed attempts`,
      counts.failed,
    ));
  }
  if (system.kind === "service" && before !== null) {
    findings.push(...tooManyDeaths(countIncidents(incidents, before), system.maxRestarts, 0));
  }
  return findings;
}

/** Checks what has happened since the last record of a run that is not finished. */
export function auditPending(
  incidents: readonly Incident[],
  { system }: RunRecord,
  before: IncidentCounts | null,
): RecordFinding[] {
  if (system.kind === "mock") return incidents.length === 0 ? [] : [foreign(incidents)];
  const counts = countIncidents(incidents);
  const findings = impossible(incidents, counts, system.kind);
  if (counts.stopped > counts.resumed + 1) {
    findings.push(found("incident_untrue", "the run stopped by an error more often than it ran"));
  }
  const most = (system.retries + 1) * (counts.resumed + 1);
  if (counts.failed > most) {
    const message = `the recorded retries allow ${most} failed attempts at most`;
    findings.push(found("attempts_wrong", message, counts.failed, most));
  }
  if (system.kind === "service" && before !== null) {
    findings.push(...tooManyDeaths(countIncidents(incidents, before), system.maxRestarts, 1));
  }
  return findings;
}

function foreign(incidents: readonly Incident[]): RecordFinding {
  const message = "incidents are recorded, which a simulated system does not have";
  return found("incident_untrue", message, incidents[0]);
}

function impossible(
  incidents: readonly Incident[],
  { died }: IncidentCounts,
  kind: "exec" | "service",
): RecordFinding[] {
  if (kind === "service" || died === 0) return [];
  const death = incidents.find((incident) => incident.kind === "died");
  return [found("incident_untrue", "a service died, yet none is run", death)];
}

/** A death beyond the limit ends the run, so that there is no more than one before each resume. */
function tooManyDeaths(
  { died, resumed }: IncidentCounts,
  maxRestarts: number,
  more: number,
): RecordFinding[] {
  const most = maxRestarts + resumed + more;
  if (died <= most) return [];
  const message =
    `the service may be started again ${maxRestarts} times, and the run was resumed ` +
    `${resumed} times: it can't have died more than ${most} times by then`;
  return [found("restarts_excessive", message, died, most)];
}
