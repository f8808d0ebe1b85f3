/** A tile of a stored grid, stored as an image of its own. */
import { type Bucket, findStored, putStored, readStored, type Stored } from "./bucket.ts";
import { sourceOf } from "./temp-file.ts";
import { cutTile, type TileNumber } from "./tile.ts";

/**
 * Answers at once when the tile is there. Memory holds the grid (`maxBytes` at most) and what `cutTile` decodes.
 *
 * @throws MediaError gone when the grid is not in the bucket; else as `readStored`, `cutTile`, `putStored`
 */
export async function cutToBucket(
  { bucket }: { bucket: Bucket },
  { from, key, n, maxBytes }: { from: string; key: string; n: TileNumber; maxBytes: number },
): Promise<Stored> {
  const there = await findStored(bucket, key);
  if (there) return there;
  const { bytes, contentType } = await cutTile(await readStored(bucket, from, maxBytes), n);
  return putStored(bucket, key, contentType, sourceOf(bytes));
}
