/**
 * Text functions for a terminal: they measure the visible width and remove everything that would move the cursor. Pure.
 */
import truncatedWidth from "fast-string-truncated-width";

const ELLIPSIS = { ellipsis: "…", ellipsisWidth: 1 };
/** Control characters, characters that change the text direction, and line separators that terminals do not show. */
const UNSAFE = /[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/gu;
/** Escape sequence of our own colors. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is intended
const SGR = /(\u001b\[\d{1,3}m)/;

/**
 * Returns text from others on one line and without control characters. Prompts, reasons and labels may contain escape
 * sequences.
 */
export function stripControlCharacters(text: string): string {
  return text.replace(/\s+/g, " ").replace(UNSAFE, "�").trim();
}

/** Replaces all unprintable characters of a finished line except our own color sequences. */
export function escapeControlCharacters(line: string): string {
  return line
    .split(SGR)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(UNSAFE, "�")))
    .join("");
}

/** Returns the width in columns; color sequences have no width. */
export function widthOf(text: string): number {
  return truncatedWidth(text).width;
}

/**
 * Removes control characters and cuts the text to `max` columns; `…` marks the cut. The text must not contain color
 * sequences.
 */
export function fit(text: string, max: number): string {
  const line = stripControlCharacters(text);
  const { index, ellipsed } = truncatedWidth(line, { limit: Math.max(0, max), ...ELLIPSIS });
  return `${line.slice(0, index)}${ellipsed ? "…" : ""}`;
}

export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/**
 * Returns JSON that is safe to print. Characters that JSON leaves unescaped and that a terminal may interpret are
 * escaped.
 */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\p{Bidi_C}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
