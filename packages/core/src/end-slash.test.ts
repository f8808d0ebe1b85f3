import { expect, test } from "vitest";
import { withoutEndSlashes } from "./end-slash.ts";

test.each([
  ["https://a.test", "https://a.test"],
  ["https://a.test/", "https://a.test"],
  ["https://a.test/x//y///", "https://a.test/x//y"],
  ["///", ""],
  ["", ""],
])("%s becomes %j", (url, expected) => {
  expect(withoutEndSlashes(url)).toBe(expected);
});
