import { describe, expect, it } from "vitest";
import { bannedFinder, bannedWordsOf, normalizeForMatching, promptsIn } from "./banned.ts";

const find = (text: string, ...words: string[]) => bannedFinder(words)(text);

describe("bannedFinder, words that match", () => {
  it.each([
    ["as the whole text", "nude", "nude"],
    ["among other words", "a nude, at dawn", "nude"],
    ["at the start and end", "nude boats, nude", "nude"],
    ["in another case", "A NuDe boat", "nude"],
    ["in full-width letters", "ａ ｎｕｄｅ boat", "nude"],
    ["in mathematical letters", "a 𝓷𝓾𝓭𝓮 boat", "nude"],
    ["with invisible characters inside", "a nu\u200bd\u00ade\ufe0f boat", "nude"],
    ["decomposed into letter and accent", "a cafe\u0301 at dawn", "café"],
    ["if the list has the decomposed form", "a café at dawn", "cafe\u0301"],
    ["in German capitals", "GROSSE STRASSE", "große"],
    ["in German capitals with a capital sharp s", "GROẞE STRAẞE", "große"],
    ["with either sigma", "ΣΟΦΟΣ", "σοφος"],
    ["with either sigma before a full stop", "σοφος.a", "σοφος"],
    ["after a command-line flag", "a boat --no nude", "nude"],
    ["between punctuation marks", "(nude)", "nude"],
    ["between underscores", "a_nude_boat", "nude"],
    ["as several words with any white space between them", "a  blue\n\tmovie", "blue movie"],
    ["if the word contains punctuation", "c++ code", "c++"],
    ["if the word is a symbol", "a 🍆 boat", "🍆"],
    ["if the character has two code units", "a 𠮷 boat", "𠮷"],
    ["in Chinese, which has no word borders", "一张裸体画", "裸体"],
    ["in Japanese", "これは裸です", "裸"],
    ["in Korean with a particle", "누드를 그려", "누드"],
    ["in Thai", "ภาพเปลือยสวย", "เปลือย"],
    ["in Latin letters between Chinese characters", "一张nude画", "nude"],
    ["in Cyrillic", "это ГОЛЫЙ король", "голый"],
  ])("a banned word is found %s", (_, text, word) => expect(find(text, word)).toBe(word));
});

describe("bannedFinder, words that do not match", () => {
  it.each([
    ["inside another word", "grass, classic, assess", "ass"],
    ["after a letter", "xnude", "nude"],
    ["before a letter", "nudes", "nude"],
    ["next to a digit", "nude2 2nude", "nude"],
    ["with another accent", "a cafè at dawn", "café"],
    ["inside a Cyrillic word", "оголыйо", "голый"],
    ["inside a Latin word with accents", "énude nudé", "nude"],
    ["in an empty text", "", "nude"],
    ["if its parts are in another order", "movie blue", "blue movie"],
  ])("a banned word is not found %s", (_, text, word) => expect(find(text, word)).toBeUndefined());

  it("an empty list finds nothing, and words without visible characters find nothing", () => {
    expect(find("a b")).toBeUndefined();
    expect(find("a \u200b b", "", " ", "\u200b")).toBeUndefined();
  });
});

it("the first banned word of the text is returned in the spelling of the list", () => {
  expect(find("a blue nude", "Nude", "BLUE", "nude")).toBe("BLUE");
  expect(find("nude", "blue", "Nude", "nude")).toBe("Nude");
});

it("a long prompt is searched against a list of 3,000 words", () => {
  const words = Array.from({ length: 3_000 }, (_, i) => `word${i.toString(36)}x`);
  const text = "wordless words of wordy worlds ".repeat(520);
  expect(find(text, ...words)).toBeUndefined();
  expect(find(`${text} word${(2_999).toString(36)}x`, ...words)).toBe(words.at(-1));
});

it("normalizing a normalized text does not change it", () => {
  for (const text of ["ＡSTRASSE  ß\u200b", "ΣΑΣ", "İstanbul", "GROẞE", "ﬃ ǆ"])
    expect(normalizeForMatching(normalizeForMatching(text))).toBe(normalizeForMatching(text));
});

it("normalized text has capitals, single spaces and no invisible characters", () => {
  expect(normalizeForMatching("\n ＡSTRASSE  \u200b ß ")).toBe("ASTRASSE SS");
});

it("all prompts of a request are listed with their field paths", () => {
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

it("the setting is a JSON list, or words separated by commas or line ends", () => {
  expect(bannedWordsOf(" nude, blue movie\n裸体,, ")).toEqual(["nude", "blue movie", "裸体"]);
  expect(bannedWordsOf('["a, b", "c"]')).toEqual(["a, b", "c"]);
  for (const wrong of ["[1]", "[", '["a", null]']) expect(() => bannedWordsOf(wrong)).toThrow();
});

describe("bannedFinder, characters with two code units", () => {
  const find = bannedFinder(["cat", "ca"]);

  it.each(["\u{133ff}", "\u{13400}"])("%s directly before a banned word makes it a different word", (letter) => {
    expect(find(`${letter}cat`)).toBeUndefined();
    expect(find(`${letter}ca`)).toBeUndefined();
    expect(find(`${letter} cat`)).toBe("cat");
  });

  it("a symbol or private-use character before a banned word does not make it a different word", () => {
    expect(find("\u{1f600}cat")).toBe("cat");
    expect(find("x\ue000cat")).toBe("cat");
  });
});

describe("bannedWordsOf", () => {
  it("white space before the JSON list is ignored", () => {
    expect(bannedWordsOf(' \n["a, b", "c"]')).toEqual(["a, b", "c"]);
  });

  it("the error names the setting and the expected format", () => {
    expect(() => bannedWordsOf("[1]")).toThrow("MJFLOW_BANNED_WORDS must be a JSON list of words");
  });
});
