import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import * as fc from "fast-check";
import config from "../../deno.json" with { type: "json" };
import { SoakError } from "../../base/errors.ts";
import { profileToJson } from "../../model/profile_check.ts";
import { verifyRun } from "../../proof/verify.ts";
import { NO_SECRETS, type Secrets, secretsOf } from "../../system/secrets.ts";
import { posix } from "../kit/posix.ts";
import { type Bench, bench, READ_SIZE, REPORT, TINY } from "../kit/real_system.ts";
import { type Ended, soak } from "../kit/soak_process.ts";
import { namesIn } from "../kit/temp_dir.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What comes out of a stream that is cut into chunks of these lengths. */
function streamed(secrets: Secrets, text: string, lengths: readonly number[]): string {
  const stream = secrets.stream();
  const bytes = encoder.encode(text);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const length of [...lengths, bytes.length]) {
    parts.push(stream.take(bytes.subarray(at, at + length)));
    at += length;
  }
  parts.push(stream.end());
  return decoder.decode(Uint8Array.from(parts.flatMap((part) => [...part])));
}

Deno.test("secrets are replaced by their names, as they are and as JSON and addresses have them", () => {
  const secrets = secretsOf([["PGPASSWORD", 'é "$1"/\n'], ["TOKEN", "abc"]]);
  const cases = [
    ["no secret", "no secret"],
    ['<é "$1"/\n>', "<[PGPASSWORD]>"],
    [JSON.stringify({ k: 'é "$1"/\n' }), '{"k":"[PGPASSWORD]"}'],
    [`x?p=${encodeURIComponent('é "$1"/\n')}&q`, "x?p=[PGPASSWORD]&q"],
    ["abcabc ab c", "[TOKEN][TOKEN] ab c"],
  ];
  for (const [text = "", shown = ""] of cases) {
    assertEquals(secrets.text(text), shown);
    assertEquals(decoder.decode(secrets.bytes(encoder.encode(text))), shown);
    assertEquals(streamed(secrets, text, [1, 1, 1, 2, 3]), shown);
  }
});

Deno.test("a secret is found in the spellings of common writers of JSON and addresses", () => {
  const value = "h\u00fcnter 2/(secret)!*'~\ud83d\ude00";
  const secrets = secretsOf([["PW", value]]);
  const percent = "h%C3%BCnter%202%2F%28secret%29%21%2A%27~%F0%9F%98%80";
  for (
    const spelt of [
      "h\\u00fcnter 2/(secret)!*'~\\ud83d\\ude00", // Python, ASCII only
      "h\\u00FCnter 2/(secret)!*'~\\uD83D\\uDE00",
      "h\\u00fcnter 2\\/(secret)!*'~\\ud83d\\ude00", // PHP
      "h\u00fcnter 2\\/(secret)!*'~\ud83d\ude00",
      percent, // RFC 3986
      percent.replace("%2F", "/"), // Python's quote()
      percent.replace("%20", "+"), // a form
      percent.replaceAll(/%../g, (code) => code.toLowerCase()),
      percent.replace("~", "%7E"),
      encodeURIComponent(value),
    ]
  ) assertEquals(secrets.text(`<${spelt}>`), "<[PW]>", spelt);
});

Deno.test("a secret that stands in the profile is refused before anything is done", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  Deno.env.set("SOAK_TEST_IN_PROFILE", TINY.description);
  try {
    const system = {
      kind: "exec",
      command: ["true"],
      secretEnv: ["SOAK_TEST_IN_PROFILE"],
    } as const;
    const error = await assertRejects(() => b.run(system), SoakError);
    assertStringIncludes(error.message, "the value of SOAK_TEST_IN_PROFILE stands where it would");
    assert(!error.message.includes(TINY.description));
    assertEquals(namesIn(b.temp.path), []);
  } finally {
    Deno.env.delete("SOAK_TEST_IN_PROFILE");
  }
});

Deno.test("of secrets that begin alike the longest is taken, also when it comes in pieces", () => {
  const secrets = secretsOf([["SHORT", "ab"], ["LONG", "abcd"]]);
  assertEquals(secrets.text("abcd abc ab"), "[LONG] [SHORT]c [SHORT]");
  for (let cut = 0; cut <= 4; cut++) {
    assertEquals(streamed(secrets, "abcdabcab", [cut, 1]), "[LONG][SHORT]c[SHORT]");
  }
});

