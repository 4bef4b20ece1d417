import { assertEquals } from "@std/assert";
import { checkProfile, profileToJson } from "../../model/profile_check.ts";
import { startingPoint } from "../../model/starting_point.ts";
import { runtimeAtStart, startNames, startRemedy, valuesAtStart } from "../../model/starts.ts";

const DEFAULTS = { concurrency: 8, timeout_ms: 500, cache_mib: 64 };
const WITH = { ...startingPoint, starts: { busy: { concurrency: 16 }, same: {}, slow: {} } };

Deno.test("a start is the defaults with its own values in their place", () => {
  assertEquals(valuesAtStart(WITH), DEFAULTS);
  assertEquals(valuesAtStart(WITH, "busy"), { ...DEFAULTS, concurrency: 16 });
  assertEquals(valuesAtStart(WITH, "same"), DEFAULTS);
  assertEquals(runtimeAtStart(WITH, "busy"), {
    server: { concurrency: 16, timeout_ms: 500 },
    cache: { size_mib: 64 },
  });
});

Deno.test("a name that the profile has not is none, whatever objects have of their own", () => {
  for (const name of ["bus", "", "toString", "__proto__", "constructor"]) {
    assertEquals(valuesAtStart(WITH, name), undefined);
    assertEquals(runtimeAtStart(WITH, name), undefined);
  }
  const { starts: _, ...without } = startingPoint;
  assertEquals([startNames(WITH), startNames(without)], [["busy", "same", "slow"], []]);
});

Deno.test("the remedy names the nearest spelling and all there are", () => {
  assertEquals(startRemedy(WITH, "bussy"), "did you mean busy? it has busy, same, slow");
  assertEquals(startRemedy(WITH, "quick"), "it has busy, same, slow");
  const { starts: _, ...without } = startingPoint;
  assertEquals(startRemedy(without, "busy"), "leave it out, or give the profile starts");
});

Deno.test("mistakes in starts are named where they are", () => {
  const problems = (starts: unknown): string[] =>
    checkProfile(profileToJson({ ...startingPoint, starts: starts as never }))
      .map(({ severity, path, message, remedy }) =>
        `${severity} ${path} ${message}${remedy === undefined ? "" : `; ${remedy}`}`
      );
  assertEquals(problems({ busy: { concurrency: 16 }, idle: { concurrency: 1 } }), []);
  assertEquals(problems({ busy: { concurency: 16 } }), [
    "error $.starts.busy.concurency there is no parameter concurency; did you mean concurrency?",
  ]);
  assertEquals(problems({ busy: { concurrency: 65 } }), [
    "error $.starts.busy.concurrency concurrency must be from 1 to 64 requests, not 65",
  ]);
  assertEquals(problems({ busy: { concurrency: 1.5 } }), [
    "error $.starts.busy.concurrency concurrency must be an integer, not 1.5",
  ]);
  assertEquals(problems({ busy: { timeout_ms: 510 } }), [
    "error $.starts.busy.timeout_ms timeout_ms starts with 510, which is no multiple of its step " +
    "50; the nearest one is 500",
  ]);
  assertEquals(problems({ busy: { concurrency: 8 }, none: {} }), [
    "warning $.starts.busy the start busy is no other than the defaults",
    "warning $.starts.none the start none is no other than the defaults",
  ]);
  const badName = "the field's name is not a name of letters, digits, _ and -, a letter first";
  assertEquals(problems({ "a b": { concurrency: 4 } }), [`error $.starts["a b"] ${badName}`]);
  assertEquals(problems({ busy: { "a.b": 4 } })[0], `error $.starts.busy["a.b"] ${badName}`);
  assertEquals(problems({ busy: { concurrency: "many" } }), [
    "error $.starts.busy.concurrency concurrency must be a finite number",
  ]);
  assertEquals(problems([]), ["error $.starts expected an object, found an array"]);
  assertEquals(problems({ busy: 4 }), ["error $.starts.busy expected an object, found 4"]);
});
