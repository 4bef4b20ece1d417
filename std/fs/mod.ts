/**
 * The genuine package's file helpers, on the runtime's own file calls.
 *
 * @module
 */

export * from "./empty_dir.ts";
export * from "./ensure_dir.ts";
export * from "./exists.ts";
export * from "./move.ts";
