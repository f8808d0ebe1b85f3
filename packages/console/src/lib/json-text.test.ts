import { expect, test } from "vitest";
import { indented, jsonParts } from "./json-text.ts";

test("JSON is indented, and any other text stays as it is", () => {
  expect(indented('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(indented("<b>no</b>")).toBe("<b>no</b>");
});

test("names, texts and values are parts of their own", () => {
  const parts = jsonParts('{"a\\"b": "x: \\"y\\"", "n": -1.5e3, "t": null}');
  const of = (kind: string) => parts.filter((part) => part.kind === kind).map(({ text }) => text);
  expect(of("name")).toEqual(['"a\\"b"', '"n"', '"t"']);
  expect(of("text")).toEqual(['"x: \\"y\\""']);
  expect(of("value")).toEqual(["-1.5e3", "null"]);
});

test.each(["", "no JSON: 12", '{"a": "not closed', '[1,"\\u0041",{}]', '\u2028"x"'])(
  "the parts of %j are the whole text in its order",
  (text) => {
    expect(
      jsonParts(text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  },
);
