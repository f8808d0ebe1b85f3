import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createParser, MESSAGE_MAX_CHARS, type Message } from "./sse.ts";

const parse = (...pieces: string[]): Message[] => {
  const parser = createParser();
  return pieces.flatMap((piece) => parser(piece));
};

describe("messages", () => {
  test("a message has its type, its id and its data, lines of data joined", () => {
    expect(parse("event: task.progress\nid: 7\ndata: {\ndata: }\n\n")).toEqual([
      { event: "task.progress", id: "7", data: "{\n}" },
    ]);
  });

  test("an id is a message's own: the next one without is without", () => {
    expect(parse("id: 1\ndata: a\n\ndata: b\n\n")).toEqual([
      { event: "message", id: "1", data: "a" },
      { event: "message", data: "b" },
    ]);
  });

  test("comments, unknown fields and blocks without data tell nothing", () => {
    expect(parse(": heartbeat\n\nretry: 5\n\nevent: x\nid: 9\n\ndata: a\n\n")).toEqual([
      { event: "message", data: "a" },
    ]);
  });

  test("an unfinished message at the end is none", () => {
    expect(parse("data: a\n\ndata: b\n")).toEqual([{ event: "message", data: "a" }]);
  });

  test("one space after the colon is not data, a second one is, and a line without colon is a field", () => {
    expect(parse("data:  a\ndata:b\ndata\n\n")).toEqual([{ event: "message", data: " a\nb\n" }]);
  });

  test("an id with a NUL is not taken, a byte order mark is not a field", () => {
    expect(parse("\uFEFFid: a\0b\ndata: 1\n\n")).toEqual([{ event: "message", data: "1" }]);
  });
});

test("however the text is cut, and whichever line ends it has, the messages are the same", () => {
  const word = fc.string({ unit: fc.constantFrom("a", ":", " ", "ü", "😀", "\0", "1"), maxLength: 5 });
  const line = fc.oneof(
    word.map((text) => `data: ${text}`),
    word.map((text) => `id:${text}`),
    word.map((text) => `event: ${text}`),
    word.map((text) => `:${text}`),
    fc.constant(""),
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 20 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.nat(200), { maxLength: 12 }),
      (lines, end, cuts) => {
        const text = lines.map((each) => each + end).join("");
        const places = [...new Set([0, ...cuts.filter((at) => at < text.length), text.length])].sort((a, b) => a - b);
        const pieces = places.slice(1).map((to, i) => text.slice(places[i], to));
        expect(pieces.join("")).toBe(text);
        expect(parse(...pieces)).toEqual(parse(lines.map((each) => `${each}\n`).join("")));
      },
    ),
  );
});

test("a message without an end is not kept for ever", () => {
  const parser = createParser();
  const piece = `data: ${"x".repeat(64 * 1024)}\n`;
  expect(() => {
    for (let i = 0; i <= MESSAGE_MAX_CHARS / piece.length; i++) parser(piece);
  }).toThrow(RangeError);
});
