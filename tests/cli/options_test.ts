import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { SoakError } from "../../base/errors.ts";
import { printable } from "../../base/text.ts";
import type { Command } from "../../cli/command.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { parseOptions } from "../../cli/options.ts";
import { tempDir } from "../kit/temp_dir.ts";

const SEED = 20250101;

function parse(line: string): Command {
  return parseOptions(line === "" ? [] : line.split(" "));
}

function mistake(args: string | readonly string[]): SoakError {
  const argv = typeof args === "string" ? args.split(" ") : args;
  const error = assertThrows(() => parseOptions(argv), SoakError);
  assertEquals(error.kind, "usage");
  return error;
}

/** Checks the place of a usage error and what its message says, for many command lines. */
function assertMistakes(cases: readonly (readonly [line: string, where: string, says: string])[]) {
  for (const [line, where, says] of cases) {
    const error = mistake(line);
    assertEquals(error.where, where, line);
    assert(error.message.includes(says), `${line}: ${error.message}`);
    assert(error.remedy !== undefined && error.remedy !== "", line);
  }
}

Deno.test("parseOptions() fills in the defaults of every command", () => {
  assertEquals(parse("run --mock --iterations 24"), {
    command: "run",
    resume: false,
    dir: "artifacts/soak/latest",
    iterations: 24,
    system: { kind: "mock", fault: null, iterationSeconds: 300 },
    runtimePath: undefined,
    warmup: undefined,
    start: undefined,
    autoTune: undefined,
    seed: undefined,
    mockFault: undefined,
    profile: undefined,
    failFast: false,
    quiet: false,
    json: false,
  });
  assertEquals(parse("verify"), {
    command: "verify",
    dir: "artifacts/soak/latest",
    strict: false,
    thresholdPct: 90,
    allowNoDeltas: false,
    profile: undefined,
    explain: undefined,
    reportDir: undefined,
    json: false,
  });
  assertEquals(parse("gate"), {
    command: "gate",
    dir: "artifacts/soak/latest",
    strict: false,
    prometheus: false,
    allowNoDeltas: false,
    profile: undefined,
    reportDir: undefined,
    json: false,
  });
  assertEquals(parse("gate --allow-no-deltas --profile p.json --strict"), {
    command: "gate",
    dir: "artifacts/soak/latest",
    strict: true,
    prometheus: false,
    allowNoDeltas: true,
    profile: "p.json",
    reportDir: undefined,
    json: false,
  });
  assertEquals(parse("replay"), { command: "replay", dir: "artifacts/soak/latest", json: false });
  assertEquals(parse("params"), {
    command: "params",
    action: "list",
    profile: "market-maker",
    json: false,
  });
  assertEquals(parse("profile show"), {
    command: "profile",
    action: "show",
    profile: "market-maker",
    json: false,
  });
});

Deno.test("parseOptions() takes every flag, with its value beside it or after =", () => {
  const run = {
    command: "run",
    resume: false,
    dir: "out dir",
    iterations: 1_000_000_000,
    system: { kind: "mock", fault: { kind: "late", rate: 0.25 }, iterationSeconds: 300 },
    runtimePath: undefined,
    warmup: 12,
    start: "busy",
    autoTune: true,
    seed: 0,
    mockFault: { kind: "late", rate: 0.25 },
    profile: "p.json",
    failFast: true,
    quiet: true,
    json: true,
  };
  const values = ["--iterations", "1000000000", "--seed", "0", "--mock-fault", "late:0.25"];
  values.push("--profile", "p.json", "--warmup", "12", "--start", "busy");
  const switches = ["--mock", "--auto-tune", "--fail-fast", "--quiet", "--json"];
  assertEquals(parseOptions(["run", ...switches, ...values, "--out", "out dir"]) as unknown, run);
  const joined = [
    "--iterations=1000000000",
    "--seed=0",
    "--mock-fault=late:0.25",
    "--profile=p.json",
    "--warmup=12",
    "--start=busy",
  ];
  assertEquals(parseOptions(["run", "--out=out dir", ...joined, ...switches]) as unknown, run);
  assertEquals(
    parse(
      "verify --path d --strict --threshold 94.5 --allow-no-deltas --json --profile p.json " +
        "--report-dir r",
    ),
    {
      command: "verify",
      dir: "d",
      strict: true,
      thresholdPct: 94.5,
      allowNoDeltas: true,
      profile: "p.json",
      explain: undefined,
      reportDir: "r",
      json: true,
    },
  );
  assertEquals(parse("gate --path=d --report-dir=r --strict --prometheus"), {
    command: "gate",
    dir: "d",
    strict: true,
    prometheus: true,
    allowNoDeltas: false,
    profile: undefined,
    reportDir: "r",
    json: false,
  });
});

