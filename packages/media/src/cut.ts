/** Cuts a tile from a stored grid and stores it as its own image. */
import { type Bucket, findStored, putStored, readStored, type Stored } from "./bucket.ts";
import { sourceOf } from "./temp-file.ts";
import { cutTile, type TileNumber } from "./tile.ts";

/**
 * Stores a tile, or returns at once if the tile is already stored. Memory holds the grid (at most `maxBytes`) and the
 * pixels that `cutTile` decodes.
 *
 * @throws MediaError `gone` if the grid is not in the bucket; and the errors of `readStored`, `cutTile` and `putStored`
 */
export async function cutToBucket(
  { bucket }: { bucket: Bucket },
  { from, key, n, maxBytes }: { from: string; key: string; n: TileNumber; maxBytes: number },
): Promise<Stored> {
  const existing = await findStored(bucket, key);
  if (existing) return existing;
  const { bytes, contentType } = await cutTile(await readStored(bucket, from, maxBytes), n);
  return putStored(bucket, key, contentType, sourceOf(bytes));
}
