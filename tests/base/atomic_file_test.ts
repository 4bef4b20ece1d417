import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import {
  AtomicFile,
  atomicWrite,
  readRegularFile,
  readRegularFileSync,
  removeStaleTemps,
} from "../../base/atomic_file.ts";
import { SoakError } from "../../base/errors.ts";
import { inRepository } from "../kit/repository.ts";
import { namesIn, tempDir } from "../kit/temp_dir.ts";

const posix = Deno.build.os !== "windows";
const repository = inRepository(".");

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function assertOneLine(message: string): void {
  assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(message), JSON.stringify(message));
}

async function makeFifo(path: string): Promise<void> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert(success);
}

/** Starts a program in a process of its own, with what `atomic_file.ts` exports in scope. */
function spawn(program: string, limits: string): Deno.ChildProcess {
  const code = `import * as atomic from "./base/atomic_file.ts"; ${program}`;
  return new Deno.Command("bash", {
    args: ["-c", `${limits} exec "$0" eval "$1"`, Deno.execPath(), code],
    cwd: repository,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(program: string, limits = ""): Promise<string> {
  const { stdout, stderr } = await spawn(program, limits).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd();
}

Deno.test("readRegularFile() reads files of every size up to its limit", async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i % 251);
    await Deno.writeFile(path, bytes);
    assertEquals(await readRegularFile(path), bytes);
    assertEquals(readRegularFileSync(path, { maxBytes: size, isFile: true }), bytes);
    if (size === 0) continue;
    for (const isFile of [false, true]) {
      const { kind, what } = assertThrows(
        () => readRegularFileSync(path, { maxBytes: size - 1, isFile }),
        SoakError,
      );
      assertEquals([kind, what], ["artifact", `larger than ${size - 1} bytes`]);
    }
  }
});

Deno.test("readRegularFile() keeps what it returned apart from what it reads next", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(folder.file("a"), "aaa");
  await Deno.writeTextFile(folder.file("b"), "bbb");
  const first = await readRegularFile(folder.file("a"));
  await readRegularFile(folder.file("b"));
  assertEquals(first, bytesOf("aaa"));
});

Deno.test("readRegularFile() says that a file is missing, with the cause", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const error = await assertRejects(() => readRegularFile(folder.file("no\u001b[2J")), SoakError);
  assertEquals(error.kind, "artifact");
  assert(error.cause instanceof Deno.errors.NotFound);
  assert(error.message.startsWith("cannot read the file: no such file or directory ("));
  assertOneLine(error.message);
});

Deno.test("readRegularFile() refuses what is no regular file, and never waits for it", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const at = folder.file;
  await Deno.writeTextFile(at("file"), "x");
  await makeFifo(at("fifo"));
  await Deno.symlink("loop", at("loop"));
  await Deno.symlink("fifo", at("link to fifo"));
  const cases: [string, string][] = [
    [folder.path, "a folder, not a regular file"],
    [at("fifo"), "a FIFO, not a regular file"],
    [at("link to fifo"), "a FIFO, not a regular file"],
    ["/dev/null", "a device, not a regular file"],
    [at("loop"), "cannot read the file: too many levels of symbolic links"],
    [at("file/below"), "cannot read the file: not a directory"],
    [at("n".repeat(300)), "cannot read the file: file name too long"],
    [at("nul\0"), "cannot read the file: file name contained an unexpected NUL byte"],
  ];
  for (const [path, expected] of cases) {
    const { kind, what, message } = await assertRejects(() => readRegularFile(path), SoakError);
    assertEquals([kind, what], ["artifact", expected]);
    assertOneLine(message);
  }
  assertThrows(() => readRegularFileSync(folder.path, { isFile: true }), SoakError, "directory");
  assertEquals(assertThrows(() => readRegularFileSync(""), SoakError).kind, "artifact");
});

Deno.test("readRegularFile() follows a symbolic link", { ignore: !posix }, async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(folder.file("file"), "x");
  await Deno.symlink("file", folder.file("link"));
  assertEquals(await readRegularFile(folder.file("link")), bytesOf("x"));
});

Deno.test("a missing permission of the program itself is told as such", async () => {
  const code = `import { readRegularFileSync } from "./atomic.ts";
    try { readRegularFileSync("a"); } catch (error) { console.log(error.kind, error.message); }`;
  await using folder = await tempDir();
  const path = folder.file("program.ts");
  await Deno.writeTextFile(
    path,
    code.replace("./atomic.ts", toFileUrl(inRepository("base/atomic_file.ts")).href),
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--config", "deno.json", path],
    cwd: repository,
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout).trimEnd(),
    "system cannot read the file: not permitted to this program (a); run it with --allow-read",
  );
});

Deno.test("atomicWrite() creates a file, then replaces it, and leaves no other", async () => {
  await using folder = await tempDir();
  const path = folder.file("a.json");
  for (const durable of [true, false]) {
    for (const text of ["first", "", "third"]) {
      assertEquals(await atomicWrite(path, bytesOf(text), { durable }), { size: text.length });
      assertEquals(await Deno.readTextFile(path), text);
    }
  }
  assertEquals(namesIn(folder.path), ["a.json"]);
});