Deno.test("parseOptions() takes what follows -- for the command of a real system", () => {
  const command = ["./measure", "--mock", "-x", "--", "a b", ""];
  const line = ["run", "--exec", "--iterations", "2", "--pause", "0.5", "--", ...command];
  const parsed = parseOptions(line);
  assert(parsed.command === "run");
  const common = { timeoutSeconds: 300, graceSeconds: 5, retries: 0, onError: "stop" } as const;
  assertEquals(parsed.system, {
    ...common,
    kind: "exec",
    command,
    pauseSeconds: 0.5,
    prometheusUrl: null,
    secretEnv: [],
  });
  const service = parse(
    "run --service --iterations 2 --measure ./m --ready-url http://127.0.0.1:80/ " +
      "--reload-signal SIGHUP --max-restarts 0 -- serve",
  );
  assert(service.command === "run");
  assertEquals(service.system, {
    ...common,
    kind: "service",
    command: ["serve"],
    pauseSeconds: 0,
    prometheusUrl: null,
    secretEnv: [],
    intervalSeconds: 30,
    measureCommand: "./m",
    readyUrl: "http://127.0.0.1:80/",
    readyFile: null,
    readyTcp: null,
    readyCommand: null,
    readyTimeoutSeconds: 30,
    reloadSignal: "SIGHUP",
    reloadCommand: null,
    reloadRestart: false,
    maxRestarts: 0,
  });
});

Deno.test("parseOptions() refuses what a real system can't be driven by", () => {
  assertMistakes([
    ["run --exec --iterations 2", "--", "soak run --exec"],
    ["run --exec --iterations 2 ./measure", '"./measure"', "put -- before the command"],
    ["run --exec --service --iterations 2 -- x", "--service", "one system"],
    ["run --mock --exec --iterations 2", "--exec", "choose --mock or --exec"],
    ["run --mock --iterations 2 --retries 1", "--retries", "for a real system"],
    ["run --mock --iterations 2 -- x", "--", "for a real system"],
    ["run --exec --iterations 2 --interval 3 -- x", "--interval", "for a service"],
    ["run --exec --iterations 2 --timeout 0 -- x", "--timeout", "0.1 to 86400"],
    ["run --exec --iterations 2 --on-error skip -- x", "--on-error", "stop, continue"],
    ["run --exec --iterations 2 --prometheus-url db:9090 -- x", "--prometheus-url", "http://"],
    [
      "run --exec --iterations 2 --prometheus-url http://a:b@c -- x",
      "--prometheus-url",
      "password",
    ],
    ["run --service --iterations 2 -- x", "--service", "--measure or --prometheus-url"],
    ["run --service --iterations 2 --measure m --ready-tcp 80 -- x", "--ready-tcp", "[::1]:6379"],
    [
      "run --service --iterations 2 --measure m --ready-tcp h:1 --ready-command c -- x",
      "--ready-command",
      "choose it or --ready-tcp",
    ],
    ["run --service --iterations 2 --measure a$X -- x", "--measure", "sh -c"],
    [
      "run --service --iterations 2 --measure m --reload-signal HUP -- x",
      "--reload-signal",
      "did you mean SIGHUP?",
    ],
    [
      "run --service --iterations 2 --measure m --reload-signal KILL -- x",
      "--reload-signal",
      "SIGHUP",
    ],
  ]);
});

