/**
 * What a profile is: the parameters, KPIs, tuning rules, guard settings and gate thresholds
 * of one kind of system, as plain data.
 *
 * @module
 */

/** A value of a parameter, as it stands in the runtime. */
export type ParameterValue = number | boolean | string;

/** Values of parameters by flat key. */
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** What parameters of every kind have. */
export interface CommonParameter {
  /** Flat name, for example `tail_age_ms`. */
  readonly key: string;
  /** Dotted path in the runtime, for example `engine.tail_age_ms`. */
  readonly path: string;
  /** What the parameter does, in one sentence. */
  readonly description: string;
  /** PromQL expression that yields the effective value, when it is read from a Prometheus server. */
  readonly query?: string;
}

/** A parameter whose values are numbers. */
export interface NumberParameter extends CommonParameter {
  /** Whether values are whole numbers. */
  readonly kind: "integer" | "number";
  /** Smallest value allowed. */
  readonly min: number;
  /** Largest value allowed. */
  readonly max: number;
  /** Values are rounded to multiples of this. */
  readonly step: number;
  /** Unit of the value, for example `ms`. */
  readonly unit: string;
  /** Value in a fresh runtime. */
  readonly default: number;
}

/** A parameter that is on or off. */
export interface BooleanParameter extends CommonParameter {
  /** Values are `true` and `false`. */
  readonly kind: "boolean";
  /** Value in a fresh runtime. */
  readonly default: boolean;
}

/** A parameter with a list of values to choose from. */
export interface EnumParameter extends CommonParameter {
  /** Values are those in the list. */
  readonly kind: "enum";
  /** The values in their order: a step up leads from one to the next. */
  readonly values: readonly (string | number)[];
  /** Unit of the values, where they are numbers. */
  readonly unit?: string;
  /** Value in a fresh runtime. */
  readonly default: string | number;
}

/** A tunable parameter: a flat key, its place in the runtime and the values it may take. */
export type Parameter = NumberParameter | BooleanParameter | EnumParameter;

/** A measured quantity, with a target unless it is only an input to rules. */
export interface Kpi {
  /** Name, as it stands in the summaries. */
  readonly key: string;
  /** Unit of the value, for example `bps`. */
  readonly unit: string;
  /** Which way is better. */
  readonly better: "lower" | "higher";
  /** The value to meet (`≤` when lower is better, else `≥`); `null`: observed only. */
  readonly target: number | null;
  /** Name within its metric, `soak_kpi_<metric>_mean`. */
  readonly metric: string;
  /** What it measures, in one sentence. */
  readonly description: string;
  /** PromQL expression that yields the value, when it is read from a Prometheus server. */
  readonly query?: string;
}

/** The metric that scripts read with `grep` and `awk`: no other line may have its name in it. */
export const RATIO_METRIC = "soak_delta_full_apply_ratio";

/** A comparison of a KPI with a constant. */
export interface Condition {
  /** The KPI's key. */
  readonly kpi: string;
  /** The comparison. */
  readonly op: ">=" | ">" | "<=" | "<";
  /** The constant on the right-hand side. */
  readonly value: number;
}

/**
 * A step of one parameter: `add` to it or `multiply` it, at most up to `limit`. To a boolean or a list
 * of values, places are added: 1 is the next value.
 */
export type Action =
  & {
    /** The parameter's key. */
    readonly param: string;
    /** The step goes no further than this value. */
    readonly limit?: ParameterValue;
  }
  & ({ readonly add: number } | { readonly multiply: number });

/** A tuning rule: when all conditions hold, take the steps. */
export interface Rule {
  /** Unique name, recorded with every change the rule makes. */
  readonly name: string;
  /** Why the rule does what it does, in one sentence. */
  readonly description?: string;
  /** When two rules pull one parameter in opposite directions, the higher protection wins. */
  readonly protection: number;
  /** Conditions, all of which must hold. */
  readonly when: readonly Condition[];
  /** Steps to take. */
  readonly then: readonly Action[];
}

/**
 * Guard settings. `tuner.<name>` in the runtime itself takes the place of each, within what the
 * profile allows.
 */
export interface GuardSettings {
  /** Iterations in a row that must meet every KPI before the configuration is locked. */
  readonly freeze_after: number;
  /** How many iterations the lock is announced for; it lasts longer while KPIs hold. */
  readonly freeze_iters: number;
  /** Changes of one key, the proposal included, whose direction must not flip each time. */
  readonly oscillation_window: number;
  /** Largest single step, as a fraction of the parameter's range; one place of a list at least. */
  readonly velocity_cap: number;
  /** Largest sum of steps within the trailing hour, as a fraction of the range; one place at least. */
  readonly max_delta_per_hour: number;
  /**
   * Fewest iterations from one applied change to the next: with 2, after a change in iteration 1
   * the next may come in 3.
   */
  readonly cooldown_iters: number;
}

