/**
 * Parsing of JSON from vendors. The content type is ignored. Ids may exceed the range of a JavaScript number: an integer of
 * 16 or more digits becomes a string with the same digits (docs/protocol.md 7: …359 must not become …360).
 *
 * Servers and proxies damage JSON in known ways (docs/protocol.md 2.7). If the strict parser fails, a tolerant parser reads
 * what is there, because an unread response to a paid call would be paid again.
 */
import { type JsonDocument, numberOf, parseTolerant } from "./tolerant-json.ts";

/** Finds long integers. It may also match inside strings; then only the slower parser is used without need. */
const LONG_INTEGER = /[:[,]\s*-?\d{16}/;

/** Depth of JSON texts inside JSON texts. */
const MAX_ENCODINGS = 2;

interface SourceAccess {
  source?: string;
}

/** Returns the first complete document of the text; undefined if there is none. */
export function parseJson(text: string): unknown {
  const [first] = parseDocuments(text);
  return first?.cut ? undefined : first?.value;
}

/** Returns the documents of a text in their order: usually one. Empty if the text has no JSON object or array. */
export function parseDocuments(text: string): JsonDocument[] {
  // RFC 8259 8.1 lets a parser ignore a byte order mark.
  const strict = parseStrict(text.replace(/^\ufeff/, ""));
  if (strict !== undefined) return [{ value: decoded(strict) }];
  return parseTolerant(text).map(({ value, ...rest }) => ({ value: decoded(value), ...rest }));
}

/** Gateways that encode twice send the document as a JSON string. */
function decoded(value: unknown, left = MAX_ENCODINGS): unknown {
  if (typeof value !== "string" || left === 0 || !/^\s*[[{"]/.test(value)) return value;
  const inner = parseStrict(value);
  return inner === undefined ? value : decoded(inner, left - 1);
}

/** Returns undefined if the text is not JSON as RFC 8259 defines it. */
export function parseStrict(text: string): unknown {
  try {
    return LONG_INTEGER.test(text)
      ? JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON reviver. Its third argument has the source text of a primitive (ECMAScript 2026, in Node since 21). */
function keepDigits(_key: string, value: unknown, { source }: SourceAccess = {}): unknown {
  return typeof value === "number" && source !== undefined ? numberOf(source) : value;
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

/** Controls of the text direction: they make a terminal show other text than there is. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;

/** Cleans untrusted vendor text: removes control characters and limits the length. Undefined if nothing is left. */
export function textOf(value: unknown, max = 300): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value)
    .replace(/[^\P{Cc}\t\n]/gu, "")
    .replace(DIRECTION, "")
    .toWellFormed()
    .trim();
  return text === "" ? undefined : text.slice(0, max).toWellFormed();
}

/** Returns an integer from a number or a numeric string: xfusionai sends `code` as a string. */
export function integerOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? value : undefined;
  return typeof value === "string" && /^-?\d{1,15}(?:\.0+)?$/.test(value.trim()) ? Number(value) : undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", "#38": "&", "#x26": "&", quot: '"', "#39": "'" };

/**
 * Returns an http(s) link in its normal form, without control characters. Any other value from a vendor is not an image.
 *
 * @param base base URL of the vendor, against which a link without scheme or host is resolved; unset: such a link is none
 */
export function linkOf(value: unknown, base?: string): string | undefined {
  if (typeof value !== "string" || value.length > 4_096) return undefined;
  // Some relays escape links as for HTML. The signature of such a link would be wrong.
  const text = value.trim().replace(/&(amp|quot|#38|#x26|#39);/gi, (_, name: string) => ENTITIES[name.toLowerCase()]!);
  const isAbsolute = /^https?:\/\//i.test(text);
  // A scheme-relative link works without a base: every vendor's image host has https.
  const from = text.startsWith("//") ? (base ?? "https://vendor.invalid") : text.startsWith("/") ? base : undefined;
  if (!isAbsolute && from === undefined) return undefined;
  const url = URL.parse(text, from);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return undefined;
  return url.hostname === "" ? undefined : url.href;
}
