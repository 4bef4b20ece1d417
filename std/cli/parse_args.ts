/**
 * The genuine package's `parseArgs`, from the npm package that carries the same code.
 *
 * @module
 */

// @ts-types="./parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";

export type { Args, ParseOptions } from "./parse_args.d.ts";