Deno.test("what is shown in place of a value stays, though the value is part of it", () => {
  const secrets = secretsOf([["PGPASSWORD", "PASSWORD"], ["P", "P"]]);
  const once = secrets.text("the PASSWORD, a P");
  assertEquals(once, "the [PGPASSWORD], a [P]");
  assertEquals(secrets.text(once), once);
  assertEquals(decoder.decode(secrets.bytes(encoder.encode(once))), once);
  assertEquals(streamed(secrets, once, [1, 5, 1, 1, 3, 4]), once);
});

Deno.test("a stream without secrets goes through as it is, at once", () => {
  const chunk = Uint8Array.of(0, 0xff, 0x80);
  assertEquals(NO_SECRETS.stream().take(chunk), chunk);
  assertEquals(secretsOf([["A", "xyz"]]).stream().take(chunk), chunk);
  const bytes = encoder.encode("nothing");
  assert(secretsOf([["A", "xyz"]]).bytes(bytes) === bytes);
});

Deno.test("a stream loses its secrets wherever it is cut", () => {
  const unit = fc.constantFrom(...'aab\u00e9"');
  const values = fc.uniqueArray(fc.string({ unit, minLength: 1, maxLength: 4 }), { minLength: 1 });
  const texts = fc.string({ unit, maxLength: 40 });
  fc.assert(
    fc.property(values, texts, fc.array(fc.nat(5)), (values, text, lengths) => {
      const secrets = secretsOf(values.map((value, i) => [`S${i}`, value]));
      assertEquals(streamed(secrets, text, lengths), secrets.text(text));
      for (const value of values) assert(!secrets.text(text).includes(value));
    }),
    { seed: 20250101 },
  );
});

const SECRET = 'hunter2 "\\ \u00e9';
const REAL = config.tasks["soak:real"].command.split(" ").filter((word) =>
  word.startsWith("--allow-")
);

/** Everything that is in a run directory, in one text. */
function everythingIn(folder: string): string {
  return namesIn(folder).map((name) => {
    const path = join(folder, name);
    return `${name}\n${
      Deno.statSync(path).isDirectory ? everythingIn(path) : Deno.readTextFileSync(path)
    }`;
  }).join("\n");
}

function soakExec(
  b: Bench,
  flags: readonly string[],
  command: readonly string[],
  env: Readonly<Record<string, string>> = { SOAK_TEST_SECRET: SECRET },
  document: unknown = profileToJson(TINY),
  permissions: readonly string[] = REAL,
): Promise<Ended> {
  const profile = b.file("profile.json");
  Deno.writeTextFileSync(profile, JSON.stringify(document));
  const args = ["run", "--exec", "--quiet", "--profile", profile, "--out", b.dir];
  return soak([...args, "--iterations", "3", ...flags, "--", ...command], { permissions, env });
}

/** Fails if the secret got out in any spelling. */
function expectHidden(b: Bench, { stdout, stderr }: Ended): void {
  const all = everythingIn(b.dir) + stdout + stderr;
  assert(!all.includes("hunter2"), all);
}

Deno.test("a program gets a secret, and no record, log or line of ours does", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const measure = b.script(
    "measure",
    `printf '%s' "$SOAK_TEST_SECRET" > got; echo "password: $SOAK_TEST_SECRET" >&2
${READ_SIZE}
${REPORT}`,
  );
  const end = await soakExec(b, ["--auto-tune", "--secret-env", "SOAK_TEST_SECRET"], [measure]);
  assertEquals(end.code, 0, end.stderr);
  assertEquals(Deno.readTextFileSync(b.file("got")), SECRET);
  expectHidden(b, end);
  const run = JSON.parse(Deno.readTextFileSync(join(b.dir, "SOAK_RUN.json")));
  assertEquals(run.system.secret_env, ["SOAK_TEST_SECRET"]);
  assertEquals(
    Deno.readTextFileSync(join(b.dir, "logs", "ITER_1.log")),
    "password: [SOAK_TEST_SECRET]\n",
  );
});

