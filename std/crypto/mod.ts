/**
 * The genuine package's comparison of digests.
 *
 * @module
 */

export * from "./timing_safe_equal.ts";
