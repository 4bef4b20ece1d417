import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { runGate } from "../../gate.ts";
import type { SystemRequest } from "../../model/system_spec.ts";
import { verifyRun } from "../../proof/verify.ts";
import { readRun, readSummary } from "../../record/artifacts.ts";
import type { RunOptions } from "../../run/state.ts";
import { posix } from "../kit/posix.ts";
import {
  type Bench,
  bench,
  exists,
  hasPid,
  incidentsOf,
  isRunning,
  pidIn,
  READ_SIZE,
  REPORT,
  startCli,
  TINY,
  until,
} from "../kit/real_system.ts";

/** Reads its runtime when it starts and on SIGHUP, and says in a file what it runs with. */
const SERVER = `load() { ${READ_SIZE}; echo $size > effective.new; mv effective.new effective; }
trap load HUP
echo $$ > pid
load
while :; do sleep 0.02; done`;

/** Reports what the server says, once that is what it should be or after a while. */
const MEASURE = `${READ_SIZE}; wanted=$size; n=0
while [ "$(cat effective)" != "$wanted" ] && [ $n -lt \${PATIENCE:-9000} ]; do n=$((n+1)); sleep 0.02; done
size=$(cat effective)
${REPORT}`;

function service(b: Bench, body: string, more: SystemRequest = {}): SystemRequest {
  return {
    kind: "service",
    command: [b.script("server", body)],
    measureCommand: b.script("measure", MEASURE),
    readyFile: b.file("effective"),
    intervalSeconds: 0,
    graceSeconds: 1,
    ...more,
  };
}

async function failure(promise: Promise<unknown>): Promise<SoakError> {
  return await assertRejects(() => promise, SoakError);
}

async function assertGone(b: Bench): Promise<void> {
  await until(() => !isRunning(pidIn(b.file("pid"))), "the service is gone");
}

Deno.test("a service is started once, told of each change, and stopped at the end", {
  ignore: !posix,
}, async () => {
  const ways: readonly ((b: Bench) => SystemRequest)[] = [
    () => ({ reloadSignal: "SIGHUP" }),
    (b) => ({ reloadCommand: b.script("reload", 'kill -s HUP "$SOAK_SERVICE_PID"') }),
    () => ({ reloadRestart: true }),
  ];
  for (const way of ways) {
    await using b = await bench();
    const more = way(b);
    const { counts } = await b.run(service(b, `echo x >> starts\n${SERVER}`, more), {
      iterations: 8,
    });
    assertEquals(counts.applied, 2);
    const starts = Deno.readTextFileSync(b.file("starts")).length / 2;
    assertEquals(starts, more.reloadRestart ? 3 : 1);
    const { verdict, verification } = await runGate(b.dir, { strict: true });
    assertEquals([verdict, verification.findings], ["PASS", []]);
    assertEquals(await incidentsOf(b, 8), {});
    await assertGone(b);
  }
});

Deno.test("verify catches a service that is not told of changes", { ignore: !posix }, async () => {
  await using b = await bench();
  const system = service(b, SERVER, {
    measureCommand: b.script("impatient", `PATIENCE=1\n${MEASURE}`),
  });
  await b.run(system);
  const { verdict, counts } = await verifyRun(b.dir, { strict: true });
  assertEquals([verdict, counts.full], ["FAIL", 0]);
});

/** Says that the service is ready once it runs, and that this was seen. */
function seen(b: Bench): SystemRequest {
  const readyCommand = b.script(
    "looks",
    "[ -e up$SOAK_SERVICE_PID ] || exit 1; touch seen$SOAK_SERVICE_PID",
  );
  return { readyFile: undefined, readyCommand };
}

/** Waits until a service that is to die has died, and fails then. */
const AFTER_THE_END =
  `while [ $(wc -l < starts) -lt $LIVES ]; do kill -0 "$SOAK_SERVICE_PID" || exit 1; sleep 0.02; done`;

