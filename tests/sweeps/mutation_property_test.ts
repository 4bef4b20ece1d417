import { assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { verifyRun } from "../../proof/verify.ts";
import { honestRun } from "../kit/forgery.ts";
import { memoryDir } from "../kit/temp_dir.ts";

const ITERATIONS = 12;
// The same goes on in `deno task fuzz`, with digits of records that are signed again.
const SETTINGS = { seed: 23, numRuns: 150 };

async function verdictOf(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  await using temp = await memoryDir();
  const dir = temp.file("run");
  Deno.mkdirSync(dir);
  for (const [name, bytes] of Object.entries(files)) Deno.writeFileSync(`${dir}/${name}`, bytes);
  return (await verifyRun(dir, { strict: true })).verdict;
}

async function honestBytes(): Promise<Record<string, Uint8Array>> {
  const texts = Object.entries(await honestRun(7, ITERATIONS));
  return Object.fromEntries(texts.map(([name, text]) => [name, new TextEncoder().encode(text)]));
}

Deno.test("any single byte of any file, changed to any other, is noticed", async () => {
  const honest = await honestBytes();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(honest)),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (name, place, difference) => {
        const bytes = honest[name]?.slice() ?? new Uint8Array(1);
        const at = place % bytes.length;
        bytes[at] = ((bytes[at] ?? 0) + difference) % 256;
        assertNotEquals(await verdictOf({ ...honest, [name]: bytes }), "PASS");
      },
    ),
    SETTINGS,
  );
});

Deno.test("any byte of any file, removed or doubled, is noticed", async () => {
  const honest = await honestBytes();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(honest)),
      fc.nat(),
      fc.boolean(),
      async (name, place, doubled) => {
        const bytes = honest[name] ?? new Uint8Array();
        const at = place % bytes.length;
        const edited = [
          ...bytes.slice(0, doubled ? at + 1 : at),
          ...bytes.slice(doubled ? at : at + 1),
        ];
        assertNotEquals(await verdictOf({ ...honest, [name]: Uint8Array.from(edited) }), "PASS");
      },
    ),
    SETTINGS,
  );
});
