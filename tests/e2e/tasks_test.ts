import { assertEquals, assertStringIncludes } from "@std/assert";
import { inRepository } from "../kit/repository.ts";
import { ended } from "../kit/soak_process.ts";

for (
  const [task, args, says] of [
    ["crash", ["--kill", "5"], "no such argument: --kill\nusage: deno task crash"],
    ["crash", ["5"], "no such argument: 5\nusage: deno task crash"],
    ["crash", ["--kills", "0"], "usage: deno task crash"],
    ["fuzz", ["--second", "5"], "no such argument: --second\nusage: deno task fuzz"],
    ["fuzz", ["--seconds"], "--seconds without a value\nusage: deno task fuzz"],
    ["faults", ["--olny", "run"], "no such argument: --olny\nusage: deno task faults"],
    ["faults", ["--only", "runn"], "scenarios: run, run over an earlier one, "],
  ] as const
) {
  Deno.test(`deno task ${task} refuses ${args.join(" ")} before it does anything`, async () => {
    const script = inRepository(`scripts/${task}.ts`);
    const { code, stdout, stderr } = await ended(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--allow-read", "--allow-env", script, ...args],
        env: { NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, says);
  });
}
