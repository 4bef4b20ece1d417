import { assert, assertEquals, assertThrows } from "@std/assert";
import { toFileUrl } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { notRegular, readRegularFile } from "../../base/read_file.ts";
import { onOpen } from "../kit/on_open.ts";
import { makeFifo, posix } from "../kit/posix.ts";
import { inRepository } from "../kit/repository.ts";
import { tempDir } from "../kit/temp_dir.ts";
import { assertOneLine, bytesOf } from "../kit/texts.ts";

// A file, a timer or a port that is left open fails the test; by default the runtime allows it.
Deno.test.sanitizer({ ops: true, resources: true });

/** Runs the runtime with these arguments in the repository and takes what it wrote. */
async function printed(args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: inRepository("."),
  }).output();
  return new TextDecoder().decode(stdout).trimEnd();
}

Deno.test("readRegularFile() reads files of every size up to its limit", async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i % 251);
    await Deno.writeFile(path, bytes);
    assertEquals(readRegularFile(path), bytes);
    assertEquals(readRegularFile(path, size), bytes);
    if (size === 0) continue;
    const { kind, what } = assertThrows(() => readRegularFile(path, size - 1), SoakError);
    assertEquals([kind, what], ["artifact", `larger than ${size - 1} bytes`]);
  }
});

Deno.test("readRegularFile() keeps what it returned apart from what it reads next", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(folder.file("a"), "aaa");
  await Deno.writeTextFile(folder.file("b"), "bbb");
  const first = readRegularFile(folder.file("a"));
  readRegularFile(folder.file("b"));
  assertEquals(first, bytesOf("aaa"));
});

Deno.test("readRegularFile() says that a file is missing, with the cause", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const error = assertThrows(() => readRegularFile(folder.file("no\u001b[2J")), SoakError);
  assertEquals(error.kind, "artifact");
  assert(error.cause instanceof Deno.errors.NotFound);
  assert(error.message.startsWith("cannot read the file: no such file or directory ("));
  assertOneLine(error.message);
});

Deno.test("readRegularFile() reads nothing that took a file's place after the look at it", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const path = folder.file("a");
  const swaps: [() => void, string][] = [
    [() => Deno.symlinkSync("/dev/zero", path), "a device, not a regular file"],
    [() => Deno.mkdirSync(path), "a folder, not a regular file"],
    [() => Deno.writeTextFileSync(path, "xxxxx"), "larger than 4 bytes"],
  ];
  for (const [swap, expected] of swaps) {
    await Deno.writeTextFile(path, "x");
    using opening = onOpen("/a", () => {
      Deno.removeSync(path);
      swap();
    });
    const { kind, what } = assertThrows(() => readRegularFile(path, 4), SoakError);
    assertEquals([kind, what, opening.done], ["artifact", expected, true]);
    await Deno.remove(path);
  }
});

Deno.test("readRegularFile() does not wait for a FIFO that took a file's place", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const [path, fifo] = [folder.file("a"), folder.file("fifo")];
  await Deno.writeTextFile(path, "x");
  await makeFifo(fifo);
  // Opened by someone else as well, so that opening it does not wait; reading it would.
  using _other = Deno.openSync(fifo, { read: true, write: true });
  using _opening = onOpen("/a", () => Deno.renameSync(fifo, path));
  const { what } = assertThrows(() => readRegularFile(path), SoakError);
  assertEquals(what, "a FIFO, not a regular file");
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
    const { kind, what, message } = assertThrows(() => readRegularFile(path), SoakError);
    assertEquals([kind, what], ["artifact", expected]);
    assertOneLine(message);
  }
  assertEquals(assertThrows(() => readRegularFile(""), SoakError).kind, "artifact");
});

Deno.test("readRegularFile() follows a symbolic link", { ignore: !posix }, async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(folder.file("file"), "x");
  await Deno.symlink("file", folder.file("link"));
  assertEquals(readRegularFile(folder.file("link")), bytesOf("x"));
});

Deno.test("readRegularFile() tells a missing permission of the program itself as such", async () => {
  const module = JSON.stringify(toFileUrl(inRepository("base/read_file.ts")).href);
  const code = `import { readRegularFile } from ${module};
    try { readRegularFile("a"); } catch (error) { console.log(error.kind, error.message); }`;
  await using folder = await tempDir();
  const path = folder.file("program.ts");
  await Deno.writeTextFile(path, code);
  assertEquals(
    await printed(["run", "--no-prompt", "--config", "deno.json", path]),
    "system cannot read the file: not permitted to this program (a); run it with --allow-read",
  );
});

Deno.test("readRegularFile() keeps to its limit when a file has more than its size says", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  // Files of the kernel say that they are empty, and only a program that may do all may read them.
  const code = `import { readRegularFile } from "./base/read_file.ts";
    const { size } = Deno.statSync("/proc/cpuinfo");
    const whole = readRegularFile("/proc/cpuinfo").length > 100;
    try { readRegularFile("/proc/cpuinfo", 100); }
    catch (error) { console.log(size, whole, error.kind, error.message); }`;
  assertEquals(
    await printed(["eval", "--quiet", code]),
    "0 true artifact larger than 100 bytes (/proc/cpuinfo); check that it is the right file",
  );
});

Deno.test("notRegular() says what something is instead, and what to do about a link", {
  ignore: !posix,
}, async () => {
  await using folder = await tempDir();
  const link = folder.file("link");
  await Deno.symlink("/", link);
  assertEquals(
    notRegular("/", Deno.statSync(link), "artifact").message,
    "a folder, not a regular file (/); check the path",
  );
  const { kind, message } = notRegular("a\nb", Deno.lstatSync(link), "usage");
  assertEquals(kind, "usage");
  assertEquals(
    message,
    "a symbolic link, not a regular file (a\\u000ab); name the file it points to",
  );
});
