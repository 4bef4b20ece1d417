import { assert, assertEquals, assertMatch } from "@std/assert";
import * as fc from "fast-check";
import { printable } from "../../base/text.ts";
import { markdown } from "../../report/markdown.ts";
import { liveMarkdown } from "../kit/markdown.ts";

Deno.test("markdown() leaves ordinary words as they look", () => {
  for (
    const text of [
      "tail_age_ms = 630, min_interval_ms = 60",
      "risk_ratio 0.47 ≥ 0.40: tail_age_ms → 630",
      "the system ran with tail_age_ms 600, not -3 (or 1e-05)",
      'ITER_SUMMARY_2.json: there is no such key as "size"; 95% of 3.',
      "naïve 日本 full-apply can't",
    ]
  ) assertEquals(markdown(text), text);
});

Deno.test("markdown() puts into code what could be more than a word", () => {
  const cases = [
    ["ask @octocat about it", "ask `@octocat` about it"],
    [":smile: and $x$", "`:smile:` and `$x$`"],
    ["see http://e.vil/a or www.e.vil", "see `http://e.vil/a` or `www.e.vil`"],
    ["see WWW.e.vil", "see `WWW.e.vil`"],
    ["mail me@e.vil", "mail `me@e.vil`"],
    ["[x](//e) [^1] [ ]", "`[x](//e) [^1] [ ]`"],
    ["#123 GH-123 octo/cat#5", "`#123 GH-123 octo/cat#5`"],
    ["<b>&amp;</b> *b* _e_ ~~s~~", "`<b>&amp;</b> *b* _e_ ~~s~~`"],
    ["a | b `c` \\", "a `\\u007c` b `\\u0060c\\u0060 \\`"],
    ["a\nb\u202e", "`a\\u000ab\\u202e`"],
    ["summary.kpi_reasons[0] at 2025-01-01", "`summary.kpi_reasons[0]` at `2025-01-01`"],
    ["at a[0], b.c(): _, not `; -,", "at `a[0], b.c(): _`, not `\\u0060; -`,"],
    ["  ", ""],
  ];
  for (const [text = "", shown = ""] of cases) assertEquals(markdown(text), shown);
});

Deno.test("markdown() cuts off what is too long", () => {
  assertEquals(markdown("x".repeat(500)), `${"x".repeat(400)}…`);
  assertEquals(markdown("ab `cd", 4), "ab `\\u0060…`");
});

const HOSTILE_PARTS = [
  ..."`|\\*_~$:@#[]()!<>&^-+=./'\"%{} \n\u202e\u200baZ9é",
  ..."`` \\| :a: $` `$ www. http:// a@b.c [x](y) [^1] GH-1 &#64; <!-- --> </td> {{ }}".split(" "),
];

Deno.test("markdown() leaves nothing live outside code, whatever the text, and loses no word", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom(...HOSTILE_PARTS), { maxLength: 12 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (text) => {
      const shown = markdown(text, Infinity);
      assertEquals(liveMarkdown(shown), [], JSON.stringify([text, shown]));
      // Code spans open and close with one backtick, at the ends of words.
      assertMatch(` ${shown} `, /^(?:[^`]* `[^`]+`(?=[,;]? ))*[^`]*$/u);
      assert(!shown.includes("|"));
      const words = printable(text).replaceAll("`", "\\u0060").replaceAll("|", "\\u007c")
        .split(" ").filter((word) => word !== "");
      assertEquals(shown.replaceAll("`", "").split(" ").filter((word) => word !== ""), words);
    }),
    { seed: 20250101, numRuns: 3000 },
  );
});
