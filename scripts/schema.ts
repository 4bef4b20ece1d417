/**
 * Writes `profile.schema.json`, the published JSON Schema of profiles, from its definition.
 *
 * @module
 */

import { PROFILE_SCHEMA } from "../model/profile_schema.ts";

const file = new URL("../profile.schema.json", import.meta.url);
await Deno.writeTextFile(file, `${JSON.stringify(PROFILE_SCHEMA, null, 2)}\n`);
