import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { profileToJson } from "../../model/profile_check.ts";
import { settledWithin } from "../../base/wait.ts";
import { runSoak } from "../../run/run.ts";
import { OutputLog } from "../../system/output_log.ts";
import { Child, runToEnd } from "../../system/process.ts";
import { requireProgram, startFailure } from "../../system/program.ts";
import { killsAtStart } from "../kit/kills.ts";
import { bench, TINY, until } from "../kit/real_system.ts";
import { inRepository } from "../kit/repository.ts";
import { HANG_MS, PERMISSIONS, soak } from "../kit/soak_process.ts";
import { namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

/** Windows adds extensions to names and has no modes; there, starting a program is what tells. */
const ignore = Deno.build.os === "windows";

Deno.test({
  name: "requireProgram() refuses what certainly can't be started, and nothing else",
  ignore,
  async fn() {
    await using dir = await tempDir();
    Deno.writeTextFileSync(dir.file("plain"), "no program", { mode: 0o644 });
    Deno.writeTextFileSync(dir.file("program"), "#!/bin/sh\n", { mode: 0o755 });
    Deno.writeTextFileSync(dir.file("text"), "echo hello\n", { mode: 0o755 });
    Deno.writeTextFileSync(dir.file("empty"), "", { mode: 0o755 });
    Deno.writeFileSync(dir.file("binary"), new Uint8Array([1, 0, 2]), { mode: 0o755 });
    Deno.symlinkSync(dir.file("program"), dir.file("link"));
    for (
      const name of [
        "sh",
        "deno",
        Deno.execPath(),
        dir.file("program"),
        dir.file("link"),
        dir.file("binary"),
      ]
    ) {
      requireProgram(name);
    }
    const refused = [
      ["no-such-command-here", "the command was not found"],
      ["--help", "the command was not found"],
      ["", "the command was not found"],
      [dir.file("missing"), "the command was not found"],
      [dir.file("plain"), "the command may not be executed"],
      [dir.path, "the command may not be executed"],
      [dir.file("text"), "the command is not a program"],
      [dir.file("empty"), "the command is not a program"],
    ] as const;
    for (const [name, says] of refused) {
      const error = assertThrows(() => requireProgram(name), SoakError, says);
      assertEquals([error.kind, error.where], ["system", name]);
    }
  },
});

Deno.test({
  name: "a run whose programs can't be started leaves no directory and the earlier run in place",
  ignore,
  async fn() {
    await using b = await bench();
    const good = b.script("good", "exit 0");
    const none = b.file("none");
    const systems = [
      { kind: "exec", command: [none] },
      { kind: "service", command: [none], measureCommand: good },
      { kind: "service", command: [good], measureCommand: none },
      { kind: "service", command: [good], measureCommand: good, readyCommand: none },
      { kind: "service", command: [good], measureCommand: good, reloadCommand: none },
    ] as const;
    const flags = ["", "", "--measure ", "--ready-command ", "--reload-command "];
    const before = namesIn(b.temp.path);
    for (const [i, system] of systems.entries()) {
      const error = await assertRejects(() => b.run(system), SoakError);
      assertStringIncludes(error.message, `the command was not found (${flags[i]}${none})`);
      assertEquals(namesIn(b.temp.path), before);
    }
    await runSoak({ dir: b.dir, iterations: 2 });
    const texts = textsIn(b.dir);
    await assertRejects(() => b.run(systems[0]), SoakError);
    assertEquals(namesIn(b.temp.path), [...before, "run"].sort());
    assertEquals(textsIn(b.dir), texts);
  },
});

Deno.test("soak run without the permission to start programs says so and leaves no directory", async () => {
  await using dir = await tempDir();
  const profile = dir.file("profile.json");
  await Deno.writeTextFile(profile, JSON.stringify(profileToJson(TINY)));
  const out = dir.file("run");
  const args = ["run", "--exec", "--profile", profile, "--iterations", "2", "--out", out];
  const { code, stderr } = await soak([...args, "--", join(dir.path, "x")], {
    permissions: PERMISSIONS,
  });
  assertEquals(code, 4);
  assertStringIncludes(stderr, "deno task soak:real`; else add --allow-run");
  assertEquals(namesIn(dir.path), ["profile.json"]);
});

/** Stops itself right after it has started the command; what it waits for is over when it goes on. */
const STOPPED = `
import { runToEnd } from ${systemFile("process")};
import { OutputLog } from ${systemFile("output_log")};

const [dir] = Deno.args;
using log = new OutputLog(dir + "/x.log");
const command = ["sh", "-c", 'echo > "$1/done"', "sh", dir];
const result = runToEnd({ command, env: {}, log, timeoutSeconds: 0.5, graceSeconds: 1 });
const wake = 'until [ -e "$1/done" ]; do sleep 0.05; done; sleep 1; kill -s CONT "$2"';
const waker = new Deno.Command("sh", { args: ["-c", wake, "sh", dir, String(Deno.pid)] }).spawn();
Deno.kill(Deno.pid, "SIGSTOP");
console.log(JSON.stringify(await result));
await waker.status;
`;

/** The quoted URL of a module in system/. */
function systemFile(name: string): string {
  return JSON.stringify(toFileUrl(inRepository(`system/${name}.ts`)).href);
}

Deno.test({
  name: "a command that ended in time is not late because this process was stopped meanwhile",
  ignore,
  async fn() {
    await using dir = await tempDir();
    Deno.writeTextFileSync(dir.file("stopped.ts"), STOPPED);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", "--config", inRepository("deno.json")],
        ...[dir.file("stopped.ts"), dir.path],
      ],
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout),
      '{"success":true,"text":"exited with code 0","timedOut":false}\n',
      new TextDecoder().decode(stderr),
    );
  },
});

