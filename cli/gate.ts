/**
 * `soak gate`.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { runGate } from "../gate.ts";
import { loadProfile } from "../model/profile_file.ts";
import { gateToJson } from "../report/gate_report.ts";
import { renderGate } from "../report/verdict_text.ts";
import { summaryOf } from "../report/verify_report.ts";
import type { GateCommand } from "./command.ts";
import type { Io } from "./console.ts";
import { EXIT_OF_VERDICT } from "./exit_code.ts";
import { withReportFlag } from "./mistakes.ts";

/** Runs the gate; the exit code is the verdict, if the reports could be written as well. */
export async function executeGate(command: GateCommand, io: Io): Promise<number> {
  const { strict, prometheus, allowNoDeltas, reportDir } = command;
  const { verdict, checks, snapshot, verification, unwritten } = await runGate(command.dir, {
    strict,
    prometheus,
    allowNoDeltas,
    reportDir,
    ...(command.profile === undefined ? {} : { expectedProfile: loadProfile(command.profile) }),
  });
  if (command.json) {
    io.out(canonicalJson({
      ...gateToJson({ verdict, checks, verification }),
      snapshot,
      verification: { ...summaryOf(verification), findings: verification.findings },
    }));
  } else {
    io.page(renderGate(verification, checks, verdict, io.outStyle, io.outColumns));
  }
  if (unwritten !== null) throw withReportFlag(unwritten);
  return EXIT_OF_VERDICT[verdict];
}
