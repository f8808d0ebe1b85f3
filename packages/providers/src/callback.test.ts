import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeBytes, decodedText, readCallback } from "./callback.ts";

const TEXT = '{"id":"17","status":"SUCCESS"}';
const GBK = Buffer.concat([
  Buffer.from('{"id":"17","failReason":"'),
  Buffer.from("b6d3c1d0d2d1c2fa", "hex"),
  Buffer.from('"}'),
]);

describe("the text of a callback body", () => {
  test.each([
    ["UTF-8", Buffer.from(TEXT), TEXT],
    ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${TEXT}`), TEXT],
    ["gzip", gzipSync(TEXT), TEXT],
    ["GBK", GBK, '{"id":"17","failReason":"队列已满"}'],
  ])("a request without headers and a body in %s is read", async (_, bytes, text) => {
    expect(await decodeBytes(bytes, undefined, 1_000)).toBe(text);
    expect(await decodeBytes(bytes, {}, 1_000)).toBe(text);
  });

  test("a body that came as text stays unchanged without its byte order mark, unless a header names another encoding", () => {
    const type = "application/json; charset=UTF-8";
    for (const headers of [undefined, {}, { "content-type": type }])
      expect(decodedText(`\ufeff${TEXT}`, headers)).toBe(TEXT);
    expect(decodedText(TEXT, { "content-encoding": "gzip" })).toBeUndefined();
    expect(decodedText("é", { "content-type": "text/plain; charset=gbk" })).toBeUndefined();
  });

  test.each([
    ["text/plain; charset=utf-8", true],
    ["text/plain; charset=UTF8", true],
    ['text/plain; CHARSET = "utf-8"', true],
    ["text/plain", true],
    ["text/plain; charset=", true],
    ["text/plain; charset=utf-80", false],
    ["text/plain; charset=x-utf-8", false],
    ["text/plain; charset=utf-16", false],
  ])("a body with the content type %s came as text: %s", (type, isText) => {
    expect(decodedText(`\ufeff${TEXT}\ufeff`, { "content-type": type })).toBe(isText ? `${TEXT}\ufeff` : undefined);
  });

  test("plain UTF-8 needs no decoder, and a decoder has a limit", async () => {
    expect(await decodeBytes(Buffer.from(TEXT), {}, 1), "the limit is of what is decoded").toBe(TEXT);
    const long = TEXT.repeat(20);
    expect(await decodeBytes(gzipSync(long), {}, long.length)).toBe(long);
    expect(await decodeBytes(gzipSync(long), {}, long.length - 1)).toBeUndefined();
  });

  test.each(["gbk", '"GBK"', "'gbk'", " gbk"])(
    "the declared charset %s decides over bytes that are valid UTF-8",
    async (label) => {
      // The two bytes of U+00E9 in UTF-8 are one character in GBK.
      const read = await decodeBytes(Buffer.from("é"), { "content-type": `text/plain; charset=${label}` }, 1_000);
      expect(read).toBe("茅");
    },
  );
});

describe("a callback whose steps are dropped", () => {
  const body = (status: string, more: object = {}) =>
    JSON.stringify({ id: "17", status, progress: "31%", imageUrl: "/a.png", ...more });
  const GRID = { action: "IMAGINE" };

  test.each(["midjourney-proxy", "newapi", "unknown"])(
    "of %s has only its status, also the second time",
    (provider) => {
      for (let n = 0; n < 2; n++) {
        const step = readCallback(provider, body("IN_PROGRESS"), { dropsSteps: true });
        expect(step).toEqual({ status: "IN_PROGRESS", result: {} });
        const end = readCallback(provider, body("SUCCESS", GRID), { dropsSteps: true });
        expect(end).toEqual(readCallback(provider, body("SUCCESS", GRID)));
        expect(end!.result.buttons?.length ?? 0).toBe(provider === "midjourney-proxy" ? 9 : 0);
      }
    },
  );

  test("keeps its links if the base URL of the vendor is known", () => {
    const options = { baseUrl: "https://vendor.example", dropsSteps: true };
    expect(readCallback("newapi", body("SUCCESS"), options)!.result.imageUrl).toBe("https://vendor.example/a.png");
    expect(readCallback("newapi", body("SUCCESS"))!.result.imageUrl).toBeUndefined();
  });
});

test.each([
  ["fields", "id=17&status=SUCCESS&progress=31%25", "SUCCESS"],
  ["one field with JSON", `task=${encodeURIComponent('{"id":"17","status":"SUCCESS"}')}`, "SUCCESS"],
  [
    "a field with JSON beside others",
    `task=${encodeURIComponent('{"id":"18","status":"FAILURE"}')}&id=17&status=SUCCESS`,
    "SUCCESS",
  ],
  ["names with brackets", "a[b]=1&id=17&status=SUCCESS", "SUCCESS"],
  ["one field with text", "id=17", "NOT_START"],
])("a form of %s is read as a task", (_, form, status) => {
  expect(readCallback("newapi", form)).toMatchObject({ vendorTaskId: "17", status });
});

test.each(["<x>id=17", " id=17", "=17", "id", '"id=17"'])("the text %s is no form", (text) => {
  expect(readCallback("newapi", text)).toBeUndefined();
});