Deno.test("parseOptions() leaves open what a resumed run takes from its records", () => {
  assertEquals(parse("run --resume"), {
    command: "run",
    resume: true,
    dir: "artifacts/soak/latest",
    iterations: undefined,
    system: {},
    runtimePath: undefined,
    warmup: undefined,
    start: undefined,
    autoTune: undefined,
    seed: undefined,
    mockFault: undefined,
    profile: undefined,
    failFast: false,
    quiet: false,
    json: false,
  });
});

Deno.test("parseOptions() wants a higher share of full effect when strict", () => {
  const threshold = (line: string) => {
    const command = parse(line);
    assert(command.command === "verify");
    return command.thresholdPct;
  };
  assertEquals(threshold("verify --strict"), 95);
  assertEquals(threshold("verify --strict --threshold 50"), 50);
  assertEquals(threshold("verify --threshold 0"), 0);
  assertEquals(threshold("verify --threshold 1.5"), 1.5);
});

Deno.test("parseOptions() strikes half of the time unless a fault has a rate", () => {
  const command = parse("run --resume --mock-fault drift");
  assert(command.command === "run");
  assertEquals(command.mockFault, { kind: "drift", rate: 0.5 });
});

Deno.test("parseOptions() reads targets as texts, whose meaning the profile tells", () => {
  assertEquals(parse("apply --runtime r.json a=1 b=-0.5 c=-0"), {
    command: "apply",
    profile: "market-maker",
    runtimePath: "r.json",
    targets: { a: "1", b: "-0.5", c: "-0" },
    json: false,
  });
  const command = parse("params validate __proto__=1 constructor=2");
  assert(command.command === "params" && command.action === "validate");
  assertEquals(Object.keys(command.targets), ["__proto__", "constructor"]);
});

Deno.test("parseOptions() reads one parameter of one file", () => {
  assertEquals(parse("params get tail_age_ms --runtime r.json"), {
    command: "params",
    action: "get",
    key: "tail_age_ms",
    runtimePath: "r.json",
    profile: "market-maker",
    json: false,
  });
});

Deno.test("parseOptions() takes nothing after -- for a flag", () => {
  assertEquals(parse("hash a -- --json -h --"), {
    command: "hash",
    files: ["a", "--json", "-h", "--"],
  });
});

Deno.test("parseOptions() does not turn names into numbers", () => {
  assertEquals(parse("hash 0x10 1e3 007"), { command: "hash", files: ["0x10", "1e3", "007"] });
  assertEquals(parse("replay --path 1e3"), { command: "replay", dir: "1e3", json: false });
});

Deno.test("parseOptions() shows help wherever it is asked for, whatever else is wrong", () => {
  const help = (topic: string | undefined) => ({ command: "help", topic, asked: true });
  assertEquals(parse("help") as unknown, help(undefined));
  assertEquals(parse("-h") as unknown, help(undefined));
  assertEquals(parse("--help run") as unknown, help("run"));
  assertEquals(parse("help codes") as unknown, help("codes"));
  assertEquals(parse("run --iterations x --nonsense -h") as unknown, help("run"));
  assertEquals(parse("params get --help") as unknown, help("params"));
  assertEquals(parse("help --help") as unknown, help("help"));
});

Deno.test("parseOptions() tells help that was asked for from an empty command line", () => {
  assertEquals(parse(""), { command: "help", topic: undefined, asked: false });
});

Deno.test("parseOptions() tells its version, and nothing else with it", () => {
  assertEquals(parse("--version"), { command: "version" });
  assertEquals(parse("-V"), { command: "version" });
  assertMistakes([["--version x", '"x"', "stands alone"]]);
});

Deno.test("parseOptions() names the nearest valid spelling", () => {
  assertMistakes([
    ["run --iteratons 3", "--iteratons", "did you mean --iterations?"],
    ["run --iter=3", "--iter=3", "did you mean --iterations?"],
    ["run --auto_tune", "--auto_tune", "did you mean --auto-tune?"],
    ["run --Mock", "--Mock", "did you mean --mock?"],
    ["run --path x", "--path", "did you mean --out?"],
    ["gate --out x", "--out", "did you mean --path?"],
    ["gate --strickt", "--strickt", "did you mean --strict?"],
    ["gaet", '"gaet"', "did you mean gate?"],
    ["version", '"version"', "did you mean --version?"],
    ["help cods", '"cods"', "did you mean codes?"],
    ["params gett k", '"gett"', "did you mean get?"],
    ["run --mock-fault ignored", "--mock-fault", "did you mean ignore?"],
    ["--versoin", "--versoin", "did you mean --version?"],
  ]);
});

