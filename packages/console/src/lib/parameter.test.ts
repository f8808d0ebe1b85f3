import { expect, test } from "vitest";
import { promptParts } from "./parameter.ts";

test.each([
  ["a boat --ar 3:2 --v 7", "a boat", ["--ar 3:2", "--v 7"]],
  ["a boat, calm -- or not", "a boat, calm -- or not", []],
  ["a boat --no people, text --raw", "a boat", ["--no people, text", "--raw"]],
  ["--tile", "", ["--tile"]],
  ["一只纸船 --ar 3:2", "一只纸船", ["--ar 3:2"]],
  ["", "", []],
])("the prompt %j has the words %j and the parameters %j", (prompt, words, parameters) => {
  expect(promptParts(prompt)).toEqual({ words, parameters });
});
