import { join } from "@std/path";
import fc from "fast-check";
import { canonicalJson } from "../../base/canonical.ts";
import { SoakError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { isJsonObject, type JsonValue } from "../../base/json_value.ts";
import { parseOptions } from "../../cli/options.ts";
import { marketMaker } from "../../model/market_maker.ts";
import { parseProfile, profileToJson } from "../../model/profile_check.ts";
import { verifyRun } from "../../proof/verify.ts";
import {
  readRun,
  readStep,
  readSummary,
  RUN_FILE,
  RUNTIME_FILE,
  STEP_FILE,
  summaryFile,
  TUNING_REPORT_FILE,
} from "../../record/artifacts.ts";
import { parseRun, parseSummary } from "../../record/records.ts";
import { runSoak } from "../../run/run.ts";
import { Forgery } from "./forgery.ts";
import { DAMAGES, STRANGERS } from "./hostile.ts";
import { makeStoringRun } from "./legacy_run.ts";
import { HANG_MS } from "./soak_process.ts";
import { fillFolder, textsIn } from "./temp_dir.ts";

type Files = Readonly<Record<string, string>>;

/** Something that must hold for any input. */
export interface FuzzTarget {
  readonly name: string;
  /** Cases that take about a second. */
  readonly runs: number;
  /** Checks it; fails with the input that broke it. */
  check(options: fc.Parameters<unknown>): Promise<void>;
}

/** Runs a reader; fails if it throws anything but an error for its reader, or hangs. */
async function onlyRefuses<T>(
  read: () => T | Promise<T>,
  kinds: readonly string[],
): Promise<T | null> {
  const startMs = performance.now();
  try {
    const value = await read();
    const tookMs = performance.now() - startMs;
    if (tookMs > HANG_MS) throw new Error(`it took ${tookMs} ms`);
    return value;
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
    if (!kinds.includes(error.kind)) throw new Error(`kind ${error.kind}: ${error.message}`);
    if (error.message.length > 2000) throw new Error(`${error.message.length} characters`);
    return null;
  }
}

// --- input -----------------------------------------------------------------------------------

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.json(),
  fc.constantFrom(...Object.values(DAMAGES)).map((damage) => asText(damage('{"a":[1,"b",null]}'))),
);

function asText(made: string | Uint8Array): string {
  return typeof made === "string" ? made : new TextDecoder().decode(made);
}

const anyValue: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom(...STRANGERS),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("2025-01-01T00:00:00Z", "9".repeat(64), "f".repeat(64), "mock", "late", "freeze"),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value))),
);

/** How a document is changed: at a place found by these numbers, to something else. */
const anyChange = fc.record({
  way: fc.array(fc.nat(), { minLength: 1, maxLength: 7 }),
  to: fc.oneof(
    anyValue.map((value) => ({ kind: "value" as const, value })),
    fc.constant({ kind: "removed" as const }),
    fc.constantFrom(0.1, 1, -1, 1e-9, 1000).map((by) => ({ kind: "nudged" as const, by })),
    fc.nat().map((other) => ({ kind: "moved" as const, other })),
  ),
});

type Change = typeof anyChange extends fc.Arbitrary<infer T> ? T : never;

function changed(document: JsonValue, { way: [step = 0, ...way], to }: Change): JsonValue {
  const isLast = way.length === 0;
  if (Array.isArray(document) && document.length > 0) {
    const items: readonly JsonValue[] = document;
    const at = step % items.length;
    if (!isLast) return items.with(at, changed(items[at] ?? null, { way, to }));
    if (to.kind === "removed") return items.toSpliced(at, 1);
    return items.with(at, replaced(items[at] ?? null, to, items));
  }
  if (isJsonObject(document) && Object.keys(document).length > 0) {
    const keys = Object.keys(document);
    const key = keys[step % keys.length] ?? "";
    if (!isLast) return { ...document, [key]: changed(document[key] ?? null, { way, to }) };
    const { [key]: old = null, ...rest } = document;
    if (to.kind === "removed") return rest;
    return { ...document, [key]: replaced(old, to, Object.values(document)) };
  }
  return replaced(document, to, [document]);
}

function replaced(old: JsonValue, to: Change["to"], siblings: readonly JsonValue[]): JsonValue {
  if (to.kind === "value") return to.value;
  if (to.kind === "moved") return siblings[to.other % siblings.length] ?? null;
  if (to.kind === "nudged" && typeof old === "number") return old + to.by;
  return null;
}

