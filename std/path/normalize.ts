// @ts-types="./mod.d.ts"
export { normalize } from "npm:deno-std@1.4.0/path/normalize.js";
