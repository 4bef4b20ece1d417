/**
 * The genuine package's argument parser.
 *
 * @module
 */

export * from "./parse_args.ts";
