/**
 * A command in one text taken apart into words, as a shell does it, without anything else that a
 * shell does.
 *
 * @module
 */

/** The words of a command, or what is wrong with its text. */
export type Words =
  | { readonly words: readonly string[] }
  | { readonly mistake: string; readonly remedy: string };

/** What a shell acts on where nothing quotes it. */
const OPERATOR = /^(?:\|\|?|&&?|;|<+|>+|\(|\)|`|\n)/;

/** What a shell expands from here on; a `$` before anything else is only a `$`. */
const EXPANSION = /^(?:\$\{?[A-Za-z_]\w*\}?|\$[\d{(@*#?$!-]|`)/;

/** An assignment that a shell takes for one where a command begins. */
const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/** What a backslash quotes within double quotes. */
const ESCAPED = '$`"\\';

/**
 * Splits text into words at blanks. Quotes and backslashes mean what they mean to a POSIX shell; a
 * pipe, a variable and whatever else takes a shell is a mistake, not a word. Patterns such as `*`
 * stay as they are.
 */
export function splitWords(text: string): Words {
  // Blanks around it mean nothing, nor does the end of a line that it was read from.
  const source = text.replace(/^[ \t\r\n]+|\r?\n[ \t\r\n]*$/g, "");
  const words: string[] = [];
  for (let at = 0; at < source.length;) {
    if (source[at] === " " || source[at] === "\t") at++;
    else if (source.startsWith("\\\n", at)) at += 2;
    else {
      const read = readWord(source, at);
      if ("mistake" in read) return read;
      words.push(read.word);
      at = read.end;
    }
  }
  if ((words[0] ?? "") === "") return { mistake: "there is no command", remedy: "name a program" };
  const [assignment] = ASSIGNMENT.exec(source) ?? [];
  return assignment === undefined ? { words } : {
    mistake: `no program is called ${assignment}…`,
    remedy: `write env ${assignment}… PROGRAM`,
  };
}

type ReadWord =
  | { readonly word: string; readonly end: number }
  | { readonly mistake: string; readonly remedy: string };

/** Reads the word that begins at a place that is no blank. */
function readWord(source: string, start: number): ReadWord {
  if (/[#~]/.test(source[start] ?? "")) return needsShell(source[start] ?? "");
  let word = "";
  let quote = "";
  let at = start;
  for (; at < source.length; at++) {
    const character = source[at] ?? "";
    const next = source[at + 1] ?? "";
    if (quote === "'") {
      if (character === quote) quote = "";
      else word += character;
      continue;
    }
    const rest = source.slice(at, at + 100);
    const [special] = EXPANSION.exec(rest) ?? (quote === "" ? OPERATOR.exec(rest) ?? [] : []);
    if (special !== undefined) return needsShell(special);
    if (character === "\\") {
      at++;
      if (next === "") return unfinished("backslash", "\\");
      const kept = quote !== "" && !ESCAPED.includes(next) && next !== "\n" ? character : "";
      word += next === "\n" ? "" : kept + next;
    } else if (character === quote) quote = "";
    else if (quote === "" && (character === "'" || character === '"')) quote = character;
    else if (quote === "" && (character === " " || character === "\t")) break;
    else if (quote === "" && character === "$" && /['"]/.test(next)) return needsShell(`$${next}`);
    else word += character;
  }
  return quote === "" ? { word, end: at } : unfinished("quote", quote);
}

function needsShell(special: string): ReadWord {
  const named = special === "\n" ? "a second line" : special;
  return { mistake: `no shell is there for ${named}`, remedy: "quote it, or use sh -c '…'" };
}

function unfinished(what: string, sign: string): ReadWord {
  return { mistake: `a ${what} without its other half: ${sign}`, remedy: "complete it" };
}
