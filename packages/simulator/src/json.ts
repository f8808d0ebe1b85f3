/**
 * Reading what strangers send, writing ids no number can hold.
 * Fields are read as own properties only: a body that holds `__proto__` or `constructor` is just a body with odd keys.
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

/** A non-blank string, or undefined. */
export function text(fields: Fields, name: string): string | undefined {
  const value = field(fields, name);
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** An array of strings, or undefined when it is anything else. */
export function texts(fields: Fields, name: string): string[] | undefined {
  const value = field(fields, name);
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

/** An id that JSON.stringify writes as an integer with every digit kept, also above 2^53 (docs/protocol.md 7). */
export function rawInteger(digits: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);
}
