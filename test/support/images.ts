/** Uploads and links in memory, with the same errors as the bucket and the URL guard. */
import type { InputImages } from "@mjflow/core/port";
import { MediaError, type MediaErrorCode } from "@mjflow/media/error";

const HEAD_BYTES = 64;

export function createMemoryImages() {
  const uploads = new Map<string, { contentType: string; bytes: Uint8Array; storedAt: number }>();
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
      return { ...rest, bytes: bytes.length, head: bytes.subarray(0, HEAD_BYTES) };
    },
    async readUpload(key, maxBytes) {
      reads.push(key);
      const found = uploads.get(key);
      if (!found) throw new MediaError("gone");
      return within(found.bytes, maxBytes);
    },
    async readLink(url, maxBytes) {
      reads.push(url);
      const found = links.get(url) ?? "gone";
      if (typeof found === "string") throw new MediaError(found);
      return within(found, maxBytes);
    },
  };
  return { images, uploads, links, reads };
}
