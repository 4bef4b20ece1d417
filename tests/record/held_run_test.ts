import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { SoakError } from "../../base/errors.ts";
import { LOCK_FILE, RUN_FILE } from "../../record/artifacts.ts";
import { holdRun } from "../../record/held_run.ts";
import { claimDirectory } from "../../run/directory.ts";
import { onOpen } from "../kit/on_open.ts";
import { posix } from "../kit/posix.ts";
import { fillFolder, namesIn, tempDir } from "../kit/temp_dir.ts";

// A file, a timer or a port that is left open fails the test; by default the runtime allows it.
Deno.test.sanitizer({ ops: true, resources: true });

const RUN = { [RUN_FILE]: '{"a":1}' };

async function isReplaced(held: { requireSame(): Promise<void> }): Promise<boolean> {
  try {
    await held.requireSame();
    return false;
  } catch (error) {
    assertEquals(
      error instanceof SoakError ? error.what : error,
      "the run was moved or replaced while it was judged",
    );
    return true;
  }
}

Deno.test("holdRun() keeps everybody from running, and is kept from it by who runs", async () => {
  await using parent = await tempDir();
  const dir = parent.file("run");
  fillFolder(dir, RUN);
  {
    using _first = await holdRun(dir, "soak gate");
    using _second = await holdRun(dir, "soak verify");
    for (const mustExist of [true, false]) {
      await assertRejects(() => claimDirectory(dir, mustExist), SoakError, "locked by ");
    }
  }
  if (posix) assertEquals(namesIn(dir), [RUN_FILE]);
  using _claim = await claimDirectory(dir, true);
  await assertRejects(() => holdRun(dir, "soak gate"), SoakError, "locked by ");
});

for (const locked of [true, false]) {
  Deno.test(`a run that is held by ${locked ? "its lock" : "its looks"} is told from any other`, {
    ignore: !posix,
  }, async () => {
    await using parent = await tempDir();
    const dir = parent.file("run");
    fillFolder(dir, RUN);
    using _opening = onOpen(locked ? "no such file" : LOCK_FILE, () => {
      throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
    });
    using held = await holdRun(dir, "soak gate");
    assertEquals([namesIn(dir).includes(LOCK_FILE), await isReplaced(held)], [locked, false]);
    await Deno.writeTextFile(join(dir, "GATE_REPORT.json"), "{}");
    assertEquals(await isReplaced(held), false);

    await Deno.writeTextFile(join(dir, RUN_FILE), '{"a":2}');
    assertEquals(await isReplaced(held), true);
    await Deno.remove(join(dir, RUN_FILE));
    assertEquals(await isReplaced(held), true);
    await Deno.writeTextFile(join(dir, RUN_FILE), '{"a":1}');
    assertEquals(await isReplaced(held), false);

    await Deno.rename(dir, parent.file("aside"));
    assertEquals(await isReplaced(held), true);
    fillFolder(dir, RUN);
    assertEquals(await isReplaced(held), true);
  });
}

Deno.test("holdRun() leaves it to who judges to say that there is no run", async () => {
  await using parent = await tempDir();
  await Deno.writeTextFile(parent.file("file"), "");
  for (const name of ["no such folder", "file"]) {
    using held = await holdRun(parent.file(name), "soak gate");
    assertEquals(await isReplaced(held), false);
  }
  assertEquals(namesIn(parent.path), ["file"]);
});
