/**
 * `soak gate`.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { runGate } from "../gate.ts";
import { renderGate } from "../report/verdict_text.ts";
import { summaryOf } from "../report/verify_report.ts";
import type { GateCommand } from "./command.ts";
import type { Io } from "./console.ts";
import { EXIT_OF_VERDICT } from "./exit_code.ts";

/** Runs the gate; the exit code is the verdict. */
export async function executeGate(command: GateCommand, io: Io): Promise<number> {
  const { strict, prometheus } = command;
  const { verdict, checks, snapshot, verification } = await runGate(command.dir, {
    strict,
    prometheus,
  });
  io.out(
    command.json
      ? canonicalJson({
        verdict,
        strict,
        checks,
        snapshot,
        verification: { ...summaryOf(verification), findings: verification.findings },
      })
      : renderGate(checks, verdict, io.outStyle, verification.inForce),
  );
  return EXIT_OF_VERDICT[verdict];
}