const LEAKS: Readonly<Record<string, string>> = {
  "in its last lines": 'echo "auth failed: $SOAK_TEST_SECRET" >&2; exit 1',
  "in pieces": `printf 'at hunter2 "' >&2; sleep 0.1; printf '\\\\ \u00e9 end' >&2; exit 1`,
  "as a key": `printf '{"kpis":{"hunter2 \\\\"\\\\\\\\ \u00e9":1}}' > "$SOAK_OUTPUT"`,
  "as a value": `printf '{"kpis":{"cost":"hunter2 \\\\"\\\\\\\\ \u00e9"}}' > "$SOAK_OUTPUT"`,
  "in what is no JSON": 'printf "%s" "{$SOAK_TEST_SECRET" > "$SOAK_OUTPUT"',
  "where long text is cut off":
    `printf '{"kpis":{"%048d%s":1}}' 0 "hunter2 \\\\\\"\\\\\\\\ \u00e9" > "$SOAK_OUTPUT"`,
};

for (const [where, body] of Object.entries(LEAKS)) {
  Deno.test(`a failed measurement does not tell a secret that the program has ${where}`, {
    ignore: !posix,
  }, async () => {
    await using b = await bench();
    const measure = b.script("measure", body);
    for (const onError of ["stop", "continue"]) {
      const flags = ["--secret-env=SOAK_TEST_SECRET", "--on-error", onError];
      const end = await soakExec(b, flags, [measure]);
      assertEquals(end.code, onError === "stop" ? 4 : 0, end.stderr);
      assertStringIncludes(everythingIn(b.dir) + end.stderr, "not measured");
      expectHidden(b, end);
    }
  });
}

Deno.test("a value that is part of its variable's name is taken out once, and the run is proven", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const measure = b.script(
    "measure",
    `printf '{"kpis":{"cost":"bad %s"}}' "$PASS" > "$SOAK_OUTPUT"`,
  );
  const env = { PASS: "PASS" };
  const failure = 'SOAK_OUTPUT: $.kpis.cost: expected a number, found "bad [PASS]"';
  const continued = ["--secret-env=PASS", "--on-error=continue"];
  const end = await soakExec(b, continued, [measure], env);
  assertEquals(end.code, 0, end.stderr);
  const { summary, incidents } = JSON.parse(
    Deno.readTextFileSync(join(b.dir, "ITER_SUMMARY_1.json")),
  );
  assertEquals([summary.failure, incidents[0].reason], [failure, failure]);
  assertEquals((await verifyRun(b.dir, { strict: true })).findings, []);

  const stopped = await soakExec(b, ["--secret-env=PASS"], [measure], env);
  assertEquals(stopped.code, 4, stopped.stderr);
  const progress = JSON.parse(Deno.readTextFileSync(join(b.dir, "RUN_IN_PROGRESS.json")));
  const reasons = progress.incidents.map(({ reason }: { reason: string }) => reason);
  assertEquals(reasons, [failure, `iteration 1 was not measured: ${failure}`]);
});

Deno.test("an error that ends the run is recorded without secrets", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const measure = b.script("measure", `${READ_SIZE}\n${REPORT}\nrm "$SOAK_RUNTIME"`);
  const flags = ["--secret-env=SOAK_TEST_SECRET"];
  const end = await soakExec(b, flags, [measure], { SOAK_TEST_SECRET: "cannot" });
  assertEquals(end.code, 3, end.stderr);
  const progress = Deno.readTextFileSync(join(b.dir, "RUN_IN_PROGRESS.json"));
  assertStringIncludes(progress, "[SOAK_TEST_SECRET]");
  assert(!progress.includes("cannot"), progress);
});

Deno.test("a server's answer does not tell a secret", { ignore: !posix }, async () => {
  await using b = await bench();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ status: "error", errorType: "bad", error: `no ${SECRET}` }),
  );
  const [kpi] = TINY.kpis;
  const profile = profileToJson({ ...TINY, kpis: [{ ...kpi, query: "up" }] } as typeof TINY);
  const flags = ["--secret-env=SOAK_TEST_SECRET", "--on-error=continue", "--prometheus-url"];
  const url = `http://127.0.0.1:${server.addr.port}`;
  const end = await soakExec(b, [...flags, url], ["true"], { SOAK_TEST_SECRET: SECRET }, profile);
  assertEquals(end.code, 0, end.stderr);
  assertStringIncludes(end.stderr, "Prometheus refused the query: bad: no [SOAK_TEST_SECRET]");
  expectHidden(b, end);
});

