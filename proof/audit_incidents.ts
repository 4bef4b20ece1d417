/**
 * Checks what is recorded of deaths, failed attempts, ends and resumes against the settings of the
 * system: what no run under them can have had, in that order, is not believed.
 *
 * @module
 */

import {
  countIncidents,
  type Incident,
  type IncidentCounts,
  MAX_ENTRIES,
  NO_INCIDENTS,
  often,
  RESUMED_AFTER,
} from "../model/incident.ts";
import { settingsAfter, type SettingsChange } from "../model/changed_settings.ts";
import type { RealSystem, SystemSpec } from "../model/system_spec.ts";
import type { IterationRecord } from "../record/records.ts";
import { found, type RecordFinding } from "./findings.ts";

/** What was in force while something happened. */
export interface InForceThen {
  /** The system, with its settings at the record before. */
  readonly system: SystemSpec;
  /** How they changed since; each from the resume on that brought it. */
  readonly settings?: readonly SettingsChange[];
  /** Whether the run had all its iterations at the record before. */
  readonly wasFinished?: boolean;
  /** Whether the settings may have been other ones, for a gap hides changes. */
  readonly mayDiffer?: boolean;
}

/** The same for a real system. */
interface RealInForce extends InForceThen {
  readonly system: RealSystem;
}

function isReal(then: InForceThen): then is RealInForce {
  return then.system.kind !== "mock";
}

/** Checks the incidents of an iteration; `before`: what there was, `null` after a gap. */
export function auditIncidents(
  { incidents = [], failure }: Pick<IterationRecord, "incidents" | "failure">,
  then: InForceThen,
  before: IncidentCounts | null,
): RecordFinding[] {
  if (!isReal(then)) return incidents.length === 0 ? [] : [foreign(incidents)];
  const findings = audit(incidents, then, before, failure === null ? "measured" : "failed");
  const last = incidents.findLast(({ kind }) => kind === "failed");
  if (failure !== null && last?.reason !== failure) {
    const message = "the failure is not that of the last failed attempt";
    findings.push(found("attempts_wrong", message, failure, last?.reason ?? null));
  }
  return findings;
}

/** Checks what has happened since the last record of a run that is not finished. */
export function auditPending(
  incidents: readonly Incident[],
  then: InForceThen,
  before: IncidentCounts | null,
): RecordFinding[] {
  if (!isReal(then)) return incidents.length === 0 ? [] : [foreign(incidents)];
  return audit(incidents, then, before, "open");
}

/** The limits that a system's settings set to what can happen. */
interface Limits {
  /** Attempts at a measurement that can't be taken, at least and at most. */
  readonly attempts: { readonly least: number; readonly most: number };
  /** Restarts at most; `null` where there is no service. */
  readonly restarts: number | null;
  /** Whether an iteration that can't be measured is recorded as failed. */
  readonly goesOn: boolean;
}

/** The limits in force after so many resumes since the record before. */
function limitsAfter(then: RealInForce, resumes: number): Limits {
  const { system, settings = [] } = then;
  const now = settings.filter(({ resume }) => (resume ?? 0) <= resumes)
    .reduce(systemAfter, system);
  return limitsUnder(now, then);
}

function systemAfter(system: RealSystem, change: SettingsChange): RealSystem {
  const after = settingsAfter({ iterations: 0, system }, change).system;
  return after.kind === "mock" ? system : after;
}

function limitsUnder(system: RealSystem, { mayDiffer = false }: RealInForce): Limits {
  const { retries, onError } = system;
  const [least, most] = mayDiffer ? [0, Infinity] : [retries + 1, retries + 1];
  return {
    attempts: { least, most },
    restarts: system.kind === "service" ? system.maxRestarts : null,
    goesOn: onError === "continue",
  };
}

/** The limits of all legs together, where it is not on record which one something happened in. */
function loosestLimits(then: RealInForce): Limits {
  let { system } = then;
  let loosest = limitsUnder(system, then);
  // One after the other: a hostile record could have very many.
  for (const change of then.settings ?? []) {
    system = systemAfter(system, change);
    const { attempts: { least, most }, restarts, goesOn } = limitsUnder(system, then);
    loosest = {
      attempts: { least, most: Math.max(most, loosest.attempts.most) },
      restarts: restarts === null ? null : Math.max(restarts, loosest.restarts ?? 0),
      goesOn,
    };
  }
  return loosest;
}

/** How a leg ended, the stretch up to a resume, a record, or the end of what is on record. */
type LegEnd = "resumed" | "measured" | "failed" | "open";

/** What happened in a leg. */
interface Leg {
  /** How often the service had died before it; `null` if that is unknown. */
  readonly before: number | null;
  readonly died: number;
  readonly failed: number;
  readonly stopped: number;
  /** How many legs these are, where it is not on record which one it happened in. */
  readonly legs: number;
}

