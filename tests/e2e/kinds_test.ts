import { assertEquals, assertStringIncludes } from "@std/assert";
import { profileToJson } from "../../model/profile_check.ts";
import { MIXED } from "../kit/mixed_profile.ts";
import { soak } from "../kit/soak_process.ts";
import { tempDir } from "../kit/temp_dir.ts";

Deno.test("switches and lists on the command line: list, validate, apply, get, run, gate", async () => {
  await using temp = await tempDir();
  const [profile, runtime, run] = ["profile.json", "runtime.json", "run"].map(temp.file);
  if (profile === undefined || runtime === undefined || run === undefined) return;
  await Deno.writeTextFile(profile, JSON.stringify(profileToJson(MIXED)));
  await Deno.writeTextFile(runtime, '{"engine":{"post_only":false,"quote_mode":"tight"}}');
  const with_ = ["--profile", profile];

  const list = await soak(["params", "list", ...with_]);
  const row = (key: string) =>
    list.stdout.split("\n").find((line) => line.startsWith(key))?.split(/ {2,}/);
  assertEquals(row("post_only"), [
    ...["post_only", "boolean", "false, true", "false", "engine.post_only"],
  ]);
  assertEquals(row("lot"), ["lot", "enum", "10, 25, 50, 100", "units", "50", "risk.lot"]);
  assertEquals(row("tail_age_ms")?.slice(0, 3), ["tail_age_ms", "integer", "500 to 800 by 1"]);

  const mistakes = [
    ["quote_mode=tigth", 1, '"very wide", "off", not "tigth"; '],
    ["lot=26", 1, "lot must be one of 10, 25, 50, 100, not 26"],
    ["post_only=on", 2, 'expected true or false, found "on" (post_only)'],
  ] as const;
  for (const [word, code, says] of mistakes) {
    const validated = await soak(["params", "validate", word, ...with_]);
    assertEquals(validated.code, code);
    assertStringIncludes(validated.stdout + validated.stderr, says);
    const applied = await soak(["apply", "--runtime", runtime, word, ...with_]);
    assertEquals(applied.code, 2);
    assertStringIncludes(applied.stderr, says);
    const hint = word.startsWith("quote_mode");
    for (const { stdout, stderr } of [validated, applied]) {
      assertEquals((stdout + stderr).includes("; did you mean tight?"), hint);
    }
  }
  const held = await soak(["apply", "--runtime", runtime, "quote_mode=wide", ...with_]);
  assertEquals(held.code, 1);
  assertStringIncludes(held.stdout, "velocity: quote_mode step 2 places, cap 1 place");
  assertEquals(
    await Deno.readTextFile(runtime),
    '{"engine":{"post_only":false,"quote_mode":"tight"}}',
  );
  const targets = ["post_only=true", "quote_mode=normal"];
  const done = await soak(["apply", "--runtime", runtime, ...targets, ...with_, "--json"]);
  assertEquals(JSON.parse(done.stdout).deltas_applied, { post_only: true, quote_mode: "normal" });
  assertEquals(
    await Deno.readTextFile(runtime),
    '{"engine":{"post_only":true,"quote_mode":"normal"}}',
  );
  const get = (...more: string[]) =>
    soak(["params", "get", ...more, "--runtime", runtime, ...with_]);
  assertEquals((await get("post_only")).stdout, "true\n");
  assertEquals(
    (await get("quote_mode", "--json")).stdout,
    '{"key":"quote_mode","value":"normal"}\n',
  );

  const flags = ["--mock", "--seed", "7", "--iterations", "12", "--auto-tune", "--quiet"];
  const made = await soak(["run", ...flags, "--out", run, ...with_]);
  assertEquals([made.code, made.stderr], [0, ""]);
  const story = await soak(["verify", "--path", run, "--explain", "1"]);
  assertStringIncludes(story.stdout, "post_only              false → true");
  assertEquals((await soak(["gate", "--strict", "--path", run])).code, 0);
});
