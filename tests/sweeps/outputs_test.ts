import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { executeGate } from "../../cli/gate.ts";
import type { Command } from "../../cli/command.ts";
import { type Io, reportError } from "../../cli/console.ts";
import { flagNamed } from "../../cli/mistakes.ts";
import { parseOptions } from "../../cli/options.ts";
import { executeHelp } from "../../cli/help.ts";
import { executeProfile } from "../../cli/profile.ts";
import { executeReplay } from "../../cli/replay.ts";
import { executeRun } from "../../cli/run.ts";
import { executeApply, executeHash, executeParams } from "../../cli/runtime.ts";
import { executeVerify } from "../../cli/verify.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { profileToJson } from "../../model/profile_check.ts";
import { style } from "../../report/terminal.ts";
import { Forgery } from "../kit/forgery.ts";
import { liveMarkdown } from "../kit/markdown.ts";
import { posix } from "../kit/posix.ts";
import { TINY } from "../kit/real_system.ts";
import { soak } from "../kit/soak_process.ts";
import { type TempDir, tempDir, textsIn } from "../kit/temp_dir.ts";

/** Text that is up to everything that text can be up to; where it stands is its name. */
function hostile(name: string): string {
  return `<${name}>\nFORGED line\r\x1b[31mred\x1b[2J\u202e\u200b\u3164\ufe0f\x85\u2028\ud800 ` +
    '"$x$ :smile: @octocat #12 GH-7 [x](http://e.vil) www.e.vil me@e.vil `c` | *b* _e_ [^1] &lt;';
}

