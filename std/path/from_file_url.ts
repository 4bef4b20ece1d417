// The package's own choice between the two goes through Node's `process`, which takes as long to
// load as the rest of the program.
// @ts-types="./mod.d.ts"
import * as posix from "npm:deno-std@1.4.0/path/posix/from_file_url.js";
// @ts-types="./mod.d.ts"
import * as windows from "npm:deno-std@1.4.0/path/windows/from_file_url.js";

const here = Deno.build.os === "windows" ? windows : posix;
/** As in the genuine package. */
export const fromFileUrl: typeof posix.fromFileUrl = here.fromFileUrl;
