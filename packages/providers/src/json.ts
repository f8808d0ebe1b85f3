/**
 * JSON as vendors send it: whatever the content type says, and with ids that do not fit a JavaScript number. A bare
 * integer of 16 digits or more becomes a string of its very digits (docs/protocol.md 7: …359 must not turn into …360).
 */

/** Outside of strings this also matches inside them now and then: the slow path is then taken for nothing, no more. */
const LONG_INTEGER = /[:[,]\s*-?\d{16}/;

interface SourceAccess {
  source?: string;
}

/** Undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return LONG_INTEGER.test(text)
      ? JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An array whose text was cut off somewhere: its whole items. Undefined when there is not one. */
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

/** The third argument is the source text of a primitive (ECMAScript 2026, in Node since 21). */
function keepDigits(_key: string, value: unknown, { source }: SourceAccess = {}): unknown {
  return typeof value === "number" && source !== undefined && /^-?\d{16,}$/.test(source) ? source : value;
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An id as a vendor may type it: a string or a number, of letters, digits, `_` and `-`. Anything else is no id. */
export function idOf(value: unknown): string | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && /^[A-Za-z0-9_-]{1,128}$/.test(text.trim()) ? text.trim() : undefined;
}

/** Vendor text is untrusted: control characters go, and it is cut. Undefined when nothing is left. */
export function textOf(value: unknown, max = 300): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value)
    .replace(/[^\P{Cc}\t\n]/gu, "")
    .toWellFormed()
    .trim();
  return text === "" ? undefined : text.slice(0, max).toWellFormed();
}

/** Numbers and numeric strings; a strict integer. xfusionai types `code` as a string. */
export function integerOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? value : undefined;
  return typeof value === "string" && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : undefined;
}

/** A link a browser could open; anything else from a vendor is not a picture. */
export function linkOf(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 4_096 || !/^https?:\/\//i.test(value)) return undefined;
  return URL.canParse(value) ? value : undefined;
}
