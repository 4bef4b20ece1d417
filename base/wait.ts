/**
 * Waiting, for a time or for something to happen, whichever comes first.
 *
 * @module
 */

/** Waits for a time. */
export function sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (passed: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(passed);
    };
    const onAbort = (): void => end(false);
    const timer = setTimeout(() => end(true), Math.min(ms, 0x7fffffff));
    signal?.addEventListener("abort", onAbort);
    // The runtime may load its timers or events here, at their first use, and run other code then.
    if (signal?.aborted) end(false);
  });
}

/** Waits for a promise, but not for longer than a time. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = new AbortController();
  const end = (): void => settled.abort();
  promise.then(end, end);
  return !await sleep(ms, settled.signal);
}

/**
 * Gives way to the event loop once, so that a signal or a timer that is due can run. Loops over
 * synchronous file calls need it: awaiting a promise that is settled already does not leave them.
 * Costs a few microseconds, where a timer would cost milliseconds.
 */
export function eventLoopTurn(): Promise<void> {
  // Not a timer or `setImmediate`: what these load at their first use doubles the start-up time.
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      // Both: one that is left open is memory that never comes back, in every iteration.
      port1.close();
      port2.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
