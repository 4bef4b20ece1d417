/**
 * A pause that lets signals in.
 *
 * @module
 */

/**
 * Gives way to the event loop once, so that a signal or a timer that is due can run. Loops over
 * synchronous file calls need it: awaiting a promise that is settled already does not leave them.
 * Costs a few microseconds, where a timer would cost milliseconds.
 *
 * @returns A promise that is settled in the next turn of the event loop.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 *
 * let ran = false;
 * setTimeout(() => ran = true, 0);
 * while (!ran) await eventLoopTurn();
 * assert(ran);
 * ```
 */
export function eventLoopTurn(): Promise<void> {
  // Not a timer or `setImmediate`: what these load at their first use doubles the start-up time.
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
