/**
 * The version of `soak`, as recorded in every run.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };

/** The version of `soak`. */
export const VERSION: string = config.version;
