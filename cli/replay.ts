/**
 * `soak replay`.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { printable } from "../base/text.ts";
import { page } from "../report/terminal.ts";
import { verdictText } from "../report/verdict_text.ts";
import { replayRun } from "../run/replay.ts";
import type { ReplayCommand } from "./command.ts";
import type { Io } from "./console.ts";
import { EXIT } from "./exit_code.ts";
import { type ShownProgress, showProgress } from "./progress.ts";

/** Runs a simulated run again; the exit code says whether every byte is the same. */
export async function executeReplay(command: ReplayCommand, io: Io): Promise<number> {
  const startMs = io.nowMs();
  const shown: { progress: ShownProgress | null } = { progress: null };
  using _shown = { [Symbol.dispose]: () => shown.progress?.[Symbol.dispose]() };
  const { iterations, files, difference } = await replayRun(command.dir, {
    signal: io.signal,
    onIteration(iteration, total) {
      if (!io.redraws || command.json) return;
      shown.progress ??= showProgress(io, { total, startMs });
      shown.progress.step({ iteration, verdict: "PASS", kpis: {} });
    },
  });
  if (command.json) {
    io.out(canonicalJson({ identical: difference === null, iterations, files, difference }));
  } else if (difference === null) {
    const verdict = verdictText("PASS", io.outStyle);
    io.page(page([`${verdict} identical: ${files} files, ${iterations} iterations run again`]));
  } else {
    const place = difference.path === null ? "" : ` at ${printable(difference.path)}`;
    io.page(page([
      `${verdictText("FAIL", io.outStyle)} ${printable(difference.file)} differs${place}`,
      `  recorded ${printable(difference.recorded, 200)}`,
      `  replayed ${printable(difference.replayed, 200)}`,
    ]));
  }
  return difference === null ? EXIT.passed : EXIT.failed;
}
