/** JSON text as people read it. */

/** Indents JSON. Text that is not JSON is returned unchanged. */
export function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export type JsonPartKind = "name" | "text" | "value" | "plain";

/** A part of the text that has one color. */
export interface JsonPart {
  kind: JsonPartKind;
  text: string;
}

const PART = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

/** Splits JSON text into parts for colors. The parts together are the text. */
export function jsonParts(text: string): JsonPart[] {
  const parts: JsonPart[] = [];
  let at = 0;
  for (const match of text.matchAll(PART)) {
    const [whole, quotedText, colon] = match;
    if (match.index > at) parts.push({ kind: "plain", text: text.slice(at, match.index) });
    if (quotedText === undefined) parts.push({ kind: "value", text: whole });
    else {
      parts.push({ kind: colon === undefined ? "text" : "name", text: quotedText });
      if (colon !== undefined) parts.push({ kind: "plain", text: colon });
    }
    at = match.index + whole.length;
  }
  if (at < text.length) parts.push({ kind: "plain", text: text.slice(at) });
  return parts;
}
