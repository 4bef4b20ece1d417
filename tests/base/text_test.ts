import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { didYouMean, nearestSpelling, printable, ratioText, shellWord } from "../../base/text.ts";
import { posix } from "../kit/posix.ts";
import { text } from "../kit/random_json.ts";
import { assertOneLine } from "../kit/texts.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

Deno.test("printable() escapes what could move the cursor, hide or reorder text, or break the line", () => {
  const cases: [string, string][] = [
    ["\x1b[31mred\n", "\\u001b[31mred\\u000a"],
    ["a\0\t\r\x7f\x9b", "a\\u0000\\u0009\\u000d\\u007f\\u009b"],
    ["\u202egnp.exe", "\\u202egnp.exe"],
    ["zero\u200bwidth\ufeff\u00ad", "zero\\u200bwidth\\ufeff\\u00ad"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\ud800 and \udfff", "\\ud800 and \\udfff"],
    ["tag \u{e0041}", "tag \\u{e0041}"],
  ];
  for (const [unsafe, expected] of cases) assertEquals(printable(unsafe), expected);
  fc.assert(fc.property(text, (any) => assertOneLine(printable(any))));
});

Deno.test("printable() leaves all else readable as it is", () => {
  for (const readable of ["", "run/a b.json", "é 漢字 \u{1f600} e\u0301", "\\u001b", "'\"`$"]) {
    assertEquals(printable(readable), readable);
  }
});

Deno.test("printable() cuts long text off before it escapes it, and shows that", () => {
  assertEquals(printable("abcdef", 3), "abc…");
  assertEquals(printable("abc", 3), "abc");
  assertEquals(printable("\n\n\n", 2), "\\u000a\\u000a…");
  assertEquals(printable("a\u{1f600}", 2), "a\\ud83d…");
});

Deno.test("shellWord() leaves a plain path alone and quotes any other", () => {
  const cases: [string, string][] = [
    ["artifacts/soak/latest", "artifacts/soak/latest"],
    ["../a_b-c.d,e:f@g%h+i=j", "../a_b-c.d,e:f@g%h+i=j"],
    ["", "''"],
    ["my run", "'my run'"],
    ["it's", "'it'\\''s'"],
    ["$(reboot)", "'$(reboot)'"],
    ["~", "'~'"],
    ["é", "'é'"],
    ["a\nb", "'a\\u000ab'"],
  ];
  for (const [path, word] of cases) assertEquals(shellWord(path), word);
});

Deno.test("shellWord() is one word to a shell, and that word is the path", {
  ignore: !posix,
}, async () => {
  const path = fc.string({
    unit: fc.constantFrom(..." !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~aZ0é\u{1f600}"),
    maxLength: 8,
  });
  const paths = fc.sample(path, 500);
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `printf '%s\\n' ${paths.map(shellWord).join(" ")}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), paths.map((path) => `${path}\n`).join(""));
});

const KNOWN = ["tail_age_ms", "max_age_ms", "tick_size"];

Deno.test("nearestSpelling() finds the only word that contains the misspelt one", () => {
  assertEquals(nearestSpelling("tail_age", KNOWN), "tail_age_ms");
  assertEquals(nearestSpelling("size", KNOWN), "tick_size");
  assertEquals(nearestSpelling("SIZE", KNOWN), "tick_size");
  assertEquals(nearestSpelling("age_ms", KNOWN), undefined); // two contain it, and none is near
  assertEquals(nearestSpelling("ze", KNOWN), undefined); // too short to say anything
});

Deno.test("nearestSpelling() prefers the only word that begins with the misspelt one", () => {
  const kpis = ["p95_latency_ms", "adverse_bps_p95", "slippage_bps_p95"];
  assertEquals(nearestSpelling("p95", kpis), "p95_latency_ms");
  assertEquals(nearestSpelling("bps", kpis), undefined); // two contain it, none begins with it
});

Deno.test("nearestSpelling() finds the nearest word that is not too far off", () => {
  assertEquals(nearestSpelling("tcik_size", KNOWN), "tick_size");
  assertEquals(nearestSpelling("tax_age_ms", KNOWN), "max_age_ms");
  assertEquals(nearestSpelling("spread", KNOWN), undefined);
  assertEquals(nearestSpelling("run", ["ran", "replay"]), "ran");
  assertEquals(nearestSpelling("rum", ["run", "replay"]), "run");
  assertEquals(nearestSpelling("rxm", ["run", "replay"]), undefined); // one letter in short words
  assertEquals(nearestSpelling("gxte", ["gate"]), "gate"); // two in longer ones
  assertEquals(nearestSpelling("rnu", ["ran", "run"]), "run"); // neighbours swapped are one slip
  assertEquals(nearestSpelling("gaet", ["gale", "gate"]), "gate");
  assertEquals(nearestSpelling("gext", ["gate"]), undefined);
  assertEquals(nearestSpelling("abcdefghiXYZ", ["abcdefghi123"]), "abcdefghi123"); // a quarter
  assertEquals(nearestSpelling("abcdefghWXYZ", ["abcdefgh1234"]), undefined);
  assertEquals(nearestSpelling("tick_size", []), undefined);
});

Deno.test("nearestSpelling() finds every valid word itself, and nothing but valid words", () => {
  const word = fc.string({ unit: fc.constantFrom(..."abc_"), maxLength: 12 });
  fc.assert(fc.property(fc.uniqueArray(word), word, (known, other) => {
    for (const valid of known) assertEquals(nearestSpelling(valid, known), valid);
    const found = nearestSpelling(other, known);
    assert(found === undefined || known.includes(found));
  }));
});

Deno.test("nearestSpelling() takes a word of any length", () => {
  assertEquals(nearestSpelling("x".repeat(1e6), KNOWN), undefined);
});

Deno.test("didYouMean() is a remedy when a valid word is near, and none otherwise", () => {
  assertEquals(didYouMean("tcik_size", KNOWN), { remedy: "did you mean tick_size?" });
  assertEquals(Object.keys(didYouMean("spread", KNOWN)), []);
});

Deno.test("ratioText() has six digits at most and is never rounded up", () => {
  assertEquals([0, 0.95, 1].map(ratioText), ["0", "0.95", "1"]);
  assertEquals(ratioText(2 / 3), "0.666666");
  assertEquals(ratioText(0.9499999999), "0.949999");
  assertEquals(ratioText(0.999_999_9), "0.999999");
  assertEquals(ratioText(1e-7), "0");
});

Deno.test("ratioText() writes a ratio of six digits in full", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e6 }), (millionths) => {
    assertEquals(Number(ratioText(millionths / 1e6)), millionths / 1e6);
  }));
});

Deno.test("ratioText() of counts that are short of a threshold is below it", () => {
  const counts = fc.integer({ min: 1, max: 1e5 })
    .chain((total) => fc.tuple(fc.integer({ min: 0, max: total }), fc.constant(total)));
  fc.assert(fc.property(counts, ([full, total]) => {
    // The least number of six digits that the ratio does not exceed, in whole numbers.
    const above = Math.floor(full * 1e6 / total) + 1;
    const shown = Math.round(Number(ratioText(full / total)) * 1e6);
    assertEquals(shown, above - 1, `${full} of ${total}`);
  }));
});
