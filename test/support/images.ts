/** Uploads and links in memory, with the same errors as the bucket and the URL guard. */
import type { InputImages } from "@mjflow/core/port";
import { MediaError, type MediaErrorCode } from "@mjflow/media/error";

const HEAD_BYTES = 64;
const REDUCED = Buffer.concat([Buffer.from("ffd8ffe000104a464946", "hex"), Buffer.alloc(900_000)]);

export function createMemoryImages() {
  const uploads = new Map<string, { contentType: string; bytes: Uint8Array; storedAt: number }>();
  /** Failures of scaling down, by the key of the upload. Any other upload becomes a JPEG of 900 kB. */
  const reductions = new Map<string, MediaErrorCode>();
  /** Keys of the uploads that were scaled down. */
  const reductionsMade: string[] = [];
  const links = new Map<string, Uint8Array | MediaErrorCode>();
  /** Keys and links that were read as a whole. */
  const reads: string[] = [];
  const within = (bytes: Uint8Array, maxBytes: number) => {
    if (bytes.length > maxBytes) throw new MediaError("too_large");
    return bytes;
  };
  const images: InputImages = {
    presign: async ({ key, contentType, bytes, expiresS }) =>
      `https://bucket.test/${key}?type=${encodeURIComponent(contentType)}&bytes=${bytes}&expires=${expiresS}`,
    async findUpload(key) {
      const found = uploads.get(key);
      if (!found) return undefined;
      const { bytes, ...rest } = found;
      return { ...rest, etag: "", bytes: bytes.length, head: bytes.subarray(0, HEAD_BYTES) };
    },
    async readUpload(key, maxBytes) {
      reads.push(key);
      const found = uploads.get(key);
      if (!found) throw new MediaError("gone");
      return within(found.bytes, maxBytes);
    },
    async reduceUpload({ key }) {
      const refused = reductions.get(key);
      const reduced = `${key}/reduced`;
      if (!uploads.has(reduced)) {
        reductionsMade.push(key);
        if (refused) throw new MediaError(refused);
        uploads.set(reduced, { contentType: "image/jpeg", bytes: REDUCED, storedAt: 0 });
      }
      const sizes = { width: 2048, height: 1536, originalWidth: 8000, originalHeight: 6000 };
      return { key: reduced, bytes: REDUCED.length, contentType: "image/jpeg", ...sizes };
    },
    async readLink(url, maxBytes) {
      reads.push(url);
      const found = links.get(url) ?? "gone";
      if (typeof found === "string") throw new MediaError(found);
      return within(found, maxBytes);
    },
  };
  return { images, uploads, links, reads, reductions, reductionsMade };
}
