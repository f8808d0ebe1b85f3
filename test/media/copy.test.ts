/** A vendor's image in our bucket: once, whole, told by its bytes, within bounds; or not at all. */
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
import type { Measured, Order } from "./copy.child.ts";
import {
  BUCKET,
  createMediaHarness,
  type MediaHarness,
  outbound,
  pictureOf,
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

/** A file without a name takes room for as long as it is open. */
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

// ── what comes out ─────────────────────────────────────────────────────────────────────────────────────────────────

test.each([
  ["in one piece", 3 * MB, ["PutObject"]],
  ["of exactly one part", PART_BYTES, ["PutObject"]],
  ["in parts", PART_BYTES + 1, ["CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"]],
])("a picture %s is stored byte for byte, with its checksum", async (_, bytes, calls) => {
  const picture = pictureOf(bytes);
  const server = await serve((res) => res.writeHead(200, { "content-type": "text/html" }).end(picture));
  const stored = await copy(outbound, { url: server.url });
  await server.stop();
  expect(stored).toEqual({ key, bytes, sha256: sha256(picture), contentType: "image/png" });
  expect(written()).toEqual(calls);
  expect(picture.equals(await body())).toBe(true);
  const head = await harness.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }));
  expect(head.Metadata).toEqual({ sha256: sha256(picture), bytes: String(bytes) });
  expect(harness.openUploads()).toBe(0);
});

test("a browser that follows its link shows it, as what it is", async () => {
  const picture = pictureOf(1_000);
  await copy(serveResponse({ contentType: "image/svg+xml", chunks: [picture] }));
  const response = await fetch(await signedUrl({ bucket: harness.bucket }, { key, expiresS: 60 }));
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "image/png",
    "content-disposition": "inline",
    "cache-control": "max-age=31536000, immutable",
  });
  expect(picture.equals(await response.bytes())).toBe(true);
});

test("a picture that comes byte by byte is known all the same", async () => {
  const picture = pictureOf(300);
  const chunks = Array.from(picture, (byte) => Uint8Array.of(byte));
  expect(await copy(serveResponse({ chunks }))).toMatchObject({ bytes: 300, sha256: sha256(picture) });
});

// ── once ───────────────────────────────────────────────────────────────────────────────────────────────────────────

test("doing it twice fetches once and answers the same", async () => {
  const server = await serve((res) => res.end(pictureOf(PART_BYTES + 9)));
  const first = await copy(outbound, { url: server.url });
  const before = harness.calls.length;
  expect(await copy(outbound, { url: server.url })).toEqual(first);
  await server.stop();
  expect(server.requests).toBe(1);
  expect(harness.calls.slice(before).map(({ name }) => name)).toEqual(["HeadObject"]);
});

const OURS = { ContentType: "image/png", Metadata: { sha256: sha256(Buffer.from("x")), bytes: "1" } };

test.each([
  ["says nothing of itself", { ContentType: "image/png" }],
  ["names no checksum", { ...OURS, Metadata: { ...OURS.Metadata, sha256: "x" } }],
  ["is of another length than it says", { ...OURS, Metadata: { ...OURS.Metadata, bytes: "2" } }],
  ["is a page", { ...OURS, ContentType: "text/html" }],
])("an object under the key that %s is neither answered as ours nor replaced", async (_, told) => {
  const object = { Bucket: BUCKET, Key: key, Body: "x", ChecksumSHA256: sha256(Buffer.from("x"), "base64"), ...told };
  await harness.client.send(new PutObjectCommand(object));
  harness.before = ({ name, input }) => {
    // As S3 answers; the embedded engine knows no conditions.
    if (name === "PutObject" && input["IfNoneMatch"] === "*") throw s3Error(412, "PreconditionFailed");
  };
  await expect(copy(serveResponse({ chunks: [pictureOf(500)] }))).rejects.toMatchObject({ code: "unavailable" });
});

