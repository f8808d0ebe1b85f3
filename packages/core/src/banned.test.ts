import { describe, expect, it } from "vitest";
import { bannedFinder, bannedWordsOf, normalizeForMatching, promptsIn } from "./banned.ts";

const find = (text: string, ...words: string[]) => bannedFinder(words)(text);

describe("a banned word is found", () => {
  it.each([
    ["alone", "nude", "nude"],
    ["among others", "a nude, at dawn", "nude"],
    ["at the ends", "nude boats, nude", "nude"],
    ["in another case", "A NuDe boat", "nude"],
    ["in full-width letters", "ａ ｎｕｄｅ boat", "nude"],
    ["in letters that are drawn otherwise", "a 𝓷𝓾𝓭𝓮 boat", "nude"],
    ["with what nobody sees inside", "a nu\u200bd\u00ade\ufe0f boat", "nude"],
    ["taken apart into letter and accent", "a cafe\u0301 at dawn", "café"],
    ["where the list has it apart", "a café at dawn", "cafe\u0301"],
    ["in German capitals", "GROSSE STRASSE", "große"],
    ["in German capitals with a sharp s of their own", "GROẞE STRAẞE", "große"],
    ["with either sigma", "ΣΟΦΟΣ", "σοφος"],
    ["with either sigma, whatever follows", "σοφος.a", "σοφος"],
    ["after a flag", "a boat --no nude", "nude"],
    ["beside marks", "(nude)", "nude"],
    ["between lines", "a_nude_boat", "nude"],
    ["as several words, whatever is between them", "a  blue\n\tmovie", "blue movie"],
    ["with marks of its own", "c++ code", "c++"],
    ["that is no letter at all", "a 🍆 boat", "🍆"],
    ["of two code units", "a 𠮷 boat", "𠮷"],
    ["in Chinese, which has no borders", "一张裸体画", "裸体"],
    ["in Japanese", "これは裸です", "裸"],
    ["in Korean, with its particle", "누드를 그려", "누드"],
    ["in Thai", "ภาพเปลือยสวย", "เปลือย"],
    ["in Latin between Chinese letters", "一张nude画", "nude"],
    ["in Cyrillic", "это ГОЛЫЙ король", "голый"],
  ])("%s", (_, text, word) => expect(find(text, word)).toBe(word));
});

describe("it is not found", () => {
  it.each([
    ["inside another", "grass, classic, assess", "ass"],
    ["with a letter before it", "xnude", "nude"],
    ["with a letter after it", "nudes", "nude"],
    ["with a digit beside it", "nude2 2nude", "nude"],
    ["with another accent", "a cafè at dawn", "café"],
    ["inside a Cyrillic word", "оголыйо", "голый"],
    ["inside a Latin word with accents", "énude nudé", "nude"],
    ["in nothing", "", "nude"],
    ["where its words stand in another order", "movie blue", "blue movie"],
  ])("%s", (_, text, word) => expect(find(text, word)).toBeUndefined());

  it("by a list that is empty, or empty when nothing unseen is left", () => {
    expect(find("a b")).toBeUndefined();
    expect(find("a \u200b b", "", " ", "\u200b")).toBeUndefined();
  });
});

it("the first in the text is told, as the list has it", () => {
  expect(find("a blue nude", "Nude", "BLUE", "nude")).toBe("BLUE");
  expect(find("nude", "blue", "Nude", "nude")).toBe("Nude");
});

it("a long prompt against a long list takes no time to speak of", () => {
  const words = Array.from({ length: 3_000 }, (_, i) => `word${i.toString(36)}x`);
  const text = "wordless words of wordy worlds ".repeat(520);
  expect(find(text, ...words)).toBeUndefined();
  expect(find(`${text} word${(2_999).toString(36)}x`, ...words)).toBe(words.at(-1));
});

it("plain is plain already", () => {
  for (const text of ["ＡSTRASSE  ß\u200b", "ΣΑΣ", "İstanbul", "GROẞE", "ﬃ ǆ"])
    expect(normalizeForMatching(normalizeForMatching(text))).toBe(normalizeForMatching(text));
});

it("plain is in capitals, with one blank between words and nothing that is not seen", () => {
  expect(normalizeForMatching("\n ＡSTRASSE  \u200b ß ")).toBe("ASTRASSE SS");
});

it("all prompts of a request are read, each under its own field", () => {
  const request = {
    prompt: "a",
    modal: { prompt: "b" },
    then: [
      { press: "U1" },
      { press: ["V1"], prompt: "c", then: [{ press: "V2", modal: { prompt: "d", maskBase64: "x" } }] },
    ],
  };
  expect(promptsIn(request)).toEqual([
    { field: "prompt", text: "a" },
    { field: "modal.prompt", text: "b" },
    { field: "then[1].prompt", text: "c" },
    { field: "then[1].then[0].modal.prompt", text: "d" },
  ]);
  expect(promptsIn({})).toEqual([]);
});

it("the stage's own list is written as a list, or as words between commas or line ends", () => {
  expect(bannedWordsOf(" nude, blue movie\n裸体,, ")).toEqual(["nude", "blue movie", "裸体"]);
  expect(bannedWordsOf('["a, b", "c"]')).toEqual(["a, b", "c"]);
  for (const wrong of ["[1]", "[", '["a", null]']) expect(() => bannedWordsOf(wrong)).toThrow();
});

describe("letters that take two places in a string", () => {
  const find = bannedFinder(["cat", "ca"]);

  it.each(["\u{133ff}", "\u{13400}"])("%s before a word makes it another word", (deadLetter) => {
    expect(find(`${deadLetter}cat`)).toBeUndefined();
    expect(find(`${deadLetter}ca`)).toBeUndefined();
    expect(find(`${deadLetter} cat`)).toBe("cat");
  });

  it("what is no letter, and what has a number as high, does not", () => {
    expect(find("\u{1f600}cat")).toBe("cat");
    expect(find("x\ue000cat")).toBe("cat");
  });
});

describe("the setting", () => {
  it("may have blanks before its list", () => {
    expect(bannedWordsOf(' \n["a, b", "c"]')).toEqual(["a, b", "c"]);
  });

  it("says what it should be", () => {
    expect(() => bannedWordsOf("[1]")).toThrow("MJFLOW_BANNED_WORDS must be a JSON list of words");
  });
});
