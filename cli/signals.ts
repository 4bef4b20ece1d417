/**
 * Ctrl-C and SIGTERM: an orderly end at first, an immediate one the second time.
 *
 * @module
 */

import type { Io } from "./console.ts";
import { EXIT } from "./exit_code.ts";

/** The first signal asks for an orderly end, the second one is left to the system. */
export function listenForSignals(controller: AbortController, io: Io): Disposable {
  const codes = new Map<Deno.Signal, number>([["SIGINT", EXIT.interrupted]]);
  if (Deno.build.os !== "windows") codes.set("SIGTERM", EXIT.terminated);
  const listeners = [...codes].map(([signal, code]) => {
    const listener = (): void => {
      // Without a listener the system acts, even while the program is too busy to listen.
      stop();
      controller.abort(code);
      io.progress(io.redraws ? "\r\x1b[K" : "");
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