test.each(["PutObject", "CompleteMultipartUpload"])(
  "of two at once the first to store wins, and both answer what it stored (%s)",
  async (name) => {
    const bytes = name === "PutObject" ? 400 : PART_BYTES + 400;
    const mine = pictureOf(bytes);
    const theirs = pictureOf(bytes - 1);
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

// ── what is refused ────────────────────────────────────────────────────────────────────────────────────────────────

test("a page disguised as a PNG is refused at its first bytes, and the rest is not fetched", async () => {
  const server = await serve((res) => {
    res.writeHead(200, { "content-type": "image/png" });
    // Never ends: only whoever leaves gets away.
    res.write(`<!doctype html><script>alert(1)</script>${" ".repeat(1_000)}`);
  });
  await expect(copy(outbound, { url: server.url })).rejects.toMatchObject({ code: "not_media", retry: "never" });
  await expect.poll(() => server.left).toBe(1);
  await server.stop();
  expectNothing();
});

test("an empty answer is no picture", async () => {
  await expect(copy(serveResponse({}))).rejects.toMatchObject({ code: "not_media" });
  expectNothing();
});

test("what says it is too large is not fetched", async () => {
  const server = await serve((res) => {
    res.writeHead(200, { "content-length": 5_001 });
    res.write(pictureOf(64));
  });
  await expect(copy(outbound, { url: server.url, maxBytes: 5_000 })).rejects.toMatchObject({
    code: "too_large",
    retry: "never",
  });
  await expect.poll(() => server.left).toBe(1);
  await server.stop();
  expect(written()).toEqual([]);
  expectNothing();
});

test("what does not say so is left as soon as it is too large", async () => {
  const picture = pictureOf(MB);
  const server = await serve(async (res) => {
    // For ever, were it not refused.
    for (; !res.closed; ) await new Promise((resolve) => res.write(picture, resolve));
  });
  await expect(copy(outbound, { url: server.url, maxBytes: 20 * MB })).rejects.toMatchObject({ code: "too_large" });
  await expect.poll(() => server.left).toBe(1);
  await server.stop();
  expect(written()).toEqual([]);
  expectNothing();
});

test("exactly the limit is taken", async () => {
  expect(await copy(serveResponse({ chunks: [pictureOf(700)] }), { maxBytes: 700 })).toMatchObject({ bytes: 700 });
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
])("HTTP %i is %s, whatever came with it", async (status, code) => {
  const retry = code === "gone" ? "never" : "later";
  await expect(copy(serveResponse({ status, chunks: [pictureOf(500)] }))).rejects.toMatchObject({ code, retry });
  expectNothing();
});

test.each([
  ["forbidden", "forbidden", "never"],
  ["unreachable", "unavailable", "later"],
] as const)("an address that is %s is %s", async (kind, code, retry) => {
  const get = () => Promise.reject(new OutboundError(kind, "no"));
  await expect(copy({ ...outbound, get })).rejects.toMatchObject({ code, retry });
});

test("an error says nothing of the link, which opens without a key", async () => {
  const server = await serve((res) => res.writeHead(404).end());
  const error = await copy(outbound, { url: `${server.url}?hm=secret` }).catch((caught: Error) => caught);
  await server.stop();
  expect(String(error)).toBe("MediaError: no longer there: HTTP 404");
});

// ── what breaks ────────────────────────────────────────────────────────────────────────────────────────────────────

test("a connection reset in the middle leaves nothing, and the next try stores it", async () => {
  const picture = pictureOf(20 * MB);
  const server = await serve((res) => {
    res.writeHead(200, { "content-length": picture.length });
    if (server.requests > 1) return res.end(picture);
    return res.write(picture.subarray(0, 15 * MB), () => res.socket?.resetAndDestroy());
  });
  await expect(copy(outbound, { url: server.url })).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  expect(written()).toEqual([]);
  expectNothing();
  expect(await copy(outbound, { url: server.url })).toMatchObject({ sha256: sha256(picture) });
  await server.stop();
});

test("a body shorter than it was said to be is not taken for the picture", async () => {
  const cut = serveResponse({ contentLength: 1_001, chunks: [pictureOf(1_000)] });
  await expect(copy(cut)).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  expectNothing();
});

test.each([
  ["CreateMultipartUpload", 1],
  ["UploadPart", 2],
  ["CompleteMultipartUpload", 1],
])("a bucket that fails at %s (%i) keeps nothing open", async (name, nth) => {
  let left = nth;
  harness.before = (call) => {
    if (call.name === name && --left === 0) throw s3Error(503, "SlowDown");
  };
  const picture = pictureOf(20 * MB);
  await expect(copy(serveResponse({ chunks: [picture] }))).rejects.toMatchObject({
    code: "unavailable",
    retry: "later",
  });
  expectNothing();
  expect(await copy(serveResponse({ chunks: [picture] }))).toMatchObject({ sha256: sha256(picture) });
});

test("a bucket that refuses us is no vendor's fault, and is said as it is", async () => {
  harness.before = () => {
    throw s3Error(403, "AccessDenied");
  };
  await expect(copy(serveResponse({ chunks: [pictureOf(500)] }))).rejects.toMatchObject({ name: "AccessDenied" });
});

test("a bucket that is not there is said as it is; one that cannot be reached is worth another try", async () => {
  const from = { outbound: serveResponse({ chunks: [pictureOf(500)] }) };
  const request = { url: "http://vendor.invalid", key, maxBytes: MB, timeoutMs: 1_000 };
  const missing = copyToBucket({ ...from, bucket: { ...harness.bucket, name: "no-such-bucket" } }, request);
  await expect(missing).rejects.toMatchObject({ name: "NoSuchBucket" });
  const nowhere = await serve(() => {});
  await nowhere.stop();
  const client = bucketClient(new URL(nowhere.url).origin);
  const unreached = copyToBucket({ ...from, bucket: { ...harness.bucket, client: async () => client } }, request);
  await expect(unreached).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  client.destroy();
});

// ── a process of its own ───────────────────────────────────────────────────────────────────────────────────────────

function runChild(order: Omit<Order, "endpoint" | "bucket" | "key" | "maxBytes">, folder = tmpdir()) {
  const whole: Order = { endpoint: harness.endpoint, bucket: BUCKET, key, maxBytes: 60 * MB, ...order };
  const args = ["--expose-gc", new URL("copy.child.ts", import.meta.url).pathname, JSON.stringify(whole)];
  const env = { PATH: process.env["PATH"], TMPDIR: folder };
  return new Promise<{ stdout: string; signal: string | undefined }>((resolve, reject) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
      if (error && error.signal !== "SIGKILL") reject(new Error(stderr));
      else resolve({ stdout, signal: error?.signal ?? undefined });
    });
  });
}

