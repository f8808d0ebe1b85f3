import { describe, expect, it } from "vitest";
import { deadLetterIdOf } from "./dead-letter.ts";

describe("ids of dead-letter messages", () => {
  it("the id is the send time and the queue's message id, so two deliveries of one message give one id", () => {
    expect(deadLetterIdOf(1_800_000_000_000, "059f36b4-87a3-44ab_83d2")).toBe(
      "001800000000000_059f36b4-87a3-44ab_83d2",
    );
  });

  it("ids sort by time, even if the times have different numbers of digits", () => {
    const ids = [0, 9, 10, 999, 1_000, 1_800_000_000_000].map((at) => deadLetterIdOf(at, "m"));
    expect([...ids].sort()).toEqual(ids);
  });

  it("characters of the queue's message id that are unsafe in a key or URL are removed", () => {
    expect(deadLetterIdOf(1, "a/b#c d.é\n0")).toBe("000000000000001_abcd0");
  });

  it("the id has a maximum length, even if the queue's message id is longer", () => {
    expect(deadLetterIdOf(1, "x".repeat(500))).toBe(`000000000000001_${"x".repeat(80)}`);
  });
});