/** How the bytes of a file are changed. */
const anyDamage = fc.oneof(
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("flipped" as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({
    kind: fc.constant("inserted" as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant("doubled" as const), at: fc.nat(), length: fc.nat(200) }),
  fc.record({ kind: fc.constant("dropped" as const), at: fc.nat(), length: fc.nat(200) }),
);

type Damage = typeof anyDamage extends fc.Arbitrary<infer T> ? T : never;

function damaged(text: string, damage: Damage): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const at = damage.at % bytes.length;
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (damage.kind) {
    case "cut":
      return head;
    case "flipped":
      return bytes.with(at, (bytes[at] ?? 0) ^ (1 << damage.bit));
    case "inserted":
      return Uint8Array.from([...head, ...damage.bytes, ...tail]);
    case "doubled":
      return Uint8Array.from([...head, ...tail.subarray(0, damage.length), ...tail]);
    case "dropped":
      return Uint8Array.from([...head, ...tail.subarray(damage.length + 1)]);
  }
}

const ITERATIONS = 12;

const anyHow = fc.oneof(
  { weight: 3, arbitrary: anyChange.map((change) => ({ kind: "changed" as const, change })) },
  { weight: 3, arbitrary: anyDamage.map((damage) => ({ kind: "damaged" as const, damage })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("gone", "replaced", "swapped").map((kind) => ({ kind })),
  },
);

/** What happens to one of these files. */
function tamperingWith(files: readonly string[]) {
  const anyFile = fc.constantFrom(...files);
  return fc.record({ file: anyFile, other: anyFile, how: anyHow });
}

const anyTampering = tamperingWith([
  RUN_FILE,
  RUNTIME_FILE,
  TUNING_REPORT_FILE,
  ...Array.from({ length: ITERATIONS }, (_, i) => summaryFile(i + 1)),
]);

type Tampering = typeof anyTampering extends fc.Arbitrary<infer T> ? T : never;

/** Does it to the files of a run; tells whether any byte is another one now. */
function inflict(dir: string, whole: Files, { file, other, how }: Tampering): boolean {
  const [text = "", otherText = ""] = [whole[file], whole[other]];
  const path = join(dir, file);
  const write = (to: string, bytes: Uint8Array | string) =>
    Deno.writeFileSync(to, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
  if ("change" in how) {
    const made = canonicalJson(changed(parseJson(text), how.change));
    write(path, made);
    return made !== text;
  }
  if ("damage" in how) {
    const made = damaged(text, how.damage);
    write(path, made);
    return made.toHex() !== new TextEncoder().encode(text).toHex();
  }
  if (how.kind === "gone") {
    Deno.removeSync(path);
    return true;
  }
  write(path, otherText);
  if (how.kind === "swapped") write(join(dir, other), text);
  return text !== otherText;
}

/** A digit of a number in the tuning of a summary, and what is added to it. */
const anyDigit = fc.record({
  iteration: fc.integer({ min: 1, max: ITERATIONS }),
  place: fc.nat(),
  difference: fc.integer({ min: 1, max: 9 }),
});

type Digit = typeof anyDigit extends fc.Arbitrary<infer T> ? T : never;

/** A run with another digit and all hashes made again; `null` if that leaves no JSON. */
async function withDigit(whole: Files, digit: Digit): Promise<Forgery | null> {
  const run = new Forgery(whole, ITERATIONS);
  const name = summaryFile(digit.iteration);
  // The rationale is free text, and the hash of the record before is made again.
  const text = run.text(name).replace(/"rationale":"[^"]*"/, '"rationale":""');
  const tuning = text.indexOf('"tuning":');
  const digits = [...text.matchAll(/\d/g)].map(({ index }) => index).filter((at) => at > tuning);
  const at = digits[digit.place % digits.length] ?? 0;
  run.files[name] = text.slice(0, at) + (Number(text[at]) + digit.difference) % 10 +
    text.slice(at + 1);
  try {
    await run.resign();
    return run;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function restore(dir: string, whole: Files): void {
  for (const { name } of Deno.readDirSync(dir)) {
    if (whole[name] === undefined) Deno.removeSync(join(dir, name), { recursive: true });
  }
  for (const [name, text] of Object.entries(whole)) Deno.writeTextFileSync(join(dir, name), text);
}

const COMMAND_WORDS = fc.constantFrom(
  ..."run verify gate replay apply params profile hash help list get validate init show check"
    .split(" "),
  ..."--mock --auto-tune --iterations --seed --out --path --resume --strict --json --threshold"
    .split(" "),
  ..."--runtime --explain --mock-fault --prometheus --quiet --help --version --profile -h --"
    .split(" "),
  ..."1 24 1e3 -1 0 NaN 0x10 1e999 99999999999999999999 late:0.5 late: tail_age_ms=630".split(" "),
  ..."=1 a= __proto__=1 constructor toString --__proto__ --constructor=1 --=x - ".split(" "),
);

// --- targets ---------------------------------------------------------------------------------

function target<T>(
  name: string,
  runs: number,
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<unknown>,
): FuzzTarget {
  const property = fc.asyncProperty(arbitrary, async (value) => void await check(value));
  return { name, runs, check: (options) => Promise.resolve(fc.assert(property, options as never)) };
}

/** Everything that reads what comes from outside. */
export async function fuzzTargets(folder: string): Promise<readonly FuzzTarget[]> {
  const dir = join(folder, "run");
  await runSoak({ dir, iterations: ITERATIONS, autoTune: true });
  const whole = textsIn(dir);
  const run = parseJson(whole[RUN_FILE] ?? "");
  const summary = parseJson(whole[summaryFile(3)] ?? "");
  const profile = profileToJson(marketMaker);
  const older = await makeStoringRun();
  const changes = fc.array(anyChange, { minLength: 1, maxLength: 3 });
  const apply = (document: JsonValue, all: readonly Change[]) => all.reduce(changed, document);

  return [
    target("JSON text", 8000, anyText, async (text) => {
      const value = await onlyRefuses(() => parseJson(text), ["artifact"]);
      if (value === null) return;
      const canonical = canonicalJson(value);
      if (canonicalJson(parseJson(canonical)) !== canonical) throw new Error("it reads as another");
    }),
    target(
      "the command line",
      3000,
      fc.array(fc.oneof(COMMAND_WORDS, anyText), { maxLength: 8 }),
      (args) => onlyRefuses(() => parseOptions(args), ["usage"]),
    ),
    target(
      "SOAK_RUN.json",
      800,
      changes,
      (all) => onlyRefuses(() => parseRun(apply(run, all), RUN_FILE), ["artifact", "usage"]),
    ),
    target(
      "a summary",
      2000,
      changes,
      (all) => onlyRefuses(() => parseSummary(apply(summary, all), summaryFile(3)), ["artifact"]),
    ),
    target(
      "a profile",
      800,
      changes,
      (all) =>
        onlyRefuses(() => parseProfile(apply(profile, all), "profile"), ["artifact", "usage"]),
    ),
    target("the files of a run", 200, anyTampering, async (tampering) => {
      try {
        inflict(dir, whole, tampering);
        await onlyRefuses(() => readRun(dir), ["artifact", "usage"]);
        await onlyRefuses(() => readStep(dir), ["artifact"]);
        for (let i = 1; i <= ITERATIONS; i++) {
          await onlyRefuses(() => readSummary(dir, i), ["artifact"]);
        }
      } finally {
        restore(dir, whole);
      }
    }),
    target("verification, which passes no changed run", 200, anyTampering, async (tampering) => {
      try {
        if (!inflict(dir, whole, tampering)) return;
        const result = await onlyRefuses(() => verifyRun(dir, { strict: true }), ["artifact"]);
        if (result?.verdict === "PASS") throw new Error("PASS");
      } finally {
        restore(dir, whole);
      }
    }),
    target("verification of an older run", 400, tamperingWith(Object.keys(older)), async (one) => {
      const olderDir = join(folder, "older");
      fillFolder(olderDir, older);
      inflict(olderDir, older, one);
      const result = await onlyRefuses(() => verifyRun(olderDir), []);
      if (result?.verdict === "PASS" || result?.counts.full !== 0) throw new Error("it passes");
    }),
    target("digits in the tuning of a summary, re-signed", 120, anyDigit, async (digit) => {
      const forged = await withDigit(whole, digit);
      if (forged === null) return;
      try {
        for (const [name, text] of Object.entries(forged.files)) {
          Deno.writeTextFileSync(join(dir, name), text);
        }
        if ((await verifyRun(dir, { strict: true })).verdict === "PASS") throw new Error("PASS");
      } finally {
        restore(dir, whole);
      }
    }),
    target(
      "resuming",
      80,
      fc.record({ tampering: anyTampering, kept: fc.nat(ITERATIONS), asStep: fc.boolean() }),
      async ({ tampering, kept, asStep }) => {
        try {
          inflict(dir, whole, tampering);
          const next = join(dir, summaryFile(kept + 1));
          await (asStep ? Deno.rename(next, join(dir, STEP_FILE)) : Deno.remove(next)).catch(
            () => {},
          );
          for (let i = kept + 2; i <= ITERATIONS; i++) {
            await Deno.remove(join(dir, summaryFile(i))).catch(() => {});
          }
          await onlyRefuses(() => resumed(dir), [
            "artifact",
            "usage",
            "system",
          ]);
        } finally {
          restore(dir, whole);
        }
      },
    ),
  ];
}

/** Goes on with a run, not to the end of one whose number of iterations was changed to a thousand million. */
async function resumed(dir: string): Promise<unknown> {
  const stop = new AbortController();
  return await runSoak({
    dir,
    resume: true,
    signal: stop.signal,
    onIteration: ({ iteration }) => iteration > 2 * ITERATIONS && stop.abort(),
  });
}
