/**
 * `soak run` and `soak replay`.
 *
 * @module
 */

import { relative } from "@std/path/relative";
import type { IterationRecord } from "../record/records.ts";
import { type Console, EXIT } from "./console.ts";
import { SoakError } from "../base/errors.ts";
import { canonicalJson, type JsonObject, readJsonWithHash } from "../base/json.ts";
import type { Command, RunCommand } from "./options.ts";
import { printable, shellWord } from "../base/text.ts";
import { loadProfile } from "../model/profile_file.ts";
import { verdictText } from "../report/verdict_text.ts";
import { replayRun } from "../run/replay.ts";
import { type RunResult, runSoak } from "../run/run.ts";
import { renderCounts, RunTable } from "../report/run_table.ts";
import { isJsonObject } from "../base/shape.ts";
import { Progress, type ProgressOptions } from "../report/terminal.ts";

/** Runs a soak; the exit code is that of an interruption, or 0. */
export async function commandRun(command: RunCommand, console: Console): Promise<number> {
  let progress: Progress | null = null;
  let applied = 0;
  const rows = new RunTable();
  const profile = command.profile === undefined ? undefined : await loadProfile(command.profile);
  const result = await runSoak({
    dir: command.dir,
    resume: command.resume,
    iterations: command.iterations,
    autoTune: command.autoTune ?? (command.resume ? undefined : false),
    seed: command.seed,
    mockFault: command.mockFault,
    system: command.system,
    runtime: await runtimeFrom(command),
    profile,
    startMs: startMs(console.sourceDateEpoch),
    signal: console.signal,
    onStart({ run, done, archived }) {
      if (archived !== null) {
        console.err(`soak: the earlier run was moved to ${printable(relative(".", archived))}`);
      }
      if (done > 0 && done < run.iterations) {
        console.err(`soak: going on after iteration ${done} of ${run.iterations}`);
      }
      if (!command.quiet) progress = new Progress(progressOptions(run.iterations, done, console));
    },
    onIteration(record) {
      const { iteration, kpiVerdict: verdict, tuning } = record;
      if (tuning.applied) applied++;
      reportTrouble(record, progress, console);
      rows.take(record);
      console.progress(progress?.update({ iteration, verdict, applied }, console.nowMs()) ?? "");
    },
  });
  const shown: Progress | null = progress;
  if (shown !== null) console.progress((shown as Progress).finish());
  return report(command, result, rows, console);
}

/** The runtime to start from, if a file with one is named. */
async function runtimeFrom({ runtimePath }: RunCommand): Promise<JsonObject | undefined> {
  if (runtimePath === undefined) return undefined;
  const { data } = await readJsonWithHash(runtimePath);
  if (isJsonObject(data)) return data;
  throw new SoakError("usage", "the runtime to start from is not a JSON object", {
    where: printable(runtimePath),
    remedy: "correct the file",
  });
}

/** Tells at once of an iteration that failed, or during which a service died. */
function reportTrouble(
  { iteration, failure, restarts = 0 }: IterationRecord,
  progress: Progress | null,
  console: Console,
): void {
  if (failure === null && restarts === 0) return;
  console.progress(progress?.finish() ?? "");
  if (restarts > 0) {
    const times = restarts === 1 ? "once" : `${restarts} times`;
    console.err(`soak: the service died ${times} in iteration ${iteration} and was started again`);
  }
  if (failure !== null) console.err(`soak: iteration ${iteration} was not measured: ${failure}`);
}

function progressOptions(total: number, done: number, console: Console): ProgressOptions {
  return {
    total,
    done,
    isTerminal: console.redraws,
    columns: console.columns,
    color: console.errStyle.red("x") !== "x",
    startMs: console.nowMs(),
  };
}

function report(
  command: RunCommand,
  result: RunResult,
  rows: RunTable,
  console: Console,
): number {
  const { run, counts, status, recorded } = result;
  const interrupted = status === "interrupted";
  if (command.json) {
    console.out(canonicalJson({
      dir: command.dir,
      status,
      iterations: run.iterations,
      recorded,
      applied: counts.applied,
      skipped: counts.skipped,
      archived: result.archived,
    }));
  } else if (status === "complete") {
    console.out(`The run is complete: ${recorded} of ${run.iterations} iterations are recorded.`);
  } else {
    const text = rows.render(run.profile, console.outStyle);
    if (text !== "") console.out(`${text}\n`);
    console.out(renderCounts(counts));
    if (!interrupted) console.out(`Next: soak gate --strict --path ${shellWord(command.dir)}`);
  }
  if (!interrupted) return EXIT.passed;
  const flags = command.dir === "artifacts/soak/latest" ? "" : ` --out ${shellWord(command.dir)}`;
  console.err(
    `soak: interrupted after iteration ${recorded} of ${run.iterations}; ` +
      `go on with: soak run --resume${flags}`,
  );
  const { reason } = console.signal;
  return typeof reason === "number" ? reason : EXIT.interrupted;
}

function startMs(sourceDateEpoch: string | undefined): number | undefined {
  if (sourceDateEpoch === undefined || sourceDateEpoch === "") return undefined;
  const seconds = Number(sourceDateEpoch);
  if (!/^\d+$/.test(sourceDateEpoch) || seconds > 253_402_300_799 - 1e10) {
    throw new SoakError("usage", `not a time: ${printable(sourceDateEpoch, 40)}`, {
      where: "SOURCE_DATE_EPOCH",
      remedy: "give whole seconds since 1970, or unset it",
    });
  }
  return seconds * 1000;
}

/** Runs a simulated run again; the exit code says whether every byte is the same. */
export async function commandReplay(
  command: Command & { readonly command: "replay" },
  console: Console,
): Promise<number> {
  const startMs = console.nowMs();
  let progress: Progress | null = null;
  const { iterations, files, difference } = await replayRun(command.dir, {
    signal: console.signal,
    onIteration(iteration, total) {
      if (!console.redraws || command.json) return;
      progress ??= new Progress({ ...progressOptions(total, 0, console), startMs });
      const step = { iteration, verdict: "PASS", applied: 0 } as const;
      console.progress(progress.update(step, console.nowMs()));
    },
  });
  const shown: Progress | null = progress;
  if (shown !== null) console.progress((shown as Progress).finish());
  if (command.json) {
    console.out(canonicalJson({ identical: difference === null, iterations, files, difference }));
  } else if (difference === null) {
    const verdict = verdictText("PASS", console.outStyle);
    console.out(`${verdict} identical: ${files} files, ${iterations} iterations run again`);
  } else {
    const place = difference.path === null ? "" : ` at ${printable(difference.path)}`;
    console.out(
      `${verdictText("FAIL", console.outStyle)} ${printable(difference.file)} differs${place}\n` +
        `  recorded ${printable(difference.recorded, 200)}\n` +
        `  replayed ${printable(difference.replayed, 200)}`,
    );
  }
  return difference === null ? EXIT.passed : EXIT.failed;
}
