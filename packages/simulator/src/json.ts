/**
 * Reads untrusted JSON, and writes ids that exceed the range of a JavaScript number. Only own properties are read, so the
 * keys `__proto__` and `constructor` in a body have no effect.
 */
export type Fields = Record<string, unknown>;

export function parseFields(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function field(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** Returns a field that is a non-blank string, otherwise undefined. */
export function text(fields: Fields, name: string): string | undefined {
  const value = field(fields, name);
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** Returns a field that is an array of strings, otherwise undefined. */
export function texts(fields: Fields, name: string): string[] | undefined {
  const value = field(fields, name);
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

/** Returns a value that JSON.stringify writes as an integer with all digits, also above 2^53 (docs/protocol.md 7). */
export function rawInteger(digits: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);
}
