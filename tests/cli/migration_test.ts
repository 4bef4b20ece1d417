import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import type { CommandSpec } from "../../cli/command_spec.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { helpText } from "../../cli/help.ts";
import { MORE, SCRIPT_FLAGS, SCRIPT_MODULES, scriptModule, TRAPS } from "../../cli/migration.ts";
import { parseOptions } from "../../cli/options.ts";
import { takeSnapshot } from "../../judgement/snapshot.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { loadProfile } from "../../model/profile_file.ts";
import { RATIO_METRIC } from "../../model/profile.ts";
import { completeSystem } from "../../model/system_spec.ts";
import * as soak from "../../mod.ts";
import { FINDING_CODES } from "../../proof/findings.ts";
import * as artifacts from "../../record/artifacts.ts";
import { renderMetrics } from "../../report/metrics.ts";
import { inRepository } from "../kit/repository.ts";
import { memoryDir } from "../kit/temp_dir.ts";
import { stepScript } from "../kit/workflow.ts";

const GUIDE = Deno.readTextFileSync(inRepository("docs/migrating.md"));
const VERIFICATION = Deno.readTextFileSync(inRepository("docs/verification.md"));

const specs: readonly (readonly [string, CommandSpec])[] = Object.entries(COMMANDS);
const ownFlags = new Set(specs.flatMap(([, { flags }]) => flags.map(({ name }) => name)));

function refusal(...args: readonly string[]): SoakError {
  const error = assertThrows(() => parseOptions(args), SoakError);
  assertEquals(error.kind, "usage");
  return error;
}

/** What stands in code in the first column of the tables below a heading. */
function firstColumn(text: string, heading: string): string[] {
  const [section = ""] = (text.split(`\n## ${heading}\n`)[1] ?? "").split("\n## ");
  const cells = [...section.matchAll(/^\|([^|]*)\|/gm)].map(([, cell = ""]) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code));
}

function flagsNamed(text: string): string[] {
  return [...text.matchAll(/--([a-z][a-z-]*)/g)].map(([, name = ""]) => name);
}

/** What stands at a dotted path. */
function valueAt(document: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (value, key) => Object.entries(value ?? {}).find(([name]) => name === key)?.[1],
    document,
  );
}

/** The metrics of a run of the built-in profile. */
function printed(): string {
  return renderMetrics({
    ratio: 1,
    counts: { full: 1, partial_ok: 0, fail: 0, unproven: 0, total: 1 },
    signatureStuck: 0,
    incidents: { died: 0, failed: 0, stopped: 0, resumed: 0 },
    findingCounts: {},
    findingCodes: FINDING_CODES,
    skipped: { freeze: 0, oscillation: 0, velocity: 0, cooldown: 0, no_op: 0 },
    snapshot: takeSnapshot([], marketMaker),
    profile: marketMaker,
    gatePassed: true,
  });
}

/** Every metric in a text in Prometheus' format, with its labels' names. */
function metricsIn(text: string): Map<string, string> {
  const samples = [...text.matchAll(/^([a-z_0-9]+)(?:\{([a-z_]+)=.*\})? \S+$/gm)];
  return new Map(samples.map(([, name = "", label = ""]) => [name, label]));
}

Deno.test("a module of the scripts is recognised however it is spelt", () => {
  for (
    const args of [
      ["soak_gate"],
      ["soak-gate"],
      ["soak_gate.py"],
      ["soak.soak_gate"],
      ["tools.soak.soak_gate", "--path", "x"],
      ["tools/soak/soak_gate.py"],
      ["tools\\soak\\soak_gate.py"],
      ["-m", "tools.soak.soak_gate"],
      ["-mtools.soak.soak_gate"],
      ["python", "-m", "tools.soak.soak_gate"],
      ["python3.12", "tools/soak/soak_gate.py"],
    ]
  ) {
    assertEquals(scriptModule(args), "soak_gate", args.join(" "));
    const error = refusal(...args);
    assertStringIncludes(error.message, "soak gate --strict --prometheus");
    assertStringIncludes(error.message, MORE);
  }
  for (const args of [[], ["gat"], ["-m"], ["python"], ["constructor"], ["__proto__"], [""]]) {
    assertEquals(scriptModule(args), undefined, args.join(" "));
  }
});

Deno.test("a module of the scripts that nothing takes the place of is known by its folder", () => {
  for (
    const args of [
      ["tools.soak.kpi_gate"],
      ["./tools/soak/kpi_gate.py", "--path", "x"],
      ["-m", "tools.soak.kpi_gate"],
      ["python", "-m", "tools.soak.kpi_gate"],
      ["help", "tools/common/other.py"],
    ]
  ) {
    const { what, remedy } = refusal(...args);
    assertEquals([what, remedy], ["a module of the Python scripts, not of soak", MORE]);
  }
  for (const args of [["tools"], ["tools.soak"], ["python", "x.py"], ["-m", "tools.lint"]]) {
    assert(!refusal(...args).message.includes("Python"), args.join(" "));
  }
});

