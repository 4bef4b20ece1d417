/**
 * What a reader of GitHub's Markdown could take for more than words, outside code: mark-up, HTML,
 * entities, formulas, emoji, mentions, references, addresses.
 */
const LIVE: Readonly<Record<string, RegExp>> = {
  "emphasis or strikethrough": /[*~]|(?<![\p{L}\p{N}\p{M}])_|_(?![\p{L}\p{N}])/u,
  "a link, an image, a footnote or a task": /[[\]]/,
  "HTML or an entity": /[<>&]/,
  "an escape": /\\/,
  "a formula": /\$/,
  "an emoji": /:[\w+-]+:/,
  "a mention or an address": /@/,
  "an address": /:\/\/|www\.|(?:mailto|xmpp):\S/i,
  "a reference": /#|(?<![\p{L}\p{N}])\p{L}{2,}-\d/u,
};

/** Everything live in a piece of Markdown that stands within a line, by name. */
export function liveMarkdown(text: string): string[] {
  const bare = text.replaceAll(/`[^`]+`/g, "");
  const open = bare.includes("`") ? ["code that does not end"] : [];
  return [...open, ...Object.keys(LIVE).filter((what) => LIVE[what]?.test(bare))];
}
