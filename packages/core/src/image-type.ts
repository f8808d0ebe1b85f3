/**
 * Image formats of input images, by their first bytes. A name or a declared type proves nothing. Midjourney reads these four;
 * a vendor would take the money for a task with another one and fail it, or ignore the image.
 */

export const INPUT_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"] as const;
export type InputType = (typeof INPUT_TYPES)[number];

/** Number of first bytes that are enough for a result. */
export const INPUT_HEAD_BYTES = 64;

/** Endings of links. Some vendors accept only a link that ends like the name of an image. */
export const INPUT_EXTENSIONS: Readonly<Record<InputType, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
  "image/gif": "gif",
};

/** The names for people. */
export const INPUT_NAMES = "PNG, JPEG, WebP or GIF";

/** @param head the first `INPUT_HEAD_BYTES` bytes, or all. @returns undefined for any other format */
export function inputTypeOf(head: Uint8Array): InputType | undefined {
  const text = latin1(head);
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "image/webp";
  return /^GIF8[79]a/.test(text) ? "image/gif" : undefined;
}

/** Major brands of ISO base media files (14496-12) that phones and cameras write, by the name that people know. */
const BRANDS: readonly (readonly [name: string, brands: RegExp])[] = [
  ["HEIC", /^(?:hei[cmsx]|hev[cmsx]|mif1|msf1)$/],
  ["AVIF", /^avi[fs]$/],
  ["MP4", /^(?:isom|iso[2-9]|mp4[12]|avc1|M4V |qt {2})$/],
];

const STARTS: readonly (readonly [name: string, start: string])[] = [
  ["TIFF", "II*\0"],
  ["TIFF", "MM\0*"],
  ["BMP", "BM"],
  ["PDF", "%PDF-"],
  ["JPEG XL", "\xff\n"],
  ["JPEG XL", "\0\0\0\fJXL "],
  ["PSD", "8BPS"],
  ["WebM", "\x1aE\xdf\xa3"],
];

const MARKUP: readonly (readonly [name: string, start: RegExp])[] = [
  ["SVG", /^\s*<(?:svg|\?xml)\b/i],
  ["HTML", /^\s*<(?:!doctype|html)\b/i],
];

/** Returns the name of a known format that is no input image, such as HEIC; undefined if it is unknown. */
export function otherFormatOf(head: Uint8Array): string | undefined {
  const text = latin1(head);
  const brand = text.slice(4, 8) === "ftyp" ? text.slice(8, 12) : undefined;
  if (brand !== undefined) return BRANDS.find(([, brands]) => brands.test(brand))?.[0];
  return STARTS.find(([, start]) => text.startsWith(start))?.[0] ?? MARKUP.find(([, start]) => start.test(text))?.[0];
}

function latin1(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(0, INPUT_HEAD_BYTES));
}
