import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { canonicalJson } from "../../base/canonical.ts";
import type { JsonObject } from "../../base/json_value.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { startingPoint } from "../../model/starting_point.ts";
import { inRepository } from "../kit/repository.ts";
import { type Ended, soak } from "../kit/soak_process.ts";
import { tempDir, textsIn } from "../kit/temp_dir.ts";

const soakIn = (cwd: string, line: string): Promise<Ended> => soak(line.split(" "), { cwd });

/** Checks that a command failed with one line on stderr that says all of this. */
function assertRefused(result: Ended, code: number, ...texts: string[]): void {
  assertEquals([result.code, result.stdout], [code, ""], result.stderr);
  assert(/^soak: [^\n]+\n$/.test(result.stderr), result.stderr);
  for (const text of texts) assertStringIncludes(result.stderr, text);
}

function write(path: string, value: unknown): void {
  Deno.writeTextFileSync(path, JSON.stringify(value, null, 2));
}

Deno.test("run and replay name the flag of an option that the library refuses", async () => {
  await using dir = await tempDir();
  write(dir.file("p.json"), { ...marketMaker, rules: [] });
  const flags = "--mock --iterations 2 --quiet --out run";
  assertRefused(await soakIn(dir.path, `run ${flags} --profile p.json`), 2, "(--profile)");
  assertEquals((await soakIn(dir.path, `run ${flags}`)).code, 0);
  assertRefused(await soakIn(dir.path, "run --resume --out run --seed 2"), 2, "(--seed)");
  const record: JsonObject = JSON.parse(Deno.readTextFileSync(dir.file("run/SOAK_RUN.json")));
  write(dir.file("run/SOAK_RUN.json"), { ...record, profile: { ...marketMaker, rules: [] } });
  assertRefused(await soakIn(dir.path, "replay --path run"), 2, "(--profile)");
});

Deno.test("soak profile init writes a valid profile with its schema, and overwrites nothing", async () => {
  await using dir = await tempDir();
  const first = await soakIn(dir.path, "profile init p.json");
  assertEquals([first.code, first.stderr], [0, ""]);
  assertStringIncludes(first.stdout, "wrote p.json and profile.schema.json\n");
  const written = textsIn(dir.path);
  const schema = await soakIn(dir.path, "profile schema");
  assertEquals(written["profile.schema.json"], schema.stdout);
  const { $schema, ...profile }: JsonObject = JSON.parse(written["p.json"] ?? "");
  assertEquals([$schema, profile], ["./profile.schema.json", { ...startingPoint }]);

  const again = await soakIn(dir.path, "profile init p.json");
  assertRefused(again, 2, "there is a file already (p.json)");
  const beside = await soakIn(dir.path, "profile init q.json --json");
  assertEquals(beside.stdout, '{"written":["q.json"]}\n');
  assertEquals(textsIn(dir.path), { ...written, "q.json": written["p.json"] ?? "" });

  const check = await soakIn(dir.path, "profile check p.json");
  assertEquals([check.code, check.stderr], [0, ""]);
  assertEquals(
    check.stdout,
    "PASS p.json: profile my-service 47c4e1f54e55, 3 parameters, 3 KPIs, 3 rules\n",
  );
  const printed = await soakIn(dir.path, "profile init");
  assertEquals(printed.stdout, written["p.json"]);
});

Deno.test("soak profile show prints the profile in effect, whatever its file looks like", async () => {
  await using dir = await tempDir();
  const shown = await soakIn(dir.path, "profile show");
  assertEquals(shown.stdout, `${JSON.stringify(marketMaker, null, 2)}\n`);
  const compact = await soakIn(dir.path, "profile show market-maker --json");
  assertEquals(compact.stdout, `${canonicalJson(marketMaker)}\n`);
  const shuffled = Object.fromEntries(Object.entries(startingPoint).toReversed());
  write(dir.file("p.json"), { ...shuffled, $schema: "x" });
  const own = await soakIn(dir.path, "profile show p.json");
  assertEquals(own.stdout, `${JSON.stringify(startingPoint, null, 2)}\n`);
});

