import { assert, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { verifyRun } from "../../proof/verify.ts";
import { Forgery, honestRun, summaryName } from "../kit/forgery.ts";
import { memoryDir } from "../kit/temp_dir.ts";

const ITERATIONS = 12;
const SETTINGS = { seed: 23, numRuns: 500 };

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

Deno.test("any digit of a number in the tuning of any summary, re-signed, is noticed", async () => {
  const files = await honestRun(7, ITERATIONS);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: ITERATIONS }),
      fc.nat(),
      fc.integer({ min: 1, max: 9 }),
      async (iteration, place, difference) => {
        const run = new Forgery(files, ITERATIONS);
        const name = summaryName(iteration);
        // The rationale is free text, and the hash of the record before is made again.
        const text = run.text(name).replace(/"rationale":"[^"]*"/, '"rationale":""');
        const tuning = text.indexOf('"tuning":');
        const digits = [...text.matchAll(/\d/g)].map(({ index }) => index)
          .filter((index) => index > tuning);
        const at = digits[place % digits.length] ?? 0;
        const digit = (Number(text[at]) + difference) % 10;
        run.files[name] = text.slice(0, at) + digit + text.slice(at + 1);
        try {
          await run.resign();
        } catch {
          return; // No JSON any more: that is what the other properties are about.
        }
        await using temp = await memoryDir();
        run.write(temp.file("run"));
        const { verdict } = await verifyRun(temp.file("run"), { strict: true });
        assert(verdict !== "PASS", text.slice(at - 40, at + 40));
      },
    ),
    SETTINGS,
  );
});
