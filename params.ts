/**
 * Parameters of a runtime by flat key: get, set, apply, list, validate. And the profile that defines
 * them, with KPIs, rules, guard settings and gate thresholds.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { applyDeltas, getFromRuntime, validateDeltas } from "@soak/soak/params";
 *
 * const { runtime } = applyDeltas({}, { tail_age_ms: 660 });
 * assertEquals(runtime, { engine: { tail_age_ms: 660 } });
 * assertEquals(getFromRuntime(runtime, "tail_age_ms"), 660);
 * assertEquals(validateDeltas({ tail_age_ms: 9000 }).map(({ code }) => code), ["out_of_bounds"]);
 * ```
 *
 * @module
 */

export {
  type AppliedDeltas,
  applyDeltas,
  type Deltas,
  getAllParams,
  getFromRuntime,
  type ParameterProblem,
  setInRuntime,
  validateDeltas,
} from "./model/params.ts";
export type {
  Action,
  BooleanParameter,
  CommonParameter,
  Condition,
  EnumParameter,
  GateSettings,
  GuardSettings,
  Kpi,
  KpiJudgement,
  KpiValues,
  NumberParameter,
  Parameter,
  ParameterValue,
  ParameterValues,
  Profile,
  Rule,
  StartValues,
} from "./model/profile.ts";
export { checkProfile, parseProfile } from "./model/profile_check.ts";
export type { ProfileProblem } from "./model/schema_check.ts";
export { marketMaker, PARAM_KEYS } from "./model/market_maker.ts";
