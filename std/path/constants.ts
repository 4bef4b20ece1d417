// @ts-types="./mod.d.ts"
export { DELIMITER, SEPARATOR, SEPARATOR_PATTERN } from "npm:deno-std@1.4.0/path/constants.js";
