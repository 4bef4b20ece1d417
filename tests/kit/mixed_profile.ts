/**
 * The built-in profile with parameters of every kind, so that the simulated system runs it.
 *
 * @module
 */

import { marketMaker } from "../../model/market_maker.ts";
import type { BooleanParameter, EnumParameter, Profile } from "../../model/profile.ts";

/** On or off. */
export const POST_ONLY: BooleanParameter = {
  key: "post_only",
  path: "engine.post_only",
  kind: "boolean",
  default: false,
  description: "Whether orders that would trade at once are held back.",
};

/** A list of texts. */
export const QUOTE_MODE: EnumParameter = {
  key: "quote_mode",
  path: "engine.quote_mode",
  kind: "enum",
  values: ["tight", "normal", "wide", "very wide", "off"],
  default: "tight",
  description: "How far from the middle quotes stand.",
};

/** A list of numbers. */
export const LOT: EnumParameter = {
  key: "lot",
  path: "risk.lot",
  kind: "enum",
  values: [10, 25, 50, 100],
  unit: "units",
  default: 50,
  description: "Size of an order.",
};

/** The profile. */
export const MIXED: Profile = {
  ...marketMaker,
  name: "mixed",
  parameters: [...marketMaker.parameters, POST_ONLY, QUOTE_MODE, LOT],
  rules: [
    ...marketMaker.rules,
    {
      name: "safer",
      protection: 1,
      when: [{ kpi: "risk_ratio", op: ">", value: 0.42 }],
      then: [
        { param: "post_only", add: 1 },
        { param: "quote_mode", add: 3, limit: "very wide" },
        { param: "lot", add: -1, limit: 25 },
      ],
    },
    {
      name: "bolder",
      protection: 0,
      when: [{ kpi: "risk_ratio", op: "<=", value: 0.42 }, {
        kpi: "net_bps",
        op: "<",
        value: 2.7,
      }],
      then: [
        { param: "post_only", add: -1 },
        { param: "quote_mode", add: -1 },
        { param: "lot", add: 1 },
      ],
    },
  ],
};
