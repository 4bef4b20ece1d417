import type { JsonObject, JsonValue } from "../../base/json_value.ts";

/** What may happen to the text of a JSON file, by name; each makes other bytes of it. */
export const DAMAGES: Readonly<Record<string, (text: string) => string | Uint8Array>> = {
  "emptied": () => "",
  "white space only": () => " \n",
  "cut after the first byte": (text) => text.slice(0, 1),
  "cut in the middle": (text) => text.slice(0, text.length / 2),
  "cut before the last byte": (text) => text.slice(0, -1),
  "with a line feed at the end": (text) => `${text}\n`,
  "doubled": (text) => text + text,
  "null": () => "null",
  "a number": () => "7",
  "a string": () => '"text"',
  "an array": (text) => `[${text}]`,
  "an empty object": () => "{}",
  "nested 100 000 deep": () => "[".repeat(100_000),
  "nested 100 000 deep, and closed": () => `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
  "with nesting of 100 000 in a field": (text) =>
    text.replace("{", `{"!":${"[".repeat(100_000)}${"]".repeat(100_000)},`),
  "with a byte order mark": (text) => `\ufeff${text}`,
  "in UTF-16": (text) => new Uint8Array(Uint16Array.from(text, (c) => c.charCodeAt(0)).buffer),
  "with CRLF": (text) => JSON.stringify(JSON.parse(text), null, 2).replaceAll("\n", "\r\n"),
  "with a NUL": (text) => text.replace(",", "\0,"),
  "with a NUL in a key": (text) => text.replace('"', '"\0'),
  "with invalid UTF-8": (text) => withBytes(text, [0xff, 0xfe, 0xc0, 0x80]),
  "with a surrogate in UTF-8": (text) => withBytes(text, [0xed, 0xa0, 0x80]),
  "with a lone surrogate": (text) => text.replace("{", '{"\\ud800":"\\udc00",'),
  "with a doubled key": (text) => text.replace(/\{("[^"]+":)/, "{$10,$1"),
  "with __proto__": (text) => text.replace("{", '{"__proto__":{"applied":true},'),
  "with constructor": (text) => text.replace("{", '{"constructor":{"prototype":{}},'),
  "with toString": (text) => text.replace("{", '{"toString":1,'),
  "with 1e999": (text) => text.replace(/:-?\d[^,}\]]*/, ":1e999"),
  "with -1e999": (text) => text.replace(/:-?\d[^,}\]]*/, ":-1e999"),
  "with NaN": (text) => text.replace(/:-?\d[^,}\]]*/, ":NaN"),
  "with Infinity": (text) => text.replace(/:-?\d[^,}\]]*/, ":Infinity"),
  "with 2^53 + 1": (text) => text.replace(/:-?\d[^,}\]]*/, ":9007199254740993"),
  "with -0": (text) => text.replace(/:-?\d[^,}\]]*/, ":-0"),
  "with a number of 10 000 digits": (text) =>
    text.replace(/:-?\d[^,}\]]*/, `:${"1".repeat(10_000)}`),
  "with a comment": (text) => text.replace("{", "{/* */"),
  "with a comma too many": (text) => text.replace(/\}$/, ",}"),
  "with a key of 1 MB": (text) => text.replace("{", `{"${"k".repeat(1e6)}":1,`),
};

function withBytes(text: string, bytes: readonly number[]): Uint8Array {
  const whole = new TextEncoder().encode(text);
  const at = whole.indexOf(0x22) + 1;
  return Uint8Array.from([...whole.subarray(0, at), ...bytes, ...whole.subarray(at)]);
}

/** Values that may stand where another type or range is expected. */
export const STRANGERS: readonly JsonValue[] = [
  null,
  true,
  false,
  -1,
  0,
  0.5,
  1e308,
  -1e308,
  9007199254740991,
  "",
  "\u001b[31m<b>x</b>",
  "__proto__",
  [],
  [[]],
  {},
  { __proto__x: 1 },
];

/** All documents that differ from this one in one place: a value replaced, or a field left out. */
export function* variants(value: JsonValue): Generator<{ path: string; document: JsonValue }> {
  for (const stranger of STRANGERS) {
    if (JSON.stringify(stranger) !== JSON.stringify(value)) yield { path: "$", document: stranger };
  }
  if (Array.isArray(value)) {
    const items: readonly JsonValue[] = value;
    for (const [i, item] of items.entries()) {
      for (const { path, document } of variants(item)) {
        yield { path: `[${i}]${path}`, document: items.with(i, document) };
      }
      yield { path: `[${i}] left out`, document: items.toSpliced(i, 1) };
    }
  } else if (typeof value === "object" && value !== null) {
    const object = value as JsonObject;
    for (const [key, field] of Object.entries(object)) {
      for (const { path, document } of variants(field)) {
        yield { path: `.${key}${path}`, document: { ...object, [key]: document } };
      }
      const { [key]: _left, ...rest } = object;
      yield { path: `.${key} left out`, document: rest };
    }
  }
}
