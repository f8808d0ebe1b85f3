import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expandPermutations, modeFlagOf, taskCountOf } from "./prompt.ts";
import { joinTranslations, promptParts, textsIn } from "./translation.ts";

/** Translates each text with `to`. */
function translated(prompt: string, to: (text: string) => unknown): string | undefined {
  const parts = promptParts(prompt);
  return joinTranslations(parts, textsIn(parts).map(to));
}

const WORDS: Record<string, string> = {
  一只: "a",
  纸船: "paper boat",
  红: "red",
  蓝: "blue",
  船: "boat",
  三只猫: "3 cats",
};
const english = (text: string) => WORDS[text] ?? text;

/** Prompts of pieces that are hard to take apart. */
const prompts = fc
  .array(
    fc.constantFrom(
      ...[
        "船",
        "boat",
        " ",
        "\n",
        "{",
        "}",
        ",",
        "\\",
        "\\,",
        "::",
        "::2",
        "::-.5",
        "--",
        "—",
        "--ar 3:2",
        " --turbo",
        " —fast",
      ],
      ...["https://x.test/a,b.png ", "--repeat 3", " --repeat 4", "，", "3"],
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(""));

describe("the texts of a prompt", () => {
  test.each([
    ["一只纸船", ["一只纸船"]],
    ["一只纸船 --ar 3:2 --no 树", ["一只纸船"]],
    ["https://x.test/a.png 一只纸船 —relax", ["一只纸船"]],
    ["一只 {红, 蓝} 船", ["一只", "红", "蓝", "船"]],
    ["红船::2 蓝天::-.5", ["红船", "蓝天"]],
    ["{红\\,大, 蓝}", ["红", "大", "蓝"]],
    ["红, 蓝", ["红, 蓝"]],
    ["--ar 1:1", []],
    ["https://x.test/a.png", []],
    ["1, 2 :: 3", []],
  ])("%j has the texts %j", (prompt, texts) => expect(textsIn(promptParts(prompt))).toEqual(texts));

  test("for every prompt, its parts together are the prompt", () => {
    fc.assert(
      fc.property(
        prompts,
        (prompt) =>
          promptParts(prompt)
            .map(({ value }) => value)
            .join("") === prompt,
      ),
    );
  });
});

describe("a translated prompt", () => {
  test.each([
    ["一只 {红, 蓝} 船 --ar 3:2", "a {red, blue} boat --ar 3:2"],
    ["一只{红,蓝}船", "a {red,blue} boat"],
    ["https://x.test/a.png 船 --no 树 --turbo", "https://x.test/a.png boat --no 树 --turbo"],
    ["红::2船", "red::2 boat"],
    ["船::三只猫", "boat:: 3 cats"],
    ["paint{ed,ing} 船", "paint{ed,ing} boat"],
    ["a \n two-line boat — {one, two}", "a \n two-line boat — {one, two}"],
  ])("of %j is %j", (prompt, expected) => expect(translated(prompt, english)).toBe(expected));

  test("an option with a comma stays one option", () => {
    const prompt = translated("{大红, 蓝} 船", (text) => (text === "大红" ? "big, red" : english(text)));
    expect(prompt).toBe("{big\\, red, blue} boat");
    expect(expandPermutations(prompt!)).toEqual(["big, red boat", "blue boat"]);
  });

  test("a long dash of a translation becomes a hyphen, so that it starts no parameter", () => {
    expect(translated("船", () => "a boat —turbo")).toBe("a boat -turbo");
  });

  test.each([
    ["nothing", " \n"],
    ["no text", 7],
    ["a parameter", "a boat --turbo"],
    ["a parameter that is joined to a word", "a boat--turbo"],
    ["a link", "a boat https://x.test/b.png"],
    ["a group", "a {red, blue} boat"],
    ["a weight", "a boat::5"],
    ["a backslash", "a boat\\"],
    ["a lone surrogate", "a boat \ud800"],
    ["more characters than a prompt may have", "x".repeat(20_000)],
  ])("cannot be made of a translation with %s", (_, translation) => {
    expect(translated("一只船", () => translation)).toBeUndefined();
  });

  test("cannot be made of too few or too many translations", () => {
    const parts = promptParts("一只 {红, 蓝} 船");
    expect(joinTranslations(parts, ["a", "red", "blue"])).toBeUndefined();
    expect(joinTranslations(parts, ["a", "red", "blue", "boat", "more"])).toBeUndefined();
  });

  test("for every prompt and every translation, the number of tasks, the mode and the permutations stay the same (TR2)", () => {
    const anything = fc.oneof(fc.string(), fc.constantFrom("a, b", "—turbo", "- fast", "-", "2", ".5 cats", "\u200b-"));
    const countOf = (prompt: string) => {
      try {
        return expandPermutations(prompt).length;
      } catch (error) {
        return (error as Error).message;
      }
    };
    fc.assert(
      fc.property(prompts, fc.array(anything, { minLength: 14, maxLength: 14 }), (prompt, texts) => {
        const parts = promptParts(prompt);
        const result = joinTranslations(parts, texts.slice(0, textsIn(parts).length));
        if (result === undefined) return;
        expect(taskCountOf(result)).toBe(taskCountOf(prompt));
        expect(modeFlagOf(result)).toBe(modeFlagOf(prompt));
        expect(countOf(result)).toBe(countOf(prompt));
      }),
      { numRuns: 2_000 },
    );
  });
});
