import { expect, it } from "vitest";
import { hashOf } from "./hash.ts";

it.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("the hash of %j is that of FNV-1a, because keys of stored rows are made of it", (text, hash) => {
  expect(hashOf(text)).toBe(hash);
});
