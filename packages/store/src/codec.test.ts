import { expect, test } from "vitest";
import { assertReadable, compactJson, decode, encode, isExpired, itemBytes, keyOf } from "./codec.ts";

test.each([
  ["a text in UTF-8", { é: { S: "é€" } }, 2 + 5],
  ["a number, two digits a byte", { n: { N: "-12345.6" } }, 1 + 4],
  ["a set of texts", { s: { SS: ["ab", "€"] } }, 1 + 5],
  ["a map, its names and its values", { m: { M: { a: { S: "xy" }, b: { N: "1" } } } }, 1 + 3 + 3 + 2 + 3],
  ["bytes", { b: { B: new Uint8Array(9) } }, 1 + 9],
  ["a flag", { f: { BOOL: true } }, 1 + 1],
  ["several attributes", { a: { S: "x" }, b: { S: "y" } }, 4],
  ["no attribute", {}, 0],
])("the size of an item counts %s", (_, item, bytes) => {
  expect(itemBytes(item)).toBe(bytes);
});

test.each([
  ["text", "x", { S: "x" }],
  ["text", "", { S: "" }],
  ["number", 0, { N: "0" }],
  ["number", 7.5, { N: "7.5" }],
  ["count", 3, { N: "3" }],
  ["flag", false, { BOOL: false }],
  ["json", { a: [1] }, { S: '{"a":[1]}' }],
] as const)("a field of the kind %s with the value %j is stored and read", (kind, value, stored) => {
  expect(encode(kind, value)).toEqual(stored);
  expect(decode(kind, stored)).toEqual(value);
});

test("a count of 0 is not stored, and an unset count is 0", () => {
  expect(encode("count", 0)).toBeUndefined();
  expect(decode("count", undefined)).toBe(0);
});

test.each(["text", "number", "flag", "json"] as const)(
  "an unset field of the kind %s is neither stored nor read",
  (kind) => {
    expect(encode(kind, undefined)).toBeUndefined();
    expect(decode(kind, undefined)).toBeUndefined();
  },
);

test("JSON is deflated from 160 characters on, and read again", () => {
  const short = "x".repeat(157);
  expect(encode("json", short)).toEqual({ S: `"${short}"` });
  const deflated = encode("json", `${short}y`);
  expect(deflated).toEqual({ B: expect.any(Uint8Array) });
  expect(decode("json", deflated)).toBe(`${short}y`);
  expect(encode("json", `${short}y`, 161)).toEqual({ S: `"${short}y"` });
});

test("a longer text of another table is deflated from 160 characters on", () => {
  expect(compactJson({ S: "x".repeat(159) })).toEqual({ S: "x".repeat(159) });
  expect(compactJson({ S: `"${"x".repeat(158)}"` })).toEqual({ B: expect.any(Uint8Array) });
  const bytes = { B: new Uint8Array([1, 2]) };
  expect(compactJson(bytes)).toBe(bytes);
});

test("JSON that is null, a text or a number is read, although only objects keep their stored form", () => {
  for (const value of [null, "x", 7, false]) expect(decode("json", { S: JSON.stringify(value) })).toBe(value);
  expect(decode("json", {} as never)).toBeUndefined();
});

test("a decoded value is frozen, with everything in it, and is stored as it was read", () => {
  const stored = { S: '{ "a": [ { "b": 1 } ] }' };
  const value = decode("json", stored) as { a: { b: number }[] };
  expect([value, value.a, value.a[0]].map(Object.isFrozen)).toEqual([true, true, true]);
  expect(encode("json", value)).toBe(stored);
  expect(encode("json", { ...value })).toEqual({ S: '{"a":[{"b":1}]}' });
  expect(encode("json", value, 5)).toEqual({ B: expect.any(Uint8Array) });
});

test("a row of newer code is refused with its key and its version, and other rows are readable", () => {
  const key = { pk: { S: "flow#f" }, sk: { S: "flow" } };
  expect(() => assertReadable({ ...key, v: { N: "2" } })).toThrow(
    "flow#f flow has schema version 2; this code knows versions up to 1",
  );
  expect(() => assertReadable({ ...key, v: { N: "1" } })).not.toThrow();
  expect(() => assertReadable(key)).not.toThrow();
  expect(() => assertReadable(undefined)).not.toThrow();
});

test("a row is expired from its second on; a row without expiry never is", () => {
  expect(isExpired({ expiresAt: { N: "10" } }, 9_999)).toBe(false);
  expect(isExpired({ expiresAt: { N: "10" } }, 10_000)).toBe(true);
  expect(isExpired({}, Number.MAX_SAFE_INTEGER)).toBe(false);
});

test("the key of an item without key attributes is empty", () => {
  expect(keyOf({})).toEqual({ pk: "", sk: "" });
});
