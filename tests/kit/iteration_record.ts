import { byGuard } from "../../model/guards.ts";
import type { KpiValues } from "../../model/profile.ts";
import type { IterationRecord, RecordedChange } from "../../record/records.ts";

const HASH = "0".repeat(64);

/** What matters of a record where it is shown; nothing of it hangs together. */
export interface Told {
  /** A change of `size`. */
  readonly change?: readonly [from: number, to: number];
  /** Any changes. */
  readonly changes?: readonly RecordedChange[];
  /** What the system says it runs with. */
  readonly effective?: Readonly<Record<string, number>>;
  /** Its KPIs; `cost` is 20 unless given. */
  readonly kpis?: KpiValues;
  /** Why it was not measured. */
  readonly failure?: string;
}

/** A record as `report/` gets it. */
export function iterationRecord(iteration: number, told: Told = {}): IterationRecord {
  const { change, effective = {}, failure = null } = told;
  const [from, to] = change ?? [0, 0];
  const changes = told.changes ??
    (change === undefined ? [] : [{ key: "size", from, to, rule: "grow" }]);
  const applied = changes.length > 0;
  const deltas = Object.fromEntries(changes.map(({ key, to }) => [key, to]));
  return {
    iteration,
    previousHash: HASH,
    runtime: {},
    effectiveParams: effective,
    utc: "2026-01-01T00:00:00Z",
    stateHash: HASH,
    kpis: told.kpis ?? { cost: failure === null ? 20 : null },
    kpiVerdict: "FAIL",
    kpiReasons: [],
    failure,
    tuning: {
      proposedDeltas: deltas,
      applied,
      deltas,
      changedKeys: Object.keys(deltas),
      changes,
      oldHash: HASH,
      stateHash: HASH,
      skipReason: applied
        ? null
        : { ...byGuard((guard) => guard === "no_op"), note: "nothing to change" },
      rationale: "",
    },
  };
}
