/** Copies of a vendor's image in our bucket: stored once, complete, typed by their bytes and within limits, or not at all. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { OutboundError } from "@mjflow/core/port";
import { bucketClient } from "@mjflow/local/engine/client";
import { PART_BYTES } from "@mjflow/media/bucket";
import { copyToBucket } from "@mjflow/media/copy";
import { signedUrl } from "@mjflow/media/sign";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { CopyOptions, Measured } from "./copy.child.ts";
import {
  BUCKET,
  createMediaHarness,
  imageOf,
  type MediaHarness,
  outbound,
  s3Error,
  serve,
  serveResponse,
  sha256,
} from "./harness.ts";

const MB = 1_000_000;

let harness: MediaHarness;
let count = 0;
let key: string;

beforeAll(async () => {
  harness = await createMediaHarness();
});
afterAll(() => harness?.stop());
beforeEach(() => {
  key = `media/flow_${count++}/0`;
  harness.calls.length = 0;
  harness.before = () => {};
});

function copy(from: typeof outbound, more: { url?: string; maxBytes?: number } = {}) {
  const request = { url: "http://vendor.invalid/x.png", key, maxBytes: 60 * MB, timeoutMs: 20_000, ...more };
  return copyToBucket({ outbound: from, bucket: harness.bucket }, request);
}

/** An unlinked file uses disk space while it is open, so no test may leave one open. */
afterEach(() => {
  if (process.platform === "linux")
    expect(openFiles().filter((path) => /mjflow-\S+ \(deleted\)$/.test(path))).toEqual([]);
});

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });
}

const written = () => harness.calls.map(({ name }) => name).filter((name) => name !== "HeadObject");

function expectNothing() {
  expect(harness.keys()).not.toContain(key);
  expect(harness.openUploads()).toBe(0);
}

async function body(): Promise<Uint8Array> {
  const { Body } = await harness.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return Body!.transformToByteArray();
}

// ── stored objects ─────────────────────────────────────────────────────────────────────────────────────────────────

test.each([
  ["in one piece", 3 * MB, ["PutObject"]],
  ["in one piece of exactly the part size", PART_BYTES, ["PutObject"]],
  ["in parts", PART_BYTES + 1, ["CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"]],
])("an image that is stored %s is identical to the source and has its checksum", async (_, bytes, calls) => {
  const image = imageOf(bytes);
  const server = await serve((res) => res.writeHead(200, { "content-type": "text/html" }).end(image));
  const stored = await copy(outbound, { url: server.url });
  await server.stop();
  expect(stored).toEqual({ key, bytes, sha256: sha256(image), contentType: "image/png" });
  expect(written()).toEqual(calls);
  expect(image.equals(await body())).toBe(true);
  const head = await harness.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }));
  expect(head.Metadata).toEqual({ sha256: sha256(image), bytes: String(bytes) });
  expect(harness.openUploads()).toBe(0);
});

test("a link shows the image inline with the content type of its bytes", async () => {
  const image = imageOf(1_000);
  await copy(serveResponse({ contentType: "image/svg+xml", chunks: [image] }));
  const response = await fetch(await signedUrl({ bucket: harness.bucket }, { key, expiresS: 60 }));
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "image/png",
    "content-disposition": "inline",
    "cache-control": "max-age=31536000, immutable",
  });
  expect(image.equals(await response.bytes())).toBe(true);
});

test("an image that arrives byte by byte is recognized", async () => {
  const image = imageOf(300);
  const chunks = Array.from(image, (byte) => Uint8Array.of(byte));
  expect(await copy(serveResponse({ chunks }))).toMatchObject({ bytes: 300, sha256: sha256(image) });
});

// ── repeated and concurrent copies ─────────────────────────────────────────────────────────────────────────────────