/** The same as the name of a file. */
function hostileName(name: string): string {
  return hostile(name).replaceAll("/", "").replaceAll("\ud800", "");
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
// deno-lint-ignore no-control-regex
const OWN_STYLE = /\x1b\[(?:1|2|22|31|32|33|39)m/g;

/** Every line that a command hands over to be printed, with colour, before the last precaution. */
interface Captured {
  readonly code: number;
  readonly lines: readonly string[];
}

async function run(args: readonly string[], env: { epoch?: string } = {}): Promise<Captured> {
  const lines: string[] = [];
  const io: Io = {
    out: (line) => void lines.push(line),
    page: (page) => void lines.push(...page.split("\n")),
    err: (line) => void lines.push(line),
    status: () => {},
    outStyle: style(true),
    errStyle: style(true),
    redraws: false,
    outColumns: 80,
    errColumns: 80,
    sourceDateEpoch: env.epoch,
    debug: false,
    nowMs: () => 0,
    signal: new AbortController().signal,
    goOn: null,
  };
  try {
    return { code: await execute(parseOptions(args), io), lines };
  } catch (error) {
    reportError(flagNamed(error), io);
    return { code: -1, lines };
  }
}

async function execute(command: Command, io: Io): Promise<number> {
  switch (command.command) {
    case "run":
      return await executeRun(command, io);
    case "verify":
      return await executeVerify(command, io);
    case "gate":
      return await executeGate(command, io);
    case "replay":
      return await executeReplay(command, io);
    case "apply":
      return await executeApply(command, io);
    case "params":
      return await executeParams(command, io);
    case "profile":
      return await executeProfile(command, io);
    case "hash":
      return await executeHash(command, io);
    case "help":
      return executeHelp(command, io);
    case "version":
      return 0;
  }
}

/** Runs a command and fails if anything raw is among what it prints; `shows`: what must be. */
async function expectSafe(
  args: readonly string[],
  shows: readonly string[],
  env: { epoch?: string } = {},
): Promise<void> {
  const { lines } = await run(args, env);
  const what = JSON.stringify(args);
  const text = lines.join("\n");
  for (const line of lines) {
    assert(!UNSAFE.test(line.replaceAll(OWN_STYLE, "")), `${what}: ${JSON.stringify(line)}`);
    assert(!line.includes("\x1b[31mred"), `${what}: ${JSON.stringify(line)}`);
    assert(!/^\W*FORGED/.test(line), `${what}: ${JSON.stringify(line)}`);
  }
  for (const name of shows) {
    assert(text.includes(`<${name}>`), `${what} does not show ${name}:\n${text}`);
  }
}

function expectSafeMarkdown(text: string, shows: readonly string[]): void {
  for (const line of text.split("\n")) {
    assert(!UNSAFE.test(line), JSON.stringify(line));
    if (/^\|[-:|]+\|$/.test(line)) continue;
    const bars = [...line].filter((character) => character === "|").length;
    assert([0, 5, 7].includes(bars), line);
    for (const cell of line.replace(/^(?:#+ |- )/, "").split("|")) {
      assertEquals(liveMarkdown(cell.trim()), [], line);
    }
  }
  for (const name of shows) assert(text.includes(`<${name}>`), `${name} is shown:\n${text}`);
}

function expectSafeMetrics(text: string): void {
  for (const line of text.trimEnd().split("\n")) {
    assertMatch(
      line,
      /^(?:# HELP \w+ (?:[^\\]|\\\\)+|# TYPE \w+ gauge|\w+(?:\{\w+="(?:[^"\\]|\\["\\])*"\})? \S+)$/,
    );
    assert(!UNSAFE.test(line), JSON.stringify(line));
  }
}

/** All that a run directory has, but for what programs printed. */
function expectSafeFiles(dir: string, inReport: readonly string[]): void {
  for (const [name, text] of Object.entries(textsIn(dir))) {
    if (name.endsWith(".md")) expectSafeMarkdown(text, inReport);
    else if (name.endsWith(".prom")) expectSafeMetrics(text);
    else if (name.endsWith(".json")) assertMatch(text, /^[\x20-\x7e]*$/, name);
  }
}

/** A profile with everything hostile that a profile may have. */
function hostileProfile(temp: TempDir): string {
  const { name: _, description: _d, ...rest } = profileToJson(marketMaker);
  const marked = (of: string) => (item: object): object => ({
    ...item,
    unit: hostile(`${of}.unit`),
    description: hostile(`${of}.description`),
  });
  const path = temp.file("profile.json");
  Deno.writeTextFileSync(
    path,
    JSON.stringify({
      ...rest,
      name: "hostile",
      description: hostile("profile.description"),
      parameters: marketMaker.parameters.map(marked("param")),
      kpis: marketMaker.kpis.map(marked("kpi")),
    }),
  );
  return path;
}

Deno.test("no text of a profile gets out raw, from any command", { ignore: !posix }, async () => {
  await using temp = await tempDir();
  const profile = hostileProfile(temp);
  const dir = temp.file(hostileName("dir").slice(0, 40));
  await expectSafe(
    ["run", "--mock", "--auto-tune", "--iterations", "6", "--profile", profile, "--out", dir],
    ["dir"],
  );
  await expectSafe(["run", "--mock", "--iterations", "6", "--profile", profile, "--out", dir], []);
  await expectSafe(["run", "--resume", "--out", dir], []);
  await expectSafe(["verify", "--path", dir], ["dir"]);
  for (const i of ["1", "2", "6"]) {
    await expectSafe(["verify", "--explain", i, "--path", dir], ["kpi.unit"]);
  }
  await expectSafe(["verify", "--explain", "9", "--path", dir], ["dir"]);
  await expectSafe(["gate", "--strict", "--prometheus", "--path", dir], []);
  await expectSafe(["replay", "--path", dir], []);
  await expectSafe(["params", "list", "--profile", profile], ["param.unit"]);
  await expectSafe(
    ["params", "validate", "tail_age_ms=1e9", "--profile", profile],
    [],
  );
  await expectSafe(["params", "validate", "tail_age_ms=9999", "--profile", profile], []);
  await expectSafe(["profile", "check", profile], []);
  await expectSafe(["profile", "show", profile], ["param.unit", "profile.description"]);
  await expectSafe(["hash", join(dir, "SOAK_RUN.json")], ["dir"]);
  expectSafeFiles(dir, []);
  const metrics = Deno.readTextFileSync(join(dir, "POST_SOAK_METRICS.prom"));
  assert(metrics.includes("in <kpi.unit>"), metrics);
});

Deno.test("a unit with line feeds adds no line to soak params list", async () => {
  await using temp = await tempDir();
  const { code, stdout } = await soak(["params", "list", "--profile", hostileProfile(temp)]);
  assertEquals(code, 0);
  assertEquals(stdout.split("\n").length, 1 + marketMaker.parameters.length + 1);
});

Deno.test("soak profile show prints JSON that reads as the same profile", async () => {
  await using temp = await tempDir();
  const profile = temp.file("profile.json");
  const description = "tag \u{e0041}, flag \ufe0f, \x85 and \u202e";
  Deno.writeTextFileSync(profile, JSON.stringify({ ...profileToJson(TINY), description }));
  const { lines } = await run(["profile", "show", profile]);
  assertEquals(JSON.parse(lines.join("\n")).description, description);
});

Deno.test("no text of a record gets out raw, from any command", { ignore: !posix }, async () => {
  await using temp = await tempDir();
  const profile = hostileProfile(temp);
  const origin = temp.file("origin");
  await run([
    ...["run", "--mock", "--auto-tune", "--iterations", "8"],
    ...["--profile", profile, "--out", origin],
  ]);
  const dir = temp.file("run");
  const forged = new Forgery(textsIn(origin), 8);
  const first = forged.applied();
  const skipped = forged.find(({ tuning }) => !tuning.applied);
  for (const i of [first, skipped]) {
    forged.edit(i, ({ tuning, effective_params, summary }) => {
      tuning.rationale = hostile("rationale");
      for (const change of tuning.changes) {
        change.rule = hostile("rule");
        change.key = hostile("change.key");
      }
      tuning.proposed_deltas[hostile("delta.key")] = 1;
      effective_params[hostile("effective.key")] = 1;
      tuning.changed_keys.push(hostile("changed.key"));
      if (tuning.skip_reason !== null) tuning.skip_reason.note = hostile("note");
      summary.kpi_reasons = [hostile("kpi.reason")];
    });
  }
  forged.edit(7, ({ tuning }) => void (tuning.state_hash = hostile("hash")));
  forged.editJson("SOAK_RUN.json", (draft) => void (draft["tool_version"] = hostile("version")));
  forged.files["ITER_SUMMARY_x.json"] = "{}";
  forged.write(dir);
  const strange = hostileName("file");
  Deno.writeTextFileSync(join(dir, `ITER_SUMMARY_${strange.slice(0, 60)}.json`), "{}");

  await expectSafe(["verify", "--strict", "--path", dir], ["version", "file"]);
  await expectSafe(["verify", "--explain", String(first), "--path", dir], [
    "rationale",
    "rule",
    "change.key",
    "delta.key",
    "kpi.unit",
  ]);
  await expectSafe(["verify", "--explain", String(skipped), "--path", dir], ["rationale", "note"]);
  await expectSafe(["verify", "--explain", "7", "--path", dir], ["hash"]);
  await expectSafe(["gate", "--strict", "--prometheus", "--path", dir], []);
  await expectSafe(["replay", "--path", dir], []);
  await expectSafe(["run", "--resume", "--out", dir], []);
  expectSafeFiles(dir, ["version", "file"]);

  // Whatever stands in a file that is no JSON, or not what it should be.
  for (const name of ["SOAK_RUN.json", "ITER_SUMMARY_3.json", "TUNING_REPORT.json"]) {
    for (const text of [`{${hostile("json")}`, JSON.stringify({ [hostile("json")]: 1 })]) {
      forged.write(dir);
      Deno.writeTextFileSync(join(dir, name), text);
      for (
        const args of [
          ["verify", "--path", dir],
          ["gate", "--path", dir],
          ["replay", "--path", dir],
          ["run", "--resume", "--out", dir],
          ["verify", "--explain", "3", "--path", dir],
        ]
      ) await expectSafe(args, []);
    }
  }
});

Deno.test(
  "no text of a system gets out raw, nor any of its command",
  { ignore: !posix },
  async () => {
    await using temp = await tempDir();
    const profile = temp.file("profile.json");
    Deno.writeTextFileSync(profile, JSON.stringify(profileToJson(TINY)));
    const dir = temp.file("run");
    const exec = (command: readonly string[], ...flags: readonly string[]): readonly string[] => [
      ...["run", "--exec", "--profile", profile, "--iterations", "2", "--out", dir],
      ...flags,
      "--",
      ...command,
    ];
    const text = hostile("system").replaceAll("\ud800", "");
    const print = ["sh", "-c", `printf '%s' "$1" >&2; exit 3`, "sh", text];
    const output = (value: string): string[] => [
      ...["sh", "-c", `printf '%s' "$1" > "$SOAK_OUTPUT"`, "sh", value],
    ];
    await expectSafe(exec(print), []);
    for (
      const value of [
        text,
        `{"kpis":{${JSON.stringify(text)}:1}}`,
        `{"kpis":{"cost":${JSON.stringify(text)}}}`,
        JSON.stringify({ [text]: 1 }),
      ]
    ) {
      await expectSafe(exec(output(value)), []);
      await expectSafe(exec(output(value), "--on-error", "continue"), []);
      await expectSafe(["verify", "--explain", "1", "--path", dir], []);
      await expectSafe(["gate", "--strict", "--prometheus", "--path", dir], []);
      const notes = Deno.readTextFileSync(join(dir, "logs", "ITER_1.log")).split("\n")
        .filter((line) => line.startsWith("[soak: "));
      assertEquals(notes.length, 1);
      for (const note of notes) assert(!UNSAFE.test(note), JSON.stringify(note));
    }
    Deno.removeSync(join(dir, "logs"), { recursive: true });
    expectSafeFiles(dir, []);
    await expectSafe(exec([hostileName("program")]), ["program"]);
    await expectSafe(exec([`./${hostileName("program")}`]), ["program"]);
    const service = ["run", "--service", "--profile", profile, "--iterations", "1", "--out", dir];
    const ready = temp.file(hostileName("ready").slice(0, 40));
    await expectSafe(
      [...service, "--measure", "true", "--ready-file", ready, "--ready-timeout", "0.1", "--"]
        .concat("sleep", "60"),
      ["ready"],
    );
    await expectSafe([...service, "--measure", hostileName("measure"), "--", "sleep", "60"], [
      "measure",
    ]);
  },
);

Deno.test("no mistake on the command line gets out raw, nor any name of a file", {
  ignore: !posix,
}, async () => {
  await using temp = await tempDir();
  const text = hostile("argument");
  const path = temp.file(hostileName("path").slice(0, 60));
  const commands: readonly (readonly string[])[] = [
    [text],
    [`--${text}`],
    ["help", text],
    ["gate", text],
    ["gate", `--${text}`],
    ["gate", "--path"],
    ["run", "--mock", "--iterations", text],
    ["run", "--mock", "--iterations", "1", "--mock-fault", text],
    ["run", "--mock", "--iterations", "1", "--mock-fault", `late:${text}`],
    ["run", "--exec", "--iterations", "1", "--on-error", text, "--", "true"],
    ["run", "--exec", "--iterations", "1", "--prometheus-url", text, "--", "true"],
    ["run", "--mock", "--iterations", "1", text],
    ["apply", "--runtime", path, text],
    ["apply", "--runtime", path, `${text}=1`],
    ["apply", "--runtime", path, `tail_age_ms=${text}`],
    ["params", text],
    ["params", "get", text, "--runtime", path],
    ["params", "validate", `${text}=1`],
    ["profile", text],
    ["profile", "check", path],
    ["profile", "show", text],
    ["profile", "show", path],
    ["verify", "--threshold", text],
  ];
  for (const args of commands) await expectSafe(args, []);
  for (
    const args of [
      ["gate", "--path", path],
      ["verify", "--path", path],
      ["verify", "--explain", "1", "--path", path],
      ["replay", "--path", path],
      ["run", "--resume", "--out", path],
      ["run", "--mock", "--iterations", "1", "--out", join(temp.file("none"), "a", "\0")],
      ["run", "--mock", "--iterations", "1", "--runtime", path],
      ["apply", "--runtime", path, "tail_age_ms=660"],
      ["params", "get", "tail_age_ms", "--runtime", path],
      ["hash", path],
      ["profile", "check", path],
    ]
  ) await expectSafe(args, []);
  await expectSafe(["run", "--mock", "--iterations", "1", "--out", temp.file("x")], ["epoch"], {
    epoch: hostile("epoch"),
  });
  await expectSafe(["profile", "init", path], ["path"]);
  await expectSafe(["profile", "init", path], ["path"]);
  assert(!UNSAFE.test(Deno.readTextFileSync(path).replaceAll("\n", "")));
  await expectSafe(["hash", path], ["path"]);
  await expectSafe(["hash", temp.path], []);
  Deno.writeTextFileSync(path, JSON.stringify({ [text]: 1, name: text }));
  await expectSafe(["profile", "check", path], ["argument"]);
  await expectSafe(["params", "list", "--profile", path], ["path"]);
  await expectSafe(["params", "get", "tail_age_ms", "--runtime", path], ["path"]);
  await expectSafe(["apply", "--runtime", path, "tail_age_ms=660"], []);
});
