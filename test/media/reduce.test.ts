/** Scaled-down copies: what they look like, that an upload is decoded once, and the limits of the decoder. */
import { randomFillSync } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { UploadVersion } from "@mjflow/core/port";
import { reducedKeyOf, UPLOAD } from "@mjflow/core/upload";
import { readStart, readStored } from "@mjflow/media/bucket";
import { reduceImage, reduceToBucket } from "@mjflow/media/reduce";
import { findReduced } from "@mjflow/media/reduced";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BUCKET, createMediaHarness, type MediaHarness, sha256 } from "./harness.ts";

const RED = { r: 255, g: 0, b: 0 };

/** An image of one color, as the format needs it. */
const plain = (width: number, height: number, background: object = RED) =>
  sharp({ create: { width, height, channels: "alpha" in background ? 4 : 3, background } });
const noise = (side: number) =>
  sharp(randomFillSync(new Uint8Array(side * side * 3)), { raw: { width: side, height: side, channels: 3 } });

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

/** A PNG that says it has this size, in a few hundred bytes. */
function bomb(width: number, height: number, interlaced = 0): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([16, 6, 0, 0, interlaced], 8);
  const pixels = deflateSync(Buffer.alloc(1_000));
  const parts = [chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...parts]);
}

describe("a scaled-down copy", () => {
  test("has at most 2048 pixels a side and 1 MB, also of an image that no encoder makes smaller", async () => {
    const copy = await reduceImage(await noise(3_000).png({ compressionLevel: 0 }).toBuffer());
    expect(copy.bytes.length).toBeLessThanOrEqual(UPLOAD.reducedBytes);
    expect(copy).toMatchObject({ contentType: "image/jpeg", originalWidth: 3_000, originalHeight: 3_000 });
    const { format, width, height } = await sharp(copy.bytes).metadata();
    expect({ format, width, height }).toEqual({ format: "jpeg", width: copy.width, height: copy.height });
    expect(Math.max(width, height)).toBeLessThanOrEqual(UPLOAD.reducedSidePx);
  });

  test("keeps its aspect, and the orientation that a viewer shows", async () => {
    const wide = await plain(4_000, 1_000).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await reduceImage(wide)).toMatchObject({
      width: 512,
      height: 2_048,
      originalWidth: 1_000,
      originalHeight: 4_000,
    });
  });

  test("is not larger than its image", async () => {
    expect(await reduceImage(await plain(300, 200).png().toBuffer())).toMatchObject({ width: 300, height: 200 });
  });

  test("is a WebP if parts are transparent, and a JPEG if an alpha channel hides nothing", async () => {
    const clear = await reduceImage(
      await plain(300, 200, { ...RED, alpha: 0.5 })
        .png()
        .toBuffer(),
    );
    expect(clear.contentType).toBe("image/webp");
    expect((await sharp(clear.bytes).metadata()).hasAlpha).toBe(true);
    const opaque = await reduceImage(
      await plain(300, 200, { ...RED, alpha: 1 })
        .png()
        .toBuffer(),
    );
    expect(opaque.contentType).toBe("image/jpeg");
    const { dominant } = await sharp(opaque.bytes).stats();
    expect(dominant.r).toBeGreaterThan(200);
  });

  test("has no metadata of its image, which can name a place", async () => {
    const image = await plain(300, 200)
      .jpeg()
      .withExif({ IFD0: { Copyright: "somebody" } })
      .toBuffer();
    expect((await sharp((await reduceImage(image)).bytes).metadata()).exif).toBeUndefined();
  });

  test.each(["gif", "webp"] as const)("of an animated %s is its first frame", async (format) => {
    const frames = await Promise.all(
      [plain(80, 60), plain(80, 60, { r: 0, g: 0, b: 255 })].map((each) => each.png().toBuffer()),
    );
    const animated = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer();
    expect((await sharp(animated, { pages: -1 }).metadata()).pages).toBe(2);
    const copy = await reduceImage(animated);
    expect([copy.width, copy.height]).toEqual([80, 60]);
    expect((await sharp(copy.bytes).stats()).dominant.r).toBeGreaterThan(200);
  });
});

