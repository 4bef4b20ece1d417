import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { toFileUrl } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { acquireLock } from "../../base/lock.ts";
import { settledWithin } from "../../base/wait.ts";
import { makeFifo, posix } from "../kit/posix.ts";
import { inRepository } from "../kit/repository.ts";
import { namesIn, tempDir } from "../kit/temp_dir.ts";

// A file, a timer or a port that is left open fails the test; by default the runtime allows it.
Deno.test.sanitizer({ ops: true, resources: true });

/** Starts a program in a process of its own, with `acquireLock` in scope. */
function spawn(program: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", `import { acquireLock } from "./base/lock.ts"; ${program}`],
    cwd: inRepository("."),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** Starts a process that holds a lock until it is killed. */
async function spawnHolder(path: string): Promise<Deno.ChildProcess> {
  const child = spawn(
    `const lock = await acquireLock(${JSON.stringify(path)}, { wait: false, owner: "soak run" });
     console.log("locked"); setInterval(() => lock, 1e6);`,
  );
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  return child;
}

/** How a lock that is held is refused. */
async function refusal(path: string): Promise<SoakError> {
  return await assertRejects(() => acquireLock(path, { wait: false }), SoakError, "locked by");
}

async function killed(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.stdout.cancel();
  await child.status;
}

Deno.test("acquireLock() refuses a lock that another process holds, and names it", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = folder.file("a.lock");
  const child = await spawnHolder(path);
  const { kind, message } = await refusal(path);
  const { started } = JSON.parse(await Deno.readTextFile(path));
  await killed(child);
  assertEquals(kind, "system");
  assertEquals(new Date(started).toISOString(), started);
  assertEquals(
    message,
    `locked by process ${child.pid} (soak run) since ${started} (${path}); ` +
      "wait until it has ended, or stop it",
  );
});

Deno.test("acquireLock() takes over the lock of a dead process at once", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = folder.file("a.lock");
  await killed(await spawnHolder(path));
  assertEquals(namesIn(folder.path), ["a.lock"]);
  {
    using lock = await acquireLock(path, { wait: false });
    assertEquals([lock.path, lock.takenOver], [path, true]);
    assertMatch((await refusal(path)).what, new RegExp(`^locked by process ${Deno.pid} since `));
  }
  assertEquals(namesIn(folder.path), []);
  using lock = await acquireLock(path, { wait: false });
  assertEquals(lock.takenOver, false);
});

Deno.test("acquireLock() waits until the holder is gone", async () => {
  await using folder = await tempDir();
  const path = folder.file("a.lock");
  const child = await spawnHolder(path);
  const waiting = acquireLock(path, { wait: true });
  assertEquals(await settledWithin(waiting, 50), false);
  await killed(child);
  (await waiting).release();
  assertEquals(namesIn(folder.path), []);
});

Deno.test("acquireLock() lets eight processes lose none of their updates", async () => {
  await using folder = await tempDir();
  const counter = folder.file("counter");
  await Deno.writeTextFile(counter, "0");
  const children = Array.from({ length: 8 }, () =>
    spawn(`
      for (let i = 0; i < 50; i++) {
        using _ = await acquireLock(${JSON.stringify(folder.file("a.lock"))}, { wait: true });
        const count = Number(await Deno.readTextFile(${JSON.stringify(counter)}));
        await Deno.writeTextFile(${JSON.stringify(counter)}, String(count + 1));
      }`));
  for (const child of children) assert((await child.output()).success);
  assertEquals(await Deno.readTextFile(counter), "400");
  assertEquals(namesIn(folder.path), ["counter"]);
});

Deno.test("acquireLock() lets many share a lock, and nobody hold it alone meanwhile", async () => {
  await using folder = await tempDir();
  const path = folder.file("a.lock");
  const share = { wait: false, shared: true };
  const first = await acquireLock(path, { ...share, owner: "soak gate" });
  if (posix) assertMatch((await refusal(path)).what, /^locked by process \d+ \(soak gate\) since /);
  const second = await acquireLock(path, share);
  await refusal(path);
  first.release();
  // The one that is left must not go by the name of the one that is gone.
  assertEquals((await refusal(path)).what, "locked by another process");
  assertEquals(namesIn(folder.path), ["a.lock"]);
  second.release();
  if (posix) assertEquals(namesIn(folder.path), []);
  using _alone = await acquireLock(path, { wait: false });
  await assertRejects(() => acquireLock(path, share), SoakError, "locked by");
});

