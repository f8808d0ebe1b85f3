import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expandPermutations, MAX_TASKS_OF_PROMPT, modeFlagOf, taskCountOf } from "./prompt.ts";

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

describe("expandPermutations", () => {
  it.each([
    ["a boat", ["a boat"]],
    ["a {red, blue} boat", ["a red boat", "a blue boat"]],
    ["{a,b} cat {1,2}", ["a cat 1", "a cat 2", "b cat 1", "b cat 2"]],
    ["a boat --ar {3:2, 1:1}", ["a boat --ar 3:2", "a boat --ar 1:1"]],
    [
      "a {sculpture, painting} of a {seagull {on a pier, on a beach}, poodle}",
      [
        "a sculpture of a seagull on a pier",
        "a sculpture of a seagull on a beach",
        "a sculpture of a poodle",
        "a painting of a seagull on a pier",
        "a painting of a seagull on a beach",
        "a painting of a poodle",
      ],
    ],
    ["{red, pastel\\, yellow} bird", ["red bird", "pastel, yellow bird"]],
    ["a\\, b {c}", ["a\\, b c"]],
    ["a \\{red, blue\\} {cat, dog}", ["a \\{red, blue\\} cat", "a \\{red, blue\\} dog"]],
    ["a red} boat, blue {x,y}", ["a red} boat, blue x", "a red} boat, blue y"]],
    ["a {, small} boat", ["a  boat", "a small boat"]],
    ["a boat\\", ["a boat\\"]],
  ])("%j stands for %j", (prompt, prompts) => {
    expect(expandPermutations(prompt)).toEqual(prompts);
  });

  it.each([
    ["a {red boat", "without its"],
    ["{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 40"],
    [`{${Array.from({ length: 41 }, (_, i) => i).join()}}`, "more than 40"],
  ])("%j is rejected with the field", (prompt, why) => {
    expect(() => expandPermutations(prompt)).toThrow(
      expect.objectContaining({ code: "invalid_request", field: "prompt", message: expect.stringContaining(why) }),
    );
  });

  it("for every text that can be expanded, there are as many prompts as the price counts, and none has a group", () => {
    const text = fc.string({ unit: fc.constantFrom("{", "}", ",", "\\", "a", " ", "\n") });
    expect(() =>
      fc.assert(
        fc.property(text, (prompt) => {
          let prompts: string[];
          try {
            prompts = expandPermutations(prompt);
          } catch {
            return true;
          }
          return prompts.length === taskCountOf(prompt) && prompts.every((each) => taskCountOf(each) === 1);
        }),
        { numRuns: 2_000 },
      ),
    ).not.toThrow();
  });

  it("a hostile nesting is expanded without exhausting the stack", () => {
    const deep = `${"{".repeat(8_000)}a${"}".repeat(8_000)}`;
    expect(expandPermutations(deep)).toEqual(["a"]);
  });
});