/** Gets ready; then, once that was seen, does something. */
function thenDoes(what: string): string {
  const seen = "touch up$$; while [ ! -e seen$$ ]; do sleep 0.02; done";
  return SERVER.replace("while :;", () => `${seen}; ${what}\nwhile :;`);
}

Deno.test("a service that dies is started again, and the iteration tells", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const dies = `echo x >> starts\n${
    thenDoes("[ $(wc -l < starts) -lt 3 ] && { echo dying; exit 5; }")
  }`;
  const measureCommand = b.script("alive", `LIVES=3; ${AFTER_THE_END}; ${MEASURE}`);
  await b.run(service(b, dies, { reloadSignal: "SIGHUP", ...seen(b), measureCommand }));
  assertEquals((await readSummary(b.dir, 1)).record.incidents, [
    { kind: "died", reason: "exited with code 5", times: 2 },
  ]);
  assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
  const log = Deno.readTextFileSync(join(b.dir, "logs", "SERVICE.log"));
  assertEquals(log.split("dying\n[soak: it exited with code 5: restart ").length, 3);
});

Deno.test("a service that is killed between two iterations is started again", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  let kills = 1;
  await b.run(service(b, SERVER, { reloadSignal: "SIGHUP" }), {
    iterations: 4,
    onIteration() {
      if (kills-- > 0) Deno.kill(pidIn(b.file("pid")), "SIGKILL");
    },
  });
  const deaths = Object.values(await incidentsOf(b, 4)).flat()
    .filter((incident) => incident === "died ×1: was killed by SIGKILL");
  assertEquals(deaths.length, 1);
  assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
});

Deno.test("a service that its own --reload-signal ends is told to handle it", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const system = service(b, "echo $$ > effective; exec sleep 600", {
    reloadSignal: "SIGHUP",
    maxRestarts: 0,
    measureCommand: b.script(
      "waits",
      'while [ "$SOAK_ITERATION" = 2 ] && kill -0 "$SOAK_SERVICE_PID" 2>&-; do sleep 0.02; done\n' +
        `${READ_SIZE}; ${REPORT}`,
    ),
  });
  const { message } = await failure(b.run(system, { iterations: 3 }));
  assertStringIncludes(
    message,
    "the service was killed by SIGHUP, which it does not handle (--reload-signal), after no restart (",
  );
});

Deno.test("a service that is killed by a signal without a name here is started again", {
  ignore: Deno.build.os !== "linux", // which has real-time signals
  // The runtime keeps the resource of a child whose status it fails to tell, and can't be told.
  sanitizeResources: false,
}, async () => {
  await using b = await bench();
  const dies = `echo x >> starts\n${thenDoes("[ $(wc -l < starts) -lt 2 ] && kill -37 $$")}`;
  const measureCommand = b.script("alive", `LIVES=2; ${AFTER_THE_END}; ${MEASURE}`);
  await b.run(service(b, dies, { reloadSignal: "SIGHUP", ...seen(b), measureCommand }));
  assertEquals(await incidentsOf(b, 3), { 1: ["died ×1: was killed by signal 37"] });
});

Deno.test("a service that keeps dying ends the run, which can be resumed", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const dies = `echo x >> starts\n${thenDoes("[ -e well ] || { echo sick >&2; exit 5; }")}`;
  const system = service(b, dies, {
    ...seen(b),
    maxRestarts: 2,
    onError: "continue",
    reloadSignal: "SIGHUP",
    measureCommand: b.script(
      "alive",
      `while [ ! -e well ]; do kill -0 "$SOAK_SERVICE_PID" || exit 1; sleep 0.02; done\n${MEASURE}`,
    ),
  });
  const error = await failure(b.run(system));
  assertEquals(error.kind, "system");
  assertStringIncludes(error.message, "the service exited with code 5, after 2 restarts");
  assertStringIncludes(error.message, "it printed last: sick");
  assertEquals(Deno.readTextFileSync(b.file("starts")), "x\nx\nx\n");
  Deno.writeTextFileSync(b.file("well"), "");
  const { status } = await b.run({}, { resume: true, iterations: undefined });
  assertEquals(status, "finished");
  await assertGone(b);
});

