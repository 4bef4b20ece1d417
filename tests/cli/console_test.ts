import { assert, assertEquals, assertMatch } from "@std/assert";
import { SoakError } from "../../base/errors.ts";
import { type Io, openIo, reportError } from "../../cli/console.ts";
import { soak } from "../kit/soak_process.ts";

/** The lines that an error is reported in. */
function reported(error: unknown, debug: boolean): string[] {
  const lines: string[] = [];
  const io: Io = {
    ...openIo(new AbortController().signal),
    debug,
    err: (line) => void lines.push(line),
  };
  reportError(error, io);
  return lines;
}

Deno.test("an error is one line, whatever it quotes", () => {
  const error = new SoakError("usage", "no\nsoak: forged", { where: "a\rb", remedy: "mend it" });
  assertEquals(reported(error, false), ["soak: no\\u000asoak: forged (a\\u000db); mend it"]);
});

Deno.test("the stack of an error has no line from what the error quotes", () => {
  const [first, second, ...stack] = reported(new Error("bad $& \n    at forged"), true);
  assertMatch(first ?? "", /^soak: bad \$& \\u000a +at forged; this is a bug/);
  assertEquals(second, "Error: bad $& \\u000a    at forged");
  assert(stack.length > 0 && stack.every((line) => !line.includes("forged")));
});

Deno.test("SOAK_DEBUG=1 shows a stack, though variables can't be read any more", async () => {
  const args = ["hash", "/nowhere/at/all"];
  const params = ["params", "get", "tail_age_ms", "--runtime", "/nowhere/at/all"];
  for (const permissions of [undefined, ["--allow-read", "--allow-env"]]) {
    const options = { env: { SOAK_DEBUG: "1" }, ...(permissions && { permissions }) };
    assertMatch((await soak(params, options)).stderr, /^soak: .+\n(?:.+\n)*? +at .+\n/);
    assertEquals((await soak(params)).stderr.split("\n").length, 2);
    assertEquals((await soak(args, options)).code, 3);
  }
});
