/**
 * Ctrl-C and SIGTERM: an orderly end the first time, an immediate one the second time.
 *
 * @module
 */

import type { Io } from "./console.ts";
import { EXIT } from "./exit_code.ts";

/**
 * Ctrl-C reaches every process of the terminal, and one that has started this one may pass it on as
 * well: what comes within this time, in ms, is still the first signal.
 */
const SAME_SIGNAL_MS = 300;

/**
 * The first signal asks for an orderly end. The second one ends the process, which still says how to
 * go on; a third one, should even that take long, is left to the system.
 */
export function listenForSignals(controller: AbortController, io: Io): Disposable {
  const codes = new Map<Deno.Signal, number>([["SIGINT", EXIT.interrupted]]);
  if (Deno.build.os !== "windows") codes.set("SIGTERM", EXIT.terminated);
  let firstMs = 0;
  const listeners = [...codes].map(([signal, code]) => {
    const listener = (): void => {
      const nowMs = io.nowMs();
      // A terminal shows ^C where the cursor stands: what is said next takes its place.
      if (io.redraws) io.status(" ");
      if (controller.signal.aborted) {
        if (nowMs - firstMs < SAME_SIGNAL_MS) return;
        // Without a listener the system acts, even while the program is too busy to listen.
        stop();
        io.err(`soak: ended at once${io.goOn === null ? "" : `; go on with: ${io.goOn}`}`);
        Deno.exit(code);
      }
      firstMs = nowMs;
      controller.abort(code);
      io.err("soak: stopping when the step at hand is done; once more stops at once");
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  const stop = (): void => {
    for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
  };
  return { [Symbol.dispose]: stop };
}
