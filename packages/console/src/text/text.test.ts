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