test("a repeated copy fetches once and returns the same result", async () => {
  const server = await serve((res) => res.end(imageOf(PART_BYTES + 9)));
  const first = await copy(outbound, { url: server.url });
  const before = harness.calls.length;
  expect(await copy(outbound, { url: server.url })).toEqual(first);
  await server.stop();
  expect(server.requests).toBe(1);
  expect(harness.calls.slice(before).map(({ name }) => name)).toEqual(["HeadObject"]);
});

const OURS = { ContentType: "image/png", Metadata: { sha256: sha256(Buffer.from("x")), bytes: "1" } };

test.each([
  ["has no metadata", { ContentType: "image/png" }],
  ["has an invalid checksum", { ...OURS, Metadata: { ...OURS.Metadata, sha256: "x" } }],
  ["has another length than its metadata", { ...OURS, Metadata: { ...OURS.Metadata, bytes: "2" } }],
  ["is an HTML page", { ...OURS, ContentType: "text/html" }],
])("an object under the key that %s is neither returned as ours nor replaced", async (_, properties) => {
  const object = {
    Bucket: BUCKET,
    Key: key,
    Body: "x",
    ChecksumSHA256: sha256(Buffer.from("x"), "base64"),
    ...properties,
  };
  await harness.client.send(new PutObjectCommand(object));
  harness.before = ({ name, input }) => {
    // S3 responds with 412. The embedded S3 does not support conditional writes.
    if (name === "PutObject" && input["IfNoneMatch"] === "*") throw s3Error(412, "PreconditionFailed");
  };
  await expect(copy(serveResponse({ chunks: [imageOf(500)] }))).rejects.toMatchObject({ code: "unavailable" });
});

test.each(["PutObject", "CompleteMultipartUpload"])(
  "the first of two concurrent copies wins, and both return its object (%s)",
  async (name) => {
    const bytes = name === "PutObject" ? 400 : PART_BYTES + 400;
    const mine = imageOf(bytes);
    const theirs = imageOf(bytes - 1);
    harness.before = async (call) => {
      if (call.name !== name) return;
      expect(call.input["IfNoneMatch"]).toBe("*");
      harness.before = () => {};
      await copy(serveResponse({ chunks: [theirs] }));
      throw s3Error(412, "PreconditionFailed");
    };
    expect(await copy(serveResponse({ chunks: [mine] }))).toMatchObject({ bytes: bytes - 1, sha256: sha256(theirs) });
    expect(theirs.equals(await body())).toBe(true);
    expect(harness.openUploads()).toBe(0);
  },
);

// ── rejected content ───────────────────────────────────────────────────────────────────────────────────────────────

test("an HTML page that is labeled as PNG is rejected by its first bytes, and the rest is not fetched", async () => {
  const server = await serve((res) => {
    res.writeHead(200, { "content-type": "image/png" });
    // The response never ends, so the client must close the connection.
    res.write(`<!doctype html><script>alert(1)</script>${" ".repeat(1_000)}`);
  });
  await expect(copy(outbound, { url: server.url })).rejects.toMatchObject({ code: "not_media", retry: "never" });
  await expect.poll(() => server.abandoned).toBe(1);
  await server.stop();
  expectNothing();
});

test("an empty response is rejected", async () => {
  await expect(copy(serveResponse({}))).rejects.toMatchObject({ code: "not_media" });
  expectNothing();
});

test.each([
  ["a PNG", imageOf(MB).subarray(0, MB - 12), "incomplete"],
  ["a JPEG", Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(5_000, 7)]), "incomplete"],
])("%s without its end is rejected, although its length fits", async (_, body, code) => {
  await expect(copy(serveResponse({ chunks: [body] }))).rejects.toMatchObject({ code, retry: "never" });
  expectNothing();
});

test.each([
  ["a PNG with appended data", Buffer.concat([imageOf(5_000), Buffer.alloc(9_000, 7)])],
  [
    "a JPEG",
    Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(90_000, 7), Buffer.from([0xff, 0xd9])]),
  ],
])("%s is stored, also if it arrives in small chunks", async (_, body) => {
  const chunks = Array.from({ length: Math.ceil(body.length / 999) }, (_, i) => body.subarray(i * 999, (i + 1) * 999));
  expect(await copy(serveResponse({ chunks }))).toMatchObject({ bytes: body.length });
});