Deno.test("a service that ends with success is told to stay in the foreground", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const error = await failure(b.run(service(b, "exit 0")));
  assertStringIncludes(error.message, "the service exited with code 0, before it was ready");
  assertStringIncludes(error.message, "has to stay in the foreground");
});

Deno.test("a service is waited for until its URL answers with success", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  let asked = 0;
  const listening = Promise.withResolvers<number>();
  await using _server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => listening.resolve(port),
  }, () => new Response(null, { status: ++asked < 3 ? 503 : 204 }));
  const readyUrl = `http://127.0.0.1:${await listening.promise}/ready`;
  const system = service(b, SERVER, { readyUrl, readyFile: undefined, reloadSignal: "SIGHUP" });
  await b.run(system);
  assertEquals(asked, 3);
  assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
});

Deno.test("a service that does not get ready is stopped, and the iteration was not measured", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  // A file from before is no sign of readiness.
  Deno.writeTextFileSync(b.file("ready"), "stale");
  const system = service(b, SERVER, { readyFile: b.file("ready"), readyTimeoutSeconds: 0.5 });
  const error = await failure(b.run(system));
  assertStringIncludes(error.message, "the service was not ready within 0.5 s");
  if (hasPid(b.file("pid"))) await assertGone(b);
  await b.run({ ...system, onError: "continue", readyTimeoutSeconds: 0.1 }, { iterations: 2 });
  assert((await readSummary(b.dir, 2)).record.failure?.includes("not ready"));
});

Deno.test("a reload command that fails is a measurement that fails", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const reloadCommand = b.script("reload", "echo no good; exit 2");
  const error = await failure(b.run(service(b, SERVER, { reloadCommand })));
  assertStringIncludes(error.message, "iteration 2 was not measured: the reload command exited");
  assertStringIncludes(error.message, "no good");
  await assertGone(b);
});

Deno.test("a service that can't be started or is not measured is refused", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const error = await failure(b.run(service(b, "true", { command: ["no-such-service-here"] })));
  assertStringIncludes(error.message, "the command was not found");
  const cases: readonly (readonly [SystemRequest, string])[] = [
    [{ measureCommand: undefined }, "nothing measures the service"],
    [{ readyUrl: "http://127.0.0.1:1/" }, "(readyFile)"],
    [{ reloadSignal: "SIGHUP", reloadRestart: true }, "there is one way to reload"],
    [{ prometheusUrl: "http://127.0.0.1:1" }, "the profile has no query"],
  ];
  for (const [more, says] of cases) {
    const usage = await failure(b.run(service(b, "true", more)));
    assertEquals(usage.kind, "usage");
    assertStringIncludes(usage.message, says);
  }
});

Deno.test("a service's settings are all in the record", { ignore: !posix }, async () => {
  await using b = await bench();
  const system = service(b, SERVER, { reloadSignal: "SIGHUP", maxRestarts: 7 });
  await b.run(system, { iterations: 1 });
  const { record } = await readRun(b.dir);
  assertEquals(
    record.system,
    {
      timeoutSeconds: 300,
      pauseSeconds: 0,
      retries: 0,
      onError: "stop",
      prometheusUrl: null,
      secretEnv: [],
      readyUrl: null,
      readyTcp: null,
      readyCommand: null,
      readyTimeoutSeconds: 30,
      reloadCommand: null,
      reloadRestart: false,
      ...system,
    } as typeof record.system,
  );
});

Deno.test("an interruption ends the interval at once, stops the service and can be resumed from", {
  ignore: !posix,
}, async () => {
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    await using b = await bench();
    Deno.writeTextFileSync(b.file("tiny.json"), JSON.stringify(TINY));
    const { command = [] } = service(b, SERVER);
    const process = startCli([
      ...["run", "--service", "--profile", b.file("tiny.json"), "--iterations", "3"],
      ...["--interval", "3600", "--measure", b.file("measure"), "--out", b.dir],
      ...["--grace", "1", "--", ...command],
    ]);
    await until(() => hasPid(b.file("pid")), "the service runs");
    process.kill(signal);
    const end = await process.end();
    assertEquals(end.code, signal === "SIGINT" ? 130 : 137, end.err);
    await assertGone(b);
    const contradiction = ["run", "--resume", "--out", b.dir, "--interval", "1"];
    const refused = await startCli(contradiction).end();
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.err, "the run was started with 3600, not 1 (--interval)");
  }
});

