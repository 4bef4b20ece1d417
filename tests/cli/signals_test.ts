import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { posix } from "../kit/posix.ts";
import { inRepository } from "../kit/repository.ts";
import { ended } from "../kit/soak_process.ts";

/** Sends itself signals, each when the one before has been heard, on a clock that it moves itself. */
async function heard(signals: readonly [signal: string, atMs: number][]): Promise<string> {
  const module = toFileUrl(inRepository("cli/signals.ts")).href;
  const script = `
    import { listenForSignals } from ${JSON.stringify(module)};
    let nowMs = 0;
    let heard = Promise.withResolvers();
    const io = {
      err: (line) => console.log(line),
      nowMs: () => (queueMicrotask(() => heard.resolve()), nowMs),
      goOn: null,
      redraws: false,
    };
    const controller = new AbortController();
    using _listening = listenForSignals(controller, io);
    for (const [signal, atMs] of ${JSON.stringify(signals)}) {
      nowMs = atMs;
      Deno.kill(Deno.pid, signal);
      await heard.promise;
      heard = Promise.withResolvers();
    }
    console.log("still there");`;
  const { code, stdout, stderr } = await ended(
    new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", "--no-check", script],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  assertEquals(stderr, "");
  return `${stdout.trim().split("\n").map((line) => line.slice(0, 19)).join(", ")}: ${code}`;
}

Deno.test("signals that come together are one, as a terminal and a task runner send them", {
  ignore: !posix,
}, async () => {
  const once = "soak: stopping when, still there: 0";
  assertEquals(await heard([["SIGINT", 1000], ["SIGINT", 1000], ["SIGINT", 1299]]), once);
  assertEquals(await heard([["SIGTERM", 1000], ["SIGINT", 1200]]), once);
  const twice = "soak: stopping when, soak: ended at once";
  assertEquals(await heard([["SIGINT", 1000], ["SIGINT", 1300]]), `${twice}: 130`);
  assertEquals(
    await heard([["SIGINT", 1000], ["SIGINT", 1100], ["SIGTERM", 9000]]),
    `${twice}: 143`,
  );
});