Deno.test("every module is answered with a command line that soak knows", () => {
  for (const [module, instead] of Object.entries(SCRIPT_MODULES)) {
    assertStringIncludes(refusal(`tools.soak.${module}`).remedy ?? "", instead);
    const [, command = ""] = instead.split(" ");
    const [, spec] = specs.find(([name]) => name === command) ?? [];
    assert(spec !== undefined, instead);
    for (const name of flagsNamed(instead.split(", ")[0] ?? "")) {
      assert(spec.flags.some((flag) => flag.name === name), `${instead}: --${name}`);
    }
  }
  assertStringIncludes(refusal("help", "soak_gate").message, MORE);
});

Deno.test("every flag of the scripts that soak has not got is answered with what to do", () => {
  for (const [name, remedy] of Object.entries(SCRIPT_FLAGS)) {
    const [flag = "", value] = name.split(" ");
    for (const named of flagsNamed(remedy)) {
      assert(ownFlags.has(named), `${remedy}: --${named}`);
    }
    if (value !== undefined) continue;
    assert(!ownFlags.has(flag), `soak has --${flag}: the hint is never shown`);
    for (const command of ["run", "verify", "gate"]) {
      const error = refusal(command, `--${flag}`, "x");
      assertStringIncludes(error.message, `(--${flag}); ${remedy}; ${MORE}`);
    }
  }
});

Deno.test("an hour has as many iterations as the hint for --hours says", () => {
  const system = completeSystem({ kind: "mock" });
  assert(system.kind === "mock");
  assertStringIncludes(SCRIPT_FLAGS.hours ?? "", `is ${3600 / system.iterationSeconds}`);
});

Deno.test("a profile of the scripts is answered with values to start from", () => {
  const error = assertThrows(() => loadProfile("steady_safe"), SoakError);
  assertEquals(error.kind, "usage");
  assertStringIncludes(error.message, "named with --start NAME");
  assertStringIncludes(error.message, MORE);
  const file = assertThrows(() => loadProfile("steady.json"), SoakError);
  assert(!file.message.includes("--start"));
});

Deno.test("values of parameters in the place of a profile are told to be a runtime", async () => {
  await using temp = await memoryDir();
  const path = temp.file("steady_safe.json");
  for (const values of ['{"tail_age_ms":740,"version":"1.0"}', '{"engine":{"tail_age_ms":740}}']) {
    await Deno.writeTextFile(path, values);
    const error = assertThrows(() => loadProfile(path), SoakError);
    assertEquals(error.kind, "usage");
    assertEquals(error.what, "values of parameters, not a profile");
    assertEquals(error.remedy, "start from them with soak run --runtime FILE");
  }
  await Deno.writeTextFile(path, '{"engine":{"threads":4}}');
  assertThrows(() => loadProfile(path), SoakError, 'lacks "name"');
});

Deno.test("soak help migrating has every module, flag and trap, on 80 columns", () => {
  assertEquals(parseOptions(["help", "migrating"]), {
    command: "help",
    topic: "migrating",
    asked: true,
  });
  const text = helpText("migrating");
  for (const line of text.split("\n")) assert([...line].length <= 80, line);
  for (const module of Object.keys(SCRIPT_MODULES)) assertStringIncludes(text, `  ${module} `);
  for (const flag of Object.keys(SCRIPT_FLAGS)) assertStringIncludes(text, `  --${flag} `);
  for (const [what] of TRAPS) assertStringIncludes(text, `  ${what} `);
});

Deno.test("docs/migrating.md names every module and flag that is answered", () => {
  const modules = firstColumn(GUIDE, "Modules").filter((code) => code.endsWith(".py"));
  assertEquals(
    modules.map((path) => path.replace(/^.*\/|\.py$/g, "")).toSorted(),
    Object.keys(SCRIPT_MODULES).toSorted(),
  );
  const flags = firstColumn(GUIDE, "Flags");
  for (const flag of Object.keys(SCRIPT_FLAGS)) {
    assert(flags.some((code) => `${code} `.startsWith(`--${flag} `)), flag);
  }
});

Deno.test("docs/migrating.md names no flag that neither soak nor the scripts have", () => {
  const theirs = Object.keys(SCRIPT_FLAGS).map((flag) => flag.split(" ")[0] ?? "");
  const known = new Set([...ownFlags, ...theirs]);
  assertEquals(flagsNamed(GUIDE).filter((name) => !known.has(name)), []);
});

