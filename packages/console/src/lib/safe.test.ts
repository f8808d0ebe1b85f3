import { expect, test } from "vitest";
import { safeImageUrl, safeLinkUrl } from "./safe.ts";

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

test.each(NEVER)("%j becomes neither a link nor an image", (address) => {
  expect(safeLinkUrl(address)).toBeUndefined();
  expect(safeImageUrl(address)).toBeUndefined();
});

test("an image is loaded over https, from the page's origin or from 127.0.0.1, and any other http address is only a link", () => {
  expect(safeImageUrl("https://cdn.example.com/a b.png")).toBe("https://cdn.example.com/a%20b.png");
  expect(safeImageUrl("http://127.0.0.1:4601/image/1.png")).toBe("http://127.0.0.1:4601/image/1.png");
  expect(safeImageUrl("http://192.168.1.5:4600/media/1.png", "http://192.168.1.5:4600")).toBeDefined();
  expect(safeImageUrl("http://cdn.example.com/a.png")).toBeUndefined();
  expect(safeImageUrl("http://127.0.0.1.example.com/a.png")).toBeUndefined();
  expect(safeLinkUrl("http://cdn.example.com/a.png")).toBe("http://cdn.example.com/a.png");
});
