import { assert, assertEquals } from "@std/assert";
import { verifyRun } from "../../proof/verify.ts";
import { readSummary } from "../../record/artifacts.ts";
import type { IterationRecord } from "../../record/records.ts";
import { openClock } from "../../run/clock.ts";
import { runSoak } from "../../run/run.ts";
import { posix } from "../kit/posix.ts";
import { type Bench, bench, READ_SIZE, TINY } from "../kit/real_system.ts";
import { tempDir } from "../kit/temp_dir.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const START = Date.UTC(2026, 0, 1);

/** A system that never gets better: every iteration asks for two steps more. */
const HOPELESS = `${READ_SIZE}
printf '{"kpis":{"cost":50},"effective_params":{"size":%s}}' $size > "$SOAK_OUTPUT"`;

/** Five steps an hour. */
const SLOWED = { ...TINY, guards: { ...TINY.guards, max_delta_per_hour: 0.3 } };

/** A time of day that is wrong at some of its readings. */
interface WallClock {
  /** How far off a reading is, by its number, from 1. */
  readonly off: (reading: number) => number;
  /** The iteration after which the run is interrupted, to be resumed an hour later. */
  readonly stopAfter?: number;
}

/** The records of a run of which an iteration takes ten minutes. */
async function recordsUnder(b: Bench, { off, stopAfter }: WallClock): Promise<IterationRecord[]> {
  let passed = 0;
  let readings = 0;
  const part = (resume: boolean): ReturnType<typeof runSoak> => {
    const stop = new AbortController();
    const since = passed - 77_777;
    return runSoak({
      dir: b.dir,
      ...(resume ? { resume } : {
        iterations: 16,
        autoTune: true,
        profile: SLOWED,
        system: { kind: "exec", command: [b.script("measure", HOPELESS)] },
      }),
      signal: stop.signal,
      nowMs: () => START + passed + off(++readings),
      elapsedMs: () => passed - since,
      onIteration({ iteration }) {
        passed += 10 * MINUTE;
        if (iteration === stopAfter) stop.abort();
      },
    });
  };
  const { recorded } = await part(false);
  if (stopAfter !== undefined) {
    assertEquals(recorded, stopAfter);
    passed += 60 * MINUTE;
    await part(true);
  }
  assertEquals((await verifyRun(b.dir, { strict: true })).findings, []);
  const numbers = Array.from({ length: 16 }, (_, i) => i + 1);
  return await Promise.all(numbers.map(async (i) => (await readSummary(b.dir, i)).record));
}

const minutesOf = (records: readonly IterationRecord[]): number[] =>
  records.map(({ utc }) => (Date.parse(utc) - START) / MINUTE);

const stepsOf = (records: readonly IterationRecord[]): number[] =>
  records.map(({ tuning: { changes: [change] } }) =>
    change === undefined ? 0 : Number(change.to) - Number(change.from)
  );

Deno.test(
  "one reading two days ahead neither lets a change past the hourly cap nor blocks tuning",
  {
    ignore: !posix,
  },
  async () => {
    await using right = await bench();
    const told = await recordsUnder(right, { off: () => 0 });
    const minutes = Array.from({ length: 16 }, (_, i) => 10 * i);
    const steps = [2, 2, 1, 0, 0, 0, 2, 2, 1, 0, 0, 0, 2, 2, 1, 0];
    assertEquals([minutesOf(told), stepsOf(told)], [minutes, steps]);
    for (const wrong of [2, 3, 4, 5, 9]) {
      await using b = await bench();
      const records = await recordsUnder(b, { off: (reading) => reading === wrong ? 2 * DAY : 0 });
      assertEquals([minutesOf(records), stepsOf(records)], [minutes, steps], `reading ${wrong}`);
    }
  },
);

Deno.test("a run that goes on is set by the time of day once more, and never back", {
  ignore: !posix,
}, async () => {
  const cases: readonly (readonly [number, number, number[]])[] = [
    // The hour that passed has freed the hourly cap.
    [0, 120, [2, 2, 1, 0, 0, 0, 2, 2, 1, 0]],
    // A clock that was set back goes on from the last record, and does not stand still there.
    [-DAY, 50, [2, 2, 1, 0, 0, 0, 0, 2, 2, 1]],
  ];
  for (const [off, resumedAt, steps] of cases) {
    await using b = await bench();
    const clock = { off: (reading: number) => reading === 1 ? 0 : off, stopAfter: 6 };
    const records = await recordsUnder(b, clock);
    const minutes = minutesOf(records);
    assertEquals(minutes.slice(0, 6), [0, 10, 20, 30, 40, 50]);
    assertEquals(minutes.slice(6), Array.from({ length: 10 }, (_, i) => resumedAt + 10 * i));
    assertEquals(stepsOf(records).slice(0, 10), steps);
  }
});

Deno.test("the time of day of a real run is read once", { ignore: !posix }, async () => {
  await using b = await bench();
  let readings = 0;
  await recordsUnder(b, { off: (reading) => (readings = reading, 0) });
  assertEquals(readings, 1);
});

Deno.test("a simulated run asks no clock", async () => {
  await using temp = await tempDir();
  const never = (): number => {
    throw new Error("the clock was read");
  };
  const { recorded } = await runSoak({
    dir: temp.file("run"),
    iterations: 4,
    autoTune: true,
    nowMs: never,
  });
  assertEquals(recorded, 4);
});

Deno.test("openClock() gives whole milliseconds that never go back", async () => {
  await using b = await bench();
  const { run } = await b.run({ kind: "exec", command: [b.script("measure", HOPELESS)] }, {
    iterations: 1,
  });
  const readings = [1000.25, 1000.5, 1001.75, 1001.75, 5000];
  const clock = openClock(run, START, () => readings.shift() ?? NaN);
  const times = [1, 2, 3, 4].map(clock);
  assertEquals(times, [START, START + 1, START + 1, START + 3999]);
  assert(times.every(Number.isInteger));
});
