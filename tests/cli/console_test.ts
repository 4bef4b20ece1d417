import { assert, assertEquals, assertMatch } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { type Io, openIo, reportError } from "../../cli/console.ts";
import { showProgress } from "../../cli/progress.ts";
import { until } from "../kit/real_system.ts";
import { soak } from "../kit/soak_process.ts";

/** The lines that an error is reported in. */
function reported(error: unknown, debug: boolean): string[] {
  const lines: string[] = [];
  const io: Io = {
    ...openIo(new AbortController().signal),
    debug,
    err: (line) => void lines.push(line),
  };
  reportError(error, io);
  return lines;
}

Deno.test("an error is one line, whatever it quotes", () => {
  const error = new SoakError("usage", "no\nsoak: forged", { where: "a\rb", remedy: "mend it" });
  assertEquals(reported(error, false), ["soak: no\\u000asoak: forged (a\\u000db); mend it"]);
});

Deno.test("the stack of an error has no line from what the error quotes", () => {
  const [first, second, ...stack] = reported(new Error("bad $& \n    at forged"), true);
  assertMatch(first ?? "", /^soak: bad \$& \\u000a +at forged; this is a bug/);
  assertEquals(second, "Error: bad $& \\u000a    at forged");
  assert(stack.length > 0 && stack.every((line) => !line.includes("forged")));
});

Deno.test("SOAK_DEBUG=1 shows a stack, though variables can't be read any more", async () => {
  const args = ["hash", "/nowhere/at/all"];
  const params = ["params", "get", "tail_age_ms", "--runtime", "/nowhere/at/all"];
  for (const permissions of [undefined, ["--allow-read", "--allow-env"]]) {
    const options = { env: { SOAK_DEBUG: "1" }, ...(permissions && { permissions }) };
    assertMatch((await soak(params, options)).stderr, /^soak: .+\n(?:.+\n)*? +at .+\n/);
    assertEquals((await soak(params)).stderr.split("\n").length, 2);
    assertEquals((await soak(args, options)).code, 3);
  }
});

/** What progress writes where a line can be drawn again, or can't. */
function watched(redraws: boolean): { io: Io; statuses: string[]; errs: string[] } {
  const statuses: string[] = [];
  const errs: string[] = [];
  const io: Io = {
    ...openIo(new AbortController().signal),
    redraws,
    errColumns: redraws ? 80 : Infinity,
    nowMs: () => 0,
    status: (line) => void statuses.push(line),
    err: (line) => void errs.push(line),
  };
  return { io, statuses, errs };
}

Deno.test("progress is drawn at once, again and again, and taken away at the end", async () => {
  const { io, statuses, errs } = watched(true);
  {
    using progress = showProgress(io, { total: 24 });
    assertEquals(statuses, [" 1/24                             0s"]);
    progress.phase({ name: "starting" });
    await until(() => statuses.length > 2, "it is drawn by itself");
    assertEquals(statuses.at(-1), " 1/24  starting                   0s");
  }
  assertEquals(statuses.at(-1), "");
  assertEquals(errs, []);
});

Deno.test("progress is plain lines, and nothing is drawn, where there is no terminal", () => {
  const { io, statuses, errs } = watched(false);
  {
    using progress = showProgress(io, { total: 2 });
    progress.phase({ name: "measuring" });
    progress.step({ iteration: 1, verdict: "PASS", kpis: {} });
  }
  assertEquals(statuses, [""]);
  assertEquals(errs, ["iteration 1/2: PASS; 0s elapsed"]);
});
