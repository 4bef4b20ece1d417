/**
 * Waiting, for a time or for something to happen, whichever comes first.
 *
 * @module
 */

/**
 * Waits for a time.
 *
 * @param ms How long, in ms.
 * @param signal Ends the wait when it is aborted.
 * @returns Whether the time has passed; `false` if the wait was ended.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await sleep(1), true);
 * assertEquals(await sleep(1e6, AbortSignal.abort()), false);
 * ```
 */
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

/**
 * Waits for a promise, but not for longer than a time.
 *
 * @param promise What to wait for.
 * @param ms How long, in ms.
 * @returns Whether the promise was settled in time. How it was settled is left to whoever awaits it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await settledWithin(Promise.resolve(1), 1000), true);
 * assertEquals(await settledWithin(new Promise(() => {}), 1), false);
 * ```
 */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = new AbortController();
  const end = (): void => settled.abort();
  promise.then(end, end);
  return !await sleep(ms, settled.signal);
}