test("a response with a content-length above the limit is not fetched", async () => {
  const server = await serve((res) => {
    res.writeHead(200, { "content-length": 5_001 });
    res.write(imageOf(64));
  });
  await expect(copy(outbound, { url: server.url, maxBytes: 5_000 })).rejects.toMatchObject({
    code: "too_large",
    retry: "never",
  });
  await expect.poll(() => server.abandoned).toBe(1);
  await server.stop();
  expect(written()).toEqual([]);
  expectNothing();
});

test("a response without content-length is abandoned when it exceeds the limit", async () => {
  const image = imageOf(MB);
  const server = await serve(async (res) => {
    // The response ends only when the client closes it.
    for (; !res.closed; ) await new Promise((resolve) => res.write(image, resolve));
  });
  await expect(copy(outbound, { url: server.url, maxBytes: 20 * MB })).rejects.toMatchObject({ code: "too_large" });
  await expect.poll(() => server.abandoned).toBe(1);
  await server.stop();
  expect(written()).toEqual([]);
  expectNothing();
});

test("an image of exactly the limit is stored", async () => {
  expect(await copy(serveResponse({ chunks: [imageOf(700)] }), { maxBytes: 700 })).toMatchObject({ bytes: 700 });
});

test.each([
  [404, "gone"],
  [410, "gone"],
  [403, "gone"],
  [401, "gone"],
  [408, "unavailable"],
  [425, "unavailable"],
  [429, "unavailable"],
  [500, "unavailable"],
  [503, "unavailable"],
  [204, "unavailable"],
  [304, "unavailable"],
])("HTTP %i gives the error %s, even with an image as body", async (status, code) => {
  const retry = code === "gone" ? "never" : "later";
  await expect(copy(serveResponse({ status, chunks: [imageOf(500)] }))).rejects.toMatchObject({ code, retry });
  expectNothing();
});

test.each([
  ["forbidden", "forbidden", "never"],
  ["unreachable", "unavailable", "later"],
] as const)("an outbound error %s becomes the error %s", async (kind, code, retry) => {
  const get = () => Promise.reject(new OutboundError(kind, "no"));
  await expect(copy({ ...outbound, get })).rejects.toMatchObject({ code, retry });
});

test("an error does not contain the link, because the link works without a key", async () => {
  const server = await serve((res) => res.writeHead(404).end());
  const error = await copy(outbound, { url: `${server.url}?hm=secret` }).catch((caught: Error) => caught);
  await server.stop();
  expect(String(error)).toBe("MediaError: the image no longer exists: HTTP 404");
});

// ── failures ───────────────────────────────────────────────────────────────────────────────────────────────────────

test("a download that is reset leaves nothing, and the next copy stores the image", async () => {
  const image = imageOf(20 * MB);
  const server = await serve((res) => {
    res.writeHead(200, { "content-length": image.length });
    if (server.requests > 1) return res.end(image);
    return res.write(image.subarray(0, 15 * MB), () => res.socket?.resetAndDestroy());
  });
  await expect(copy(outbound, { url: server.url })).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  expect(written()).toEqual([]);
  expectNothing();
  expect(await copy(outbound, { url: server.url })).toMatchObject({ sha256: sha256(image) });
  await server.stop();
});

test("a body that is shorter than its content-length is not stored", async () => {
  const cut = serveResponse({ contentLength: 1_001, chunks: [imageOf(1_000)] });
  await expect(copy(cut)).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  expectNothing();
});

test.each([
  ["CreateMultipartUpload", 1],
  ["UploadPart", 2],
  ["CompleteMultipartUpload", 1],
])("a failure of the bucket at %s (call %i) leaves no open upload", async (name, nth) => {
  let left = nth;
  harness.before = (call) => {
    if (call.name === name && --left === 0) throw s3Error(503, "SlowDown");
  };
  const image = imageOf(20 * MB);
  await expect(copy(serveResponse({ chunks: [image] }))).rejects.toMatchObject({
    code: "unavailable",
    retry: "later",
  });
  expectNothing();
  expect(await copy(serveResponse({ chunks: [image] }))).toMatchObject({ sha256: sha256(image) });
});

