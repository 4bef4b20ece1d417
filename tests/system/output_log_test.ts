import { assert, assertEquals, assertThrows } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { LOG_HEAD_BYTES, LOG_TAIL_BYTES, OutputLog } from "../../system/output_log.ts";
import { tempDir } from "../kit/temp_dir.ts";

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

Deno.test("OutputLog empties a log, or goes on with it", async () => {
  await using dir = await tempDir();
  const steps = [["a", false, "a"], ["b", true, "ab"], ["c", false, "c"]] as const;
  for (const [text, keep, whole] of steps) {
    using log = new OutputLog(dir.file("x.log"), keep);
    log.write(bytes(text));
    log.close();
    assertEquals(Deno.readTextFileSync(log.path), whole);
  }
});

Deno.test("OutputLog says when it can't be written", async () => {
  await using dir = await tempDir();
  Deno.writeTextFileSync(dir.file("logs"), "in the way");
  assertThrows(() => new OutputLog(dir.file("logs/x.log")), SoakError, "cannot write the log");
});

Deno.test("OutputLog tells of a write that failed when it is closed", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using dir = await tempDir();
  const pipe = dir.file("x.log");
  assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
  // Without a reader the log could not even be opened; without one later, it can't be written.
  const reader = Deno.openSync(pipe, { read: true, write: true });
  const log = new OutputLog(pipe, true);
  log.write(bytes("x"));
  reader.close();
  log.write(bytes("y"));
  log.write(bytes("z"));
  const error = assertThrows(() => log.close(), SoakError, "cannot write the log: broken pipe");
  assertEquals(error.where, pipe);
  log.close();
});
