import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

const FIELDS = ["prompt", "provider", "mode", "then", "state", "notifyHook", "base64Array"];

describe("nearest", () => {
  test.each([
    ["provder", "provider"],
    ["promt", "prompt"],
    ["Prompt", "prompt"],
    ["prmopt", "prompt"],
    ["notify_hook", "notifyHook"],
    ["base64array", "base64Array"],
    ["tehn", "then"],
    ["prmp", "prompt"],
    ["colour", undefined],
    ["x", undefined],
    ["", undefined],
    ["a".repeat(10_000), undefined],
  ])("for %j it returns %j", (text, expected) => {
    expect(nearest(text, FIELDS)).toBe(expected);
  });

  test("the candidate with the fewest edits is returned, and of several the first", () => {
    expect(nearest("stat", ["state2", "state"])).toBe("state");
    expect(nearest("stat", ["state", "state2"])).toBe("state");
    expect(nearest("stat", ["stata", "state"])).toBe("stata");
  });

  test("texts and candidates of more than 64 characters are no names", () => {
    const [longest, tooLong] = ["a".repeat(64), "a".repeat(65)];
    expect(nearest(longest, [longest])).toBe(longest);
    expect(nearest(tooLong, [longest])).toBeUndefined();
    expect(nearest(longest, [tooLong])).toBeUndefined();
  });

  test("without candidates it returns undefined", () => {
    expect(nearest("prompt", [])).toBeUndefined();
  });
});

describe("editDistance", () => {
  const text = fc.string({ maxLength: 12 });

  test("for every text, the distance to itself is 0 and to a text with one more character is 1", () => {
    fc.assert(fc.property(text, (a) => editDistance(a, a) === 0 && editDistance(a, `${a}x`) === 1));
  });

  test("for every two texts, the distance is symmetric and at most the longer length", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const edits = editDistance(a, b);
        return edits === editDistance(b, a) && edits <= Math.max(a.length, b.length);
      }),
    );
  });

  test("two swapped characters are one edit", () => {
    expect(editDistance("then", "tehn")).toBe(1);
  });
});
