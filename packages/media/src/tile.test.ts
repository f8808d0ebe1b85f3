import { createHash } from "node:crypto";
import sharp, { type OverlayOptions } from "sharp";
import { expect, test } from "vitest";
import type { MediaErrorCode } from "./error.ts";
import { cutTile, MAX_PIXELS, MIN_TILE_PX, type TileNumber } from "./tile.ts";

const COLORS = { 1: [230, 30, 30], 2: [30, 200, 60], 3: [40, 60, 220], 4: [240, 200, 20] } as const;
const NUMBERS = [1, 2, 3, 4] as const;

/** Draws four tiles of one color each. If a side is odd, the middle line is magenta. */
function grid(width: number, height: number) {
  const tile = { width: Math.floor(width / 2), height: Math.floor(height / 2) };
  const tiles = NUMBERS.map((n): OverlayOptions => {
    const [r, g, b] = COLORS[n];
    const left = n % 2 === 1 ? 0 : width - tile.width;
    const top = n <= 2 ? 0 : height - tile.height;
    return { input: { create: { ...tile, channels: 3, background: { r, g, b } } }, left, top };
  });
  return sharp({ create: { width, height, channels: 3, background: "#f0f" } }).composite(tiles);
}

async function pixelsOf(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, ...info };
}

/** Checks every pixel. With a loss, pixels at the edge are skipped, because lossy formats blend them. */
async function expectColor(bytes: Uint8Array, n: TileNumber, loss: number) {
  const { width, height } = await pixelsOf(bytes);
  const edge = loss > 0 ? 16 : 0;
  const inner = { left: edge, top: edge, width: width - 2 * edge, height: height - 2 * edge };
  const { data } = await pixelsOf(await sharp(bytes).extract(inner).png().toBuffer());
  let worst = 0;
  for (let i = 0; i < data.length; i++) worst = Math.max(worst, Math.abs(data[i]! - COLORS[n][i % 3]!));
  expect(worst).toBeLessThanOrEqual(loss);
}

/** Returns deterministic noise that no format can compress. */
function noise(format: "png" | "jpeg" | "webp") {
  const raw = { width: 300, height: 300, channels: 3 } as const;
  const bytes = createHash("shake256", { outputLength: 300 * 300 * 3 })
    .update("noise")
    .digest();
  return sharp(bytes, { raw }).toFormat(format).toBuffer();
}

function expectRejected(bytes: Uint8Array, code: MediaErrorCode, n: TileNumber = 1) {
  return expect(cutTile(bytes, n)).rejects.toMatchObject({ name: "MediaError", code, retry: "never" });
}

test.each([
  ["png", "image/png", 0],
  ["jpeg", "image/jpeg", 6],
  ["webp", "image/webp", 6],
  ["gif", "image/png", 4],
  ["avif", "image/webp", 12],
] as const)("each tile of a %s grid is the corner of its Midjourney number", async (format, contentType, loss) => {
  const whole = await grid(400, 300).toFormat(format, { quality: 100 }).toBuffer();
  for (const n of NUMBERS) {
    const tile = await cutTile(whole, n);
    expect(tile).toMatchObject({ contentType, width: 200, height: 150 });
    expect(await pixelsOf(tile.bytes)).toMatchObject({ width: 200, height: 150 });
    expect((await sharp(tile.bytes).metadata()).format).toBe(contentType.slice("image/".length));
    await expectColor(tile.bytes, n, loss);
  }
});

test("the four tiles of a grid with odd size have the same size, and none contains the middle line", async () => {
  const whole = await grid(401, 301).png().toBuffer();
  for (const n of NUMBERS) {
    const tile = await cutTile(whole, n);
    expect(tile).toMatchObject({ width: 200, height: 150 });
    await expectColor(tile.bytes, n, 0);
  }
});

