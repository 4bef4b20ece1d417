import { assert, assertEquals, assertThrows } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { LOG_HEAD_BYTES, LOG_TAIL_BYTES, OutputLog } from "../../system/output_log.ts";
import { makeFifo } from "../kit/posix.ts";
import { namesIn, tempDir, textsIn } from "../kit/temp_dir.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("OutputLog writes what it is given, in a folder that it makes", async () => {
  await using dir = await tempDir();
  const log = new OutputLog(dir.file("a/b/x.log"));
  log.write(bytes("one\n"));
  log.note("between");
  log.write(bytes("two"));
  log.close();
  log.write(bytes("too late"));
  log.close();
  assertEquals(Deno.readTextFileSync(log.path), "one\n[soak: between]\ntwo");
});

Deno.test("OutputLog leaves out the middle of too much, whatever the size of its pieces", async () => {
  await using dir = await tempDir();
  for (const size of [1000, 65_536, LOG_HEAD_BYTES + 3 * LOG_TAIL_BYTES]) {
    using log = new OutputLog(dir.file("x.log"));
    const total = LOG_HEAD_BYTES + 3 * LOG_TAIL_BYTES;
    for (let done = 0; done < total; done += size) log.write(new Uint8Array(size).fill(120));
    log.write(bytes("\nthe end"));
    log.close();
    const text = Deno.readTextFileSync(log.path);
    const left = Number(/\[soak: (\d+) bytes are left out here\]\n/.exec(text)?.[1]);
    const written = Math.ceil(total / size) * size + "\nthe end".length;
    assertEquals(left, written - LOG_HEAD_BYTES - LOG_TAIL_BYTES, String(size));
    assert(text.endsWith("x\nthe end"));
    assertEquals(log.lastLines().endsWith(" | the end"), true);
  }
});

Deno.test("OutputLog shows the last three lines without what could harm a terminal", async () => {
  await using dir = await tempDir();
  using log = new OutputLog(dir.file("x.log"));
  assertEquals(log.lastLines(), "");
  log.write(bytes("one\r\ntwo\n\n  \n\x1b[31mthree\x1b[0m \x1b[2J\nfo"));
  log.write(bytes("ur\n"));
  log.note("not its own");
  assertEquals(log.lastLines(), "two | three \\u001b[2J | four");
});

Deno.test("OutputLog leaves earlier logs as they are, and numbers its own", async () => {
  await using dir = await tempDir();
  for (const text of ["a", "b", "c"]) {
    using log = new OutputLog(dir.file("x.log"));
    log.write(bytes(text));
  }
  assertEquals(textsIn(dir.path), { "x.2.log": "b", "x.3.log": "c", "x.log": "a" });
});

Deno.test("OutputLog neither follows a link nor waits for a FIFO", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using dir = await tempDir();
  Deno.writeTextFileSync(dir.file("target"), "precious");
  Deno.symlinkSync(dir.file("target"), dir.file("link.log"));
  Deno.symlinkSync(dir.file("nothing"), dir.file("dangling.log"));
  await makeFifo(dir.file("fifo.log"));
  const cases = [
    ["link.log", "a symbolic link, not a regular file"],
    ["dangling.log", "a symbolic link, not a regular file"],
    ["fifo.log", "a FIFO, not a regular file"],
  ] as const;
  const before = namesIn(dir.path);
  for (const [name, says] of cases) {
    const error = assertThrows(() => new OutputLog(dir.file(name)), SoakError, says);
    assertEquals([error.kind, error.where], ["system", dir.file(name)]);
  }
  assertEquals(namesIn(dir.path), before);
  assertEquals(Deno.readTextFileSync(dir.file("target")), "precious");
});

Deno.test("OutputLog makes no log but in a folder that is there by that name, or in none yet", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using dir = await tempDir();
  Deno.mkdirSync(dir.file("elsewhere"));
  Deno.writeTextFileSync(dir.file("file"), "in the way");
  Deno.symlinkSync(dir.file("elsewhere"), dir.file("link"));
  Deno.symlinkSync(dir.file("nothing"), dir.file("dangling"));
  await makeFifo(dir.file("fifo"));
  const cases = [
    ["link", "cannot write the log: a symbolic link, not a folder"],
    ["dangling", "cannot write the log: a symbolic link, not a folder"],
    ["file", "cannot write the log: a file, not a folder"],
    ["fifo", "cannot write the log: a FIFO, not a folder"],
  ] as const;
  for (const [name, says] of cases) {
    const error = assertThrows(() => new OutputLog(dir.file(`${name}/x.log`)), SoakError, says);
    assertEquals([error.kind, error.where], ["system", dir.file(name)]);
  }
  assertEquals(namesIn(dir.file("elsewhere")), []);
});
