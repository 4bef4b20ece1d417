/**
 * Ratios of the lowest modules, each against what it replaces, within one run.
 *
 * The two npm packages and the twenty that they need are wanted here alone, so they are loaded at
 * run time, in these exact versions, and are not in the lock file: `deno bench --no-lock`.
 *
 * @module
 */

import { join } from "@std/path";
import { atomicWrite } from "../base/atomic_file.ts";
import { canonicalJson } from "../base/canonical.ts";
import { sha256Hex } from "../base/hash.ts";
import { decodeCanonical, parseJson } from "../base/json.ts";
import { readRegularFile } from "../base/read_file.ts";

type Stringify = (value: unknown) => string | undefined;

async function load(specifier: string): Promise<Stringify> {
  const { default: stringify }: { default: Stringify } = await import(specifier);
  return stringify;
}

const canonicalize = await load("npm:canonicalize@5.1.0");
const stableStringify = await load("npm:json-stable-stringify@1.3.0");

/** A runtime of about 300 bytes, its keys in the order in which a person would write them. */
const RUNTIME = {
  risk: { max_position_usd: 25000, stop_loss_bps: 35.5, kill_switch: false },
  engine: { tail_age_ms: 630, min_interval_ms: 75, base_spread_bps: 0.25, replace_rate: 0.35 },
  impact: { cap_ratio: 0.08, decay_s: 2.5 },
  tuner: { cooldown_iters: 2, velocity_cap: 0.3, max_delta_per_hour: 1.2, freeze_after: 2 },
  note: "soak",
};

/** The same with its keys in order, as every runtime is that was read from a canonical file. */
const RUNTIME_AS_READ = parseJson(canonicalJson(RUNTIME));

/** One call is too short to be timed by itself. */
const REPEATS = 100;

for (const [group, runtime] of [["any order", RUNTIME], ["as read", RUNTIME_AS_READ]] as const) {
  const contenders: [string, Stringify][] = [
    ["canonicalJson", canonicalJson],
    ["npm canonicalize", canonicalize],
    ["npm json-stable-stringify", stableStringify],
  ];
  for (const [name, stringify] of contenders) {
    Deno.bench(`${name}, ${group}`, {
      group: `canonicalise and hash ${REPEATS} runtimes, keys ${group}`,
      baseline: stringify === canonicalJson,
    }, async () => {
      // At once, as verification does it: one after the other, waiting would be most of the time.
      await Promise.all(
        Array.from({ length: REPEATS }, () => sha256Hex(stringify(runtime) ?? "")),
      );
    });
  }
}

const folder = Deno.makeTempDirSync({ prefix: "soak-bench-" });
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const summary = new TextEncoder().encode(
  canonicalJson({ runtime: RUNTIME, again: [RUNTIME, RUNTIME, RUNTIME], more: RUNTIME }),
);
const summaryPath = join(folder, "summary.json");
Deno.writeFileSync(summaryPath, summary);

const READ = `read ${REPEATS} files`;

Deno.bench("readTextFileSync and JSON.parse", { group: READ, baseline: true }, () => {
  for (let i = 0; i < REPEATS; i++) JSON.parse(Deno.readTextFileSync(summaryPath));
});

Deno.bench("readRegularFile and decodeCanonical", { group: READ }, () => {
  for (let i = 0; i < REPEATS; i++) {
    decodeCanonical(readRegularFile(summaryPath));
  }
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

Deno.bench("atomicWrite", { group: "write a file durably" }, () => {
  atomicWrite(target, bytes);
});
