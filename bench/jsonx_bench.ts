/**
 * Ratios of the lowest modules, each against what it replaces, within one run.
 *
 * @module
 */

import { join } from "@std/path";
import canonicalize from "npm:canonicalize@^3.0.0";
import stableStringify from "npm:json-stable-stringify@^1.3.0";
import { atomicWrite, readRegularFileSync } from "../atomic.ts";
import { canonicalJson, decodeCanonical, sha256Hex } from "../jsonx.ts";

/** A runtime of about 300 bytes, its keys in the order in which a person would write them. */
const RUNTIME = {
  risk: { max_position_usd: 25000, stop_loss_bps: 35.5, kill_switch: false },
  engine: { tail_age_ms: 630, min_interval_ms: 75, base_spread_bps: 0.25, replace_rate: 0.35 },
  impact: { cap_ratio: 0.08, decay_s: 2.5 },
  tuner: { cooldown_iters: 2, velocity_cap: 0.3, max_delta_per_hour: 1.2, freeze_after: 2 },
  note: "soak",
};

Deno.bench("canonicalJson", { group: "canonicalise and hash", baseline: true }, () => {
  sha256Hex(canonicalJson(RUNTIME));
});

Deno.bench("npm canonicalize", { group: "canonicalise and hash" }, () => {
  sha256Hex(canonicalize(RUNTIME) ?? "");
});

Deno.bench("npm json-stable-stringify", { group: "canonicalise and hash" }, () => {
  sha256Hex(stableStringify(RUNTIME) ?? "");
});

const folder = Deno.makeTempDirSync({ prefix: "soak-bench-" });
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const summary = new TextEncoder().encode(
  canonicalJson({ runtime: RUNTIME, again: [RUNTIME, RUNTIME, RUNTIME], more: RUNTIME }),
);
const summaryPath = join(folder, "summary.json");
Deno.writeFileSync(summaryPath, summary);

Deno.bench("readTextFileSync and JSON.parse", { group: "read a file", baseline: true }, () => {
  JSON.parse(Deno.readTextFileSync(summaryPath));
});

Deno.bench("readRegularFileSync and decodeCanonical", { group: "read a file" }, () => {
  decodeCanonical(readRegularFileSync(summaryPath, { isFile: true }));
});

const bytes = new TextEncoder().encode(canonicalJson(RUNTIME));
const target = join(folder, "target.json");

Deno.bench("bare system calls", { group: "write a file durably", baseline: true }, () => {
  const temp = join(folder, "bare.tmp");
  const file = Deno.openSync(temp, { write: true, createNew: true });
  file.writeSync(bytes);
  file.syncSync();
  file.close();
  Deno.renameSync(temp, target);
  const opened = Deno.openSync(folder);
  opened.syncSync();
  opened.close();
});

Deno.bench("atomicWrite", { group: "write a file durably" }, async () => {
  await atomicWrite(target, bytes);
});
