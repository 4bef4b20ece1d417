/**
 * `soak params`.
 *
 * @module
 */

import { type Console, EXIT } from "./console.ts";
import { SoakError } from "../base/errors.ts";
import { canonicalJson, readJsonWithHash } from "../base/json.ts";
import type { ParamsCommand } from "./options.ts";
import {
  getFromRuntime,
  type ParameterProblem,
  spellingHint,
  validateDeltas,
} from "../model/params.ts";
import { printable } from "../base/text.ts";
import type { Parameter } from "../model/profile.ts";
import { loadProfile } from "../model/profile_file.ts";
import { isJsonObject } from "../base/shape.ts";
import { table } from "../report/terminal.ts";

/** Lists, reads or validates parameters. */
export async function commandParams(command: ParamsCommand, console: Console): Promise<number> {
  const { parameters } = await loadProfile(command.profile);
  switch (command.action) {
    case "list":
      return listParams(parameters, command.json, console);
    case "get":
      return await getParam(command, parameters, console);
    case "validate": {
      const problems = validateDeltas(command.deltas, parameters);
      if (command.json) {
        console.out(canonicalJson({ valid: problems.length === 0, problems }));
      } else {
        for (const problem of problems) console.out(printable(problemText(problem, parameters)));
        if (problems.length === 0) console.out("valid");
      }
      return problems.length === 0 ? EXIT.passed : EXIT.failed;
    }
  }
}

function problemText(
  { key, code, message }: ParameterProblem,
  known: readonly Parameter[],
): string {
  return code === "unknown_key" ? `${message}; ${spellingHint(key, known)}` : message;
}

function listParams(
  parameters: readonly Parameter[],
  json: boolean,
  console: Console,
): number {
  if (json) {
    console.out(canonicalJson(parameters));
    return EXIT.passed;
  }
  const { dim } = console.outStyle;
  console.out(table([
    ["parameter", "kind", "from", "to", "step", "unit", "default", "path"].map(dim),
    ...parameters.map((p) => [
      p.key,
      p.kind,
      String(p.min),
      String(p.max),
      String(p.step),
      p.unit,
      String(p.default),
      p.path,
    ]),
  ], { align: ["left", "left", "right", "right", "right", "left", "right", "left"] }));
  return EXIT.passed;
}

async function getParam(
  { key, runtimePath: path, json }: ParamsCommand & { readonly action: "get" },
  parameters: readonly Parameter[],
  console: Console,
): Promise<number> {
  const { data } = await readJsonWithHash(path);
  if (!isJsonObject(data)) {
    throw new SoakError("artifact", "the runtime is not a JSON object", {
      where: path,
      remedy: "restore the file",
    });
  }
  const value = getFromRuntime(data, key, parameters);
  if (value === undefined) {
    throw new SoakError("artifact", `the runtime has no value for ${key}`, {
      where: path,
      remedy: "set it with `soak apply`",
    });
  }
  console.out(json ? canonicalJson({ key, value }) : String(value));
  return EXIT.passed;
}