test("a grid with EXIF orientation is cut in the orientation that a viewer shows", async () => {
  const upright = await grid(400, 300).png().toBuffer();
  const rotated = await sharp(upright).rotate(270).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
  for (const n of NUMBERS) {
    const tile = await cutTile(rotated, n);
    expect(tile).toMatchObject({ width: 200, height: 150 });
    await expectColor(tile.bytes, n, 6);
    expect((await sharp(tile.bytes).metadata()).orientation).toBeUndefined();
  }
});

test("a tile keeps transparency", async () => {
  const create = { width: 200, height: 200, channels: 4, background: "#ff000080" } as const;
  const tile = await cutTile(await sharp({ create }).png().toBuffer(), 4);
  expect(await sharp(tile.bytes).stats()).toMatchObject({ isOpaque: false });
});

test("a tile does not contain the metadata of the grid", async () => {
  const exif = { IFD0: { ImageDescription: "a secret prompt" } };
  const tile = await cutTile(await grid(400, 300).withExif(exif).png().toBuffer(), 1);
  expect(Buffer.from(tile.bytes).includes("a secret prompt")).toBe(false);
});

test("the widest Midjourney ratio of 14:1 is cut, and a ratio of 17:1 is rejected", async () => {
  expect(
    await cutTile(
      await grid(14 * 130, 130)
        .png()
        .toBuffer(),
      2,
    ),
  ).toMatchObject({ width: 910, height: 65 });
  await expectRejected(
    await grid(17 * 130, 130)
      .png()
      .toBuffer(),
    "not_a_grid",
  );
  await expectRejected(
    await grid(130, 17 * 130)
      .png()
      .toBuffer(),
    "not_a_grid",
  );
});

test("a grid is rejected if its tiles have less than 64 pixels", async () => {
  const least = 2 * MIN_TILE_PX;
  expect(await cutTile(await grid(least, least).png().toBuffer(), 1)).toMatchObject({ width: MIN_TILE_PX });
  await expectRejected(
    await grid(least - 1, least)
      .png()
      .toBuffer(),
    "not_a_grid",
  );
  await expectRejected(
    await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
      .png()
      .toBuffer(),
    "not_a_grid",
  );
});

test.each(["gif", "webp"] as const)("an animated %s is rejected", async (format) => {
  const frame = { width: 200, height: 400, channels: 3, background: "red" } as const;
  const both = await sharp({ create: frame })
    .composite([{ input: { create: { ...frame, height: 200, background: "blue" } }, gravity: "north" }])
    .raw()
    .toBuffer();
  const animated = await sharp(both, { raw: { ...frame, pageHeight: 200 } })
    .toFormat(format)
    .toBuffer();
  expect((await sharp(animated).metadata()).pages).toBe(2);
  await expectRejected(animated, "not_a_grid");
});

test("a video is rejected", () =>
  expectRejected(Buffer.from("\0\0\0\x18ftypmp42\0\0\0\0isommp42", "latin1"), "not_a_grid"));

test("a small file with too many pixels is rejected before it is decoded", async () => {
  const side = Math.ceil(Math.sqrt(MAX_PIXELS)) + 1;
  const bomb = await sharp({ create: { width: side, height: side, channels: 3, background: "red" } })
    .png({ compressionLevel: 9, palette: false })
    .toBuffer();
  expect(bomb.length).toBeLessThan(200_000);
  await expectRejected(bomb, "too_large");
});

test.each(["png", "jpeg", "webp"] as const)("a truncated %s is rejected", async (format) => {
  const whole = await noise(format);
  await expectRejected(whole.subarray(0, whole.length / 2), "not_media", 4);
});

test("a corrupt image is rejected", async () => {
  const corrupt = await noise("png");
  corrupt.fill(0, 100_000, 100_064);
  await expectRejected(corrupt, "not_media", 4);
});

test.each([
  ["an HTML page", "<!doctype html>"],
  ["SVG, which the decoder supports,", '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"/>'],
  ["empty input", ""],
])("%s never reaches the decoder", (_, text) => expectRejected(Buffer.from(text), "not_media"));