Deno.test("a service's log has no secret either", { ignore: !posix }, async () => {
  await using b = await bench();
  const serve = b.script("serve", 'echo "$SOAK_TEST_SECRET"; echo ready > ready; exec sleep 60');
  const measure = b.script("measure", `${READ_SIZE}\n${REPORT}`);
  const profile = b.file("profile.json");
  Deno.writeTextFileSync(profile, JSON.stringify(profileToJson(TINY)));
  const end = await soak([
    ...["run", "--service", "--quiet", "--profile", profile, "--out", b.dir, "--iterations", "1"],
    ...["--interval", "0", "--ready-file", b.file("ready"), "--measure", measure],
    ...["--secret-env", "SOAK_TEST_SECRET", "--", serve],
  ], { permissions: REAL, env: { SOAK_TEST_SECRET: SECRET } });
  assertEquals(end.code, 0, end.stderr);
  expectHidden(b, end);
  assertEquals(
    Deno.readTextFileSync(join(b.dir, "logs", "SERVICE.log")),
    "[SOAK_TEST_SECRET]\n",
  );
});

Deno.test(
  "a secret that is missing, empty, recorded or no name is refused before anything is done",
  {
    ignore: !posix,
  },
  async () => {
    await using b = await bench();
    const flag = ["--secret-env", "SOAK_TEST_SECRET"];
    const none = await soakExec(b, flag, ["true"], {});
    assertEquals(none.code, 2);
    assertEquals(
      none.stderr,
      "soak: the environment has no SOAK_TEST_SECRET (--secret-env); " +
        "set it; soak run --resume needs it too\n",
    );
    const empty = await soakExec(b, flag, ["true"], { SOAK_TEST_SECRET: "" });
    assertStringIncludes(empty.stderr, "the environment has an empty SOAK_TEST_SECRET");
    for (
      const [flags, command] of [
        [flag, ["true", `--password=${SECRET}`]],
        [["--secret-env", `SOAK_TEST_SECRET=${SECRET}`], ["true"]],
        [[...flag, ...flag], ["true"]],
        [["--secret-env", ""], ["true"]],
      ] as const
    ) {
      const end = await soakExec(b, flags, command);
      assertEquals(end.code, 2, end.stderr);
      assertMatch(end.stderr, /^soak: [^\n]+ \(--[^\n]*\); [^\n]+\n$/);
      assert(!end.stderr.includes("hunter2"), end.stderr);
    }
    const narrow = REAL.map((flag) => flag === "--allow-env" ? "--allow-env=NO_COLOR" : flag);
    const barred = await soakExec(
      b,
      flag,
      ["true"],
      { SOAK_TEST_SECRET: SECRET },
      undefined,
      narrow,
    );
    assertEquals([barred.code, barred.stderr], [
      4,
      "soak: cannot read a secret: not permitted to this program (--secret-env SOAK_TEST_SECRET); " +
      "run it with --allow-env=SOAK_TEST_SECRET\n",
    ]);
    assertEquals(namesIn(b.temp.path), ["profile.json"]);
  },
);

Deno.test("a resumed run needs the same secrets, and keeps them", { ignore: !posix }, async () => {
  await using b = await bench();
  const fails = b.script(
    "measure",
    `echo "$SOAK_TEST_SECRET"; test -e mended || exit 1; ${READ_SIZE}; ${REPORT}`,
  );
  const flag = ["--secret-env", "SOAK_TEST_SECRET"];
  assertEquals((await soakExec(b, flag, [fails])).code, 4);
  Deno.writeTextFileSync(b.file("mended"), "");
  const resume = (
    flags: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<Ended> =>
    soak(["run", "--resume", "--quiet", "--out", b.dir, ...flags], {
      permissions: REAL,
      env,
    });
  const without = await resume([], {});
  assertEquals(without.code, 2);
  assertStringIncludes(without.stderr, "the environment has no SOAK_TEST_SECRET (--secret-env)");
  const other = await resume(["--secret-env", "OTHER"], { SOAK_TEST_SECRET: SECRET, OTHER: "x" });
  assertStringIncludes(
    other.stderr,
    "the run was started with SOAK_TEST_SECRET, not OTHER (--secret-env)",
  );
  const end = await resume(flag, { SOAK_TEST_SECRET: SECRET });
  assertEquals(end.code, 0, end.stderr);
  expectHidden(b, end);
});
