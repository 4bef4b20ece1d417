/**
 * `soak run`.
 *
 * @module
 */

import { join } from "@std/path/join";
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
import { incidentText } from "../model/incident.ts";
import { differenceText } from "../model/effective.ts";
import { OptionError } from "../model/system_spec.ts";
import { summaryFile } from "../record/artifacts.ts";
import type { RunRecord } from "../record/records.ts";
import { list, RunNews } from "../report/run_news.ts";
import { renderCounts, RunTable } from "../report/run_table.ts";
import { page } from "../report/terminal.ts";
import { type Contradiction, type RunResult, runSoak } from "../run/run.ts";
import type { RunCommand } from "./command.ts";
import { DEFAULT_DIR } from "./commands.ts";
import type { Io } from "./console.ts";
import { EXIT } from "./exit_code.ts";
import { noteKeys } from "./runtime_notes.ts";
import { type ShownProgress, showProgress } from "./progress.ts";

/** Runs a soak; the exit code is that of an interruption or of a contradiction, or 0. */
export async function executeRun(command: RunCommand, io: Io): Promise<number> {
  const shown: { progress: ShownProgress | null; rows: RunTable | null } = {
    progress: null,
    rows: null,
  };
  using _shown = { [Symbol.dispose]: () => shown.progress?.[Symbol.dispose]() };
  const news = new RunNews();
  const tell = (lines: readonly string[]): void => {
    for (const line of lines) io.err(`soak: ${line}`);
  };
  const openTable = ({ warmup, profile: { parameters } }: RunRecord): RunTable =>
    shown.rows ??= new RunTable(warmup, parameters);
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
    failFast: command.failFast,
    onRecorded(record, run) {
      news.recorded(record);
      openTable(run).take(record);
    },
    onStart({ run, iterations, changed, done, madeBy, archived }) {
      openTable(run);
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
      io.goOn = goOn(command);
      if (command.quiet || done === iterations) return;
      const { system, profile: { kpis } } = run;
      const pauseMs = system.kind === "mock" ? 0 : system.pauseSeconds * 1000;
      shown.progress = showProgress(io, { total: iterations, done, kpis, pauseMs });
    },
    onPhase(phase, iteration) {
      tell(news.phase(phase, iteration));
      shown.progress?.phase(phase);
    },
    onIteration(record, differing) {
      const { iteration, kpiVerdict: verdict, kpis } = record;
      const isLast = command.failFast && differing.length > 0;
      if (!isLast) tell(news.iteration(record, differing));
      shown.rows?.take(record);
      shown.progress?.step({ iteration, verdict, kpis });
    },
  });
  const result = await running.catch((error) => {
    throw fileNamed(error, command);
  });
  return report(command, result, openTable(result.run), io);
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

function report(
  command: RunCommand,
  result: RunResult,
  rows: RunTable,
  io: Io,
): number {
  const { run, iterations, counts, incidents, status, recorded, contradiction } = result;
  const { changes } = rows;
  if (command.json) {
    io.out(canonicalJson({
      dir: command.dir,
      status,
      iterations,
      recorded,
      applied: counts.applied,
      changes: {
        in_effect: changes.applied,
        not_in_effect: changes["not in effect"],
        not_seen: changes.written,
      },
      skipped: counts.skipped,
      incidents,
      archived: result.archived,
    }));
  } else if (status === "complete") {
    io.page(page([`The run is complete: ${recorded} of ${iterations} iterations are recorded.`]));
  } else {
    const table = rows.render(run.profile, io.outStyle, io.outColumns);
    if (table !== "") {
      io.page(table);
      io.out("");
    }
    io.page(page([
      renderCounts(counts, changes),
      ...(incidentText(incidents) === "none" ? [] : [`Incidents: ${incidentText(incidents)}`]),
      ...(status === "interrupted"
        ? []
        : [`Next: soak gate --strict --path ${shellWord(command.dir)}`]),
    ]));
  }
  if (contradiction !== null) {
    io.err(contradictionText(contradiction, command, recorded === iterations));
    return EXIT.failed;
  }
  if (status !== "interrupted") return EXIT.passed;
  io.err(
    `soak: interrupted after iteration ${recorded} of ${iterations}; ` +
      `go on with: ${goOn(command)}`,
  );
  const { reason } = io.signal;
  return typeof reason === "number" ? reason : EXIT.interrupted;
}

/** The command that goes on with a run. */
function goOn({ dir, failFast }: RunCommand): string {
  return "soak run --resume" + (failFast ? " --fail-fast" : "") +
    (dir === DEFAULT_DIR ? "" : ` --out ${shellWord(dir)}`);
}

/** What ended a run, where it is on record, who else will say so, and what to do. */
function contradictionText(
  { iteration, differing }: Contradiction,
  command: RunCommand,
  isFinished: boolean,
): string {
  const what = list(differing.map((difference) => printable(differenceText(difference), 120)));
  return `soak: stopped by --fail-fast: iteration ${iteration} ran with ${what} ` +
    `(${printable(join(command.dir, summaryFile(iteration)))}), which soak gate --strict and ` +
    "soak verify --strict find too; mend it and start a new run" +
    (isFinished ? "" : `, or go on with this one, which keeps that finding: ${goOn(command)}`);
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
