import { assert, assertEquals, assertRejects } from "@std/assert";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/hash.ts";
import { atomicWriteJson, readJsonWithHash } from "../../base/json_file.ts";
import { namesIn, tempDir } from "../kit/temp_dir.ts";

// A file, a timer or a port that is left open fails the test; by default the runtime allows it.
Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("atomicWriteJson() writes canonical bytes and returns their hash and number", async () => {
  await using folder = await tempDir();
  const path = folder.file("runtime.json");
  const value = { b: [1e-5, "é"], a: -0 };
  const written = await atomicWriteJson(path, value);
  const bytes = await Deno.readFile(path);
  assertEquals(new TextDecoder().decode(bytes), canonicalJson(value));
  assertEquals(written, { stateHash: await sha256Hex(bytes), size: bytes.length });
  assertEquals(await readJsonWithHash(path), { data: value, stateHash: written.stateHash });
});

Deno.test("atomicWriteJson() leaves the target untouched when the value is no JSON data", async () => {
  await using folder = await tempDir();
  const path = folder.file("runtime.json");
  await atomicWriteJson(path, 1);
  await assertRejects(() => atomicWriteJson(path, { a: NaN }), SoakError, "NaN at $.a");
  assertEquals(await Deno.readTextFile(path), "1");
  assertEquals(namesIn(folder.path), ["runtime.json"]);
});

Deno.test("readJsonWithHash() hashes the bytes as they are, canonical or not", async () => {
  await using folder = await tempDir();
  const path = folder.file("runtime.json");
  await Deno.writeTextFile(path, '{"b":1,\r\n"a":2.0}');
  const { data, stateHash } = await readJsonWithHash(path);
  assertEquals(data, { b: 1, a: 2 });
  assertEquals(stateHash, await sha256Hex('{"b":1,\r\n"a":2.0}'));
});

Deno.test("readJsonWithHash() names the file that it refuses", async () => {
  await using folder = await tempDir();
  const path = folder.file("bad.json");
  await Deno.writeTextFile(path, "{");
  const { kind, message } = await assertRejects(() => readJsonWithHash(path), SoakError);
  assertEquals(kind, "artifact");
  assert(message.includes(`${path}:1:2: $`), message);
});
