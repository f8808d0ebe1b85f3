/** How bodies are read: labels that are right and wrong, parts of any size, limits, and bodies that end too early. */
import { PassThrough, Readable } from "node:stream";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { BodyHeaders } from "./body-headers.ts";
import { decodeBytes, readBody, toText } from "./http-body.ts";

const TEXT = `{"id":"17","description":"提交成功","text":"${"abc ".repeat(40)}"}`;
const PLAIN = Buffer.from(TEXT);
const GBK = Buffer.from("b6d3c1d0d2d1c2fa", "hex");
const LIMIT = 10_000;

const parts = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
const body = (bytes: Buffer, size = bytes.length || 1) => Readable.from(parts(bytes, size), { objectMode: false });
const encoding = (label: string): BodyHeaders => ({ "content-encoding": label });

const WHOLE: [name: string, bytes: Buffer, headers: BodyHeaders, text: string][] = [
  ["plain text", PLAIN, {}, TEXT],
  ["nothing", Buffer.alloc(0), {}, ""],
  ["one byte", Buffer.from("x"), {}, "x"],
  ["gzip", gzipSync(PLAIN), encoding("gzip"), TEXT],
  ["gzip without a label", gzipSync(PLAIN), {}, TEXT],
  ["gzip that is labelled br", gzipSync(PLAIN), encoding("br"), TEXT],
  ["deflate", deflateSync(PLAIN), encoding("deflate"), TEXT],
  ["deflate at level 1", deflateSync(PLAIN, { level: 1 }), encoding("deflate"), TEXT],
  ["deflate without a zlib header", deflateRawSync(PLAIN), encoding("deflate"), TEXT],
  ["deflate with blanks and capitals in its label", deflateSync(PLAIN), encoding(" Deflate "), TEXT],
  ["br", brotliCompressSync(PLAIN), encoding("BR"), TEXT],
  ["plain text that is labelled gzip", PLAIN, encoding("gzip"), TEXT],
  ["plain text that is labelled br", PLAIN, encoding("br"), TEXT],
  ["plain text that is labelled deflate", PLAIN, encoding("deflate"), TEXT],
  ["plain text with an unknown label", PLAIN, encoding("zstd"), TEXT],
  ["nothing that is labelled deflate", Buffer.alloc(0), encoding("deflate"), ""],
  ["nothing that is labelled br", Buffer.alloc(0), encoding("br"), ""],
  ["GBK without a charset", GBK, {}, "队列已满"],
  ["GBK with its charset", GBK, { "content-type": "text/plain; charset=gbk" }, "队列已满"],
  ["GBK that is declared as UTF-8", GBK, { "content-type": "text/plain; charset=utf-8" }, "队列已满"],
  ["UTF-8 with an unknown charset", PLAIN, { "content-type": "text/plain; charset=odd" }, TEXT],
  ["a byte order mark", Buffer.from("\ufeffx"), {}, "x"],
  ["bytes of no charset", Buffer.from([0x78, 0xff, 0xff, 0x80]), {}, "x\ufffd\ufffd\ufffd"],
];

test.each(WHOLE)("%s is read, however its bytes arrive", async (_, bytes, headers, text) => {
  // A decoder cannot tell from one byte that a label is wrong.
  const isWrong = bytes === PLAIN && headers["content-encoding"] === "deflate";
  for (const size of [bytes.length || 1, ...(isWrong ? [] : [1, 2, 3, 7])])
    expect(await readBody(body(bytes, size), headers, LIMIT), `parts of ${size}`).toEqual({ text });
  expect(await decodeBytes(bytes, headers, LIMIT)).toBe(text);
});

test.each<[string, (bytes: Buffer) => Buffer, BodyHeaders]>([
  ["plain", (bytes) => bytes, {}],
  ["gzip", gzipSync, {}],
  ["deflate", deflateSync, encoding("deflate")],
  ["br", brotliCompressSync, encoding("br")],
])("a %s body has a limit of decoded bytes, and the connection is closed there", async (_, encoded, headers) => {
  const bytes = encoded(PLAIN);
  expect(await readBody(body(bytes, 5), headers, PLAIN.length)).toEqual({ text: TEXT });
  for (const limit of [PLAIN.length - 1, 60]) {
    const source = body(bytes, 5);
    const { text, cut, error } = await readBody(source, headers, limit);
    expect([cut, error], `limit ${limit}`).toEqual([true, undefined]);
    expect(TEXT.startsWith(text.replace(/\ufffd+$/, "")) && text.length > 40).toBe(true);
    expect(source.destroyed).toBe(true);
  }
  expect(await decodeBytes(bytes, headers, PLAIN.length - 1)).toBeUndefined();
});

/** A body that ends after its first part: with an error, or without any word. */
function broken(bytes: Buffer, error?: Error): Readable {
  const source = new PassThrough();
  source.write(bytes);
  setImmediate(() => source.destroy(error));
  return source;
}

test("a body that ends too early has what came before, and says why", async () => {
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  expect(await readBody(broken(PLAIN, reset), {}, LIMIT)).toEqual({ text: TEXT, error: reset });
  const silent = await readBody(broken(PLAIN), {}, LIMIT);
  expect(silent).toMatchObject({
    text: TEXT,
    error: { code: "ERR_STREAM_PREMATURE_CLOSE", message: "the body ended too early" },
  });
  for (const headers of [encoding("deflate"), encoding("br"), {}]) {
    const whole = headers["content-encoding"] === "br" ? brotliCompressSync(PLAIN) : deflateSync(PLAIN);
    const bytes = headers["content-encoding"] === undefined ? gzipSync(PLAIN) : whole;
    const read = await readBody(broken(bytes, reset), headers, LIMIT);
    expect(read.error, String(headers["content-encoding"])).toBe(reset);
  }
});

test("a compressed body that is damaged in the middle has an error and its beginning", async () => {
  let seed = 7;
  const random = Array.from({ length: 20_000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return String.fromCharCode(97 + (seed % 26));
  });
  const large = Buffer.from(random.join(""));
  const bytes = gzipSync(large);
  const damaged = Buffer.concat([bytes.subarray(0, bytes.length - 400), Buffer.alloc(400, 0xff)]);
  const { text, error } = await readBody(body(damaged, 100), {}, 1_000_000);
  expect(error).toBeInstanceOf(Error);
  expect(large.toString().startsWith(text)).toBe(true);
});

test("a compressed body that ends too early is read as far as it goes", async () => {
  const bytes = gzipSync(PLAIN);
  const { text, error } = await readBody(body(bytes.subarray(0, bytes.length - 6), 9), {}, LIMIT);
  expect([error, text]).toEqual([undefined, TEXT]);
});

test("bytes that are cut inside a character are read as UTF-8 with a replacement", () => {
  const cut = Buffer.from("ab提").subarray(0, 4);
  expect(toText(cut, {}, true)).toBe("ab\ufffd");
  expect(toText(Buffer.from("ab"))).toBe("ab");
});
