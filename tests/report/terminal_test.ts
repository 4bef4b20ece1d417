import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { page, sanitize, style, table, useColor, wrapLine } from "../../report/terminal.ts";

const SEED = 20250101;
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
// deno-lint-ignore no-control-regex
const SGR = /\x1b\[\d+m/g;

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.array(
    fc.constantFrom("\x1b", "[", "31m", "2J", "0m", ";", "m", "\n", "\r", "\u202e", "x", "\x9b"),
  )
    .map((parts) => parts.join("")),
);

Deno.test("sanitize() escapes whatever could move, hide or reorder text", () => {
  const cases = [
    ["\x1b[2J", "\\u001b[2J"],
    ["a\rb\bc\x07", "a\\u000db\\u0008c\\u0007"],
    ["\x7f\x9b31m", "\\u007f\\u009b31m"],
    ["\u202egpj\u2066", "\\u202egpj\\u2066"],
    ["a\u2028b\u2029", "a\\u2028b\\u2029"],
    ["\ud800x\udc00", "\\ud800x\\udc00"],
    ["\u200b\ufeff\u{e0041}", "\\u200b\\ufeff\\u{e0041}"],
    ["\x1b]0;title\x07", "\\u001b]0;title\\u0007"],
    ["a\nforged\tline", "a\\u000aforged\\u0009line"],
    ["\u3164\u115f\u034f\ufe0f", "\\u3164\\u115f\\u034f\\ufe0f"],
  ];
  for (const [text = "", safe = ""] of cases) {
    assertEquals(sanitize(text, true), safe);
    assertEquals(sanitize(text, false), safe);
  }
});

Deno.test("sanitize() lets ordinary text through", () => {
  const text = "naïve 😀 ≥ 日本  ✓ done";
  assertEquals(sanitize(text, true), text);
  assertEquals(sanitize(text, false), text);
});

Deno.test("sanitize() lets exactly the codes of style() through, and only with colour", () => {
  for (const name of ["bold", "dim", "red", "green", "yellow"] as const) {
    const styled = style(true)[name]("text");
    assertEquals(sanitize(styled, true), styled);
    assert(!UNSAFE.test(sanitize(styled, false)));
  }
  assertEquals(sanitize("\x1b[5m\x1b[31;1m\x1b[8m", true), "\\u001b[5m\\u001b[31;1m\\u001b[8m");
});

Deno.test("sanitize() leaves nothing unsafe in any text, and what is safe as it is", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const plain = sanitize(text, false);
      assert(!UNSAFE.test(plain), JSON.stringify(plain));
      assertEquals(sanitize(plain, false), plain);
      const colored = sanitize(text, true);
      assert(!UNSAFE.test(colored.replaceAll(SGR, "")));
      assertEquals(sanitize(colored, true), colored);
    }),
    { seed: SEED, numRuns: 2000 },
  );
});

Deno.test("page() has the lines that it is made of, and no text adds one", () => {
  const { red } = style(true);
  assertEquals(page([]), "");
  assertEquals(page(["a\nforged", red("b"), ""]), `a\\u000aforged\n${red("b")}\n`);
  const safe = table([["a\nforged  b", "c"], ["d", "e"]]);
  assertEquals(safe, ["a\\u000aforged  b  c", "d                 e"]);
});

Deno.test("style() nests, and does nothing without colour", () => {
  const on = style(true);
  assertEquals(on.bold(on.red("x") + "y"), "\x1b[1m\x1b[31mx\x1b[39my\x1b[22m");
  const off = style(false);
  assertEquals(off.bold(off.yellow("x")), "x");
});

Deno.test("useColor() wants a terminal and no NO_COLOR; an empty one does not count", () => {
  assertEquals(useColor({ isTerminal: true, noColor: undefined }), true);
  assertEquals(useColor({ isTerminal: true, noColor: "" }), true);
  assertEquals(useColor({ isTerminal: true, noColor: "0" }), false);
  assertEquals(useColor({ isTerminal: false, noColor: undefined }), false);
});

/** What is left of a text once its lines are put together again. */
function words(text: string): string {
  return text.replaceAll(/ +/g, " ").trim();
}

Deno.test("wrapLine() breaks at spaces only, loses no word, and keeps what fits", () => {
  const unit = fc.constantFrom(..."abc→ ");
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 120 }),
      fc.integer({ min: 1, max: 80 }),
      (line, columns) => {
        const lines = wrapLine(line, columns);
        assertEquals(words(lines.join(" ")), words(line));
        if ([...line].length <= columns) assertEquals(lines, [line]);
        for (const part of lines) {
          assert([...part].length <= columns || !part.trim().includes(" "), JSON.stringify(part));
        }
      },
    ),
    { seed: SEED },
  );
});

Deno.test("wrapLine() goes on further in, counts no colour, and leaves pipes alone", () => {
  assertEquals(wrapLine("  ab cd  ef gh", 9), ["  ab cd", "    ef gh"]);
  const { red } = style(true);
  assertEquals(wrapLine(`${red("abc")} de`, 6), [`${red("abc")} de`]);
  assertEquals(wrapLine("a ".repeat(500), Infinity), ["a ".repeat(500)]);
});

Deno.test("wrapLine() keeps a command in one piece where it fits a line", () => {
  const line = "soak: interrupted; go on with: soak run --resume --out run";
  assertEquals(wrapLine(line, 40), [
    "soak: interrupted; go on with:",
    "  soak run --resume --out run",
  ]);
  assertEquals(wrapLine(line, 24).map((part) => part.trim()).join(" "), line);
  // What an error begins with is the name of a command, none to copy.
  const error = "soak: soak run has no such flag (--moc); did you mean --mock?";
  assertEquals(wrapLine(error, 60), [
    "soak: soak run has no such flag (--moc); did you mean",
    "  --mock?",
  ]);
});

Deno.test("table() aligns columns by code points and ignores styles", () => {
  const { red } = style(true);
  assertEquals(
    table([["key", "n", "note"], ["😀", red("12"), ""], ["long one", "3"]], {
      align: ["left", "right"],
    }),
    ["key        n  note", `😀         ${red("12")}`, "long one   3"],
  );
  assertEquals(table([]), []);
});

Deno.test("table() keeps every cell and gives a column one start", () => {
  const cell = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(..."abc≥") });
  const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(rows, (rows) => {
      const lines = table(rows);
      assertEquals(lines.map((line) => line.split(/ +/)), rows);
      assertEquals(new Set(lines.map((line) => / {2,}/.exec(line) !== null)).size, 1);
      const starts = lines.map((line, i) => line.lastIndexOf(rows[i]?.[2] ?? "?"));
      assertEquals(new Set(starts).size, 1);
    }),
    { seed: SEED },
  );
});
