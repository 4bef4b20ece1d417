import { assert, assertEquals } from "@std/assert";
import { PAGES, renewed } from "../kit/readme.ts";
import { inRepository } from "../kit/repository.ts";

for (const page of PAGES) {
  Deno.test(`${page} shows what its commands really print`, async () => {
    const text = await Deno.readTextFile(inRepository(page));
    assert((text.match(/^\$ soak /gm) ?? []).length >= 4);
    assertEquals(await renewed(text), text);
  });
}

Deno.test("a README that shows something else is noticed", async () => {
  const text = "```console\n$ soak --version\nsoak 999\n```\n";
  assert(await renewed(text) !== text);
});
