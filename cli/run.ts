/**
 * `soak run`.
 *
 * @module
 */

import { relative } from "@std/path/relative";
import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { readJsonWithHash } from "../base/json_file.ts";
import { isJsonObject, type JsonObject } from "../base/json_value.ts";
import { printable, shellWord } from "../base/text.ts";
import { VERSION } from "../base/version.ts";
import { isChange, valuesText } from "../model/changed_settings.ts";
import { marketMaker } from "../model/market_maker.ts";
import { loadProfile } from "../model/profile_file.ts";
import { amount, countIncidents, incidentText, often } from "../model/incident.ts";
import { OptionError } from "../model/system_spec.ts";
import type { IterationRecord } from "../record/records.ts";
import { renderCounts, RunTable } from "../report/run_table.ts";
import type { Progress } from "../report/terminal.ts";
import { type RunResult, runSoak } from "../run/run.ts";
import type { RunCommand } from "./command.ts";
import { type Io, openProgress } from "./console.ts";
import { EXIT } from "./exit_code.ts";
import { noteKeys } from "./runtime_notes.ts";

/** Runs a soak; the exit code is that of an interruption, or 0. */
export async function executeRun(command: RunCommand, io: Io): Promise<number> {
  const shown: { progress: Progress | null; rows: RunTable } = {
    progress: null,
    rows: new RunTable(),
  };
  let applied = 0;
  const profile = command.profile === undefined ? undefined : loadProfile(command.profile);
  const runtime = await runtimeFrom(command);
  if (runtime !== undefined && !command.resume) {
    noteKeys(command.runtimePath ?? "", runtime, profile ?? marketMaker, io);
  }
  const running = runSoak({
    dir: command.dir,
    resume: command.resume,
    iterations: command.iterations,
    warmup: command.warmup,
    start: command.start,
    autoTune: command.autoTune ?? (command.resume ? undefined : false),
    seed: command.seed,
    mockFault: command.mockFault,
    system: command.system,
    runtime,
    profile,
    startMs: startMs(io.sourceDateEpoch),
    signal: io.signal,
    onStart({ run, iterations, changed, done, madeBy, archived }) {
      shown.rows = new RunTable(run.warmup);
      if (archived !== null) {
        io.err(`soak: the earlier run was moved to ${printable(relative(".", archived))}`);
      }
      if (done > 0 && done < iterations) {
        io.err(`soak: going on after iteration ${done} of ${iterations}`);
      }
      if (isChange(changed)) {
        io.err(`soak: in force from here on, and recorded: ${valuesText(changed)}`);
      }
      if (done < iterations && madeBy.some((version) => version !== VERSION)) {
        const makers = printable(madeBy.join(" and "), 100);
        const told = run.toolVersion === VERSION ? "" : ", and records that";
        io.err(`soak: made by soak ${makers} so far; soak ${VERSION} goes on${told}`);
      }
      if (!command.quiet) shown.progress = openProgress(io, iterations, done);
    },
    onIteration(record) {
      const { iteration, kpiVerdict: verdict, tuning } = record;
      if (tuning.applied) applied++;
      reportTrouble(record, shown.progress, io);
      shown.rows.take(record);
      io.progress(shown.progress?.update({ iteration, verdict, applied }, io.nowMs()) ?? "");
    },
  });
  const result = await running.catch((error) => {
    throw fileNamed(error, command);
  });
  io.progress(shown.progress?.finish() ?? "");
  return report(command, result, shown.rows, io);
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

/** What is wrong with the runtime to start from, with its file, which only the command line knows. */
function fileNamed(error: unknown, { runtimePath }: RunCommand): unknown {
  if (!(error instanceof OptionError) || error.option !== "runtime") return error;
  if (runtimePath === undefined) return error;
  const { kind, what, remedy } = error;
  const where = `--runtime ${runtimePath}`;
  return new SoakError(kind, what, {
    where,
    ...(remedy === undefined ? {} : { remedy }),
    cause: error,
  });
}

/** Tells at once of an iteration that failed, or during which a service died or an attempt failed. */
function reportTrouble(
  { iteration, failure, incidents = [] }: IterationRecord,
  progress: Progress | null,
  io: Io,
): void {
  const { died, failed } = countIncidents(incidents);
  if (died + failed === 0) return;
  io.progress(progress?.finish() ?? "");
  if (died > 0) {
    io.err(`soak: the service died ${often(died)} in iteration ${iteration} and was started again`);
  }
  if (failed > 0 && failure === null) {
    io.err(`soak: iteration ${iteration} was measured after ${amount(failed, "failed attempt")}`);
  }
  if (failure !== null) {
    io.err(`soak: iteration ${iteration} was not measured: ${printable(failure)}`);
  }
}

function report(
  command: RunCommand,
  result: RunResult,
  rows: RunTable,
  io: Io,
): number {
  const { run, iterations, counts, incidents, status, recorded } = result;
  const interrupted = status === "interrupted";
  if (command.json) {
    io.out(canonicalJson({
      dir: command.dir,
      status,
      iterations,
      recorded,
      applied: counts.applied,
      skipped: counts.skipped,
      incidents,
      archived: result.archived,
    }));
  } else if (status === "complete") {
    io.out(`The run is complete: ${recorded} of ${iterations} iterations are recorded.`);
  } else {
    const table = rows.render(run.profile, io.outStyle);
    if (table !== "") {
      io.page(table);
      io.out("");
    }
    io.out(renderCounts(counts));
    if (incidentText(incidents) !== "none") io.out(`Incidents: ${incidentText(incidents)}`);
    if (!interrupted) io.out(`Next: soak gate --strict --path ${shellWord(command.dir)}`);
  }
  if (!interrupted) return EXIT.passed;
  const flags = command.dir === "artifacts/soak/latest" ? "" : ` --out ${shellWord(command.dir)}`;
  io.err(
    `soak: interrupted after iteration ${recorded} of ${iterations}; ` +
      `go on with: soak run --resume${flags}`,
  );
  const { reason } = io.signal;
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