describe("an image that is not decoded", () => {
  test("is broken, or no image of the four formats", async () => {
    const cut = (await noise(400).png().toBuffer()).subarray(0, 100_000);
    for (const bytes of [cut, Buffer.from("GIF89a and text"), await plain(9, 9).tiff().toBuffer()]) {
      await expect(reduceImage(bytes)).rejects.toMatchObject({ code: "not_media" });
    }
  });

  test("has few bytes that stand for billions of pixels", async () => {
    for (const [width, height] of [
      [100_000, 100_000],
      [12_000, 12_000],
      [2, 100_000_000],
    ] as const) {
      await expect(reduceImage(bomb(width, height))).rejects.toMatchObject({ code: "too_large", retry: "never" });
    }
  });

  test("is decoded as a whole, and its pixels would take more than 512 MB", async () => {
    await expect(reduceImage(bomb(9_000, 9_000, 1))).rejects.toMatchObject({ code: "too_large" });
  });
});

describe("the copy of an upload in the bucket", () => {
  let harness: MediaHarness;
  beforeAll(async () => {
    harness = await createMediaHarness();
  });
  afterAll(() => harness?.stop());
  beforeEach(() => {
    harness.calls.length = 0;
  });

  async function put(key: string, Body: Buffer): Promise<UploadVersion> {
    const ChecksumSHA256 = sha256(Body, "base64");
    await harness.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body, ChecksumSHA256 }));
    const { etag } = (await readStart(harness.bucket, key, 1))!;
    harness.calls.length = 0;
    return { key, etag };
  }
  const names = () => harness.calls.map(({ name }) => name);

  test("is made once, and its sizes are known without reading it", async () => {
    const key = "uploads/app_a/upload_1";
    const upload = await put(key, await plain(3_000, 2_000).png().toBuffer());
    const made = await reduceToBucket({ bucket: harness.bucket }, upload);
    expect(made).toMatchObject({ key: reducedKeyOf(key), width: 2_048, height: 1_365, originalWidth: 3_000 });
    expect(names()).toEqual(["HeadObject", "GetObject", "PutObject"]);
    expect(await reduceToBucket({ bucket: harness.bucket }, upload)).toEqual(made);
    expect(await findReduced(harness.bucket, upload)).toEqual(made);
    expect(names().slice(3)).toEqual(["HeadObject", "HeadObject"]);
    const bytes = await readStored(harness.bucket, made.key, UPLOAD.dataBytes);
    expect(bytes.length).toBe(made.bytes);
    expect((await sharp(bytes).metadata()).width).toBe(2_048);
  });

  test("of an upload that cannot be decoded is a stored reason, so it is decoded once", async () => {
    const upload = await put("uploads/app_a/upload_2", Buffer.from("GIF89a and text"));
    for (let n = 1; n <= 2; n++) {
      await expect(reduceToBucket({ bucket: harness.bucket }, upload)).rejects.toMatchObject({ code: "not_media" });
    }
    expect(names()).toEqual(["HeadObject", "GetObject", "PutObject", "HeadObject"]);
  });

  test("is made again if the upload was sent again, also after an image that cannot be decoded", async () => {
    const key = "uploads/app_a/upload_4";
    const reduce = (upload: UploadVersion) => reduceToBucket({ bucket: harness.bucket }, upload);
    const broken = await put(key, Buffer.from("GIF89a and text"));
    await expect(reduce(broken)).rejects.toMatchObject({ code: "not_media" });
    const first = await put(key, await plain(400, 300).png().toBuffer());
    expect(await reduce(first)).toMatchObject({ originalWidth: 400 });
    const second = await put(key, await plain(500, 300).png().toBuffer());
    expect(await findReduced(harness.bucket, second)).toBe(undefined);
    expect(await reduce(second)).toMatchObject({ originalWidth: 500 });
  });

  test("of an upload that does not exist is gone, and nothing is stored", async () => {
    const key = "uploads/app_a/upload_3";
    const missing = reduceToBucket({ bucket: harness.bucket }, { key, etag: '"1"' });
    await expect(missing).rejects.toMatchObject({ code: "gone" });
    expect(harness.keys()).not.toContain(reducedKeyOf(key));
  });
});