Deno.test("atomicWrite() writes to a name without a folder and to one of 255 bytes", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const long = folder.file("é".repeat(127));
  await atomicWrite(long, bytesOf("x"));
  assertEquals(await Deno.readTextFile(long), "x");
  const program = `Deno.chdir(${JSON.stringify(folder.path)});
    await atomic.atomicWrite("bare", new Uint8Array(3));`;
  await run(program);
  assertEquals((await Deno.stat(folder.file("bare"))).size, 3);
});

Deno.test("atomicWrite() keeps the target's mode, and gives a new file the usual one", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  const modeOf = async () => ((await Deno.stat(path)).mode ?? 0) & 0o7777;
  await Deno.writeTextFile(path, "as any program makes it");
  const usual = await modeOf();
  await Deno.remove(path);
  await atomicWrite(path, bytesOf("x"));
  assertEquals(await modeOf(), usual);
  for (const mode of [0o600, 0o640, 0o666, 0o777, 0o444]) {
    await Deno.chmod(path, mode);
    await atomicWrite(path, bytesOf("y"));
    assertEquals(await modeOf(), mode);
  }
});

Deno.test("atomicWrite() refuses a target that is no regular file and leaves it", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const at = folder.file;
  await Deno.writeTextFile(at("victim"), "precious");
  await Deno.symlink("victim", at("link"));
  await Deno.symlink("nowhere", at("dangling"));
  await Deno.mkdir(at("folder"));
  await makeFifo(at("fifo"));
  const before = namesIn(folder.path);
  const cases: [string, string][] = [
    [at("link"), "a symbolic link, not a regular file"],
    [at("dangling"), "a symbolic link, not a regular file"],
    [at("folder"), "a folder, not a regular file"],
    [at("fifo"), "a FIFO, not a regular file"],
    ["/dev/null", "a device, not a regular file"],
    [at("no/such"), "cannot create a temp file beside the file: no such file or directory"],
    [at("victim/below"), "cannot create a temp file beside the file: not a directory"],
    [
      at("nul\0"),
      "cannot create a temp file beside the file: file name contained an unexpected NUL byte",
    ],
  ];
  for (const [path, expected] of cases) {
    const { kind, what, message } = await assertRejects(
      () => atomicWrite(path, bytesOf("x")),
      SoakError,
    );
    assertEquals([kind, what], ["system", expected]);
    assertOneLine(message);
  }
  assertEquals(namesIn(folder.path), before);
  assertEquals(await Deno.readTextFile(at("victim")), "precious");
});

Deno.test("atomicWrite() leaves the target untouched when the disk takes no more", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  await Deno.writeTextFile(path, "old");
  // A limit on file size fails a write half-way, as a full disk does.
  const printed = await run(
    `try { await atomic.atomicWrite(${JSON.stringify(path)}, new Uint8Array(1 << 20)); }
     catch (error) { console.log(error.kind, error.message); }`,
    "trap '' XFSZ; ulimit -f 16;",
  );
  assertEquals(
    printed,
    `system cannot write the file: file too large (${path}); ` +
      "raise the limit on file size (ulimit -f) and run again",
  );
  assertEquals(await Deno.readTextFile(path), "old");
  assertEquals(namesIn(folder.path), ["a"]);
});

Deno.test("atomicWrite() leaves the target untouched when it runs out of open files", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  await Deno.writeTextFile(path, "old");
  const printed = await run(
    `const write = async () => {
       try { await atomic.atomicWrite(${
      JSON.stringify(path)
    }, new Uint8Array(1)); console.log("ok"); }
       catch (error) { console.log(error.kind, error.message); }
     };
     const taken = [];
     try { for (;;) taken.push(Deno.openSync("/dev/null")); } catch { /* all taken */ }
     for (let free = 0; free < 3; free++) { await write(); taken.pop().close(); }`,
    "ulimit -n 128;",
  );
  const reason =
    `too many open files (${path}); raise the limit on open files (ulimit -n) and run again`;
  assertEquals(printed.split("\n"), [
    `system cannot create a temp file beside the file: ${reason}`,
    `system cannot open the folder: ${reason}`,
    "ok",
  ]);
  assertEquals(namesIn(folder.path), ["a"]);
});

Deno.test("AtomicFile shows nothing under its name before commit()", async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  using file = AtomicFile.create(path);
  for (const chunk of ["one ", "", "two"]) file.write(bytesOf(chunk));
  assert(!namesIn(folder.path).includes("a"));
  assertEquals(file.commit(), { size: 7 });
  assertEquals(await Deno.readTextFile(path), "one two");
  assertEquals(namesIn(folder.path), ["a"]);
});