Deno.test("a full disk under a service's log is told in one line, and not before what came first", {
  ignore: !posix,
}, async () => {
  const cases = [
    [MEASURE, /^soak: cannot write the log: file too large \(.*SERVICE\.log\); raise the limit/m],
    ["exit 3", /^soak: iteration 1 was not measured: the command exited with code 3 \(/m],
  ] as const;
  for (const [measure, says] of cases) {
    await using b = await bench();
    Deno.writeTextFileSync(b.file("tiny.json"), JSON.stringify(TINY));
    const { command = [] } = service(b, `head -c 200000 /dev/zero\n${SERVER}`);
    const process = startCli([
      ...["run", "--service", "--profile", b.file("tiny.json"), "--iterations", "2"],
      ...["--interval", "0.001", "--ready-file", b.file("effective"), "--grace", "1"],
      ...["--measure", b.script("measure", measure), "--out", b.dir, "--", ...command],
    ], "trap '' XFSZ; ulimit -f 64");
    const { code, err } = await process.end();
    assertEquals(code, 4, err);
    assertMatch(err, says);
    assertEquals(err.split("\n").filter((line) => line.startsWith("soak: ")).length, 1, err);
  }
});

/** The phases of a run as they begin, one after the other; what came of it. */
async function phasesOf(
  b: Bench,
  system: SystemRequest,
  options: Partial<RunOptions>,
): Promise<string[]> {
  const seen: string[] = [];
  await b.run(system, {
    ...options,
    onPhase: ({ name, seconds, reason }, iteration) => {
      const more = [
        ...(seconds === undefined ? [] : [`${seconds} s`]),
        ...(reason ? [reason] : []),
      ];
      seen.push([`${iteration} ${name}`, ...more].join(": "));
    },
  });
  return seen;
}

Deno.test("a service tells each of its phases as it begins", { ignore: !posix }, async () => {
  await using b = await bench();
  const system = service(b, SERVER, {
    reloadSignal: "SIGHUP",
    intervalSeconds: 0.01,
    pauseSeconds: 0.02,
  });
  const usual = ["soaking: 0.01 s", "measuring", "applying"];
  assertEquals(
    await phasesOf(b, system, { iterations: 2 }),
    [
      ...["starting", "waiting for readiness", ...usual].map((phase) => `1 ${phase}`),
      ...["pausing: 0.02 s", "reloading", ...usual, "stopping"].map((phase) => `2 ${phase}`),
    ],
  );
});

Deno.test("a restart and another attempt are told when they come, with their reason", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const unlucky = `if [ ! -e died ]; then
  touch died; kill -s KILL "$SOAK_SERVICE_PID"
  while kill -0 "$SOAK_SERVICE_PID" 2>/dev/null; do sleep 0.02; done
elif [ ! -e failed ]; then
  touch failed; exit 3
fi
${MEASURE}`;
  const measureCommand = b.script("unlucky", unlucky);
  const seen = await phasesOf(b, { ...service(b, SERVER, { retries: 1 }), measureCommand }, {
    iterations: 1,
  });
  assertEquals(seen.filter((phase) => phase.split(": ").length > 1), [
    "1 restarting: the service was killed by SIGKILL",
    "1 trying again: the command exited with code 3",
  ]);
});