Deno.test("soak profile check names every mistake in a line of its own, and exits with 1", async () => {
  await using dir = await tempDir();
  write(dir.file("p.json"), {
    ...startingPoint,
    rules: startingPoint.rules.map((rule) => ({
      ...rule,
      then: [{ param: "x\u001b[2J", add: 1 }],
    })),
    gate: { ...startingPoint.gate, pass: 9, full_apply_ratio: 0 },
  });
  const text = await soakIn(dir.path, "profile check p.json");
  assertEquals([text.code, text.stderr], [1, ""]);
  assertEquals(text.stdout.split("\n"), [
    ...[79, 102, 130].map((line, i) =>
      `✗ p.json:${line}:11: rules[${i}].then[0].param: expected a name of letters, digits, _ and ` +
      '-, a letter first, found "x\\u001b[2J"'
    ),
    "✗ p.json:146:5: gate.pass: 9 of a window of 8 can never be met",
    "! p.json:148:5: gate.full_apply_ratio: 0 passes a run in which no change took effect",
    "FAIL p.json: 4 mistakes; 1 warning",
    "",
  ]);
  const json = await soakIn(dir.path, "profile check p.json --json");
  assertEquals(json.code, 1);
  const { valid, problems } = JSON.parse(json.stdout);
  assertEquals([valid, problems.length, problems[3]], [false, 5, {
    severity: "error",
    path: "$.gate.pass",
    message: "9 of a window of 8 can never be met",
    line: 146,
    column: 5,
  }]);
});

Deno.test("soak profile check tells text that is no JSON from a file that can't be read", async () => {
  await using dir = await tempDir();
  Deno.writeTextFileSync(dir.file("empty.json"), "");
  Deno.writeTextFileSync(dir.file("double.json"), '{"name": "a",\n "name": "b"}');
  Deno.writeFileSync(dir.file("latin.json"), Uint8Array.of(0x22, 0xe9, 0x22));
  Deno.writeTextFileSync(dir.file("big.json"), "");
  Deno.truncateSync(dir.file("big.json"), 65 * 1024 * 1024);
  const lines = async (file: string): Promise<[number, string]> => {
    const { code, stdout } = await soakIn(dir.path, `profile check ${file}`);
    return [code, stdout.split("\n")[0] ?? ""];
  };
  assertEquals(await lines("empty.json"), [
    1,
    "✗ empty.json:1:1: no JSON in it, only white space",
  ]);
  assertEquals(await lines("double.json"), [1, '✗ double.json:2:2: name: doubled key "name"']);
  assertEquals(await lines("latin.json"), [
    1,
    "✗ latin.json: not UTF-8 text; save the file as UTF-8",
  ]);
  Deno.writeFileSync(dir.file("windows.json"), Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0));
  assertEquals(await lines("windows.json"), [
    1,
    "✗ windows.json: UTF-16 text, not UTF-8; save the file as UTF-8",
  ]);
  Deno.writeTextFileSync(dir.file("marked.json"), "\ufeff{}");
  assertEquals(await lines("marked.json"), [
    1,
    "✗ marked.json:1:1: a byte order mark at the start; save the file as UTF-8 without it",
  ]);
  Deno.writeTextFileSync(dir.file("commented.json"), '{\r\n  // mine\r\n  "name": "a"\r\n}\r\n');
  assertEquals(await lines("commented.json"), [
    1,
    "✗ commented.json:2:3: a comment where a key in double quotes is expected; JSON has no " +
    "comments; remove line 2",
  ]);
  Deno.writeTextFileSync(dir.file("comma.json"), '{"name": "a",}');
  assertEquals(await lines("comma.json"), [
    1,
    '✗ comma.json:1:14: "}" where a key in double quotes is expected; remove the comma before it',
  ]);
  const big = await soakIn(dir.path, "profile check big.json");
  assertRefused(big, 3, "larger than 67108864 bytes (big.json)");
  assertRefused(await soakIn(dir.path, "profile check ."), 3, "a folder");
  assertRefused(await soakIn(dir.path, "profile check none.json"), 3, "no such file", "none.json");
});

