/**
 * Random profiles without mistakes, for properties.
 *
 * @module
 */

import fc from "fast-check";
import { marketMaker } from "../../model/market_maker.ts";
import type {
  Action,
  Kpi,
  NumberParameter,
  Parameter,
  Profile,
  Rule,
} from "../../model/profile.ts";
import { roundToStep, scaleOf, valueAt } from "../../model/scale.ts";

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,11}$/)
  .filter((text) => !["constructor", "prototype", "tuner"].includes(text));

/** Names that differ from each other, and from what summaries use themselves. */
const names = (minLength: number): fc.Arbitrary<string[]> =>
  fc.uniqueArray(name, { minLength, maxLength: 4 })
    .map((some) => some.map((text) => `x_${text}`));

const step = fc.constantFrom(1, 2, 10, 0.5, 0.05, 0.001, 3);

function numberParameter(key: string): fc.Arbitrary<Parameter> {
  return fc.tuple(step, fc.integer({ min: -20, max: 40 }), fc.integer({ min: 1, max: 60 }))
    .chain(([step, low, count]) =>
      fc.record({
        kind: fc.constant<NumberParameter["kind"]>(Number.isInteger(step) ? "integer" : "number"),
        at: fc.integer({ min: 0, max: count }),
        nested: fc.boolean(),
        unit: fc.string({ maxLength: 5 }),
      }).map(({ kind, at, nested, unit }) => ({
        key,
        path: nested ? `section.${key}` : key,
        kind,
        min: roundToStep(low * step, { step }),
        max: roundToStep((low + count) * step, { step }),
        step,
        unit,
        default: roundToStep((low + at) * step, { step }),
        description: "",
      }))
    );
}

function booleanParameter(key: string): fc.Arbitrary<Parameter> {
  return fc.boolean().map((value) => ({
    key,
    path: `switches.${key}`,
    kind: "boolean",
    default: value,
    description: "",
  }));
}

function enumParameter(key: string): fc.Arbitrary<Parameter> {
  const value = fc.oneof(
    fc.constantFrom("on", "off", "auto", "true", "1", "lru 2", "\u00e9", "x".repeat(100)),
    fc.integer({ min: -5, max: 5 }),
    fc.constantFrom(0.5, 1e-7, 4096),
  );
  return fc.uniqueArray(value, { minLength: 2, maxLength: 6, selector: String }).chain((values) =>
    fc.constantFrom(...values).map((initial) => ({
      key,
      path: key,
      kind: "enum",
      values,
      default: initial,
      description: "",
    }))
  );
}

function parameter(key: string): fc.Arbitrary<Parameter> {
  return fc.oneof(numberParameter(key), booleanParameter(key), enumParameter(key));
}

function kpi(key: string, first: boolean): fc.Arbitrary<Kpi> {
  const target = fc.integer({ min: -100, max: 100 });
  return fc.record({
    key: fc.constant(key),
    unit: fc.constant("u"),
    better: fc.constantFrom("lower", "higher"),
    target: first ? target : fc.option(target),
    metric: fc.constant(key),
    description: fc.string(),
  });
}

function action(parameter: Parameter): fc.Arbitrary<Action> {
  const { key: param } = parameter;
  const { min, max, step } = scaleOf(parameter);
  const count = Math.round((max - min) / step);
  const add = fc.tuple(fc.integer({ min: 1, max: count }), fc.constantFrom(1, -1))
    .map(([steps, sign]) => ({ param, add: roundToStep(sign * steps * step, { step }) }));
  return add.chain((action) =>
    fc.option(fc.integer({ min: 0, max: count - 1 }), { nil: null }).map((back) => {
      if (back === null) return action;
      const limit = action.add > 0 ? max - back * step : min + back * step;
      return { ...action, limit: valueAt(parameter, limit) };
    })
  );
}

function rule(
  name: string,
  kpis: readonly Kpi[],
  parameters: readonly Parameter[],
  value: fc.Arbitrary<number>,
): fc.Arbitrary<Rule> {
  return fc.record({
    name: fc.constant(name),
    protection: fc.integer({ min: 0, max: 3 }),
    when: fc.subarray([...kpis], { minLength: 1 }).chain((some) =>
      fc.tuple(...some.map(({ key }) =>
        fc.record({
          kpi: fc.constant(key),
          op: fc.constantFrom(">=", ">", "<=", "<"),
          value,
        })
      ))
    ),
    then: fc.subarray([...parameters], { minLength: 1 })
      .chain((some) => fc.tuple(...some.map((parameter) => action(parameter)))),
  });
}

function profileOf(
  kpis: fc.Arbitrary<readonly Kpi[]>,
  value: fc.Arbitrary<number>,
): fc.Arbitrary<Profile> {
  return fc.tuple(names(1), kpis, names(0)).chain(([parameterKeys, kpis, ruleNames]) =>
    fc.tuple(...parameterKeys.map((key) => parameter(key))).chain((parameters) =>
      fc.record({
        name,
        description: fc.string(),
        parameters: fc.constant(parameters),
        kpis: fc.constant(kpis),
        rules: fc.tuple(...ruleNames.map((name) => rule(name, kpis, parameters, value))),
        guards: fc.record({
          freeze_after: fc.integer({ min: 1, max: 5 }),
          freeze_iters: fc.integer({ min: 1, max: 5 }),
          oscillation_window: fc.integer({ min: 2, max: 5 }),
          velocity_cap: fc.constant(1),
          max_delta_per_hour: fc.constantFrom(1, 3),
          cooldown_iters: fc.integer({ min: 0, max: 2 }),
        }),
        gate: fc.constant({
          window: 8,
          pass: 6,
          warn: 5,
          full_apply_ratio: 0.95,
          signature_stuck: 1,
        }),
      })
    )
  );
}

/** Any profile without an error; warnings it may have. */
export const validProfile: fc.Arbitrary<Profile> = profileOf(
  names(1).chain((keys) => fc.tuple(...keys.map((key, i) => kpi(key, i === 0)))),
  fc.integer({ min: -100, max: 100 }),
);

/** Any such profile with the KPIs of the built-in one, which the simulated system has. */
export const simulatedProfile: fc.Arbitrary<Profile> = profileOf(
  fc.constant(marketMaker.kpis),
  fc.constantFrom(0.3, 0.42, 0.6, 0.7, 0.8, 0.85, -1, 0, 2.7, 4, 5, 330, 345, 350),
);