Deno.test("--fail-fast ends the run of a service that hears of no change, in order", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  Deno.writeTextFileSync(b.file("tiny.json"), JSON.stringify(TINY));
  const { command = [] } = service(b, SERVER);
  const args = [
    ...["run", "--service", "--profile", b.file("tiny.json"), "--auto-tune", "--iterations", "9"],
    ...["--interval", "0", "--ready-file", b.file("effective"), "--grace", "1", "--out", b.dir],
    ...["--measure", b.script("measure", `PATIENCE=0\n${MEASURE}`)],
  ];
  const { code, out, err } = await startCli([...args, "--fail-fast", "--", ...command]).end();
  assertEquals(code, 1, err);
  await assertGone(b);
  assertMatch(out, /^ +1 +16 +FAIL +not in effect: size 2 → 4$/m);
  assertStringIncludes(
    out,
    "2 iterations: 0 applied a change, 1 wrote one that is not in effect, 1 wrote one that was " +
      "not seen in effect\n",
  );
  assertStringIncludes(
    err,
    `soak: stopped by --fail-fast: iteration 2 ran with size 2 instead of 4 ` +
      `(${
        join(b.dir, "ITER_SUMMARY_2.json")
      }), which soak gate --strict and soak verify --strict ` +
      "find too; mend it and start a new run, or go on with this one, which keeps that finding: " +
      `soak run --resume --fail-fast --out '${b.dir}'\n`,
  );
  for (const judge of ["gate", "verify"]) {
    const judged = await startCli([judge, "--strict", "--path", b.dir]).end();
    assertEquals(judged.code, 1, judged.out);
    assertStringIncludes(judged.out, "the system ran with size 2 instead of 4");
  }
  // Without it the run tells the same, and goes on.
  const whole = await startCli([...args, "--", ...command]).end();
  assertEquals(whole.code, 0, whole.err);
  assertStringIncludes(
    whole.err,
    "soak: iteration 2 ran with size 2 instead of 4: the change of iteration 1 is not in effect\n",
  );
});

