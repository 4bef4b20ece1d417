import { assert, assertEquals } from "@std/assert";
import { iterationRecord as record } from "../kit/iteration_record.ts";
import type { Difference } from "../../model/effective.ts";
import { RunNews } from "../../report/run_news.ts";

const size = (
  effective: number,
  wanted: number,
): Difference[] => [{ key: "size", effective, wanted }];

Deno.test("a value that is not in effect is told at once, with the change that it belongs to", () => {
  const news = new RunNews();
  assertEquals(news.iteration(record(1, { change: [2, 4] }), []), []);
  assertEquals(news.iteration(record(2, { effective: { size: 2 } }), size(2, 4)), [
    "iteration 2 ran with size 2 instead of 4: the change of iteration 1 is not in effect",
  ]);
  // The same again is nothing new, until it was right in between.
  assertEquals(news.iteration(record(3, { effective: { size: 2 } }), size(2, 4)), []);
  assertEquals(news.iteration(record(4, { effective: { size: 3 } }), size(3, 4)), [
    "iteration 4 ran with size 3 instead of 4",
  ]);
  assertEquals(news.iteration(record(5, { effective: { size: 4 } }), []), []);
  assertEquals(news.iteration(record(6, { effective: { size: 3 } }), size(3, 4)), [
    "iteration 6 ran with size 3 instead of 4",
  ]);
});

Deno.test("a change that is never reported is told once", () => {
  const news = new RunNews();
  news.iteration(record(1, { change: [2, 4] }), []);
  assertEquals(news.iteration(record(2, { effective: {} }), []), [
    "iteration 2 does not say what size it ran with: the change of iteration 1 is written, not " +
    "seen in effect",
  ]);
  assertEquals(news.iteration(record(3, { effective: {} }), []), []);
});

Deno.test("a change waits for a measurement, be it after a failed one or after a resume", () => {
  const news = new RunNews();
  news.recorded(record(1, { change: [2, 4] }));
  assertEquals(news.iteration(record(2, { failure: "it\nbroke" }), []), [
    "iteration 2 was not measured: it\\u000abroke",
  ]);
  assertEquals(news.iteration(record(3, { effective: { size: 2 } }), size(2, 4)), [
    "iteration 3 ran with size 2 instead of 4: the change of iteration 1 is not in effect",
  ]);
});

Deno.test("a restart and another attempt are told with their reason, other phases are not", () => {
  const news = new RunNews();
  assertEquals(news.phase({ name: "soaking", seconds: 30 }, 1), []);
  assertEquals(news.phase({ name: "restarting", reason: "the service exited with code 7" }, 2), [
    "iteration 2: the service exited with code 7; it is started again",
  ]);
  assertEquals(news.phase({ name: "trying again", reason: "the command\ntook too long" }, 3), [
    "iteration 3: the command\\u000atook too long; trying again",
  ]);
});

Deno.test("a run that is wrong all the time does not fill the screen", () => {
  const news = new RunNews();
  const lines: string[] = [];
  for (let i = 1; i <= 1000; i++) {
    lines.push(...news.iteration(record(i, { effective: { size: i } }), size(i, 4)));
  }
  assertEquals(lines.length, 40);
  assert(lines.at(-1)?.startsWith("what else happens is not told here"), lines.at(-1));
});
