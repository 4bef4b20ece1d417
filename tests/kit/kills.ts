import { bench, exists, startCli, TINY, until } from "./real_system.ts";

/** Kills soak some time after it began to start a program; tells whether all of it ends. */
async function killAtStart(kind: "exec" | "service", afterMs: number): Promise<boolean> {
  await using b = await bench();
  Deno.writeTextFileSync(b.file("tiny.json"), JSON.stringify(TINY));
  const command = b.script("stays", "while :; do sleep 0.05; done");
  const process = startCli([
    ...["run", `--${kind}`, "--profile", b.file("tiny.json"), "--iterations", "3"],
    ...(kind === "service" ? ["--measure", command] : []),
    ...["--grace", "1", "--out", b.dir, "--", command],
  ]);
  // The last thing that is written before a program is started.
  await until(() => exists(`${b.dir}/logs`), "a log is opened");
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  process.kill("SIGKILL");
  await process.end();
  try {
    await until(() => !isNamed(b.temp.path), "all has ended");
    return true;
  } catch {
    return false;
  }
}

/**
 * Kills soak at so many moments, up to so many ms after it began to start a program; returns those
 * that left something running.
 */
export async function killsAtStart(kills: number, withinMs: number): Promise<readonly string[]> {
  const left: string[] = [];
  for (let i = 0; i < kills; i++) {
    const kind = i % 2 === 0 ? "exec" : "service";
    const afterMs = withinMs * i / kills;
    if (!await killAtStart(kind, afterMs)) left.push(`--${kind} killed after ${afterMs} ms`);
  }
  return left;
}

/** Whether a process runs whose arguments have a text in them. */
function isNamed(text: string): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-A", "-ww", "-o", "stat=,args="] })
    .outputSync();
  return new TextDecoder().decode(stdout).split("\n")
    .some((line) => line.includes(text) && !line.startsWith("Z"));
}
