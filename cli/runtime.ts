/**
 * The commands on a runtime file and its parameters: `soak apply`, `soak params`, `soak hash`.
 *
 * @module
 */

import { canonicalJson } from "../base/canonical.ts";
import { SoakError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import { readRegularFile } from "../base/read_file.ts";
import { printable } from "../base/text.ts";
import { deltaHint, getFromRuntime, validateDeltas } from "../model/params.ts";
import type { Parameter, Profile } from "../model/profile.ts";
import { loadProfile } from "../model/profile_file.ts";
import { nestRuntime } from "../model/runtime_keys.ts";
import { valuesText, valueText } from "../model/value.ts";
import { readRuntime } from "../record/artifacts.ts";
import { displayWidth, page, table } from "../report/terminal.ts";
import { applyDeltasWithTracking } from "../run/apply.ts";
import type { ApplyCommand, HashCommand, ParamsCommand } from "./command.ts";
import type { Io } from "./console.ts";
import { EXIT } from "./exit_code.ts";
import { noteKeys, roundings } from "./runtime_notes.ts";
import { valuesOf } from "./values.ts";

/** One pass of the pipeline; the exit code says whether the targets are now in the runtime. */
export async function executeApply(command: ApplyCommand, io: Io): Promise<number> {
  const { runtimePath, targets } = command;
  const profile = loadProfile(command.profile);
  const proposedDeltas = valuesOf(targets, profile.parameters);
  const { runtime } = await readRuntime(runtimePath);
  noteKeys(runtimePath, runtime, profile, io);
  const result = await applyDeltasWithTracking({ profile, runtimePath, proposedDeltas });
  for (const note of roundings(proposedDeltas, profile.parameters)) io.err(`soak: ${note}`);
  const { applied, noOp, oldHash, stateHash, deltasApplied, changedKeys, skipReason } = result;
  if (command.json) {
    io.out(canonicalJson({
      applied,
      no_op: noOp,
      old_hash: oldHash,
      state_hash: stateHash,
      deltas_applied: deltasApplied,
      changed_keys: changedKeys,
      bytes_written: result.bytesWritten,
      skip_reason: skipReason,
    }));
  } else if (applied) {
    const values = changedKeys.map((key) => `${key} = ${valueText(deltasApplied[key] ?? "")}`);
    io.page(page([`applied ${values.join(", ")}`, `state ${oldHash} → ${stateHash}`]));
  } else {
    io.page(page([`not applied: ${printable(skipReason?.note ?? "")}`, `state ${stateHash}`]));
  }
  return applied || noOp ? EXIT.passed : EXIT.failed;
}

/** Lists, reads or validates parameters. */
export async function executeParams(command: ParamsCommand, io: Io): Promise<number> {
  const profile = loadProfile(command.profile);
  const { parameters } = profile;
  switch (command.action) {
    case "list":
      return listParams(profile, command.json, io);
    case "get":
      return await getParam(command, profile, io);
    case "validate": {
      const deltas = valuesOf(command.targets, parameters);
      const problems = validateDeltas(deltas, parameters);
      const valid = problems.length === 0;
      if (valid) { for (const note of roundings(deltas, parameters)) io.err(`soak: ${note}`); }
      if (command.json) {
        io.out(canonicalJson({ valid, problems }));
      } else {
        io.page(page(
          valid ? ["valid"] : problems.map((problem) => {
            const hint = deltaHint(problem, deltas, parameters);
            return printable(problem.message + (hint === undefined ? "" : `; ${hint}`));
          }),
        ));
      }
      return valid ? EXIT.passed : EXIT.failed;
    }
  }
}

function listParams(
  { parameters, starts = {} }: Profile,
  json: boolean,
  io: Io,
): number {
  if (json) {
    io.out(canonicalJson(parameters));
    return EXIT.passed;
  }
  const { dim } = io.outStyle;
  const lines = table([
    ["parameter", "kind", "values", "unit", "default", "path"].map(dim),
    ...parameters.map((p) => [
      p.key,
      p.kind,
      printable(valuesText(p)),
      unitOf(p),
      printable(valueText(p.default)),
      p.path,
    ]),
  ], { align: ["left", "left", "left", "left", "right", "left"] });
  const fits = lines.every((line) => displayWidth(line) <= io.outColumns);
  const startLines = Object.entries(starts).map(([name, values]) => {
    const changed = Object.entries(values).map(([key, value]) => `${key} ${valueText(value)}`);
    const what = changed.length === 0 ? "the defaults" : changed.join(", ");
    return `--start ${printable(name)}: ${printable(what)}`;
  });
  io.page(page([...(fits ? lines : parameters.flatMap(stacked)), ...startLines]));
  return EXIT.passed;
}

/** A parameter where there is no room for the table. */
function stacked(parameter: Parameter): string[] {
  const { key, kind, path } = parameter;
  const start = `${printable(valueText(parameter.default))} ${unitOf(parameter)}`.trimEnd();
  return [`${key} (${path})`, `  ${kind}: ${printable(valuesText(parameter))}; default ${start}`];
}

function unitOf(parameter: Parameter): string {
  return printable("unit" in parameter ? parameter.unit ?? "" : "");
}

async function getParam(
  { key, runtimePath: path, json }: ParamsCommand & { readonly action: "get" },
  profile: Profile,
  io: Io,
): Promise<number> {
  const { runtime: given } = await readRuntime(path);
  const { runtime, problems } = nestRuntime(given, profile);
  const value = getFromRuntime(runtime, key, profile.parameters);
  const problem = problems.find((each) => each.key === key);
  if (problem !== undefined) {
    const remedy = "keep one of them";
    throw new SoakError("artifact", problem.message, { where: path, remedy });
  }
  noteKeys(path, given, profile, io);
  if (value === undefined) {
    throw new SoakError("artifact", `the runtime has no value for ${key}`, {
      where: path,
      remedy: "set it with `soak apply`",
    });
  }
  io.out(json ? canonicalJson({ key, value }) : printable(valueText(value)));
  return EXIT.passed;
}

/** Prints state hashes as sha256sum does. */
export async function executeHash(command: HashCommand, io: Io): Promise<number> {
  let code: number = EXIT.passed;
  for (const file of command.files) {
    try {
      io.out(sha256Line(await sha256Hex(readRegularFile(file)), file));
    } catch (error) {
      if (!(error instanceof SoakError)) throw error;
      io.err(`soak: ${error.message}`);
      code = error.kind === "system" ? EXIT.unable : EXIT.inconclusive;
    }
  }
  return code;
}

/** A line of `sha256sum`: names with a backslash or a line feed are escaped and marked. */
function sha256Line(hash: string, file: string): string {
  if (!/[\\\n\r]/.test(file)) return `${hash}  ${printable(file)}`;
  const escaped = file.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `\\${hash}  ${printable(escaped)}`;
}
