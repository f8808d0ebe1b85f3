/** Text for a terminal: as wide as it looks, and without anything that would move its cursor. Pure. */
import truncatedWidth from "fast-string-truncated-width";

const ELLIPSIS = { ellipsis: "…", ellipsisWidth: 1 };
/** Control characters, what turns the direction of text, and the line ends that no terminal shows. */
const UNSAFE = /[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/gu;
/** What our own colours are written with. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the escape that is meant
const SGR = /(\u001b\[\d{1,3}m)/;

/** Somebody else's text on one line: prompts, reasons and labels are written by others, and could hold escapes. */
export function stripControlCharacters(text: string): string {
  return text.replace(/\s+/g, " ").replace(UNSAFE, "�").trim();
}

/** A finished line: whatever is no colour of ours and no printable character goes. */
export function escapeControlCharacters(line: string): string {
  return line
    .split(SGR)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(UNSAFE, "�")))
    .join("");
}

/** How many columns it takes; colours take none. */
export function widthOf(text: string): number {
  return truncatedWidth(text).width;
}

/** Cleaned, and cut to `max` columns, with … for what is missing. Not for text that is coloured already. */
export function fit(text: string, max: number): string {
  const line = stripControlCharacters(text);
  const { index, ellipsed } = truncatedWidth(line, { limit: Math.max(0, max), ...ELLIPSIS });
  return `${line.slice(0, index)}${ellipsed ? "…" : ""}`;
}

export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** JSON that a terminal shows as text too: what JSON leaves unescaped and a terminal might obey is escaped. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\p{Bidi_C}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