function audit(
  incidents: readonly Incident[],
  then: RealInForce,
  before: IncidentCounts | null,
  end: LegEnd,
): RecordFinding[] {
  const findings = [...listFindings(incidents, before), ...deathFindings(incidents, then.system)];
  const start = { before: before?.died ?? null, died: 0, failed: 0, stopped: 0, legs: 1 };
  if (incidents.length < MAX_ENTRIES) {
    return [...findings, ...inOrder(incidents, then, start, end)];
  }
  // What was added to a full list stands in an entry before, and the order is not on record.
  const { died, failed, stopped, resumed } = countIncidents(incidents);
  const all = { ...start, died, failed, stopped, legs: resumed + 1 };
  return [...findings, ...legFindings(all, loosestLimits(then), end)];
}

function inOrder(
  incidents: readonly Incident[],
  then: RealInForce,
  start: Leg,
  end: LegEnd,
): RecordFinding[] {
  const findings: RecordFinding[] = [];
  let leg = start;
  let resumes = 0;
  for (const incident of incidents) {
    const { kind, reason, times } = incident;
    if (kind !== "resumed") {
      if (leg.stopped > 0) {
        const message = "it is recorded after an end by an error, before the resume";
        findings.push(found("incident_untrue", message, incident));
      }
      leg = { ...leg, [kind]: leg[kind] + times };
      continue;
    }
    const isAfterError = reason === RESUMED_AFTER.error;
    const isUntrue = reason === RESUMED_AFTER.finish &&
      (then.wasFinished === false || incident !== incidents[0] || times > 1);
    if (
      !RESUMES.has(reason) || isUntrue || isAfterError !== leg.stopped > 0 ||
      (isAfterError && times > 1)
    ) {
      const message = "a resume is not after the end that is recorded before it";
      findings.push(found("incident_untrue", message, incident));
    }
    findings.push(...legFindings(leg, limitsAfter(then, resumes), "resumed"));
    resumes += times;
    leg = { ...start, before: leg.before === null ? null : leg.before + leg.died };
  }
  return [...findings, ...legFindings(leg, limitsAfter(then, resumes), end)];
}

const RESUMES: ReadonlySet<string> = new Set(Object.values(RESUMED_AFTER));

function legFindings(leg: Leg, limits: Limits, end: LegEnd): RecordFinding[] {
  const { failed, stopped, legs } = leg;
  const isOver = end === "measured" || end === "failed";
  const findings: RecordFinding[] = [];
  if (stopped > legs - (isOver ? 1 : 0)) {
    findings.push(found(
      "incident_untrue",
      isOver
        ? "the run stopped by an error and was not resumed"
        : "the run stopped by an error more often than it ran",
    ));
  }
  const { attempts, restarts, goesOn } = limits;
  // One that could not be measured may still be thrown away, as its runtime was changed.
  const thrownAway = goesOn ? legs - (isOver ? 1 : 0) : 0;
  const most = attempts.most * legs + thrownAway - (end === "measured" ? 1 : 0);
  const least = end === "failed" ? attempts.least : 0;
  if (failed > most || failed < least) {
    const message = `the retries in force allow from ${least} to ${most} failed attempts`;
    findings.push(found("attempts_wrong", message, failed));
  }
  if (restarts !== null && leg.before !== null) {
    findings.push(...tooManyDeaths(leg, leg.before, restarts, isOver));
  }
  return findings;
}

/** A death beyond the limit ends the leg that it comes in. */
function tooManyDeaths(
  { died, legs }: Leg,
  before: number,
  maxRestarts: number,
  isOver: boolean,
): RecordFinding[] {
  const most = Math.max(0, maxRestarts - before) + legs - (isOver ? 1 : 0);
  if (died <= most) return [];
  const message = `the service may be started again ${often(maxRestarts)} and had died ` +
    `${often(before)} before: it can't have died more than ${often(most)} then`;
  return [found("restarts_excessive", message, died, most)];
}

function foreign(incidents: readonly Incident[]): RecordFinding {
  const message = "incidents are recorded, which a simulated system does not have";
  return found("incident_untrue", message, incidents[0]);
}

function deathFindings(incidents: readonly Incident[], { kind }: RealSystem): RecordFinding[] {
  const death = incidents.find((incident) => incident.kind === "died");
  if (kind === "service" || death === undefined) return [];
  return [found("incident_untrue", "a service died, yet none is run", death)];
}

/** Checks that a list is one that incidents make, added one after the other. */
function listFindings(
  incidents: readonly Incident[],
  before: IncidentCounts | null,
): RecordFinding[] {
  const findings: RecordFinding[] = [];
  const wrong = incidents.findIndex(({ kind, reason }, i) => {
    const last = incidents[i - 1];
    return (kind === last?.kind && reason === last.reason) ||
      (i >= MAX_ENTRIES && incidents.slice(0, i).some((other) => other.kind === kind));
  });
  if (wrong !== -1) {
    const message = "an incident stands by itself that counts on in an entry before";
    findings.push(found("incident_untrue", message, incidents[wrong]));
  }
  const counts = Object.values(countIncidents(incidents, before ?? NO_INCIDENTS));
  if (!counts.every(Number.isSafeInteger)) {
    const message = "more incidents are recorded than can be counted";
    findings.push(found("incident_untrue", message, Math.max(...counts)));
  }
  return findings;
}
