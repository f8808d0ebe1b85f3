/**
 * Cuts one image of a 2×2 grid. A tile is free, while the vendor's upscale is a paid task. The numbers are those of
 * Midjourney's U1 to U4: 1 top left, 2 top right, 3 bottom left, 4 bottom right.
 *
 * sharp is 20 MB of native code. It is loaded here on first use, and only one function has it installed.
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

/** Limit of decoded pixels: 160 MB of memory. The largest existing grid, 4096 by 4096, has 17 million pixels. */
export const MAX_PIXELS = 40_000_000;
/** Minimum side of a tile. Tiles of a thumbnail are useless; the smallest tiles of Midjourney have 256 pixels. */
export const MIN_TILE_PX = 64;
/** Maximum aspect ratio. The widest of Midjourney is 14:1, so a wider image is not a grid. */
const MAX_RATIO = 16;
const DECODE_TIMEOUT_S = 20;

/** Format of the tiles: the format of the grid if it stores still images well, otherwise the most similar format. */
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
 * Cuts tile `n`. All four tiles have the same size: if width or height is odd, the middle line, which mixes both tiles,
 * is dropped. The tile has the orientation that a viewer shows, sRGB colors and no metadata of the grid.
 *
 * @param bytes PNG, JPEG, WebP, AVIF, or GIF with one frame
 * @throws MediaError `not_media` (unknown format or broken), `too_large` (too many pixels or too slow to decode) or
 *   `not_a_grid` (video, animation, too small or too narrow)
 */
export async function cutTile(bytes: Uint8Array, n: TileNumber): Promise<Tile> {
  // The check comes before the decoder, because the decoder supports more formats than we want to accept.
  const found = sniff(bytes);
  if (found === undefined) throw new MediaError("not_media");
  const encoder = ENCODERS[found];
  if (encoder === undefined) throw new MediaError("not_a_grid", found);

  const { default: sharp } = await import("sharp");
  // The cache is off, because an instance decodes each image only once.
  sharp.cache(false);
  const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "error" }).timeout({ seconds: DECODE_TIMEOUT_S });
  const { width, height } = sizeOf(await image.metadata().catch(throwMediaError));
  const tile = { width: Math.floor(width / 2), height: Math.floor(height / 2) };
  const left = n === 1 || n === 3 ? 0 : width - tile.width;
  const top = n === 1 || n === 2 ? 0 : height - tile.height;
  const cut = encoder.encode(image.autoOrient().extract({ left, top, ...tile }));
  return { bytes: await cut.toBuffer().catch(throwMediaError), contentType: encoder.contentType, ...tile };
}

/** Returns the size in the orientation that a viewer shows. @throws MediaError `not_a_grid` */
function sizeOf({ autoOrient: { width, height }, pages = 1 }: Metadata): { width: number; height: number } {
  if (pages > 1) throw new MediaError("not_a_grid", `${pages} frames`);
  const [shorter, longer] = width < height ? [width, height] : [height, width];
  if (shorter < 2 * MIN_TILE_PX || longer > MAX_RATIO * shorter) {
    throw new MediaError("not_a_grid", `${width} by ${height} pixels`);
  }
  return { width, height };
}

function throwMediaError(error: Error): never {
  const tooMuch = /pixel limit|^timeout/i.test(error.message);
  throw new MediaError(
    tooMuch ? "too_large" : "not_media",
    tooMuch ? "it cannot be decoded within the limits" : "broken",
    { cause: error },
  );
}
