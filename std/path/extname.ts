// @ts-types="./mod.d.ts"
export { extname } from "npm:deno-std@1.4.0/path/extname.js";