Deno.test("parseOptions() lists the choices when nothing is near", () => {
  assertMistakes([
    ["frobnicate", '"frobnicate"', "run, verify, gate"],
    ["run --mock-fault zzzzzzzz", "--mock-fault", "ignore, partial, late, drift, clamp"],
    ["run --zzzzzzzz", "--zzzzzzzz", "see soak help run"],
  ]);
});

Deno.test("parseOptions() says which command a flag belongs to", () => {
  assertMistakes([
    ["verify --prometheus", "--prometheus", "--prometheus belongs to soak gate"],
    ["run --strict", "--strict", "belongs to soak verify and soak gate"],
    ["--json gate", "--json", "put the command first: soak COMMAND --json"],
  ]);
});

Deno.test("parseOptions() refuses numbers that are not plain decimals in range", () => {
  const wrong = ["1e3", "0x10", "NaN", "Infinity", "-1", "+5", "1_000", "1.5", "0", "1000000001"];
  for (
    const value of [...wrong, "9".repeat(400), "٣", "5 ", " 5", "5\n", "1,5", "0b1", ".5", "5."]
  ) {
    const error = mistake(["run", "--mock", "--iterations", value]);
    assertEquals(error.where, "--iterations", value);
    assert(error.message.includes("a whole number from 1 to 1000000000"), error.message);
    assert(error.message.includes(printable(value, 60)), error.message);
  }
  assertMistakes([
    ["run --seed 4294967296", "--seed", "from 0 to 4294967295"],
    ["verify --threshold 100.1", "--threshold", "a number from 0 to 100"],
    ["verify --threshold 95%", "--threshold", "plain decimal digits"],
    ["verify --threshold .5", "--threshold", "plain decimal digits"],
    ["verify --threshold 0.95", "--threshold", "did you mean 95?"],
    ["verify --threshold 0.007", "--threshold", "did you mean 0.7?"],
    ["verify --threshold 1", "--threshold", "did you mean 100?"],
    ["verify --explain 0", "--explain", "choose one in that range"],
    ["run --mock-fault late:0", "--mock-fault", "above 0 and up to 1"],
    ["run --mock-fault late:1.01", "--mock-fault", "above 0 and up to 1"],
    ["run --mock-fault late:", "--mock-fault", 'found ""'],
    ["run --mock-fault late:0.5:0.5", "--mock-fault", 'found "0.5:0.5"'],
  ]);
});

Deno.test("parseOptions() refuses targets that are not one value for one key", () => {
  assertMistakes([
    ["apply --runtime r a=1 a=1", "a", "given twice"],
    ["apply --runtime r a", '"a"', "expected KEY=VALUE"],
    ["apply --runtime r =1", '"=1"', "expected KEY=VALUE"],
  ]);
});

Deno.test("parseOptions() refuses a flag without its value and a switch with one", () => {
  assertMistakes([
    ["run --out", "--out", "write --out DIR"],
    ["run --out --mock", "--out", "--out=--mock if that is its value"],
    ["run --out --", "--out", "write --out DIR"],
    ["run --out=", "--out", "empty"],
    ["gate --json=true", "--json=true", "takes no value"],
    ["gate --json false", "--json", "takes no value"],
    ["gate --strict=", "--strict=", "takes no value"],
  ]);
  assertEquals(mistake(["run", "--out", ""]).where, "--out");
});

Deno.test("parseOptions() takes a value that starts with a dash after =", () => {
  assertEquals(parse("replay --path=--json"), { command: "replay", dir: "--json", json: false });
});

