/** Values that no vendor documents, in each place of a body. */

/** An object without a text cannot be made one, and every object has a `constructor`. */
export const STRANGE: readonly unknown[] = [
  { toString: 1, valueOf: 1 },
  [{ toString: 1, valueOf: 1 }],
  "constructor",
  "__proto__",
  null,
  1e308,
];

/** Returns the body with each of its values replaced in turn, at any depth. */
export function withEachValue(body: unknown, strange: unknown): unknown[] {
  if (typeof body !== "object" || body === null) return [];
  return Object.entries(body).flatMap(([name, value]) => {
    const replaced = (by: unknown) => (Array.isArray(body) ? body.with(Number(name), by) : { ...body, [name]: by });
    return [replaced(strange), ...withEachValue(value, strange).map(replaced)];
  });
}
