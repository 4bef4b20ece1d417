/**
 * The places that the values of a parameter take on its scale. A number is its own place, `false` and
 * `true` are 0 and 1, a value in a list has its index: what a direction, a step and a range are is
 * said once, for every kind.
 *
 * @module
 */

import type { Action, Parameter, ParameterValue } from "./profile.ts";

/** From where to where places go, and in which steps. */
export interface Scale {
  /** The lowest place. */
  readonly min: number;
  /** The highest place. */
  readonly max: number;
  /** From one place to the next. */
  readonly step: number;
}

const OFF_AND_ON: Scale = { min: 0, max: 1, step: 1 };

/** The scale of a parameter. */
export function scaleOf(parameter: Parameter): Scale {
  switch (parameter.kind) {
    case "boolean":
      return OFF_AND_ON;
    case "enum":
      return { min: 0, max: parameter.values.length - 1, step: 1 };
    default:
      return parameter;
  }
}

/** Whether places are counted: a step can't be smaller than one, and only adding makes sense. */
export function isCounted({ kind }: Parameter): boolean {
  return kind === "boolean" || kind === "enum";
}

/** The distance from the lowest place to the highest. */
export function rangeOf(parameter: Parameter): number {
  const { min, max } = scaleOf(parameter);
  return max - min;
}

/** The place of a value; `undefined` if it has none. A number beyond its bounds has one. */
export function placeOf(parameter: Parameter, value: unknown): number | undefined {
  switch (parameter.kind) {
    case "boolean":
      return typeof value === "boolean" ? Number(value) : undefined;
    case "enum": {
      const place = parameter.values.findIndex((known) => known === value);
      return place < 0 ? undefined : place;
    }
    default:
      return typeof value === "number" ? value : undefined;
  }
}

/** The place that a parameter can really be brought to, next to the one that is asked for. */
export function nearestPlace(parameter: Parameter, place: number): number {
  const scale = scaleOf(parameter);
  return Math.min(scale.max, Math.max(scale.min, roundToStep(place, scale)));
}

/** The value at a place; at the nearest, where there is none. */
export function valueAt(parameter: Parameter, place: number): ParameterValue {
  const nearest = nearestPlace(parameter, place);
  switch (parameter.kind) {
    case "boolean":
      return nearest === 1;
    case "enum":
      return parameter.values[nearest] ?? parameter.default;
    default:
      return nearest;
  }
}

/** Where an action would bring a parameter from its present place, before bounds and guards. */
export function actionTarget(action: Action, current: number, parameter: Parameter): number {
  const target = "add" in action ? current + action.add : current * action.multiply;
  const limit = placeOf(parameter, action.limit);
  if (limit === undefined) return target;
  // A value already beyond the action's limit stays where it is.
  if (target > current) return Math.max(current, Math.min(target, limit));
  return Math.min(current, Math.max(target, limit));
}

/** Sums of decimals carry rounding noise. */
const TOLERANCE = 1e-9;

/**
 * The share of a parameter's range that a cap lets through. Where places are counted it is a whole
 * number of them, and one at least: no value could be left otherwise.
 */
export function allowedShare(parameter: Parameter, cap: number): number {
  if (!isCounted(parameter)) return cap;
  const range = rangeOf(parameter);
  return Math.max(1, Math.floor(cap * range + TOLERANCE)) / range;
}

/** A share of a parameter's range for people: `25 %`, or `2 places`. */
export function shareText(parameter: Parameter, share: number): string {
  if (!isCounted(parameter)) return `${Number((share * 100).toFixed(2))} %`;
  const places = Math.round(share * rangeOf(parameter));
  return places === 1 ? "1 place" : `${places} places`;
}

/** Rounds a value to a multiple of a step, as the shortest decimal. */
export function roundToStep(value: number, { step }: Pick<Scale, "step">): number {
  const steps = Math.round(value / step);
  if (!Number.isSafeInteger(steps)) return value;
  return Number((steps * step).toFixed(decimalsOf(step))) + 0;
}

function decimalsOf(step: number): number {
  const [mantissa = "", exponent = "0"] = String(step).split("e");
  const fraction = mantissa.split(".")[1]?.length ?? 0;
  return Math.min(100, Math.max(0, fraction - Number(exponent)));
}
