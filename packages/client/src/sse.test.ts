import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createParser, MESSAGE_MAX_CHARS, type Message } from "./sse.ts";

const parse = (...pieces: string[]): Message[] => {
  const parser = createParser();
  return pieces.flatMap((piece) => parser(piece));
};

describe("createParser", () => {
  test("a message has its type, its id and its data lines joined", () => {
    expect(parse("event: task.progress\nid: 7\ndata: {\ndata: }\n\n")).toEqual([
      { event: "task.progress", id: "7", data: "{\n}" },
    ]);
  });

  test("an id applies only to its own message, not to the next message", () => {
    expect(parse("id: 1\ndata: a\n\ndata: b\n\n")).toEqual([
      { event: "message", id: "1", data: "a" },
      { event: "message", data: "b" },
    ]);
  });

  test("comments, unknown fields and blocks without data yield no message", () => {
    expect(parse(": heartbeat\n\nretry: 5\n\nevent: x\nid: 9\n\ndata: a\n\n")).toEqual([
      { event: "message", data: "a" },
    ]);
  });

  test("an unfinished message at the end is not returned", () => {
    expect(parse("data: a\n\ndata: b\n")).toEqual([{ event: "message", data: "a" }]);
  });

  test("one space after the colon is removed, a second one is kept, and a line without colon is a field", () => {
    expect(parse("data:  a\ndata:b\ndata\n\n")).toEqual([{ event: "message", data: " a\nb\n" }]);
  });

  test("an id with a NUL character is ignored, and a byte order mark is skipped", () => {
    expect(parse("\uFEFFid: a\0b\ndata: 1\n\n")).toEqual([{ event: "message", data: "1" }]);
  });
});

test("for every split of the text and every kind of line end, the messages are the same", () => {
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
        const positions = [...new Set([0, ...cuts.filter((at) => at < text.length), text.length])].sort(
          (a, b) => a - b,
        );
        const pieces = positions.slice(1).map((to, i) => text.slice(positions[i], to));
        expect(pieces.join("")).toBe(text);
        expect(parse(...pieces)).toEqual(parse(lines.map((each) => `${each}\n`).join("")));
      },
    ),
  );
});

test("a message that exceeds the size limit throws a RangeError", () => {
  const parser = createParser();
  const piece = `data: ${"x".repeat(64 * 1024)}\n`;
  expect(() => {
    for (let i = 0; i <= MESSAGE_MAX_CHARS / piece.length; i++) parser(piece);
  }).toThrow(RangeError);
});
