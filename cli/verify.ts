/**
 * `soak verify`.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { loadProfile } from "../model/profile_file.ts";
import { verifyRun } from "../proof/verify.ts";
import { holdRun } from "../record/held_run.ts";
import { explainIteration } from "../report/explain.ts";
import { ReportFolder } from "../report/report_folder.ts";
import { renderVerification } from "../report/verdict_text.ts";
import { summaryOf, VerifyReport } from "../report/verify_report.ts";
import type { VerifyCommand } from "./command.ts";
import type { Io } from "./console.ts";
import { EXIT, EXIT_OF_VERDICT } from "./exit_code.ts";
import { withReportFlag } from "./mistakes.ts";

/** Verifies a run; the exit code is the verdict, if the reports could be written as well. */
export async function executeVerify(command: VerifyCommand, io: Io): Promise<number> {
  if (command.explain !== undefined) {
    io.page(await explainIteration(command.dir, command.explain, io.outStyle));
    return EXIT.passed;
  }
  const { dir, reportDir } = command;
  using run = await holdRun(dir, "soak verify");
  const folder = new ReportFolder({ dir, reportDir, run });
  using report = new VerifyReport(folder);
  const result = await verifyRun(dir, {
    strict: command.strict,
    threshold: command.thresholdPct / 100,
    allowNoDeltas: command.allowNoDeltas,
    ...(command.profile === undefined ? {} : { expectedProfile: loadProfile(command.profile) }),
    observer: {
      finding: (finding) => report.finding(finding),
      proposal: (proposal) => report.proposal(proposal),
      incident: (incident, iteration) => report.incident(incident, iteration),
    },
  });
  await report.finish(result);
  // The answer is known even where the report can't be written; both are said.
  const { failure } = folder;
  if (command.json) io.out(canonicalJson({ ...summaryOf(result), findings: result.findings }));
  else io.page(renderVerification(result, failure === null ? folder.path : null, io.outStyle));
  if (failure !== null) throw withReportFlag(failure);
  return EXIT_OF_VERDICT[result.verdict];
}