test("50 MB pass through while memory holds a few chunks of them, then one part", async () => {
  const picture = pictureOf(50 * MB);
  const server = await serve((res) => res.end(picture));
  const measured = JSON.parse((await runChild({ url: server.url })).stdout) as Measured;
  await server.stop();
  console.log(
    `50 MB: at most ${measured.heldBytes} bytes of the body held, ${measured.bodyBytes} in a call, ` +
      `${measured.calls} calls; rss ${measured.rssBeforeMb} MB before, ${measured.rssMb} MB at most`,
  );
  expect(measured.stored).toMatchObject({ bytes: 50 * MB, sha256: sha256(picture) });
  expect(measured.heldBytes).toBeLessThan(MB);
  expect(measured.bodyBytes).toBe(PART_BYTES);
});

test("killed between two parts, nothing is visible under the key; the next try stores it", async () => {
  const picture = pictureOf(20 * MB);
  const server = await serve((res) => res.end(picture));
  expect((await runChild({ url: server.url, killAt: { call: "UploadPart", nth: 2 } })).signal).toBe("SIGKILL");
  expect(harness.keys()).not.toContain(key);
  // What only a lifecycle rule can end: nobody is left to.
  expect(harness.openUploads()).toBe(1);
  expect(await copy(outbound, { url: server.url })).toMatchObject({ sha256: sha256(picture) });
  await server.stop();
});

test("killed while it fetches, nothing is left in the bucket or on the disk", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mjflow-killed-"));
  const server = await serve((res) => res.end(pictureOf(20 * MB)));
  const { signal } = await runChild({ url: server.url, killAt: { fetched: 10 * MB } }, folder);
  await server.stop();
  expect(signal).toBe("SIGKILL");
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
  expect(harness.keys()).not.toContain(key);
});
