/**
 * One picture of a grid of four, cut out: free, where the vendor's own upscale is a paid task. Numbered as Midjourney's
 * U1 to U4: 1 top left, 2 top right, 3 bottom left, 4 bottom right.
 *
 * sharp is 20 MB of native code: loaded here, on first use, and only in the function that has it installed.
 */
import type { Metadata, Sharp } from "sharp";
import { MediaError } from "./error.ts";
import { type ContentType, sniff } from "./sniff.ts";

export type TileNumber = 1 | 2 | 3 | 4;

export interface Tile {
  bytes: Uint8Array;
  contentType: ContentType;
  width: number;
  height: number;
}

/** 4096 by 4096, the largest grid there is, has 17 million. Decoded, this much takes 160 MB. */
export const MAX_PIXELS = 40_000_000;
/** A thumbnail's tiles are not worth keeping; Midjourney's smallest were 256. */
export const MIN_TILE_PX = 64;
/** Midjourney's widest is 14:1; more is a strip, not two rows of two. */
const MAX_RATIO = 16;
const DECODE_TIMEOUT_S = 20;

/** A grid's own format where it holds a still picture without loss of much; else the nearest that does. */
const ENCODERS: Partial<Record<ContentType, { contentType: ContentType; encode: (image: Sharp) => Sharp }>> = {
  "image/png": { contentType: "image/png", encode: (image) => image.png() },
  "image/gif": { contentType: "image/png", encode: (image) => image.png() },
  "image/webp": { contentType: "image/webp", encode: (image) => image.webp({ quality: 95 }) },
  "image/avif": { contentType: "image/webp", encode: (image) => image.webp({ quality: 95 }) },
  "image/jpeg": {
    contentType: "image/jpeg",
    encode: (image) => image.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }),
  },
};

/**
 * All four tiles are of one size: of an odd width or height the line in the middle, which is a mix of both, is dropped.
 * Turned as a viewer would show it, in sRGB, without the grid's metadata.
 *
 * @param bytes PNG, JPEG, WebP, AVIF, or GIF of one frame
 * @throws MediaError not_media (also: broken), too_large (also: too slow), not_a_grid (video, animated, tiny, a strip)
 */
export async function cutTile(bytes: Uint8Array, n: TileNumber): Promise<Tile> {
  // Before the decoder sees them: it knows more formats than we want to be reached by.
  const found = sniff(bytes);
  if (found === undefined) throw new MediaError("not_media");
  const encoder = ENCODERS[found];
  if (encoder === undefined) throw new MediaError("not_a_grid", found);

  const { default: sharp } = await import("sharp");
  // A container sees each picture once.
  sharp.cache(false);
  const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "error" }).timeout({ seconds: DECODE_TIMEOUT_S });
  const { width, height } = sizeOf(await image.metadata().catch(refuse));
  const tile = { width: Math.floor(width / 2), height: Math.floor(height / 2) };
  const left = n === 1 || n === 3 ? 0 : width - tile.width;
  const top = n === 1 || n === 2 ? 0 : height - tile.height;
  const cut = encoder.encode(image.autoOrient().extract({ left, top, ...tile }));
  return { bytes: await cut.toBuffer().catch(refuse), contentType: encoder.contentType, ...tile };
}

/** As a viewer shows it. @throws MediaError not_a_grid */
function sizeOf({ autoOrient: { width, height }, pages = 1 }: Metadata): { width: number; height: number } {
  if (pages > 1) throw new MediaError("not_a_grid", `${pages} frames`);
  const [shorter, longer] = width < height ? [width, height] : [height, width];
  if (shorter < 2 * MIN_TILE_PX || longer > MAX_RATIO * shorter) {
    throw new MediaError("not_a_grid", `${width} by ${height} pixels`);
  }
  return { width, height };
}

function refuse(error: Error): never {
  const tooMuch = /pixel limit|^timeout/i.test(error.message);
  throw new MediaError(tooMuch ? "too_large" : "not_media", tooMuch ? "to decode" : "broken", { cause: error });
}
