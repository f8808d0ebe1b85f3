/**
 * What bytes are, by their beginning. A server's own word is never taken: what we store is served from our address, and
 * a page or an SVG called "image/png" would run there as ours.
 *
 * Signatures: the formats' own specifications, and for MP4 and WebM the WHATWG's "MIME Sniffing", chapter 6.2. The npm
 * package file-type knows 200 formats in 156 kB; these seven are what Midjourney's servers send and browsers show.
 */

export const CONTENT_TYPES = [
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/avif",
  "video/mp4",
  "video/webm",
] as const;

export type ContentType = (typeof CONTENT_TYPES)[number];

/** With so many bytes, or all there are, the answer is final. */
export const SNIFF_BYTES = 256;

/** Major brands of MP4 as encoders write them; `qt  ` (QuickTime) and `M4A ` (sound) are others. */
const MP4 = /^(?:isom|iso[2-9a-c]|mp4[12]|avc1|M4V |dash|MSNV)$/;
const HEIF = /^(?:mif1|msf1|miaf)$/;
const AVIF = /^avi[fs]$/;

/** @param head the first bytes, `SNIFF_BYTES` or all there are. @returns undefined for anything not shown as a picture */
export function sniff(head: Uint8Array): ContentType | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, SNIFF_BYTES)).toString("latin1");
  if (text.startsWith("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")) return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("RIFF") && /^WEBPVP8[ LX]/.test(text.slice(8))) return "image/webp";
  if (/^GIF8[79]a/.test(text)) return "image/gif";
  if (text.slice(4, 8) === "ftyp") return boxed(text);
  if (text.startsWith("\x1aE\xdf\xa3")) return webm(text);
  return undefined;
}

/** ISO base media (14496-12): length of the box, `ftyp`, major brand, its version, compatible brands. */
function boxed(text: string): ContentType | undefined {
  const length = Buffer.from(text.slice(0, 4), "latin1").readUInt32BE();
  const major = text.slice(8, 12);
  if (MP4.test(major)) return "video/mp4";
  if (AVIF.test(major)) return "image/avif";
  const compatible = text.slice(16, length).match(/.{4}/gs) ?? [];
  return HEIF.test(major) && compatible.some((brand) => AVIF.test(brand)) ? "image/avif" : undefined;
}

/** Matroska's container; its DocType (element 42 82) tells WebM from the rest, near enough to the beginning. */
function webm(text: string): ContentType | undefined {
  const at = text.indexOf("B\x82");
  return at > 0 && text.slice(at + 2, at + 14).includes("webm") ? "video/webm" : undefined;
}
