import { assert, assertEquals } from "@std/assert";
import { eventLoopTurn, settledWithin, sleep } from "../../base/wait.ts";

// A file, a timer or a port that is left open fails the test; by default the runtime allows it.
Deno.test.sanitizer({ ops: true, resources: true });

const NEVER = new Promise<never>(() => {});

Deno.test("sleep() says that the time has passed", async () => {
  const start = performance.now();
  assertEquals(await sleep(20), true);
  assert(performance.now() - start > 15);
});

Deno.test("sleep() ends when its signal says so, and says that the time has not passed", async () => {
  assertEquals(await sleep(1e6, AbortSignal.abort()), false);
  const stop = new AbortController();
  const sleeping = sleep(1e6, stop.signal);
  stop.abort();
  assertEquals(await sleeping, false);
});

Deno.test("sleep() ends at once when its signal comes while it is falling asleep", async () => {
  const stop = new AbortController();
  // An event that comes before the listener is heard by nobody.
  stop.signal.addEventListener = () => stop.abort();
  assertEquals(await sleep(20, stop.signal), false);
});

Deno.test("sleep() leaves no listener on a signal that outlives it", async () => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  let added = 0;
  signal.addEventListener = (_type: string, listener: unknown) => {
    listeners.add(listener);
    added++;
  };
  signal.removeEventListener = (_type: string, listener: unknown) => {
    listeners.delete(listener);
  };
  assertEquals(await sleep(1, signal), true);
  assertEquals([added, listeners.size], [1, 0]);
});

Deno.test("sleep() does not end early when the time is longer than a timer can take", async () => {
  const stop = new AbortController();
  const sleeping = sleep(2 ** 32, stop.signal);
  await sleep(20); // a timer that overflows ends after 1 ms
  stop.abort();
  assertEquals(await sleeping, false);
});

Deno.test("settledWithin() is true when the promise settles first, in whatever way", async () => {
  assertEquals(await settledWithin(Promise.resolve(1), 1e6), true);
  assertEquals(await settledWithin(Promise.reject(new Error("not ours")), 1e6), true);
  assertEquals(await settledWithin(sleep(1), 1e6), true);
});

Deno.test("settledWithin() is false when the time passes first", async () => {
  assertEquals(await settledWithin(NEVER, 1), false);
});

Deno.test("settledWithin() sees that a promise is settled already, however short the time", async () => {
  assertEquals(await settledWithin(Promise.resolve(1), 0), true);
  assertEquals(await settledWithin(NEVER, 0), false);
});

Deno.test("eventLoopTurn() lets a timer run that is due, unlike a promise that is settled", async () => {
  let ran = false;
  setTimeout(() => ran = true, 0);
  for (let i = 0; i < 1000; i++) await Promise.resolve();
  assertEquals(ran, false);
  // More turns than any machine takes in the millisecond after which the timer is due.
  for (let turns = 0; !ran && turns < 1e5; turns++) await eventLoopTurn();
  assert(ran);
});

Deno.test("eventLoopTurn() leaves no port open", async () => {
  await eventLoopTurn(); // the sanitizer counts the ports
});