Deno.test("parseOptions() refuses flags given twice, negated or with the wrong dashes", () => {
  assertMistakes([
    ["gate --json --json", "--json", "given twice"],
    ["run --seed 1 --seed=1", "--seed", "given twice"],
    ["gate --no-json", "--no-json", "leave --json out"],
    ["run --no-seed=4", "--no-seed=4", "leave --seed out"],
    ["run -iterations 3", "-iterations", "did you mean --iterations?"],
    ["run ---mock", "---mock", "did you mean --mock?"],
    ["run —mock", "—mock", "did you mean --mock?"],
    ["gate -j", "-j", "no such flag"],
    ["run --__proto__=1", "--__proto__=1", "no such flag"],
    ["run --a.b", "--a.b", "no such flag"],
    ["run --=x", "--=x", "no such flag"],
  ]);
});

Deno.test("parseOptions() refuses arguments that a command does not take", () => {
  assertMistakes([
    ["gate x", '"x"', "did you mean --path x?"],
    ["run 24 --mock", '"24"', "takes flags only"],
    ["verify -- --strict", '"--strict"', "takes flags only"],
    ["replay -", '"-"', "takes flags only"],
    ["params list k", '"k"', "unexpected"],
    ["params get a b --runtime r", '"b"', "one parameter at a time"],
    ["params list --runtime r", "--runtime", "reads no file"],
    ["params validate a=1 --runtime r", "--runtime", "reads no file"],
    ["help run gate", '"gate"', "one topic"],
  ]);
  assertEquals(mistake(["gate", ""]).where, '""');
  assertEquals(mistake([""]).where, '""');
});

Deno.test("parseOptions() refuses a command without what it needs, and gives an example", () => {
  assertMistakes([
    ["run --mock", "--iterations", "for example: soak run"],
    ["run --iterations 3", "--mock or --exec or --service", "for example: soak run"],
    ["apply a=1", "--runtime", "for example: soak apply"],
    ["apply --runtime r", "KEY=VALUE", "for example: soak apply"],
    ["params get", "KEY", "for example: soak params"],
    ["params get k", "--runtime", "for example: soak params"],
    ["params validate", "KEY=VALUE", "for example: soak params"],
    ["profile", "init, show, check or schema", "for example: soak profile init"],
    ["profile check", "FILE", "for example: soak profile check"],
    ["hash", "FILE", "for example: soak hash"],
  ]);
  assertEquals(mistake(["hash", "a", ""]).where, "FILE");
});

Deno.test("parseOptions() accepts every example of the help", () => {
  for (const { examples } of Object.values(COMMANDS)) {
    for (const [line] of examples) parseOptions(line.split(" ").slice(1));
  }
});

