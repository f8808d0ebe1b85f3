/** Rules of submit responses that `wire.test.ts` and `test/cases` do not show on their own. */
import { Readable } from "node:stream";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readBody } from "./http-body.ts";
import { parseSubmitResponse } from "./submit-response.ts";

const read = (status: number, text: string, prompt?: string) =>
  parseSubmitResponse({ kind: "answered", status, text }, { code21: "modal" }, { ...(prompt && { prompt }) });

describe("refusals", () => {
  test.each(["", "{}", "<html>Payment</html>"])("402 with the body %j is about money, whatever its words", (text) => {
    expect(read(402, text)).toMatchObject({ kind: "refused", failure: { code: "vendor_out_of_money" } });
  });

  test("the words of a quoted prompt decide nothing", () => {
    const prompt = "a poster with the words banned prompt, insufficient balance, queue is full";
    const text = JSON.stringify({ code: 4, description: `cannot read: ${prompt}` });
    expect(read(200, text, prompt)).toMatchObject({ kind: "refused", failure: { code: "vendor_refused" } });
    expect(read(200, text)).toMatchObject({ kind: "refused", failure: { code: "banned_prompt" } });
  });
});

describe("bodies that end early", () => {
  const text = '{"code":1,"result":"1796000010000548"}';

  test.each([
    ["gzip", gzipSync(text), 8],
    ["deflate", deflateSync(text), 4],
  ] as const)("%s without its checksum is read without an error", async (label, bytes, missing) => {
    const body = Readable.from([bytes.subarray(0, bytes.length - missing)]);
    expect(await readBody(body, { "content-encoding": label }, 1_000)).toEqual({ text });
  });
});
