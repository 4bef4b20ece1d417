import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { splitWords } from "../../base/words.ts";
import { posix } from "../kit/posix.ts";

fc.configureGlobal({ seed: 20250101, numRuns: 500 });

/** The words of text that has no mistake, `null` where there is one. */
function words(text: string): readonly string[] | null {
  const split = splitWords(text);
  return "words" in split ? split.words : null;
}

Deno.test("splitWords() splits at blanks and respects quotes and backslashes", () => {
  const cases: [string, string[]][] = [
    ["./measure.sh", ["./measure.sh"]],
    ["  a\t b \n", ["a", "b"]],
    ["redis-cli -p 6379 ping", ["redis-cli", "-p", "6379", "ping"]],
    [`a 'b c' "d e" f\\ g`, ["a", "b c", "d e", "f g"]],
    [`a '' ""`, ["a", "", ""]],
    [`x'y'"z"`, ["xyz"]],
    [`sh -c 'ping | grep "$X" > out'`, ["sh", "-c", `ping | grep "$X" > out`]],
    [`"a\\"b\\\\c\\d"`, [`a"b\\c\\d`]],
    ["a\\  ", ["a "]],
    ["\u00a0a", ["\u00a0a"]],
    [`'a\\b'`, ["a\\b"]],
    ["curl http://h/?a=b*c[d]", ["curl", "http://h/?a=b*c[d]"]],
    ["a \\\n b\\\nc", ["a", "bc"]],
    ["price 5$ $", ["price", "5$", "$"]],
    ["\\$HOME \\| \\#", ["$HOME", "|", "#"]],
    ["env A=b c#d e~", ["env", "A=b", "c#d", "e~"]],
  ];
  for (const [text, expected] of cases) assertEquals(words(text), expected, text);
});

Deno.test("splitWords() refuses what takes a shell, names it, and says what to write", () => {
  const cases: [string, string, string][] = [
    ["a | b", "|", "sh -c"],
    ["a && b", "&&", "sh -c"],
    ["a; b", ";", "sh -c"],
    ["a > out", ">", "sh -c"],
    ["a 2>> out", ">>", "sh -c"],
    ["cli -p $PORT", "$PORT", "sh -c"],
    [`cli "${"$"}{PORT}"`, "${PORT}", "sh -c"],
    ["a $(date)", "$(", "sh -c"],
    ["a `date`", "`", "sh -c"],
    ["~/m.sh", "~", "sh -c"],
    ["a # b", "#", "sh -c"],
    ["a\nb", "a second line", "sh -c"],
    ["a $'b'", "$'", "sh -c"],
    ["PORT=1 ./m", "PORT=", "env PORT="],
    ["a 'b", "'", "complete it"],
    ['a "b', '"', "complete it"],
    ["a \\", "\\", "complete it"],
    [" \t", "no command", "name a program"],
    ["'' a", "no command", "name a program"],
  ];
  for (const [text, names, says] of cases) {
    const split = splitWords(text);
    assert("mistake" in split, text);
    assert(split.mistake.includes(names) && split.remedy.includes(says), JSON.stringify(split));
  }
});

Deno.test("splitWords() splits as sh does", { ignore: !posix }, async () => {
  const part = fc.constantFrom(
    ...[
      "a",
      "b1",
      "-x",
      "=",
      "é",
      "漢",
      "\u{1f600}",
      " ",
      "  ",
      "\t",
      "'",
      '"',
      "\\",
      "$",
      "$a",
      "|",
    ],
    ...["#", "~", "%", "+", "/", ":", ",", "'q r'", '"s t"', "\\ ", '\\"', "\\'", "\\\\", "{", "}"],
    ..."!^@".split(""),
  );
  const texts = fc.sample(fc.array(part, { maxLength: 10 }), 4000).map((parts) => parts.join(""));
  const known = texts.flatMap((text) => {
    const split = words(text);
    return split === null ? [] : [{ text, split }];
  });
  assert(known.length > 500);
  // A file in the way of a pattern would show; there are no patterns among the parts.
  const script = known.map(({ text }) => `set -- ${text}\nprintf '%s\\0' "$#" "$@"`).join("\n");
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  const printed = new TextDecoder().decode(stdout).split("\0");
  let at = 0;
  for (const { text, split } of known) {
    const count = Number(printed[at++]);
    assertEquals(printed.slice(at, at + count), split, text);
    at += count;
  }
});