Deno.test("acquireLock() shares a lock whose file it may only read, and makes none", async () => {
  await using folder = await tempDir();
  const path = folder.file("a.lock");
  await Deno.writeTextFile(
    folder.file("program.ts"),
    `
    import { acquireLock } from ${JSON.stringify(toFileUrl(inRepository("base/lock.ts")).href)};
    try {
      using lock = await acquireLock(Deno.args[0], { wait: false, shared: true });
      console.log(lock.isInPlace());
    } catch (error) {
      console.log(error.message);
    }`,
  );
  const shared = async (): Promise<string> => {
    const args = ["run", "--quiet", "--no-prompt", "--cached-only", `--allow-read=${folder.path}`];
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [...args, `--config=${inRepository("deno.json")}`, folder.file("program.ts"), path],
      stderr: "inherit",
    }).output();
    return new TextDecoder().decode(stdout).trimEnd();
  };
  const refused = `cannot lock: not permitted to this program (${path}); run it with --allow-write`;
  assertEquals(await shared(), refused);
  assertEquals(namesIn(folder.path), ["program.ts"]);
  await Deno.writeTextFile(path, "");
  assertEquals(await shared(), "true");
  using _lock = await acquireLock(path, { wait: false });
  assertMatch(await shared(), /^locked by process /);
});

Deno.test("isInPlace() tells whether others could lock the same path by now", async () => {
  await using folder = await tempDir();
  await Deno.mkdir(folder.file("run"));
  const path = folder.file("run/a.lock");
  using lock = await acquireLock(path, { wait: false });
  assertEquals(lock.isInPlace(), true);
  await Deno.rename(folder.file("run"), folder.file("aside"));
  assertEquals(lock.isInPlace(), false);
  await Deno.writeTextFile(folder.file("run"), "");
  assertEquals(lock.isInPlace(), false);
  await Deno.remove(folder.file("run"));
  await Deno.mkdir(folder.file("run"));
  {
    using other = await acquireLock(path, { wait: false });
    assertEquals([lock.isInPlace(), other.isInPlace()], [false, true]);
  }
  lock.release(folder.file("aside/a.lock"));
  assertEquals(lock.isInPlace(), false);
  assertEquals(namesIn(folder.file("aside")), []);
});

Deno.test("release() leaves no file behind and may be called twice", async () => {
  await using folder = await tempDir();
  const path = folder.file("a.lock");
  const first = await acquireLock(path, { wait: false });
  first.release();
  assertEquals(namesIn(folder.path), []);
  {
    using _second = await acquireLock(path, { wait: false });
    first.release();
    await refusal(path);
  }
  assertEquals(namesIn(folder.path), []);
});

Deno.test("release() leaves a file alone that has taken the place of its own", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = folder.file("a.lock");
  const lock = await acquireLock(path, { wait: false });
  await Deno.remove(path);
  const next = await acquireLock(path, { wait: false });
  lock.release();
  await refusal(path);
  next.release();
});

Deno.test("acquireLock() neither follows a link nor writes into what is no lock file", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const at = folder.file;
  await Deno.writeTextFile(at("victim"), "precious");
  await Deno.symlink("victim", at("symlink"));
  await Deno.symlink("nowhere", at("dangling"));
  await Deno.mkdir(at("folder"));
  await makeFifo(at("fifo"));
  for (const name of ["symlink", "dangling", "folder", "fifo"]) {
    const { kind, what } = await assertRejects(
      () => acquireLock(at(name), { wait: true }),
      SoakError,
    );
    assertEquals([kind, what], ["system", "not a lock file: something else has its name"], name);
  }
  await Deno.link(at("victim"), at("hard link"));
  await assertRejects(
    () => acquireLock(at("hard link"), { wait: true }),
    SoakError,
    "not a lock file",
  );
  const { kind, what } = await assertRejects(
    () => acquireLock(at("no/such"), { wait: true }),
    SoakError,
  );
  assertEquals([kind, what], ["artifact", "cannot lock: no such file or directory"]);
  assertEquals(await Deno.readTextFile(at("victim")), "precious");
});

Deno.test(
  "whatever a lock file says, the message is one clean line",
  { ignore: !posix },
  async () => {
    await using folder = await tempDir();
    const path = folder.file("a.lock");
    const contents: [string, string][] = [
      ["", "another process"],
      ["garbage \u001b[2J", "another process"],
      ['{"pid":"1","started":"now"}', "another process"],
      [
        '{"pid":7,"started":"\\u001b[2J","owner":"a\\nb"}',
        "process 7 (a\\u000ab) since \\u001b[2J",
      ],
      [`{"pid":7,"started":"${"x".repeat(5000)}"}`, "another process"],
    ];
    using _lock = await acquireLock(path, { wait: false });
    for (const [content, expected] of contents) {
      await Deno.writeTextFile(path, content);
      assertEquals((await refusal(path)).what, `locked by ${expected}`);
    }
  },
);
