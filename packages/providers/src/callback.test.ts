import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeBytes, decodedText } from "./callback.ts";

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

  test.each(["gbk", '"GBK"', "'gbk'", " gbk"])(
    "the declared charset %s decides over bytes that are valid UTF-8",
    async (label) => {
      // The two bytes of U+00E9 in UTF-8 are one character in GBK.
      const read = await decodeBytes(Buffer.from("é"), { "content-type": `text/plain; charset=${label}` }, 1_000);
      expect(read).toBe("茅");
    },
  );
});