Deno.test("soak profile check finds the line of a mistake in a file of any shape", async () => {
  await using dir = await tempDir();
  const text = JSON.stringify({ ...startingPoint, gate: { ...startingPoint.gate, pass: 9 } });
  const indented = JSON.stringify(JSON.parse(text), null, "\t");
  const shapes = { "one line": text, tabs: indented, crlf: indented.replaceAll("\n", "\r\n") };
  for (const [shape, written] of Object.entries(shapes)) {
    Deno.writeTextFileSync(dir.file("p.json"), written);
    const { stdout } = await soakIn(dir.path, "profile check p.json --json");
    const [{ line, column }] = JSON.parse(stdout).problems;
    const found = written.split("\n")[line - 1]?.slice(column - 1);
    assert(found?.startsWith('"pass":'), `${shape}: ${found}`);
  }
});

Deno.test("soak profile check shows twenty mistakes, and --json has all", async () => {
  await using dir = await tempDir();
  write(dir.file("p.json"), {
    ...startingPoint,
    rules: Array.from({ length: 32 }, (_, i) => ({
      ...startingPoint.rules[0],
      name: `rule-${i}`,
      then: [{ param: "timeout_ms", add: 0 }],
    })),
  });
  const { stdout } = await soakIn(dir.path, "profile check p.json");
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.filter((line) => line.startsWith("✗")).length, 20);
  const json = JSON.parse((await soakIn(dir.path, "profile check p.json --json")).stdout);
  assertEquals(lines.slice(20), [
    `and ${json.problems.length - 20} more; --json has all of them`,
    `FAIL p.json: 32 mistakes; ${json.problems.length - 32} warnings`,
  ]);
});

Deno.test("soak profile check says what a run with queries has to be told", async () => {
  await using dir = await tempDir();
  const [first, second, ...kpis] = startingPoint.kpis;
  write(dir.file("p.json"), {
    ...startingPoint,
    parameters: startingPoint.parameters.map((one) => ({ ...one, query: `max(${one.key})` })),
    kpis: [{ ...first, query: "x" }, second, ...kpis.map((one) => ({ ...one, query: "y" }))],
  });
  const { code, stdout } = await soakIn(dir.path, "profile check p.json");
  assertEquals(code, 0);
  assertStringIncludes(
    stdout,
    "\nNeeds --prometheus-url for 5 queries; a program reports error_ratio.\n",
  );
});

/** Files that can be read, and whether a run could be started with them. */
const FILES: readonly (readonly [string, unknown, boolean])[] = [
  ["the starting point", startingPoint, true],
  ["a profile with a warning", { ...startingPoint, rules: [] }, true],
  ["the built-in profile, written out", marketMaker, true],
  ["another one under its name", { ...marketMaker, rules: [] }, false],
  ["another one under nearly its name", { ...startingPoint, name: "Market_Maker" }, false],
  ["one with a mistake", { ...startingPoint, gate: { ...startingPoint.gate, pass: 9 } }, false],
];

for (const [what, profile, isGood] of FILES) {
  Deno.test(`soak profile check and soak run agree on ${what}`, async () => {
    await using dir = await tempDir();
    write(dir.file("p.json"), profile);
    const check = await soakIn(dir.path, "profile check p.json");
    assertEquals(check.code, isGood ? 0 : 1, check.stdout);
    const run = await soakIn(dir.path, "run --exec --iterations 1 --profile p.json -- false");
    // With a good one the run gets as far as to measure, which fails.
    assertEquals(run.code, isGood ? 4 : 2, run.stderr);
  });
}

Deno.test("docs/profiles.md: soak profile check prints what it says", async () => {
  await using dir = await tempDir();
  const text = Deno.readTextFileSync(inRepository("docs/profiles.md"));
  const example = /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  const edits = [
    ['      "step": 1,\n', ""],
    ['"op": ">", "value": 200', '"op": ">", "value": 250'],
    ['"pass": 6', '"pass": 9'],
  ] as const;
  const edited = edits.reduce((now, [from, to]) => {
    assertStringIncludes(now, from);
    return now.replace(from, to);
  }, example);
  Deno.writeTextFileSync(dir.file("profile.json"), edited);
  const { stdout } = await soakIn(dir.path, "profile check profile.json");
  assertStringIncludes(text, `\`\`\`console\n$ soak profile check profile.json\n${stdout}\`\`\``);
});

