import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  page,
  Progress,
  type ProgressOptions,
  sanitize,
  style,
  table,
  useColor,
} from "../../report/terminal.ts";

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

/** Everything that is written in a run whose iterations take a fixed time. */
function written(options: Partial<ProgressOptions> & { total: number }, msEach = 1000): string[] {
  const progress = new Progress({ isTerminal: true, color: false, startMs: 0, ...options });
  const { total, done = 0 } = options;
  const texts: string[] = [];
  for (let i = done + 1; i <= total; i++) {
    const verdict = i % 3 === 0 ? "PASS" : "FAIL";
    texts.push(progress.update({ iteration: i, verdict, applied: i >> 1 }, (i - done) * msEach));
  }
  texts.push(progress.finish());
  return texts.filter((text) => text !== "");
}

/** What a progress line shows, without the codes that draw it. */
function visible(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\r|\x1b\[K|\x1b\[\d+m/g, "");
}

Deno.test("Progress draws bar, count, verdict, changes, elapsed time and time to go", () => {
  const progress = new Progress({ total: 24, isTerminal: true, color: false, startMs: 500 });
  const text = progress.update({ iteration: 12, verdict: "PASS", applied: 5 }, 90_500);
  assertEquals(
    text,
    "\r[===============               ]  12/24  PASS   5 applied   1m30s  ETA  1m30s\x1b[K",
  );
});

Deno.test("Progress counts only iterations of this process for the time to go", () => {
  const options = { total: 24, done: 20, isTerminal: true, color: false, startMs: 0 };
  const text = new Progress(options).update(
    { iteration: 22, verdict: "PASS", applied: 5 },
    7_200_000,
  );
  assert(visible(text).endsWith("2h00m  ETA  2h00m"), text);
});

Deno.test("Progress fits any terminal without touching its last column", () => {
  for (let columns = 1; columns <= 200; columns++) {
    for (const color of [false, true]) {
      for (const text of written({ total: 120, columns, color }, 1e6)) {
        assert(visible(text).length < columns, `${columns}: ${visible(text)}`);
      }
    }
  }
});

Deno.test("Progress keeps every part in its place, at any width and however long it takes", () => {
  for (const columns of [20, 40, 60, 72, 80]) {
    for (const msEach of [1e3, 1e5, 1e6]) {
      const lines = written({ total: 120, columns }, msEach).map(visible);
      lines.pop();
      const shapes = lines.map((line) =>
        line.replace(/\[[= ]+\]/, (bar) => "b".repeat(bar.length)).replaceAll(
          / *\d+/g,
          (number) => "0".repeat(number.length),
        ).replaceAll(/PASS|FAIL/g, "verdict").slice(0, line.indexOf("applied"))
      );
      assertEquals(new Set(shapes).size, 1, `${columns}, ${msEach}: ${shapes[0]}`);
      assertEquals(new Set(lines.map((line) => line.length)).size, 1, `${columns}, ${msEach}`);
    }
  }
});

Deno.test("Progress takes a terminal without a width for one of 80 columns", () => {
  assertEquals(written({ total: 3, columns: 0 }), written({ total: 3, columns: 80 }));
});

Deno.test("Progress redraws at most ten times a second, and the last iteration always", () => {
  const texts = written({ total: 10_000 }, 1);
  assert(texts.length <= 102, `${texts.length}`);
  assert(texts.at(-2)?.includes("10000/10000"));
});

Deno.test("Progress clears its line at the end, if there is one", () => {
  assertEquals(written({ total: 3 }).at(-1), "\r\x1b[K");
  assertEquals(written({ total: 0 }), []);
  assertEquals(
    written({ total: 3, isTerminal: false }).filter((text) => text.includes("\x1b")),
    [],
  );
});

Deno.test("Progress writes at most 25 plain lines where there is no terminal", () => {
  const sizes = fc.record({ done: fc.nat(3000), more: fc.integer({ min: 1, max: 3000 }) });
  fc.assert(
    fc.property(sizes, ({ done, more }) => {
      const total = done + more;
      const lines = written({ total, done, isTerminal: false });
      assert(lines.length <= 25, `${lines.length}`);
      assert(lines[0]?.startsWith(`iteration ${done + 1}/${total}:`));
      assert(lines.at(-1)?.startsWith(`iteration ${total}/${total}:`));
      for (const line of lines) assert(/^[^\n]*\n$/.test(line));
    }),
    { seed: SEED },
  );
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
