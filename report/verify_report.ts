/**
 * The reports of a verification: `DELTA_VERIFY_REPORT.json` with everything, written as it is
 * found, and `DELTA_VERIFY_REPORT.md` with what deserves a look.
 *
 * @module
 */

import { join } from "@std/path/join";
import { VERIFY_JSON_FILE, VERIFY_REPORT_FILE } from "../record/artifacts.ts";
import { AtomicFile, atomicWrite, removeStaleTemps } from "../base/atomic_file.ts";
import type { Finding } from "../proof/findings.ts";
import type { JudgedProposal } from "../proof/outcome.ts";
import { canonicalJson, type JsonObject } from "../base/json.ts";
import { renderVerifyMarkdown } from "./verdict_text.ts";
import type { VerifyResult } from "../proof/verify_result.ts";

/** The report is readable up to about this many rows; beyond it, only what failed is listed. */
export const MAX_ROWS = 60;

/** The part of a result that fits on a page, in the shape of the files. */
export function summaryOf(result: VerifyResult): JsonObject {
  return {
    verdict: result.verdict,
    reason: result.reason,
    strict: result.strict,
    threshold: result.threshold,
    full_apply_ratio: result.ratio,
    counts: result.counts,
    signature_stuck: result.signatureStuck,
    iterations: result.iterations,
    finding_counts: result.findingCounts,
    last_hash: result.lastHash,
    unprovable: result.unprovable,
  };
}

/** Collects a report while the verification goes on. */
export class VerifyReport implements Disposable {
  readonly #dir: string;
  readonly #encoder = new TextEncoder();
  #json: AtomicFile | null = null;
  #entries = 0;
  readonly #proposals: JudgedProposal[] = [];
  readonly #shortfalls: JudgedProposal[] = [];
  #chunk = "";

  /** Starts a report for the run in a directory; nothing is written yet. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Takes in a finding. */
  finding(finding: Finding): void {
    this.#entry({ ...finding, kind: "finding" });
  }

  /** Takes in a proposal. */
  proposal(proposal: JudgedProposal): void {
    if (this.#proposals.length < MAX_ROWS) this.#proposals.push(proposal);
    if (proposal.outcome !== "full" && this.#shortfalls.length < MAX_ROWS) {
      this.#shortfalls.push(proposal);
    }
    this.#entry({
      kind: "proposal",
      iteration: proposal.iteration,
      proposed_deltas: proposal.proposedDeltas,
      applied: proposal.applied,
      outcome: proposal.outcome,
      reason: proposal.reason,
    });
  }

  /**
   * Puts both reports in place.
   *
   * @param result How the verification ended.
   * @throws {SoakError} If they can't be written.
   */
  async finish(result: VerifyResult): Promise<void> {
    const opening = this.#entries === 0 ? '{"entries":[' : "";
    this.#append(`${opening}],"schema_version":1,"summary":${canonicalJson(summaryOf(result))}}`);
    this.#flush();
    this.#json?.commit();
    this.#json = null;
    await removeStaleTemps(this.#dir); // of a verification that was killed
    const all = result.counts.total <= MAX_ROWS;
    const text = renderVerifyMarkdown(result, all ? this.#proposals : this.#shortfalls, all);
    await atomicWrite(join(this.#dir, VERIFY_REPORT_FILE), this.#encoder.encode(text));
  }

  /** Gives up what was not put in place. */
  [Symbol.dispose](): void {
    this.#json?.abort();
    this.#json = null;
  }

  #entry(entry: unknown): void {
    this.#append((this.#entries === 0 ? '{"entries":[' : ",") + canonicalJson(entry));
    this.#entries++;
  }

  #append(text: string): void {
    this.#chunk += text;
    if (this.#chunk.length > 65_536) this.#flush();
  }

  #flush(): void {
    this.#json ??= AtomicFile.create(join(this.#dir, VERIFY_JSON_FILE));
    this.#json.write(this.#encoder.encode(this.#chunk));
    this.#chunk = "";
  }
}
