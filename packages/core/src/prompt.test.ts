import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_TASKS_OF_PROMPT, modeFlagOf, taskCountOf } from "./prompt.ts";

describe("modeFlagOf", () => {
  it.each([
    ["a boat --turbo", "turbo"],
    ["--relax a boat", "relax"],
    ["a boat —fast", "fast"],
    ["a boat --TURBO --ar 1:1", "turbo"],
    ["a boat --turbo --relax", "relax"],
    ["a boat --turbocharged", undefined],
    ["a turbo boat", undefined],
    ["a boat--turbo", undefined],
    [undefined, undefined],
  ] as const)("the mode of %j is %j", (prompt, mode) => {
    expect(modeFlagOf(prompt)).toBe(mode);
  });
});

describe("taskCountOf", () => {
  it.each([
    ["a boat", 1],
    ["a boat --repeat 4", 4],
    ["a boat --r 3", 3],
    ["--repeat 4", 4],
    ["a boat --repeat  4", 4],
    ["a boat --repeat 12 --ar 1:1", 12],
    ["a boat --repeat 2 --repeat 5", 5],
    ["a boat --repeat 0", 1],
    ["a boat --repeat 4000", 40],
    ["a {red, blue} boat", 2],
    ["{a,b,c} cat {1,2,3}", 9],
    ["{a,b} cat --repeat 3", 6],
    ["a {red, {light, dark} blue} boat", 3],
    ["a {red boat", 1],
    ["a red} boat, blue", 1],
    ["a {red\\, blue} boat", 1],
    ["{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", 40],
    [undefined, 1],
  ] as const)("%j makes %i tasks", (prompt, count) => {
    expect(taskCountOf(prompt)).toBe(count);
  });

  it("for every text, the count is a whole number from 1 to the limit", () => {
    const text = fc.string({ unit: fc.constantFrom("{", "}", ",", "\\", "a", " ", "--repeat ", "7", "\n") });
    expect(() =>
      fc.assert(
        fc.property(text, (prompt) => {
          const count = taskCountOf(prompt);
          return Number.isInteger(count) && count >= 1 && count <= MAX_TASKS_OF_PROMPT;
        }),
      ),
    ).not.toThrow();
  });
});