test("an AccessDenied error of the bucket is thrown unchanged", async () => {
  harness.before = () => {
    throw s3Error(403, "AccessDenied");
  };
  await expect(copy(serveResponse({ chunks: [imageOf(500)] }))).rejects.toMatchObject({ name: "AccessDenied" });
});

test("a missing bucket is thrown unchanged, and an unreachable bucket gives a retryable error", async () => {
  const from = { outbound: serveResponse({ chunks: [imageOf(500)] }) };
  const request = { url: "http://vendor.invalid", key, maxBytes: MB, timeoutMs: 1_000 };
  const missing = copyToBucket({ ...from, bucket: { ...harness.bucket, name: "no-such-bucket" } }, request);
  await expect(missing).rejects.toMatchObject({ name: "NoSuchBucket" });
  const stopped = await serve(() => {});
  await stopped.stop();
  const client = bucketClient(new URL(stopped.url).origin);
  const unreached = copyToBucket({ ...from, bucket: { ...harness.bucket, client: async () => client } }, request);
  await expect(unreached).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  client.destroy();
});

// ── separate processes ─────────────────────────────────────────────────────────────────────────────────────────────

function runChild(options: Omit<CopyOptions, "endpoint" | "bucket" | "key" | "maxBytes">, folder = tmpdir()) {
  const whole: CopyOptions = { endpoint: harness.endpoint, bucket: BUCKET, key, maxBytes: 60 * MB, ...options };
  const args = ["--expose-gc", new URL("copy.child.ts", import.meta.url).pathname, JSON.stringify(whole)];
  const env = { PATH: process.env["PATH"], TMPDIR: folder };
  return new Promise<{ stdout: string; signal: string | undefined }>((resolve, reject) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
      if (error && error.signal !== "SIGKILL") reject(new Error(stderr));
      else resolve({ stdout, signal: error?.signal ?? undefined });
    });
  });
}

test("a copy of 50 MB holds less than 1 MB of the download and one part of the upload in memory", async () => {
  const image = imageOf(50 * MB);
  const server = await serve((res) => res.end(image));
  const measured = JSON.parse((await runChild({ url: server.url })).stdout) as Measured;
  await server.stop();
  console.log(
    `50 MB: at most ${measured.heldBytes} bytes of the body held, ${measured.bodyBytes} in a call, ` +
      `${measured.calls} calls; rss ${measured.rssBeforeMb} MB before, ${measured.rssMb} MB at most`,
  );
  expect(measured.stored).toMatchObject({ bytes: 50 * MB, sha256: sha256(image) });
  expect(measured.heldBytes).toBeLessThan(MB);
  expect(measured.bodyBytes).toBe(PART_BYTES);
});

test("a process that is killed between two parts leaves no visible object, and the next copy stores the image", async () => {
  const image = imageOf(20 * MB);
  const server = await serve((res) => res.end(image));
  expect((await runChild({ url: server.url, killAt: { call: "UploadPart", nth: 2 } })).signal).toBe("SIGKILL");
  expect(harness.keys()).not.toContain(key);
  // Only the lifecycle rule can end this upload, because its process is gone.
  expect(harness.openUploads()).toBe(1);
  expect(await copy(outbound, { url: server.url })).toMatchObject({ sha256: sha256(image) });
  await server.stop();
});

test("a process that is killed during the download leaves nothing in the bucket or on disk", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mjflow-killed-"));
  const server = await serve((res) => res.end(imageOf(20 * MB)));
  const { signal } = await runChild({ url: server.url, killAt: { fetched: 10 * MB } }, folder);
  await server.stop();
  expect(signal).toBe("SIGKILL");
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
  expect(harness.keys()).not.toContain(key);
});
