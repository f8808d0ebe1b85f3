import { expect, test } from "vitest";
import { escapeControlCharacters, fit, json, pad, stripControlCharacters, widthOf } from "./text.ts";

const ESCAPES = ["\u001b[2J", "\u001b]0;title\u0007", "\u009b31m", "\u0008\u0008", "\u202egnp.exe", "\u2028", "\u007f"];

test.each(ESCAPES)("escape sequences are removed or escaped in all outputs: %j", (sequence) => {
  for (const text of [
    stripControlCharacters(`a${sequence}b`),
    escapeControlCharacters(`a${sequence}b`),
    json({ text: `a${sequence}b` }),
  ]) {
    expect(text).not.toMatch(/[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/u);
  }
  expect(JSON.parse(json({ text: sequence }))).toEqual({ text: sequence });
});

test("escapeControlCharacters keeps our color sequences and replaces longer sequences with the same start", () => {
  expect(escapeControlCharacters("\u001b[32m✓\u001b[39m done")).toBe("\u001b[32m✓\u001b[39m done");
  expect(escapeControlCharacters("\u001b[32;5mx\u001b[8Cx")).toBe("�[32;5mx�[8Cx");
});

test("stripControlCharacters joins several lines into one", () => {
  expect(stripControlCharacters(" a\n\tb\r\n c ")).toBe("a b c");
});

test("fit cuts by visible width and marks the cut with an ellipsis", () => {
  expect(fit("a paper boat", 7)).toBe("a pape…");
  expect(fit("紙の船が行く", 7)).toBe("紙の船…");
  expect(widthOf(fit("🔄🔄🔄🔄", 5))).toBeLessThanOrEqual(5);
  expect(fit("short", 5)).toBe("short");
  expect(fit("none", 0)).toBe("");
});

test("color sequences have no width", () => {
  expect(widthOf("\u001b[32mdone\u001b[39m")).toBe(4);
  expect(pad("\u001b[32mdone\u001b[39m", 6)).toBe("\u001b[32mdone\u001b[39m  ");
  expect(pad("紙", 4)).toBe("紙  ");
});
