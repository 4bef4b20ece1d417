import { assert, assertEquals, assertThrows } from "@std/assert";
import { AtomicFile, atomicWrite, removeStaleTemps } from "../../base/atomic_file.ts";
import { SoakError } from "../../base/errors.ts";
import { readRegularFile } from "../../base/read_file.ts";
import { makeFifo, posix } from "../kit/posix.ts";
import { inRepository } from "../kit/repository.ts";
import { namesIn, tempDir } from "../kit/temp_dir.ts";
import { assertOneLine, bytesOf } from "../kit/texts.ts";

// A file, a timer or a port that is left open fails the test; by default the runtime allows it.
Deno.test.sanitizer({ ops: true, resources: true });

/** Starts a program in a process of its own, with what `atomic_file.ts` exports in scope. */
function spawn(program: string, limits: string): Deno.ChildProcess {
  const code = `import * as atomic from "./base/atomic_file.ts"; ${program}`;
  return new Deno.Command("bash", {
    args: ["-c", `${limits} exec "$0" eval --quiet "$1"`, Deno.execPath(), code],
    cwd: inRepository("."),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(program: string, limits = ""): Promise<string> {
  const { stdout, stderr } = await spawn(program, limits).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd();
}

Deno.test("atomicWrite() creates a file, then replaces it, and leaves no other", async () => {
  await using folder = await tempDir();
  const path = folder.file("a.json");
  for (const text of ["first", "", "third"]) {
    assertEquals(atomicWrite(path, bytesOf(text)), { size: text.length });
    assertEquals(await Deno.readTextFile(path), text);
  }
  assertEquals(namesIn(folder.path), ["a.json"]);
});

Deno.test("atomicWrite() writes to a name without a folder and to one of 255 bytes", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const long = folder.file("é".repeat(127));
  atomicWrite(long, bytesOf("x"));
  assertEquals(await Deno.readTextFile(long), "x");
  const program = `Deno.chdir(${JSON.stringify(folder.path)});
    atomic.atomicWrite("bare", new Uint8Array(3));`;
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
  atomicWrite(path, bytesOf("x"));
  assertEquals(await modeOf(), usual);
  for (const mode of [0o600, 0o640, 0o666, 0o777, 0o444]) {
    await Deno.chmod(path, mode);
    atomicWrite(path, bytesOf("y"));
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
    const { kind, what, message } = assertThrows(() => atomicWrite(path, bytesOf("x")), SoakError);
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
    `try { atomic.atomicWrite(${JSON.stringify(path)}, new Uint8Array(1 << 20)); }
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
    `const write = () => {
       try { atomic.atomicWrite(${JSON.stringify(path)}, new Uint8Array(1)); console.log("ok"); }
       catch (error) { console.log(error.kind, error.message); }
     };
     const taken = [];
     try { for (;;) taken.push(Deno.openSync("/dev/null")); } catch { /* all taken */ }
     for (let free = 0; free < 3; free++) { write(); taken.pop().close(); }`,
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
  const file = AtomicFile.create(folder.file("gone/a"));
  await Deno.remove(folder.file("gone"), { recursive: true });
  const { what, where } = assertThrows(() => file.commit(), SoakError);
  assertEquals(what, "cannot open the folder: no such file or directory");
  assertEquals(where, folder.file("gone/a"));
});

Deno.test("AtomicFile gives each temp file a name of its own that nobody can foresee", async () => {
  await using folder = await tempDir();
  const files = Array.from({ length: 20 }, () => AtomicFile.create(folder.file("a")));
  const names = namesIn(folder.path);
  assertEquals(new Set(names).size, 20);
  for (const name of names) assert(/^\.a\.[0-9a-f]{24}\.soak-tmp$/.test(name), name);
  for (const file of files) file.abort();
});

Deno.test("AtomicFile takes another temp file when a cleaner is quicker than its lock", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const { openSync } = Deno;
  /** Lets something happen between the creation of a temp file and the lock on it. */
  const createMeanwhile = (meanwhile: (temp: string) => void): AtomicFile => {
    const value = (path: string, options?: Deno.OpenOptions): Deno.FsFile => {
      const file = openSync(path, options);
      Object.defineProperty(Deno, "openSync", { value: openSync });
      meanwhile(path);
      return file;
    };
    Object.defineProperty(Deno, "openSync", { value });
    return AtomicFile.create(folder.file("a"));
  };

  using first = createMeanwhile(() => assertEquals(removeStaleTemps(folder.path).length, 1));
  first.write(bytesOf("removed"));
  first.commit();
  assertEquals(await Deno.readTextFile(folder.file("a")), "removed");

  let cleaner: Deno.FsFile | undefined;
  using second = createMeanwhile((temp) => {
    cleaner = openSync(temp);
    assert(cleaner.tryLockSync(true));
  });
  second.write(bytesOf("locked"));
  second.commit();
  cleaner?.close();
  assertEquals(await Deno.readTextFile(folder.file("a")), "locked");
  assertEquals(namesIn(folder.path), ["a"]);
});

Deno.test("a reader never sees a torn file", { ignore: !posix }, async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  atomicWrite(path, new Uint8Array(70_000));
  const writers = [1, 2].map((fill) =>
    run(`const bytes = new Uint8Array(${70_000 + fill}).fill(${fill});
      for (let i = 0; i < 100; i++) {
        atomic.atomicWrite(${JSON.stringify(path)}, bytes);
      }`)
  );
  let writing = true;
  const done = Promise.all(writers).finally(() => writing = false);
  while (writing) {
    const bytes = readRegularFile(path);
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
  assertEquals(removeStaleTemps(folder.path), []);

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
  assertEquals(removeStaleTemps(folder.path), [left]);
  assertEquals(namesIn(folder.path), before.filter((name) => name !== left));
  assertEquals(living.commit(), { size: 0 });
});

Deno.test("removeStaleTemps() finds nothing in a folder that is not there", async () => {
  await using folder = await tempDir();
  assertEquals(removeStaleTemps(folder.file("none")), []);
  await Deno.writeTextFile(folder.file("file"), "");
  assertThrows(() => removeStaleTemps(folder.file("file")), SoakError, "cannot clean up");
});

Deno.test("a cleaner at work all the time takes no temp file from a writer", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = JSON.stringify(folder.path);
  const cleaner = spawn(
    `console.log("ready"); for (;;) atomic.removeStaleTemps(${path});`,
    "",
  );
  const reader = cleaner.stdout.getReader();
  await reader.read();
  for (let i = 0; i < 300; i++) {
    atomicWrite(folder.file("a"), bytesOf(`${i}`));
    assertEquals(await Deno.readTextFile(folder.file("a")), `${i}`);
  }
  cleaner.kill("SIGKILL");
  await cleaner.status;
  await reader.cancel();
  await cleaner.stderr.cancel();
});
