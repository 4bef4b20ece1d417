import { assert, assertEquals } from "@std/assert";
import { type Io, openIo } from "../../cli/console.ts";
import { parseOptions } from "../../cli/options.ts";
import { executeProfile } from "../../cli/profile.ts";
import { executeApply, executeHash, executeParams } from "../../cli/runtime.ts";
import { listenForSignals } from "../../cli/signals.ts";
import { displayWidth, wrapLine } from "../../report/terminal.ts";
import { tempDir } from "../kit/temp_dir.ts";
import { posix } from "../kit/posix.ts";
import { until } from "../kit/real_system.ts";

/** What a command prints on a terminal of so many columns, and what it prints as it is. */
interface Printed {
  readonly wrapped: string[];
  readonly asIs: string[];
}

async function printed(args: readonly string[], outColumns: number): Promise<Printed> {
  const result: Printed = { wrapped: [], asIs: [] };
  const io: Io = {
    ...openIo(new AbortController().signal),
    outColumns,
    out: (line) => void result.asIs.push(line),
    page: (text) =>
      void result.wrapped.push(...text.split("\n").flatMap((line) => wrapLine(line, outColumns))),
    err: () => {},
  };
  const command = parseOptions(args);
  if (command.command === "profile") await executeProfile(command, io);
  else if (command.command === "apply") await executeApply(command, io);
  else if (command.command === "params") await executeParams(command, io);
  else if (command.command === "hash") await executeHash(command, io);
  else throw new Error(`not for this test: ${command.command}`);
  return result;
}

const LONG = "a-profile-with-a-name-as-long-as-names-may-become.json";

Deno.test("what people read breaks at spaces on a narrow terminal, whatever the command", async () => {
  await using dir = await tempDir();
  const runtime = dir.file("r.json");
  Deno.writeTextFileSync(runtime, "{}");
  Deno.writeTextFileSync(dir.file("bad.json"), '{"name":"x","parametres":[]}');
  const targets = ["tail_age_ms=660", "min_interval_ms=60", "impact_cap_ratio=0.1"];
  const cases = [
    ["profile", "init", dir.file(LONG)],
    ["profile", "check", dir.file("bad.json")],
    ["apply", "--runtime", runtime, ...targets],
    ["apply", "--runtime", runtime, "tail_age_ms=800", "impact_cap_ratio=0.08"],
    ["params", "validate", ...targets],
    ["params", "validate", "tail_age_ms=9999", "tail_age=1", "nothing_of_the_kind=1"],
    ["params", "list"],
  ];
  for (const args of cases) {
    const { wrapped, asIs } = await printed(args, 60);
    assertEquals(asIs, [], args.join(" "));
    assert(wrapped.length > 0);
    for (const line of wrapped) {
      assert(displayWidth(line) <= 60 || !line.trim().includes(" "), line);
    }
  }
});

Deno.test("what programs read stays in one piece on a narrow terminal", async () => {
  await using dir = await tempDir();
  const runtime = dir.file("r.json");
  Deno.writeTextFileSync(runtime, '{"engine":{"tail_age_ms":600}}');
  const cases = [
    ["profile", "init", "--json"],
    ["profile", "schema", "--json"],
    ["apply", "--json", "--runtime", runtime, "tail_age_ms=620"],
    ["params", "list", "--json"],
    ["params", "validate", "--json", "tail_age_ms=9999"],
    ["params", "get", "tail_age_ms", "--runtime", runtime],
    ["hash", runtime],
  ];
  for (const args of cases) {
    const { wrapped, asIs } = await printed(args, 60);
    assertEquals([wrapped, asIs.length], [[], 1], args.join(" "));
  }
});

Deno.test("parameters are a table where there is room, and two lines each where there is none", async () => {
  const wide = (await printed(["params", "list"], Infinity)).wrapped;
  const narrow = (await printed(["params", "list"], 60)).wrapped;
  assertEquals(narrow.length, 2 * (wide.length - 1));
  assertEquals(narrow.slice(0, 2), [
    "base_spread_bps (risk.base_spread_bps)",
    "  number: 0.05 to 2 by 0.005; default 0.2 bps",
  ]);
  assertEquals((await printed(["params", "list"], 120)).wrapped, wide);
});

/** Runs something while the standard error is a terminal of so many columns, or is none. */
function onStderr(columns: number | null, call: (io: Io) => void): string {
  const { consoleSize } = Deno;
  let text = "";
  const own = Object.getOwnPropertyDescriptors(Deno.stderr);
  Object.assign(Deno.stderr, {
    isTerminal: () => columns !== null,
    writeSync(bytes: Uint8Array) {
      text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
  });
  Deno.consoleSize = () => ({ columns: columns ?? 80, rows: 24 });
  try {
    call(openIo(new AbortController().signal));
  } finally {
    Deno.consoleSize = consoleSize;
    for (const key of ["isTerminal", "writeSync"]) {
      delete (Deno.stderr as unknown as Record<string, unknown>)[key];
    }
    Object.defineProperties(Deno.stderr, own);
  }
  return text;
}

Deno.test("diagnostics break at spaces on a terminal, and never anywhere else", () => {
  const line = `soak: ${"word ".repeat(40)}end`;
  const say = (io: Io): void => io.err(line);
  assertEquals(onStderr(null, say), `${line}\n`);
  assertEquals(onStderr(60, say), `${wrapLine(line, 60).join("\n")}\n`);
});

Deno.test("what is said of a signal takes the place of the ^C that the terminal shows", {
  ignore: !posix,
}, async () => {
  const shown: string[] = [];
  const controller = new AbortController();
  const io: Io = {
    ...openIo(controller.signal),
    redraws: true,
    status: (line) => void shown.push(`status ${line}`),
    err: (line) => void shown.push(line),
  };
  using _listening = listenForSignals(controller, io);
  Deno.kill(Deno.pid, "SIGTERM");
  await until(() => shown.length === 2, "the signal is heard");
  assertEquals(shown, [
    "status  ",
    "soak: stopping when the step at hand is done; once more stops at once",
  ]);
});
