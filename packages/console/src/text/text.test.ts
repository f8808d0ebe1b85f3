import { expect, test } from "vitest";
import { en } from "./en.ts";
import { enCreate } from "./en-create.ts";
import { enPages } from "./en-pages.ts";
import { pluralOf } from "./plural.ts";
import { languageOf } from "./text.ts";
import { zh } from "./zh.ts";

/** Every text of a catalog with its path. A function is not called: its arguments differ. */
function textsOf(catalog: object, path = ""): [string, string][] {
  return Object.entries(catalog).flatMap(([name, value]): [string, string][] => {
    if (typeof value === "string") return [[`${path}${name}`, value]];
    return typeof value === "object" ? textsOf(value as object, `${path}${name}.`) : [];
  });
}
const placesIn = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("a text in Chinese has the same places for elements as its English text", () => {
  const chinese = new Map(textsOf(zh));
  const withPlaces = [...textsOf(en), ...textsOf(enCreate), ...textsOf(enPages)].filter(
    ([, text]) => placesIn(text).length > 0,
  );
  expect(withPlaces.length).toBeGreaterThan(5);
  for (const [path, text] of withPlaces) expect(placesIn(chinese.get(path)!), path).toEqual(placesIn(text));
});

test("every Chinese text with English words is one that has no Chinese word", () => {
  const same = textsOf(zh).filter(([, text]) => !/\p{Script=Han}/u.test(text));
  // Labels of Midjourney's buttons and field names of the API.
  expect(same.map(([path]) => path)).toEqual([
    "press.names.upscale:all",
    "press.names.variation:all",
    "flow.state",
    "task.facts.id",
    "create.state",
  ]);
});

test("the language is the chosen one, else the first known one of the browser, else English", () => {
  expect(languageOf("zh", ["en-US"])).toBe("zh");
  expect(languageOf("auto", ["fr-FR", "zh-Hans-CN", "en"])).toBe("zh");
  expect(languageOf("auto", ["ZH-tw"])).toBe("zh");
  expect(languageOf("auto", ["fr"])).toBe("en");
  expect(languageOf("auto", [])).toBe("en");
});

test("a number picks its form by the rules of the language", () => {
  expect([0, 1, 2].map((count) => enPages.deliveries.attempts(count))).toEqual([
    "0 attempts",
    "1 attempt",
    "2 attempts",
  ]);
  expect(pluralOf("pl")(3, { one: "plik", few: "pliki", other: "plików" })).toBe("pliki");
  expect(zh.deliveries.attempts(1)).toBe("尝试 1 次");
});

/** The texts of a catalog. A function is called with numbers, or with short texts where it wants texts. */
function allTexts(catalog: object, path = ""): [string, string][] {
  return Object.entries(catalog).flatMap(([name, value]): [string, string][] => {
    const here = `${path}${name}`;
    if (typeof value === "string") return [[here, value]];
    if (typeof value === "function") return [[here, String(value(...Array.from({ length: value.length }, () => "2")))]];
    return typeof value === "object" && value !== null ? allTexts(value as object, `${here}.`) : [];
  });
}
/** Images and old words of mjflow. The glossary has the words that are used instead. */
const FORBIDDEN = /\b(call(ed)? off|told|letters?(?!, digits)|house|windows?|settled?|let (it )?go)\b/i;

test("no English text has a forbidden word, and no sentence has more than 20 words", () => {
  const texts = [...allTexts(en), ...allTexts(enCreate), ...allTexts(enPages)];
  expect(texts.length).toBeGreaterThan(400);
  const found = texts.filter(([, text]) =>
    FORBIDDEN.test(text.replaceAll("Dead-letter", "").replaceAll("dead-letter", "")),
  );
  const long = texts.flatMap(([path, text]) =>
    text
      .split(/[.!?:;](?:\s|$)/)
      .map((sentence) => sentence.split(/\s+/).filter((word) => /\w/.test(word)).length)
      .filter((words) => words > 20)
      .map((words) => `${path}: ${words} words`),
  );
  expect([found, long]).toEqual([[], []]);
});
