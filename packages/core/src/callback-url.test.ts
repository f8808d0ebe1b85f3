/** Callback URLs in a vendor's text. */
import { expect, test } from "vitest";
import { replaceCallbackUrls } from "./callback-url.ts";

const clean = (text: string) => replaceCallbackUrls(text, "[callback]");

test("a callback URL is replaced up to the next blank, quote or angle bracket", () => {
  for (const [before, after] of ["  ", '""', "''", "<>"]) {
    const text = `failed:${before}https://hooks.test/callbacks/1.k.secret?ref=2${after}again`;
    expect(clean(text)).toBe(`failed:${before}[callback]${after}again`);
  }
});

test("each callback URL is replaced, in any case, with and without a path before it", () => {
  expect(clean("http://a.test/callbacks/1 HTTPS://b.test/x/CALLBACKS/2")).toBe("[callback] [callback]");
  expect(clean("url=https://a.test/callbacks/1")).toBe("url=[callback]");
});

test("other URLs and words stay", () => {
  for (const text of ["", "https://a.test/callback/1", "see /callbacks/ of https://a.test", "http://callbacks/1"])
    expect(clean(text)).toBe(text);
});
