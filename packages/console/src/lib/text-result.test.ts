import { expect, test } from "vitest";
import { promptsOf } from "./text-result.ts";

test("the four prompts of a description are separate, without their numbers and links", () => {
  const text = "1️⃣ a boat on [calm water](https://example.com/1) --ar 3:2\n\n2️⃣ a ship\n\n3️⃣ a raft\n\n4️⃣ a canoe";
  expect(promptsOf(text)).toEqual({
    intro: "",
    prompts: ["a boat on calm water --ar 3:2", "a ship", "a raft", "a canoe"],
  });
});

test("a link with a title loses its address and its title", () => {
  expect(promptsOf('1. a boat on [calm water](https://example.com/1 "a lake")').prompts).toEqual([
    "a boat on calm water",
  ]);
});

test("the text before the shortened prompts is kept, without Markdown", () => {
  const text = "## Important tokens\n**boat** on ~~calm~~ water\n\n1. boat, water\n2. boat";
  expect(promptsOf(text)).toEqual({
    intro: "Important tokens\nboat on calm water",
    prompts: ["boat, water", "boat"],
  });
});

test("a text without numbers is one prompt, and lines of one prompt are joined", () => {
  expect(promptsOf("a boat")).toEqual({ intro: "", prompts: ["a boat"] });
  expect(promptsOf("1) a boat\n  at night\n2) a ship").prompts).toEqual(["a boat at night", "a ship"]);
  expect(promptsOf("")).toEqual({ intro: "", prompts: [] });
});
