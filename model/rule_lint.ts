/**
 * Mistakes in the rules of a profile: names that lead nowhere, conditions that contradict each
 * other, steps without effect.
 *
 * @module
 */

import { didYouMean } from "../base/text.ts";
import type { Action, Parameter, Rule } from "./profile.ts";
import {
  doubled,
  error,
  round,
  settingsAtStart,
  type SoundParts,
  TOLERANCE,
  warning,
} from "./profile_lint.ts";
import {
  contains,
  implies,
  isEmpty,
  isLow,
  overlap,
  type Region,
  regionOf,
  shown,
} from "./rule_region.ts";
import {
  actionTarget,
  allowedShare,
  isCounted,
  placeOf,
  rangeOf,
  roundToStep,
  scaleOf,
  shareText,
  valueAt,
} from "./scale.ts";
import type { ProfileProblem } from "./schema_check.ts";
import { kindText, nearValue, quotedValue } from "./value.ts";

/** What is wrong with the rules. */
export function ruleProblems(parts: SoundParts): ProfileProblem[] {
  const { rules, kpiKeys, parameterKeys } = parts;
  const kpis = kpiKeys === null ? null : new Set(kpiKeys);
  const keys = parameterKeys === null ? null : new Set(parameterKeys);
  const regions = rules.map(({ item }) => regionOf(item));
  return [
    ...doubled(rules.map(({ item: { name }, path }) => ({ item: { name }, path })), "name"),
    ...rules.flatMap(({ item, path }, i) => [
      ...item.when.flatMap(({ kpi }, j) =>
        kpis?.has(kpi) !== false ? [] : [
          error(
            `${path}.when[${j}].kpi`,
            `there is no KPI ${kpi}`,
            didYouMean(kpi, kpiKeys ?? []),
          ),
        ]
      ),
      ...item.then.flatMap(({ param }, j) =>
        keys?.has(param) !== false ? [] : [error(
          `${path}.then[${j}].param`,
          `there is no parameter ${param}`,
          didYouMean(param, parameterKeys ?? []),
        )]
      ),
      ...conditionProblems(item, path),
      ...stepProblems(item, path, parts),
      ...shadowProblems(parts, regions, i),
    ]),
    ...idleSteps(parts),
    ...draws(parts, regions),
    ...(parts.complete.has("rules") && rules.length === 0
      ? [warning("$.rules", "there is no rule: nothing is ever tuned")]
      : []),
  ];
}

function conditionProblems(rule: Rule, path: string): ProfileProblem[] {
  for (const interval of regionOf(rule).values()) {
    const { low, high } = interval;
    if (low === null || high === null || !isEmpty(interval)) continue;
    const message = `rule ${rule.name} can never fire: ${shown(low)} and ${shown(high)} exclude ` +
      "each other";
    return [error(`${path}.when`, message)];
  }
  return rule.when.flatMap((condition, i) => {
    const stronger = rule.when.find((other, j) =>
      i !== j && other.kpi === condition.kpi && isLow(other) === isLow(condition) &&
      implies(other, condition) && (j < i || !implies(condition, other))
    );
    if (stronger === undefined) return [];
    const message = `${shown(condition)} adds nothing to ${shown(stronger)}`;
    return [warning(`${path}.when[${i}]`, message)];
  });
}

function find(parts: SoundParts, action: Action): Parameter | undefined {
  const parameter = parts.byKey.get(action.param);
  return parameter !== undefined && rangeOf(parameter) > 0 ? parameter : undefined;
}

/** Which way an action moves a parameter; 0 when that depends on the value. */
function directionOf(action: Action, parameter: Parameter): -1 | 0 | 1 {
  if ("add" in action) return action.add > 0 ? 1 : -1;
  const { min, max } = scaleOf(parameter);
  if (min < 0 && max > 0) return 0;
  return (action.multiply > 1) === (min >= 0) ? 1 : -1;
}

function stepProblems(rule: Rule, path: string, parts: SoundParts): ProfileProblem[] {
  return rule.then.flatMap((action, i) => {
    const place = `${path}.then[${i}]`;
    const first = rule.then.findIndex(({ param }) => param === action.param);
    if (first < i) {
      return [error(place, `rule ${rule.name} already moves ${action.param} in then[${first}]`)];
    }
    if ("add" in action ? action.add === 0 : action.multiply === 1) {
      const step = "add" in action ? "adding 0" : "multiplying by 1";
      return [error(place, `${step} leaves ${action.param} as it is`)];
    }
    const parameter = find(parts, action);
    if (parameter === undefined) return [];
    const misfit = kindProblem(action, parameter, place);
    if (misfit !== null) return [misfit];
    return [
      ...sizeProblems(action, parameter, place),
      ...limitProblems(action, parameter, place),
      ...velocityProblems(action, parameter, place, parts),
    ];
  });
}