/** Guard settings to start from. */
export const DEFAULT_GUARDS: GuardSettings = {
  freeze_after: 2,
  freeze_iters: 4,
  oscillation_window: 3,
  velocity_cap: 0.25,
  max_delta_per_hour: 0.75,
  cooldown_iters: 1,
};

/** How the last iterations are judged. */
export interface GateSettings {
  /** Number of iterations in the window. */
  readonly window: number;
  /** Iterations in the window that must meet every KPI for PASS. */
  readonly pass: number;
  /** Iterations in the window that must meet every KPI for WARN. */
  readonly warn: number;
  /** Smallest share of proposals that must have been applied in full. */
  readonly full_apply_ratio: number;
  /** Largest number of applied changes that left the hash as it was. */
  readonly signature_stuck: number;
  /**
   * Most often that the service may die, over the whole run.
   *
   * @default {0}
   */
  readonly max_restarts?: number;
  /**
   * Most attempts to measure that may fail, over the whole run.
   *
   * @default {0}
   */
  readonly max_failed?: number;
}

/** Gate settings to start from. */
export const DEFAULT_GATE: GateSettings = {
  window: 8,
  pass: 6,
  warn: 5,
  full_apply_ratio: 0.95,
  signature_stuck: 1,
};

/** Everything `soak` knows of one kind of system; `P` are the kinds of its parameters. */
export interface Profile<P extends Parameter = Parameter> {
  /** Short name, for example `market-maker`. */
  readonly name: string;
  /** What the profile is for, in one sentence. */
  readonly description: string;
  /** The tunable parameters. */
  readonly parameters: readonly P[];
  /** The measured quantities. */
  readonly kpis: readonly Kpi[];
  /** The tuning rules, in order: the first to name a parameter wins. */
  readonly rules: readonly Rule[];
  /** Guard settings. */
  readonly guards: GuardSettings;
  /** Gate window and thresholds. */
  readonly gate: GateSettings;
  /** Start values by name: where a run starts from instead of the defaults, by parameter. */
  readonly starts?: Readonly<Record<string, StartValues>>;
}

/** Values of parameters at a start, by key; those that are left out start with their defaults. */
export type StartValues = Readonly<Record<string, Parameter["default"]>>;

/** Values of KPIs by key; `null` where a KPI could not be measured. */
export type KpiValues = Readonly<Record<string, number | null>>;

/** Whether an iteration met every KPI that has a target, and if not, why. */
export interface KpiJudgement {
  /** `"PASS"` when every KPI with a target meets it. */
  readonly verdict: "PASS" | "FAIL";
  /** One clause for each KPI that misses its target, in the profile's order. */
  readonly reasons: readonly string[];
}

/** Judges KPI values against a profile's targets. */
export function judgeKpis(profile: Profile, values: KpiValues): KpiJudgement {
  const reasons: string[] = [];
  for (const kpi of profile.kpis) {
    if (kpi.target === null) continue;
    const value = Object.hasOwn(values, kpi.key) ? values[kpi.key] : null;
    if (value === null || value === undefined) {
      reasons.push(`${kpi.key} was not measured`);
    } else if (kpi.better === "lower" && !(value <= kpi.target)) {
      reasons.push(`${kpi.key} ${value} > ${kpi.target}`);
    } else if (kpi.better === "higher" && !(value >= kpi.target)) {
      reasons.push(`${kpi.key} ${value} < ${kpi.target}`);
    }
  }
  return { verdict: reasons.length === 0 ? "PASS" : "FAIL", reasons };
}

/** Tells whether a condition holds for the KPI values; a KPI that was not measured meets none. */
export function conditionHolds(condition: Condition, values: KpiValues): boolean {
  const value = Object.hasOwn(values, condition.kpi) ? values[condition.kpi] : null;
  if (value === null || value === undefined) return false;
  switch (condition.op) {
    case ">=":
      return value >= condition.value;
    case ">":
      return value > condition.value;
    case "<=":
      return value <= condition.value;
    case "<":
      return value < condition.value;
  }
}

/** Tells whether all of a rule's conditions hold. */
export function ruleFires(rule: Rule, values: KpiValues): boolean {
  return rule.when.every((condition) => conditionHolds(condition, values));
}