/** A port on this machine at which nobody listens, and a listener there once it is asked for. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test("a service is waited for until it takes connections, also after a restart", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const port = freePort();
  const listen = `const listener = Deno.listen({ hostname: "127.0.0.1", port: ${port} });
for await (const connection of listener) {
  connection.close();
  Deno.writeTextFileSync(Deno.args[0], "x", { append: true });
}`;
  Deno.writeTextFileSync(b.file("listen.ts"), listen);
  // The server says what it runs with once it was connected to, and only then can be measured.
  const body = `rm -f effective; asked=$(wc -c < asked 2>&- || echo 0)
'${Deno.execPath()}' run --quiet --no-check -A listen.ts asked &
while [ "$(wc -c < asked 2>&-)" = "$asked" ] || [ ! -e asked ]; do sleep 0.02; done
${SERVER}`;
  const system = service(b, body, {
    readyFile: undefined,
    readyTcp: `127.0.0.1:${port}`,
    reloadRestart: true,
  });
  const { counts } = await b.run(system, { iterations: 4 });
  assertEquals(counts.applied, 2);
  assertEquals(Deno.readTextFileSync(b.file("asked")), "xxx");
  assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
  assertEquals(await incidentsOf(b, 4), {});
});

Deno.test("a service is not started where something answers already, and nothing is recorded", {
  ignore: !posix,
}, async () => {
  await using stranger = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("mine"),
  );
  const address = `127.0.0.1:${stranger.addr.port}`;
  for (
    const [request, asked] of [
      [{ readyTcp: address }, `--ready-tcp ${address}`],
      [{ readyUrl: `http://${address}/` }, `--ready-url http://${address}/`],
    ] as const
  ) {
    await using b = await bench();
    const system = service(b, SERVER, { readyFile: undefined, ...request });
    const { message, kind } = await failure(b.run(system));
    assertEquals([kind, message], [
      "system",
      `something answers there before the service is started (${asked}); stop it, or let the ` +
      "service use another port",
    ]);
    assertEquals(exists(b.dir), false, "no run directory is left");
    assertEquals(exists(b.file("pid")), false, "the service was not started");
  }
});

Deno.test("a resume is refused where something answers already, and counts no failure", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const port = freePort();
  // Something else listens for it, once it is asked for.
  const listen = `const listener = Deno.listen({ hostname: "127.0.0.1", port: ${port} });
for await (const connection of listener) connection.close();`;
  Deno.writeTextFileSync(b.file("listen.ts"), listen);
  const body = `'${Deno.execPath()}' run --quiet --no-check -A listen.ts &\n${SERVER}`;
  const system = service(b, body, {
    readyFile: undefined,
    readyTcp: `127.0.0.1:${port}`,
    reloadSignal: "SIGHUP",
  });
  const controller = new AbortController();
  await b.run(system, {
    iterations: 3,
    signal: controller.signal,
    onIteration: () => controller.abort(),
  });
  const going = { resume: true, iterations: undefined, autoTune: undefined, profile: undefined };
  {
    using _stranger = Deno.listen({ hostname: "127.0.0.1", port });
    const { message } = await failure(b.run({}, going));
    assertStringIncludes(message, "something answers there before the service is started");
  }
  await b.run({}, going);
  const { incidents } = await verifyRun(b.dir, { strict: true });
  assertEquals(incidents.failed, 0);
});

Deno.test("a service is waited for until a command succeeds, which knows its process", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const ask = b.script(
    "ask",
    `echo "$1" >> asked; [ -e effective ] || exit 1; kill -0 "$SOAK_SERVICE_PID"; [ $(wc -l < asked) -gt 2 ]`,
  );
  const system = service(b, SERVER, {
    readyFile: undefined,
    readyCommand: [ask, "are you there"],
    reloadSignal: "SIGHUP",
  });
  await b.run(system);
  const asked = Deno.readTextFileSync(b.file("asked")).split("\n");
  assert(asked.length > 3 && asked[0] === "are you there", asked.join());
  const { record } = await readRun(b.dir);
  assertEquals(record.system.kind === "service" && record.system.readyCommand, [
    ask,
    "are you there",
  ]);
  assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
});

Deno.test("a readiness that does not come names its flag, what was said last, and the log", {
  ignore: !posix,
}, async () => {
  const port = freePort();
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: 503 }),
  );
  const cases: [(b: Bench) => SystemRequest, string][] = [
    [
      () => ({ readyTcp: `127.0.0.1:${port}` }),
      `--ready-tcp 127.0.0.1:${port}: connection refused`,
    ],
    [() => ({ readyUrl: `http://127.0.0.1:${port}/` }), "/: connection refused"],
    [() => ({ readyUrl: `http://127.0.0.1:${http.addr.port}/` }), "/: HTTP 503"],
    [(b) => ({ readyFile: b.file("no") }), "/no: there is no such file"],
    [
      (b) => ({ readyCommand: [b.script("ask", "echo asking; echo not yet >&2; exit 3"), "a b"] }),
      "/ask' 'a b': it exited with code 3: not yet",
    ],
    [
      (b) => ({
        readyCommand: b.script("hang", "echo hanging; sleep 600"),
        readyTimeoutSeconds: 1,
      }),
      "/hang': it was not done in time",
    ],
  ];
  for (const [request, says] of cases) {
    await using b = await bench();
    const system = service(b, `echo starting up\ntrap 'echo ending; exit' TERM\n${SERVER}`, {
      readyFile: undefined,
      readyTimeoutSeconds: 0.5,
      ...request(b),
    });
    const { message } = await failure(b.run(system));
    assertMatch(
      message,
      /^iteration 1 was not measured: the service was not ready within [\d.]+ s: --/,
    );
    assertStringIncludes(message, says);
    assertStringIncludes(
      message,
      `(${join(b.dir, "logs", "SERVICE.log")}); the service printed last: starting up; ` +
        "mend it and start the run anew (add --ready-timeout SECONDS if it may take longer)",
    );
    if (system.readyCommand !== undefined) {
      const log = Deno.readTextFileSync(join(b.dir, "logs", "ITER_1.log"));
      assertMatch(log, /not yet|hanging/);
    }
    if (hasPid(b.file("pid"))) await assertGone(b);
  }
});

/** Lets another clock tell how time passes, until it is disposed of; timers go on as they do. */
function clock(nowMs: () => number): Disposable {
  const { now } = performance;
  performance.now = nowMs;
  return { [Symbol.dispose]: () => void (performance.now = now) };
}

