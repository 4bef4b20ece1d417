/**
 * Something that happens at the very moment when a file is opened.
 *
 * @module
 */

/** Does something once, right before a path with this end is opened, until it is disposed of. */
export function onOpen(end: string, action: () => void): Disposable & { readonly done: boolean } {
  const { openSync } = Deno;
  let done = false;
  Deno.openSync = (path, options) => {
    if (!done && String(path).endsWith(end)) {
      done = true;
      action();
    }
    return openSync(path, options);
  };
  return {
    get done(): boolean {
      return done;
    },
    [Symbol.dispose]: () => void (Deno.openSync = openSync),
  };
}
