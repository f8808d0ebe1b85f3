import { describe, expect, it } from "vitest";
import { deadLetterIdOf } from "./dead-letter.ts";

describe("a dead letter's id", () => {
  it("is the time it was sent and the queue's own id, so that delivered twice it is one letter", () => {
    expect(deadLetterIdOf(1_800_000_000_000, "059f36b4-87a3-44ab_83d2")).toBe(
      "001800000000000_059f36b4-87a3-44ab_83d2",
    );
  });

  it("sorts by time, whatever the number of its digits", () => {
    const ids = [0, 9, 10, 999, 1_000, 1_800_000_000_000].map((at) => deadLetterIdOf(at, "m"));
    expect([...ids].sort()).toEqual(ids);
  });

  it("holds nothing of a queue's id that a key or a URL could stumble over", () => {
    expect(deadLetterIdOf(1, "a/b#c d.é\n0")).toBe("000000000000001_abcd0");
  });

  it("is bounded, however long the queue's id", () => {
    expect(deadLetterIdOf(1, "x".repeat(500))).toBe(`000000000000001_${"x".repeat(80)}`);
  });
});