Deno.test("a service that ends before it was ever ready is not started again", {
  ignore: !posix,
}, async () => {
  let seconds = 0;
  const stands = (): number => 0;
  const leaps = (): number => 1000 * seconds++;
  // Without a sign, a start counts as one if it took long.
  const cases: readonly (readonly [SystemRequest, () => number, number, string])[] = [
    [{}, leaps, 1, "before it was ready"],
    [{ readyFile: undefined }, stands, 1, "right after its start"],
    [{ readyFile: undefined }, leaps, 2, "after 1 restart"],
  ];
  for (const [sign, nowMs, starts, when] of cases) {
    await using b = await bench();
    const system = service(b, "echo x >> starts; echo bad option >&2; exit 1", {
      intervalSeconds: 600,
      readyTimeoutSeconds: 86_400,
      maxRestarts: 1,
      onError: "continue",
      ...sign,
    });
    using _clock = clock(nowMs);
    const { message, kind } = await failure(b.run(system));
    assertEquals(kind, "system");
    assertEquals(Deno.readTextFileSync(b.file("starts")).length / 2, starts);
    assertStringIncludes(message, `the service exited with code 1, ${when} (`);
    assertStringIncludes(message, "SERVICE.log); it printed last: bad option");
    assertEquals(message.endsWith("bad option; mend it and start the run anew"), starts === 1);
  }
});

Deno.test("a refused connection at the first measurement points to readiness, unless it is known", {
  ignore: !posix,
}, async () => {
  const curl = "curl: (7) Failed to connect to db port 1 after 0 ms: Couldn't connect to server";
  const cases = ["db: Connection refused", curl].flatMap((said) =>
    [true, false].map((known) => ({ said, known }))
  );
  for (const { said, known } of cases) {
    await using b = await bench();
    const system = service(b, SERVER, {
      measureCommand: b.script("refused", `echo "${said}" >&2; exit 1`),
      ...(known ? {} : { readyFile: undefined }),
    });
    const { message } = await failure(b.run(system));
    assertStringIncludes(message, `it printed last: ${said}; `);
    assertEquals(message.includes("add --ready-tcp HOST:PORT"), !known);
    assert(message.endsWith("; mend it and start the run anew"), message);
  }
});

Deno.test("an interruption ends the wait for readiness at once, and what asks for it", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const ask = b.script("ask", "echo $$ > asking; while :; do sleep 0.02; done");
  const controller = new AbortController();
  const system = service(b, SERVER, {
    readyFile: undefined,
    readyCommand: ask,
    readyTimeoutSeconds: 3600,
    timeoutSeconds: 3600,
  });
  const running = b.run(system, { signal: controller.signal });
  await until(() => hasPid(b.file("asking")) && hasPid(b.file("pid")), "it is asked for");
  controller.abort();
  assertEquals((await running).status, "interrupted");
  assertEquals(isRunning(pidIn(b.file("asking"))), false);
  await assertGone(b);
});

Deno.test("a measurement and a reload take arguments, recorded as words", {
  ignore: !posix,
}, async () => {
  await using b = await bench();
  const measureCommand = [b.script("measures", `[ "$1" = "a b" ] || exit 9\n${MEASURE}`), "a b"];
  const reloadCommand = ["sh", "-c", 'kill -s HUP "$SOAK_SERVICE_PID"'];
  const { counts } = await b.run(service(b, SERVER, { measureCommand, reloadCommand }));
  assertEquals(counts.applied, 2);
  const { system } = JSON.parse(Deno.readTextFileSync(join(b.dir, "SOAK_RUN.json")));
  assertEquals([system.measure_command, system.reload_command], [measureCommand, reloadCommand]);
  assertEquals((await verifyRun(b.dir, { strict: true })).verdict, "PASS");
});