Deno.test("soak profile explains what it takes", async () => {
  assertRefused(await soak(["profile"]), 2, "init, show, check or schema");
  assertRefused(await soak(["profile", "chek", "x"]), 2, '"chek"', "did you mean check?");
  assertRefused(await soak(["profile", "check"]), 2, "FILE", "soak profile check profile.json");
  assertRefused(await soak(["profile", "show", "market_maker"]), 2, "did you mean market-maker?");
});

Deno.test("soak run --profile FILE with the built-in profile makes the same run to the byte", async () => {
  await using dir = await tempDir();
  const { stdout } = await soakIn(dir.path, "profile show market-maker");
  Deno.writeTextFileSync(dir.file("mm.json"), stdout);
  assertEquals((await soakIn(dir.path, "profile check mm.json")).code, 0);
  const run = "run --mock --auto-tune --iterations 6 --quiet";
  assertEquals((await soakIn(dir.path, `${run} --out a`)).code, 0);
  assertEquals((await soakIn(dir.path, `${run} --out b --profile mm.json`)).code, 0);
  assertEquals(textsIn(dir.file("b")), textsIn(dir.file("a")));
});

Deno.test("soak run refuses a bad profile before it touches anything", async () => {
  await using dir = await tempDir();
  write(dir.file("bad.json"), { ...startingPoint, name: "a b", gates: {} });
  write(dir.file("own.json"), startingPoint);
  const run = "run --mock --iterations 2 --out run --profile";
  assertRefused(
    await soakIn(dir.path, `${run} bad.json`),
    2,
    "(and 1 more) (bad.json:2:3: $.name); soak profile check names every mistake",
  );
  assertRefused(
    await soakIn(dir.path, `${run} none`),
    2,
    "no built-in profile of that name (none)",
  );
  assertRefused(await soakIn(dir.path, `${run} .`), 2, "a folder");
  assertRefused(
    await soakIn(dir.path, `${run} own.json`),
    2,
    "the simulation has no KPI error_ratio (profile my-service); --mock simulates",
  );
  assertEquals(Object.keys(textsIn(dir.path)).toSorted(), ["bad.json", "own.json"]);
});

Deno.test("soak run --resume refuses another profile than the recorded one", async () => {
  await using dir = await tempDir();
  write(dir.file("own.json"), startingPoint);
  write(dir.file("same.json"), marketMaker);
  await soakIn(dir.path, "run --mock --iterations 2 --out run");
  const other = await soakIn(dir.path, "run --resume --out run --profile own.json");
  assertRefused(other, 2, "another profile, market-maker (--profile)");
  for (const same of ["same.json", "market-maker"]) {
    const { code } = await soakIn(dir.path, `run --resume --out run --profile ${same}`);
    assertEquals(code, 0);
  }
});

Deno.test("soak apply and soak params take a profile", async () => {
  await using dir = await tempDir();
  write(dir.file("p.json"), startingPoint);
  write(dir.file("r.json"), { server: { concurrency: 8 } });
  const apply = await soakIn(dir.path, "apply --runtime r.json --profile p.json concurrency=12");
  assertStringIncludes(apply.stdout, "applied concurrency = 12\n");
  const get = await soakIn(dir.path, "params get concurrency --runtime r.json --profile p.json");
  assertEquals(get.stdout, "12\n");
  const list = await soakIn(dir.path, "params --profile p.json --json");
  assertEquals(list.stdout, `${canonicalJson(startingPoint.parameters)}\n`);
  const validate = await soakIn(dir.path, "params validate tail_age_ms=600 --profile p.json");
  assertEquals([validate.code, validate.stdout], [
    1,
    "tail_age_ms is not a parameter; soak params list shows all there are\n",
  ]);
});
