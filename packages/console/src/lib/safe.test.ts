import { expect, test } from "vitest";
import { linkUrl, pictureUrl } from "./safe.ts";

const NEVER = [
  "javascript:alert(1)",
  " JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "data:image/svg+xml,<svg onload=alert(1)>",
  "vbscript:x",
  "blob:https://example.com/1",
  "file:///etc/passwd",
  "//example.com/a.png",
  "/a.png",
  "not an address",
  "https://user:password@example.com/",
  "",
  null,
  undefined,
];

test.each(NEVER)("%j becomes neither a link nor a picture", (address) => {
  expect(linkUrl(address)).toBeUndefined();
  expect(pictureUrl(address)).toBeUndefined();
});

test("pictures come over https or from this machine; http elsewhere may be followed, but is not fetched by the page", () => {
  expect(pictureUrl("https://cdn.example.com/a b.png")).toBe("https://cdn.example.com/a%20b.png");
  expect(pictureUrl("http://127.0.0.1:4601/image/1.png")).toBe("http://127.0.0.1:4601/image/1.png");
  expect(pictureUrl("http://cdn.example.com/a.png")).toBeUndefined();
  expect(pictureUrl("http://127.0.0.1.example.com/a.png")).toBeUndefined();
  expect(linkUrl("http://cdn.example.com/a.png")).toBe("http://cdn.example.com/a.png");
});
