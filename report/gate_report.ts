/**
 * `GATE_REPORT.json`, which is also the beginning of what `soak gate --json` prints.
 *
 * @module
 */

import type { JsonObject } from "../base/json_value.ts";
import type { GateCheck } from "../judgement/checks.ts";
import type { Verdict, VerifyResult } from "../proof/verdict.ts";
import { inForceToJson, runFacts } from "./verify_report.ts";

/** What a gate decided. */
export interface GateAnswer {
  /** The answer. */
  readonly verdict: Verdict;
  /** The check list. */
  readonly checks: readonly GateCheck[];
  /** The verification. */
  readonly verification: VerifyResult;
}

/** The content of `GATE_REPORT.json`. */
export function gateToJson({ verdict, checks, verification }: GateAnswer): JsonObject {
  const { strict, incidents, inEffect, inForce, lastHash } = verification;
  return {
    schema_version: 1,
    verdict,
    strict,
    checks: checks.map(checkToJson),
    run: runFacts(verification),
    incidents,
    parameters_never_seen: inEffect?.never ?? null,
    values_seen_in_each: inEffect?.fewest ?? null,
    last_hash: lastHash,
    ...inForceToJson(inForce),
  };
}

function checkToJson(check: GateCheck): JsonObject {
  const { id, name, status, found, wanted, foundText, wantedText, look } = check;
  return {
    id,
    name,
    status,
    found,
    wanted,
    found_text: foundText,
    wanted_text: wantedText,
    look,
  };
}