/** Anything that could break a line or drive a terminal. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function assertParsesOrExplains(argv: readonly string[]): void {
  try {
    parseOptions(argv);
  } catch (error) {
    assertInstanceOf(error, SoakError);
    assertEquals(error.kind, "usage");
    assert(!UNSAFE.test(error.message), JSON.stringify(error.message));
    assert(error.message.length < 600, `${error.message.length} characters`);
    assert(error.where !== undefined && error.remedy !== undefined, error.message);
  }
}

const flagWords = Object.values(COMMANDS).flatMap(({ flags }) => flags.map(({ name }) => name));
const plausible = fc.oneof(
  fc.constantFrom(...Object.keys(COMMANDS), "list", "get", "validate", "codes"),
  fc.constantFrom(...flagWords).map((name) => `--${name}`),
  fc.tuple(fc.constantFrom(...flagWords), fc.string({ unit: "binary" }))
    .map(([name, value]) => `--${name}=${value}`),
  fc.constantFrom("--", "-", "-h", "-V", "--help", "", "true", "false", "a=1", "late:0.5", "24"),
  fc.tuple(fc.constantFrom("-", "--", "--no-", "—", ""), fc.string({ unit: "binary" }))
    .map(([dash, word]) => dash + word),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 90 })
    .map((units) => String.fromCharCode(...units)),
);

Deno.test("parseOptions() parses any arguments or explains in one safe line", () => {
  const commands = fc.constantFrom(...Object.keys(COMMANDS));
  fc.assert(fc.property(fc.array(plausible, { maxLength: 8 }), assertParsesOrExplains), {
    seed: SEED,
    numRuns: 2000,
  });
  const argv = fc.tuple(commands, fc.array(plausible, { maxLength: 6 }));
  fc.assert(fc.property(argv, ([name, rest]) => assertParsesOrExplains([name, ...rest])), {
    seed: SEED,
    numRuns: 4000,
  });
});

Deno.test("parseOptions() reads back every valid whole number and refuses all other text", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_294_967_295 }), (seed) => {
      const command = parse(`run --resume --seed ${seed}`);
      assert(command.command === "run");
      assertEquals(command.seed, seed);
    }),
    { seed: SEED },
  );
  const junk = fc.string({ minLength: 1 }).filter((text) => !/^\d+$/.test(text) && text !== "-h");
  fc.assert(
    fc.property(junk, (text) => assertParsesOrExplains(["run", "--resume", `--seed=${text}`])),
    { seed: SEED },
  );
});

Deno.test("parseOptions() is unmoved by the order of flags", () => {
  const groups = [["--mock"], ["--iterations", "24"], ["--seed=7"], ["--out", "d"], ["--json"]];
  const expected = parseOptions(["run", ...groups.flat()]);
  const shuffled = fc.shuffledSubarray(groups, { minLength: groups.length });
  fc.assert(
    fc.property(
      shuffled,
      (order) => assertEquals(parseOptions(["run", ...order.flat()]), expected),
    ),
    { seed: SEED },
  );
});

Deno.test("parseOptions() stays quick on a very long argument", () => {
  const long = "x".repeat(1_000_000);
  for (const argv of [[long], ["run", `--${long}`], ["run", "--out", long], ["apply", long]]) {
    assertParsesOrExplains(argv);
  }
});

Deno.test("--explain tells a story and takes nothing that asks for a verdict", () => {
  assertEquals(parse("verify --explain 3").command, "verify");
  for (
    const flag of ["--json", "--strict", "--allow-no-deltas", "--threshold 80", "--report-dir r"]
  ) {
    const { where, remedy } = mistake(["verify", "--explain", "3", ...flag.split(" ")]);
    assertEquals([where, remedy], ["--explain", `leave ${flag.split(" ")[0]} out`]);
  }
});

Deno.test("parseOptions() collects the names of secrets, and refuses what may be a value", () => {
  const run = (...flags: string[]): unknown => {
    const command = parseOptions([
      ...["run", "--exec", "--iterations", "1"],
      ...flags,
      "--",
      "true",
    ]);
    return command.command === "run" ? command.system : null;
  };
  const { secretEnv } = run("--secret-env", "A", "--secret-env=B_2") as { secretEnv: unknown };
  assertEquals(secretEnv, ["A", "B_2"]);
  for (const bad of ["A=hunter2", "2A", "a b", "hunter2\n"]) {
    const { message } = assertThrows(() => run("--secret-env", bad), SoakError);
    assertEquals(
      message,
      "not the name of an environment variable (--secret-env); " +
        "give its name alone; its value comes from the environment",
    );
  }
  const twice = assertThrows(() => run("--secret-env", "A", "--secret-env", "A"), SoakError);
  assertEquals(twice.message, "A is given twice (--secret-env); give it once");
  assertThrows(() => run("--secret-env="), SoakError, "the value is empty");
  assertThrows(
    () => parseOptions(["run", "--mock", "--iterations", "1", "--secret-env", "A"]),
    SoakError,
    "the flag is for a real system",
  );
});

Deno.test("parseOptions() takes a program with its words, and a file whatever its name", async () => {
  await using temp = await tempDir();
  const file = temp.file("it's my measure.sh");
  await Deno.writeTextFile(file, "");
  const cases: [string, string | string[]][] = [
    ["./m.sh", "./m.sh"],
    [file, file],
    ["./m.sh -v 'a b'", ["./m.sh", "-v", "a b"]],
    ["sh -c 'a | b'", ["sh", "-c", "a | b"]],
  ];
  for (const [text, program] of cases) {
    const command = parseOptions([
      ...["run", "--service", "--iterations", "2", "--measure", text, "--ready-command", text],
      ...["--reload-command", text, "--", "x"],
    ]);
    assert(command.command === "run" && command.system.kind === "service");
    const { measureCommand, readyCommand, reloadCommand } = command.system;
    for (const asked of [measureCommand, readyCommand, reloadCommand]) {
      assertEquals(asked, program, text);
    }
  }
});