Deno.test({
  name: "runToEnd() passes on arguments and environment variables, and no input",
  ignore,
  async fn() {
    await using dir = await tempDir();
    using log = new OutputLog(dir.file("x.log"));
    // Names that a script of ours might use.
    const inherited = { grace: "1", watch: "2" };
    const args = ["-n", "a b", "*", "", "$HOME", "\n'\"", "--"];
    const how = { env: { SOAK_X: "y" }, log, timeoutSeconds: 60, graceSeconds: 1 };
    for (const [name, value] of Object.entries(inherited)) Deno.env.set(name, value);
    try {
      const script = ["sh", "-c", 'printf "[%s]" "$@"; cat', "sh", ...args];
      for (const command of [script, ["env"]]) {
        assertEquals((await runToEnd({ ...how, command })).text, "exited with code 0");
      }
    } finally {
      for (const name of Object.keys(inherited)) Deno.env.delete(name);
    }
    log.close();
    const text = Deno.readTextFileSync(log.path);
    assertStringIncludes(text, args.map((arg) => `[${arg}]`).join(""));
    for (const [name, value] of Object.entries({ ...inherited, SOAK_X: "y" })) {
      assertStringIncludes(text, `${name}=${value}\n`);
    }
  },
});

Deno.test({
  name: "a variable whose name no shell can have changes nothing in what a command means",
  ignore,
  async fn() {
    await using dir = await tempDir();
    Deno.mkdirSync(dir.file("a=b"));
    const [odd, none] = [dir.file("a=b/odd"), dir.file("none")];
    Deno.writeTextFileSync(odd, '#!/bin/sh\necho "I am $0"\n', { mode: 0o755 });
    Deno.writeTextFileSync(none, `#!${dir.file("no-interpreter")}\n`, { mode: 0o755 });
    for (const name of ["a.b", "f%%", "-u", "-i"]) {
      using log = new OutputLog(dir.file("x.log"));
      const how = { env: {}, log, timeoutSeconds: 60, graceSeconds: 1 };
      Deno.env.set(name, "its value");
      try {
        assertEquals((await runToEnd({ ...how, command: [odd] })).text, "exited with code 0", name);
        assertEquals(Deno.readTextFileSync(log.path), `I am ${odd}\n`);
        const start = runToEnd({ ...how, command: [none] });
        await assertRejects(() => start, SoakError, "the command was not found");
      } finally {
        Deno.env.delete(name);
      }
    }
  },
});

