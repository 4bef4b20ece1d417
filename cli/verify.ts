/**
 * `soak verify`.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { verifyRun } from "../proof/verify.ts";
import { explainIteration } from "../report/explain.ts";
import { renderVerification } from "../report/verdict_text.ts";
import { summaryOf, VerifyReport } from "../report/verify_report.ts";
import type { VerifyCommand } from "./command.ts";
import type { Io } from "./console.ts";
import { EXIT, EXIT_OF_VERDICT } from "./exit_code.ts";

/** Verifies a run and writes the reports; the exit code is the verdict. */
export async function executeVerify(command: VerifyCommand, io: Io): Promise<number> {
  if (command.explain !== undefined) {
    io.out(await explainIteration(command.dir, command.explain, io.outStyle));
    return EXIT.passed;
  }
  using report = new VerifyReport(command.dir);
  const result = await verifyRun(command.dir, {
    strict: command.strict,
    threshold: command.thresholdPct / 100,
    allowNoDeltas: command.allowNoDeltas,
    observer: {
      finding: (finding) => report.finding(finding),
      proposal: (proposal) => report.proposal(proposal),
      incident: (incident, iteration) => report.incident(incident, iteration),
    },
  });
  // The answer is known even where the report can't be written; both are said.
  const style = io.outStyle;
  const failure = failureOf(() => report.finish(result));
  io.out(
    command.json
      ? canonicalJson({ ...summaryOf(result), findings: result.findings })
      : renderVerification(result, failure === null ? command.dir : null, style),
  );
  if (failure !== null) throw failure;
  return EXIT_OF_VERDICT[result.verdict];
}

function failureOf(call: () => void): unknown {
  try {
    call();
    return null;
  } catch (error) {
    return error;
  }
}