Deno.test("AtomicFile leaves no trace when it is given up", async () => {
  await using folder = await tempDir();
  {
    using file = AtomicFile.create(folder.file("a"));
    file.write(bytesOf("half"));
  }
  const file = AtomicFile.create(folder.file("a"));
  file.abort();
  file.abort();
  assertThrows(() => file.write(bytesOf("x")), SoakError, "already committed or given up");
  assertThrows(() => file.commit(), SoakError, "already committed or given up");
  assertEquals(namesIn(folder.path), []);
});

Deno.test(
  "AtomicFile removes its temp file when the rename fails",
  { ignore: !posix },
  async () => {
    await using folder = await tempDir();
    const path = folder.file("a");
    const file = AtomicFile.create(path);
    file.write(bytesOf("x"));
    await Deno.mkdir(path);
    const { kind, what } = assertThrows(() => file.commit(), SoakError);
    assertEquals([kind, what], ["system", "cannot replace the file: is a directory"]);
    assertEquals(namesIn(folder.path), ["a"]);
  },
);

Deno.test("AtomicFile names the file when its folder goes away", { ignore: !posix }, async () => {
  await using folder = await tempDir();
  await Deno.mkdir(folder.file("gone"));
  const file = AtomicFile.create(folder.file("gone/a"), { durable: false });
  await Deno.remove(folder.file("gone"), { recursive: true });
  assertThrows(() => file.commit(), SoakError, "cannot replace the file: no such file");
});

Deno.test("AtomicFile gives each temp file a name of its own that nobody can foresee", async () => {
  await using folder = await tempDir();
  const files = Array.from({ length: 20 }, () => AtomicFile.create(folder.file("a")));
  const names = namesIn(folder.path);
  assertEquals(new Set(names).size, 20);
  for (const name of names) assert(/^\.a\.[0-9a-f]{24}\.soak-tmp$/.test(name), name);
  for (const file of files) file.abort();
});

Deno.test("a reader never sees a torn file", { ignore: !posix }, async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  await atomicWrite(path, new Uint8Array(70_000));
  const writers = [1, 2].map((fill) =>
    run(`const bytes = new Uint8Array(${70_000 + fill}).fill(${fill});
      for (let i = 0; i < 100; i++) {
        await atomic.atomicWrite(${JSON.stringify(path)}, bytes, { durable: i % 10 === 0 });
      }`)
  );
  let writing = true;
  const done = Promise.all(writers).finally(() => writing = false);
  while (writing) {
    const bytes = readRegularFileSync(path);
    const fill = bytes[0] ?? 0;
    assertEquals(bytes.length, 70_000 + fill);
    assert(bytes.every((byte) => byte === fill));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await done;
  assertEquals(namesIn(folder.path), ["a"]);
});

Deno.test("removeStaleTemps() removes what a killed process left and nothing else", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = JSON.stringify(folder.file("a"));
  const child = spawn(
    `const file = atomic.AtomicFile.create(${path}); file.write(new Uint8Array(9));
     console.log("written"); setInterval(() => file, 1e6);`,
    "",
  );
  const reader = child.stdout.getReader();
  await reader.read();
  using living = AtomicFile.create(folder.file("b"));
  const [left, ...others] = namesIn(folder.path);
  assert(left !== undefined && left.startsWith(".a."));
  assertEquals(others.length, 1);
  assertEquals(await removeStaleTemps(folder.path), []);

  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await child.stderr.cancel();
  const innocent = ["a.soak-tmp", ".b.soak-tmp.json", ".soak-tmp.d"];
  for (const name of innocent) await Deno.writeTextFile(folder.file(name), "mine");
  await Deno.mkdir(folder.file(".folder.soak-tmp"));
  await Deno.symlink("a.soak-tmp", folder.file(".link.soak-tmp"));
  await makeFifo(folder.file(".fifo.soak-tmp"));

  const before = namesIn(folder.path);
  assertEquals(await removeStaleTemps(folder.path), [left]);
  assertEquals(namesIn(folder.path), before.filter((name) => name !== left));
  assertEquals(living.commit(), { size: 0 });
});

Deno.test("removeStaleTemps() finds nothing in a folder that is not there", async () => {
  await using folder = await tempDir();
  assertEquals(await removeStaleTemps(folder.file("none")), []);
  await Deno.writeTextFile(folder.file("file"), "");
  await assertRejects(() => removeStaleTemps(folder.file("file")), SoakError, "cannot clean up");
});

Deno.test("a cleaner at work all the time takes no temp file from a writer", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = JSON.stringify(folder.path);
  const cleaner = spawn(
    `console.log("ready"); for (;;) await atomic.removeStaleTemps(${path});`,
    "",
  );
  const reader = cleaner.stdout.getReader();
  await reader.read();
  for (let i = 0; i < 300; i++) {
    await atomicWrite(join(folder.path, "a"), bytesOf(`${i}`), { durable: false });
    assertEquals(await Deno.readTextFile(folder.file("a")), `${i}`);
  }
  cleaner.kill("SIGKILL");
  await cleaner.status;
  await reader.cancel();
  await cleaner.stderr.cancel();
});