Deno.test("docs/migrating.md names no function that the library has not got", () => {
  const [, section = ""] = GUIDE.split("Functions, with the entry");
  const [table = ""] = section.split("\n## ");
  const rows = [...table.matchAll(/^\| `(\w+)[^|]*\| `(\w+)/gm)];
  assertEquals(rows.length, 10);
  for (const [, theirs = "", ours = ""] of rows) {
    assert(Object.hasOwn(soak, ours), ours);
    const camel = theirs.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    assertEquals(ours, theirs === "PARAM_KEYS" ? theirs : camel);
  }
});

Deno.test("docs/migrating.md names no field that a run has not got", async () => {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  await soak.runSoak({ dir, iterations: 4, autoTune: true });
  const { snapshot, verification } = await soak.runGate(dir);
  const [, section = ""] = GUIDE.split("\n## Fields\n");
  const [table = ""] = section.split("\n## ");
  const summary = JSON.parse(await Deno.readTextFile(join(dir, "ITER_SUMMARY_2.json")));
  assert(summary.tuning.skip_reason !== null);
  const places = { ...summary, ...snapshot, counts: verification.counts };
  let checked = 0;
  for (const [row, , ours = ""] of table.matchAll(/^\|([^|]*)\|([^|]*)\|$/gm)) {
    const [first, ...more] = [...ours.matchAll(/`([a-z_0-9.]+)[^`]*`/g)].map(([, path = ""]) =>
      path
    );
    if (first === undefined || !/^(tuning|guards_last8|counts)\./.test(first)) continue;
    const parent = first.replace(/\.[^.]+$/, "");
    for (
      const path of [
        first,
        ...more.map((name) => name.startsWith(".") ? parent + name : name),
      ]
    ) {
      if (path === "freeze_events") continue;
      checked++;
      assert(valueAt(places, path) !== undefined, `${path} in ${row}`);
    }
  }
  assert(checked >= 15, `${checked} fields`);
});

Deno.test("docs/migrating.md names every file that stays in a run directory", () => {
  const passing: readonly string[] = [
    artifacts.STEP_FILE,
    artifacts.PROGRESS_FILE,
    artifacts.LOCK_FILE,
  ];
  const files = Object.entries(artifacts).flatMap(([name, value]) =>
    name.endsWith("_FILE") && typeof value === "string" && !passing.includes(value) ? [value] : []
  );
  assert(files.length >= 8);
  for (const file of [...files, "ITER_SUMMARY_<i>.json"]) assertStringIncludes(GUIDE, `\`${file}`);
});

Deno.test("docs/migrating.md names no metric that is not printed, and whatever the scripts had", () => {
  const [, section = ""] = GUIDE.split("\n## Metrics\n");
  const [table = ""] = section.split("\n## ");
  const names = metricsIn(printed());
  for (const [row, cell = "", ours = ""] of table.matchAll(/^\|([^|]*)\|([^|]*)\|$/gm)) {
    const named = ours.match(/soak_[a-z0-9_]+/g) ?? cell.match(/soak_[a-z0-9_]+/g) ?? [];
    for (const name of named) assert(names.has(name), row);
  }
  for (const guard of ["velocity", "cooldown", "oscillation"]) {
    assertStringIncludes(table, `soak_guards_${guard}_count`);
  }
});

Deno.test("docs/verification.md lists exactly the metrics that are printed, with their labels", () => {
  const [, section = ""] = VERIFICATION.split("\n## Metrics\n");
  const [table = ""] = section.split("\n## ");
  const rows = [...table.matchAll(/^\| `([^`]+)` *\| (?:`([a-z]+)`)? *\|/gm)];
  const listed = rows.flatMap(([, name = "", label = ""]) =>
    name.includes("<metric>")
      ? marketMaker.kpis.map(({ metric }) => [name.replace("<metric>", metric), label] as const)
      : [[name, label] as const]
  );
  assertEquals(new Map(listed.toSorted()), new Map([...metricsIn(printed())].toSorted()));
  const typed = [...printed().matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name = ""]) => name);
  assertEquals(
    typed.toSorted(),
    [...metricsIn(printed()).keys()].filter((name) => name !== RATIO_METRIC).toSorted(),
  );
});

Deno.test("docs/migrating.md shows the step that soak.yml runs", () => {
  const step = stepScript("Check delta metrics").replaceAll(/^(?=.)/gm, "    ");
  assertStringIncludes(GUIDE, `- name: Check delta metrics\n  run: |\n${step}\`\`\`\n`);
});