Deno.test({
  name: "startFailure() knows a shell's words for what is no program, whatever comes after them",
  fn() {
    const dash = "sh: 8: exec: ./x: Exec format error";
    const bash = [
      "./x: line 9: ./x: cannot execute binary file: Exec format error",
      "./x: line 9: ./x: Success",
    ].join(" | ");
    for (const words of [dash, bash]) {
      assertStringIncludes(startFailure("./x", 126, words).message, "the command is not a program");
    }
    const other = startFailure("./x", 126, "sh: 8: exec: ./x: Argument list too long");
    assertStringIncludes(other.message, "argument list too long");
  },
});

Deno.test({
  name: "soak killed at any moment of a start leaves nothing running",
  ignore,
  async fn() {
    assertEquals(await killsAtStart(10, 20), []);
  },
});

Deno.test({
  name: "a watchdog is of the group that it ends, whose id is nobody else's while it lives",
  ignore,
  async fn() {
    await using dir = await tempDir();
    using log = new OutputLog(dir.file("x.log"));
    const child = new Child({ command: ["true"], env: {}, log, graceSeconds: 1 });
    await child.ended;
    await until(
      () => watchdogsOf(child.pid).length > 0,
      "the watchdog is alone in the group",
    );
    await child.stop();
    await until(() => watchdogsOf(child.pid).length === 0, "the watchdog has gone");
  },
});

Deno.test({
  name: "a program that is killed by a signal without a name here has ended by it",
  ignore: Deno.build.os !== "linux", // which has real-time signals
  // The runtime keeps the resource of a child whose status it fails to tell, and can't be told.
  sanitizeResources: false,
  async fn() {
    await using dir = await tempDir();
    using log = new OutputLog(dir.file("x.log"));
    const command = ["sh", "-c", "kill -40 $$"];
    const how = { command, env: {}, log, timeoutSeconds: 60, graceSeconds: 1 };
    assertEquals(await runToEnd(how), {
      success: false,
      text: "was killed by signal 40",
      timedOut: false,
    });
  },
});

Deno.test({
  name: "a watchdog that is stopped is killed with its group, and nobody waits for its answer",
  ignore,
  async fn() {
    await using dir = await tempDir();
    using log = new OutputLog(dir.file("x.log"));
    const script = 'until [ -e "$1" ]; do sleep 0.05; done';
    const command = ["sh", "-c", script, "sh", dir.file("go")];
    const child = new Child({ command, env: {}, log, graceSeconds: 1 });
    try {
      await until(() => watchdogsOf(child.pid).length > 0, "the watchdog is there");
      for (const pid of watchdogsOf(child.pid)) Deno.kill(pid, "SIGSTOP");
      Deno.writeTextFileSync(dir.file("go"), "");
      assert(await settledWithin(child.ended, HANG_MS), "the program ends");
      assertEquals((await child.ended).text, "exited with code 0");
      const stopping = child.stop();
      assert(await settledWithin(stopping, HANG_MS), "nobody waits for a stopped watchdog");
      assertEquals(await stopping, false);
      await until(() => watchdogsOf(child.pid).length === 0, "the watchdog has gone");
    } finally {
      child.kill(); // so that nothing is left of it if something hangs
    }
  },
});

/**
 * The watchdogs that run in a process group, by their process ids. What is not one yet has its
 * script among its arguments too: the shell that becomes the program, and its forks.
 */
function watchdogsOf(group: number): readonly number[] {
  const { stdout } = new Deno.Command("ps", {
    args: ["-A", "-ww", "-o", "pgid=,pid=,stat=,args="],
  }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").flatMap((line) => {
    const [, pgid, pid, of] =
      /^ *(\d+) +(\d+) +[^ Z]\S* .* soak-watchdog (\d+) \d+ *$/.exec(line) ?? [];
    return Number(pgid) === group && pgid === of ? [Number(pid)] : [];
  });
}