/** A step that parameters of this kind can't take. */
function kindProblem(action: Action, parameter: Parameter, place: string): ProfileProblem | null {
  const { key, kind } = parameter;
  const { limit } = action;
  if (isCounted(parameter) && !("add" in action)) {
    const remedy = 'move it by places: "add": 1 is the next value, "add": -1 the one before';
    return error(`${place}.multiply`, `${key} is no number that could be multiplied`, { remedy });
  }
  if (isCounted(parameter) && "add" in action && !Number.isInteger(action.add)) {
    const remedy = "1 is the next value, -1 the one before";
    const message = `${key} is of kind ${kind} and moves by whole places, not by ${action.add}`;
    return error(`${place}.add`, message, { remedy });
  }
  if (limit === undefined || placeOf(parameter, limit) !== undefined) return null;
  const near = nearValue(parameter, limit);
  const message = `the limit of ${key} must be ${kindText(parameter)}, not ${quotedValue(limit)}`;
  return error(
    `${place}.limit`,
    message,
    near === undefined ? {} : { remedy: `did you mean ${near}?` },
  );
}

function sizeProblems(action: Action, parameter: Parameter, place: string): ProfileProblem[] {
  const { key } = parameter;
  const { step, min, max } = scaleOf(parameter);
  const { limit: _, ...free } = action;
  const moves = (value: number): boolean =>
    roundToStep(actionTarget(free, value, parameter), { step }) !== value;
  if ("add" in action) {
    if (Math.abs(action.add) < step / 2) {
      const message = `adding ${action.add} to ${key} is rounded away: its step is ${step}`;
      return [error(`${place}.add`, message)];
    }
    const rounded = roundToStep(action.add, { step });
    if (Math.abs(rounded - action.add) <= step * TOLERANCE) return [];
    const message = `${action.add} is rounded to ${rounded}: the step of ${key} is ${step}`;
    return [warning(`${place}.add`, message)];
  }
  const at = `${place}.multiply`;
  if (![min, max].some(moves)) {
    const message = `multiplying ${key} by ${action.multiply} is rounded away: its step is ${step}`;
    return [error(at, message)];
  }
  if (min <= 0 && max >= 0) {
    return [warning(at, `${key} may be 0, and multiplying never moves it from there`)];
  }
  const start = placeOf(parameter, parameter.default) ?? min;
  if (moves(start)) return [];
  const message = `multiplying ${key} by ${action.multiply} is rounded away at its default of ` +
    `${start}: its step is ${step}`;
  return [warning(at, message)];
}

function limitProblems(action: Action, parameter: Parameter, place: string): ProfileProblem[] {
  const limit = placeOf(parameter, action.limit);
  const { key } = parameter;
  const { min, max, step } = scaleOf(parameter);
  const direction = directionOf(action, parameter);
  if (limit === undefined || direction === 0) return [];
  const path = `${place}.limit`;
  const told = quotedValue(action.limit);
  const [up, start, end] = direction > 0 ? ["up", min, max] : ["down", max, min];
  if ((limit - start) * direction <= 0) {
    const message =
      `the step moves ${key} ${up}, but a limit of ${told} lets it go nowhere from any value ` +
      (isCounted(parameter) ? "there is" : `in ${min} to ${max}`);
    return [error(path, message)];
  }
  if ((limit - end) * direction > 0) {
    return [warning(path, `${told} lies beyond the bound of ${key}, ${end}, which holds anyway`)];
  }
  const rounded = roundToStep(limit, { step });
  if (rounded === limit) return [];
  return [warning(path, `${told} is rounded to ${rounded}: the step of ${key} is ${step}`)];
}

function velocityProblems(
  action: Action,
  parameter: Parameter,
  place: string,
  parts: SoundParts,
): ProfileProblem[] {
  const settings = settingsAtStart(parts);
  if (settings === null) return [];
  const { key } = parameter;
  const { step } = scaleOf(parameter);
  const range = rangeOf(parameter);
  const slack = range * TOLERANCE;
  for (const name of ["velocity_cap", "max_delta_per_hour"] as const) {
    const share = allowedShare(parameter, settings[name]);
    const allowed = share * range;
    const told = isCounted(parameter) ? shareText(parameter, share) : round(allowed);
    if (step > allowed + slack) {
      const message =
        `${name} allows ${key} to move by ${told}, less than its step of ${step}: it ` +
        "never moves";
      return [error(`${place}.param`, message)];
    }
    if ("add" in action && Math.abs(action.add) > allowed + slack) {
      const message = `${name} allows ${key} to move by ${told}: the step is shortened`;
      return [warning(`${place}.add`, message)];
    }
  }
  return [];
}

