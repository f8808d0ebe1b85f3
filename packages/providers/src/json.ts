/**
 * Parsing of JSON from vendors. The content type is ignored. Ids may exceed the range of a JavaScript number: an integer of
 * 16 or more digits becomes a string with the same digits (docs/protocol.md 7: …359 must not become …360).
 */

/** Finds long integers. It may also match inside strings; then only the slower parser is used without need. */
const LONG_INTEGER = /[:[,]\s*-?\d{16}/;

interface SourceAccess {
  source?: string;
}

/** Returns undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return LONG_INTEGER.test(text)
      ? JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the complete items of an array whose text is cut; undefined if there is no complete item. */
export function parseTruncatedJson(text: string): unknown {
  let depth = 0;
  let end = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === "\\") i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") {
      depth--;
      if (depth === 1) end = i + 1;
    }
  }
  return end === 0 ? undefined : parseJson(`${text.slice(0, end)}]`);
}

/** JSON reviver. Its third argument has the source text of a primitive (ECMAScript 2026, in Node since 21). */
function keepDigits(_key: string, value: unknown, { source }: SourceAccess = {}): unknown {
  return typeof value === "number" && source !== undefined && /^-?\d{16,}$/.test(source) ? source : value;
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns an id: a string or number of letters, digits, `_` and `-`. Returns undefined for anything else. */
export function idOf(value: unknown): string | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && /^[A-Za-z0-9_-]{1,128}$/.test(text.trim()) ? text.trim() : undefined;
}

/** Cleans untrusted vendor text: removes control characters and limits the length. Undefined if nothing is left. */
export function textOf(value: unknown, max = 300): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value)
    .replace(/[^\P{Cc}\t\n]/gu, "")
    .toWellFormed()
    .trim();
  return text === "" ? undefined : text.slice(0, max).toWellFormed();
}

/** Returns an integer from a number or a numeric string: xfusionai sends `code` as a string. */
export function integerOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? value : undefined;
  return typeof value === "string" && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : undefined;
}

/** Returns an http(s) link. Any other value from a vendor is not an image. */
export function linkOf(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 4_096 || !/^https?:\/\//i.test(value)) return undefined;
  return URL.canParse(value) ? value : undefined;
}
