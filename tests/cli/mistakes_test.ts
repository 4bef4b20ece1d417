import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { flagNamed, flagsOf, withFlagNames } from "../../cli/mistakes.ts";
import { completeSystem, OptionError } from "../../model/system_spec.ts";

function placeOf(option: string): string | undefined {
  const error = flagNamed(new OptionError("it is wrong", option, "mend it"));
  assertInstanceOf(error, SoakError);
  assertEquals([error.kind, error.what, error.remedy], ["usage", "it is wrong", "mend it"]);
  return error.where;
}

Deno.test("flagNamed() names the flag that asks for an option, however differently it is spelt", () => {
  assertEquals(placeOf("command"), "--");
  assertEquals(placeOf("measureCommand"), "--measure");
  assertEquals(placeOf("readyTimeoutSeconds"), "--ready-timeout");
  assertEquals(placeOf("mockFault"), "--mock-fault");
  assertEquals(placeOf("seed"), "--seed");
  assertEquals(placeOf("reload…"), "--reload-…");
});

Deno.test("flagNamed() leaves any other error as it is", () => {
  const error = new SoakError("system", "no space left", { where: "a file" });
  assertEquals(flagNamed(error), error);
  assertThrows(
    () =>
      withFlagNames(() => {
        throw error;
      }),
    SoakError,
    "no space left (a file)",
  );
});

Deno.test("every setting of a real system has one flag, the command aside", () => {
  const system = completeSystem({ kind: "service", command: ["x"], measureCommand: "m" });
  const { kind: _, command: __, ...settings } = system as unknown as Record<string, unknown>;
  const asked = flagsOf("run").flatMap(({ setting }) => setting === undefined ? [] : [setting]);
  assertEquals(asked.toSorted(), Object.keys(settings).sort());
});