/** Steps of a parameter that starts where they end, when nothing ever moves it back. */
function idleSteps(parts: SoundParts): ProfileProblem[] {
  if (!parts.complete.has("rules")) return [];
  const startElsewhere = new Set(parts.starts.flatMap(({ item }) => Object.keys(item.values)));
  const directions = new Map<string, Set<number>>();
  const steps = parts.rules.flatMap(({ item, path }) =>
    item.then.flatMap((action, i) => {
      const parameter = find(parts, action);
      if (parameter === undefined) return [];
      const direction = directionOf(action, parameter);
      const known = directions.get(action.param);
      if (known === undefined) directions.set(action.param, new Set([direction]));
      else known.add(direction);
      return [{ action, parameter, direction, place: `${path}.then[${i}]` }];
    })
  );
  return steps.flatMap(({ action, parameter, direction, place }) => {
    if (direction === 0 || directions.get(action.param)?.size !== 1) return [];
    if (startElsewhere.has(action.param)) return [];
    const { min, max } = scaleOf(parameter);
    const [back, bound, way] = direction > 0 ? [min, max, "down"] : [max, min, "up"];
    const limit = placeOf(parameter, action.limit);
    const end = limit ?? bound;
    const start = placeOf(parameter, parameter.default) ?? back;
    if ((end - start) * direction > 0 || (end - back) * direction <= 0) return [];
    const told = quotedValue(limit === undefined ? valueAt(parameter, bound) : action.limit);
    const message = `${parameter.key} starts at ${quotedValue(parameter.default)}, and this step ` +
      `ends at ${told}: it never moves, for no rule moves it ${way}`;
    return [warning(limit === undefined ? place : `${place}.limit`, message)];
  });
}

/** Rules that pull a parameter both ways at the same time, when nothing but their order decides. */
function draws(parts: SoundParts, regions: readonly Region[]): ProfileProblem[] {
  const pulls = new Map<string, { readonly index: number; readonly direction: number }[]>();
  return parts.rules.flatMap(({ item, path }, index) => {
    const region = regions[index] ?? new Map();
    const found: ProfileProblem[] = [];
    for (const action of item.then) {
      const parameter = find(parts, action);
      const direction = parameter === undefined ? 0 : directionOf(action, parameter);
      const earlier = pulls.get(action.param) ?? [];
      const rival = earlier.find((pull) =>
        pull.direction * direction < 0 &&
        parts.rules[pull.index]?.item.protection === item.protection &&
        overlap(regions[pull.index] ?? new Map(), region)
      );
      pulls.set(action.param, [...earlier, { index, direction }]);
      if (rival === undefined || found.length > 0) continue;
      const name = parts.rules[rival.index]?.item.name ?? "";
      const message = `rule ${item.name} and ${name} pull ${action.param} in opposite directions ` +
        `with the same protection: where both fire, ${name} wins, standing first`;
      const remedy = "give the one that keeps the system safe a higher protection";
      found.push(warning(`${path}.protection`, message, { remedy }));
    }
    return found;
  });
}

/** A step that an earlier rule, which fires whenever this one does, takes in its place. */
function shadowProblems(
  parts: SoundParts,
  regions: readonly Region[],
  index: number,
): ProfileProblem[] {
  const [rule, region] = [parts.rules[index], regions[index]];
  if (rule === undefined || region === undefined) return [];
  if ([...region.values()].some(isEmpty)) return [];
  return rule.item.then.flatMap((action, i) => {
    const shadow = parts.rules.slice(0, index).find((earlier, j) =>
      earlier.item.protection >= rule.item.protection &&
      earlier.item.then.some((step) => covers(step, action, parts)) &&
      contains(regions[j] ?? new Map(), region)
    );
    if (shadow === undefined) return [];
    const message = `rule ${rule.item.name} never gets to move ${action.param}: ` +
      `${shadow.item.name} stands first and moves it whenever this rule fires`;
    return [warning(`${rule.path}.then[${i}]`, message)];
  });
}

/** Whether the first step goes the same way as the second, and at least as far in the end. */
function covers(first: Action, second: Action, parts: SoundParts): boolean {
  if (first.param !== second.param || !("add" in first)) return false;
  const parameter = find(parts, first);
  if (parameter === undefined) return false;
  const { min, max, step } = scaleOf(parameter);
  if (Math.abs(first.add) < step) return false;
  const direction = directionOf(first, parameter);
  if (directionOf(second, parameter) !== direction) return false;
  const bound = direction > 0 ? max : min;
  const end = ({ limit }: Action): number => placeOf(parameter, limit) ?? bound;
  return (end(first) - end(second)) * direction >= 0;
}
