/**
 * `soak verify` and `soak gate`.
 *
 * @module
 */

import { type Console, EXIT } from "./console.ts";
import { explainIteration } from "../report/explain.ts";
import { runGate } from "../gate.ts";
import { canonicalJson } from "../base/json.ts";
import type { Command, VerifyCommand } from "./options.ts";
import { renderGate, renderVerification } from "../report/verdict_text.ts";
import { verifyRun } from "../proof/verify.ts";
import { summaryOf, VerifyReport } from "../report/verify_report.ts";
import type { Verdict } from "../proof/verify_result.ts";

const EXIT_OF: Readonly<Record<Verdict, number>> = {
  PASS: EXIT.passed,
  FAIL: EXIT.failed,
  INCONCLUSIVE: EXIT.inconclusive,
};

/** Verifies a run and writes the reports; the exit code is the verdict. */
export async function commandVerify(command: VerifyCommand, console: Console): Promise<number> {
  if (command.explain !== undefined) {
    console.out(await explainIteration(command.dir, command.explain, console.outStyle));
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
    },
  });
  // The answer is known even where the report can't be written; both are said.
  const style = console.outStyle;
  const [written] = await Promise.allSettled([report.finish(result)]);
  console.out(
    command.json
      ? canonicalJson({ ...summaryOf(result), findings: result.findings })
      : renderVerification(result, written.status === "fulfilled" ? command.dir : null, style),
  );
  if (written.status === "rejected") throw written.reason;
  return EXIT_OF[result.verdict];
}

/** Runs the gate; the exit code is the verdict. */
export async function commandGate(
  command: Command & { readonly command: "gate" },
  console: Console,
): Promise<number> {
  const { strict, prometheus } = command;
  const { verdict, checks, snapshot, verification } = await runGate(command.dir, {
    strict,
    prometheus,
  });
  console.out(
    command.json
      ? canonicalJson({
        verdict,
        strict,
        checks,
        snapshot,
        verification: { ...summaryOf(verification), findings: verification.findings },
      })
      : renderGate(checks, verdict, console.outStyle),
  );
  return EXIT_OF[verdict];
}
