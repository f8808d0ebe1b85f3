/** JSON as damaged servers and proxies send it (docs/protocol.md 2.7). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDocuments, parseJson, parseStrict } from "./json.ts";
import { parseTolerant } from "./tolerant-json.ts";

const BODY = '{"code":1,"description":"提交成功","result":"1796000010000548","properties":{}}';
const value = JSON.parse(BODY) as unknown;

describe("text around a document", () => {
  test.each([
    ["a byte order mark", `\ufeff${BODY}`],
    ["a PHP notice", `<br />\n<b>Warning</b>: key "mode" in <b>/www/x.php</b> on line <b>[88]</b><br />\n${BODY}`],
    ["a log line with brackets", `[Mon Nov 30 01:02:03] {notice} [12] ${BODY}`],
    ["a comment behind it", `${BODY}\n<!-- served by cache 03 -->`],
    ["the rest of broken chunks", `${BODY}\r\n0\r\n\r\n`],
    ["a JSONP call", `/**/callback(${BODY});`],
    ["a guard against script inclusion", `)]}',\n${BODY}`],
    ["a JSON string around it", JSON.stringify(BODY)],
    ["two JSON strings around it", JSON.stringify(JSON.stringify(BODY))],
  ])("a document with %s is read", (_, text) => {
    expect(parseJson(text)).toEqual(value);
  });

  test("an empty list behind a byte order mark is an empty list, and inside other text it is none", () => {
    expect(parseJson("\ufeff[]")).toEqual([]);
    expect(parseJson("<!-- cached --> []")).toBeUndefined();
  });

  test("for every JSON value, text without brackets around it changes nothing", () => {
    const words = fc.string().map((text) => text.replace(/[[\]{}]/g, "") || "x");
    const document = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { minKeys: 1 });
    fc.assert(
      fc.property(words, document, words, (before, body, after) => {
        const [read] = parseTolerant(`${before}${JSON.stringify(body)} ${after}`);
        expect(JSON.stringify(read)).toBe(JSON.stringify({ value: parseStrict(JSON.stringify(body)) }));
      }),
    );
  });

  test("a text without a document has none", () => {
    for (const text of [
      "",
      "null",
      "busy",
      "<html>{margin:0}</html>",
      "[1] [2]",
      "{}x",
      "{a:1}",
      '{"a" 1}',
      '{"a":x}',
    ]) {
      expect(parseDocuments(text).filter(({ value: found }) => typeof found === "object" && found !== null)).toEqual(
        [],
      );
    }
  });

  test("the documents of a text are read in their order, at most three", () => {
    expect(parseDocuments('{"a":1}{"b":2}').map((document) => document.value)).toEqual([{ a: 1 }, { b: 2 }]);
    expect(parseDocuments('{"a":1}'.repeat(9))).toHaveLength(3);
  });
});

describe("damage inside a document", () => {
  test.each([
    ["a raw line break in a text", '{"a":"x\ny","b":1}', { a: "x\ny", b: 1 }],
    ["NaN and Infinity", '{"a":NaN,"b":[Infinity,-Infinity],"c":1}', { a: null, b: [null, null], c: 1 }],
    ["commas before closing brackets", '{"a":[1,2,],"b":3,}', { a: [1, 2], b: 3 }],
    ["an unknown escape", '{"a":"\\x\\u00e9\\n"}', { a: "xé\n" }],
    ["a name twice: the last counts", '{"a":1,"a":2,"b":NaN}', { a: 2, b: null }],
    ["a long integer", '{"a":18014398509481985,"b":NaN}', { a: "18014398509481985", b: null }],
    ["a long integer as a float", '{"a":18014398509481985.0}', { a: "18014398509481985" }],
  ])("a document with %s is read", (_, text, wanted) => {
    expect(parseJson(text)).toEqual(wanted);
  });

  test("__proto__ is an ordinary name", () => {
    const read = parseJson('{"__proto__":{"polluted":true},"a":NaN}') as object;
    expect(Object.keys(read)).toEqual(["__proto__", "a"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("a document that is too deep is not read, and a large page is read in a short time", () => {
    expect(parseDocuments(`x${"[".repeat(5_000)}${"]".repeat(5_000)}`)).toEqual([]);
    const startedAt = performance.now();
    expect(parseDocuments(`<html>${'{"a":'.repeat(200_000)}`)).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe("a document that is cut", () => {
  const text = JSON.stringify({
    code: 1,
    result: "1796000010003699",
    n: 123,
    list: [{ id: "9" }, { id: "10" }],
    ok: true,
  });
  const whole = JSON.parse(text) as Record<string, unknown>;

  test("for every cut position, only complete values are read, and the document is marked as cut", () => {
    for (let length = 2; length < text.length; length++) {
      const [document] = parseDocuments(text.slice(0, length));
      for (const [name, found] of Object.entries((document?.value ?? {}) as object)) {
        if (name === "list")
          expect(whole["list"]).toEqual(expect.arrayContaining((found as { id?: string }[]).filter(({ id }) => id)));
        else expect(found, text.slice(0, length)).toBe(whole[name]);
      }
      expect(document?.cut ?? true).toBe(true);
      expect(parseJson(text.slice(0, length))).toBeUndefined();
    }
    expect(parseDocuments(`x${text}`)).toEqual([{ value: whole }]);
  });
});

test.each([
  ['{"a":"\\u00e9"}', [{ value: { a: "é" } }]],
  ['{"b":1,"a":"x', [{ value: { b: 1 }, cut: true }]],
  ['{"b":1,"a":"\\', [{ value: { b: 1 }, cut: true }]],
  ['{"b":1,"a":"\\u', [{ value: { b: 1 }, cut: true }]],
  ['{"b":1,"a":"\\u00e', [{ value: { b: 1 }, cut: true }]],
  ['{"b":1,"a":"\\u00e9', [{ value: { b: 1 }, cut: true }]],
  ['{"b":1,"a":"\\u0"}', [{ value: { b: 1 }, cut: true }]],
  ['{"b":1,"a":"\\u00"', [{ value: { b: 1 }, cut: true }]],
  ['{"b":1,"a":"\\u00"}', []],
  ['{"b":1,"a":"\\u00xx"}', []],
])("an escape of a character that is whole, cut or wrong: %s", (text, documents) => {
  expect(parseDocuments(text)).toEqual(documents);
});
