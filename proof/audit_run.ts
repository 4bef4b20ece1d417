/**
 * Checks that the fields of `SOAK_RUN.json` agree with each other and with this version.
 *
 * @module
 */

import { RUN_FILE } from "../record/artifacts.ts";
import type { RunRecord } from "../record/records.ts";
import type { Finding, FindingCode } from "./findings.ts";
import { isImpostor } from "../model/market_maker.ts";
import { VERSION } from "../base/version.ts";

/**
 * Checks how a run says that it was started.
 *
 * @param run What `SOAK_RUN.json` says.
 * @returns What is wrong.
 */
export function auditRun(run: RunRecord): Finding[] {
  const findings: Finding[] = [];
  const add = (
    code: FindingCode,
    message: string,
    recorded: string | null,
    recomputed: string | null,
  ): void => {
    findings.push({ code, iteration: null, file: RUN_FILE, recorded, recomputed, message });
  };
  const { profile, system, seed } = run;
  if (system.kind === "mock" && seed === null) {
    add("run_at_odds", "a simulated run needs a seed", "null", null);
  }
  if (system.kind !== "mock" && seed !== null) {
    add("run_at_odds", "only a simulated run has a seed", String(seed), "null");
  }
  if (isImpostor(profile) && run.toolVersion === VERSION) {
    const message = `the profile is called ${profile.name} but is not the built-in one; ` +
      "a profile of one's own needs a name of its own";
    add("profile_altered", message, null, null);
  } else if (isImpostor(profile)) {
    const message = `the profile is called ${profile.name} but is not the built-in one of this ` +
      `version, ${VERSION}; verify the run with the version that it says made it`;
    add("profile_unknown", message, JSON.stringify(run.toolVersion), JSON.stringify(VERSION));
  }
  return findings;
}
