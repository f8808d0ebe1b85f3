import sharp from "sharp";
import { expect, test } from "vitest";
import { SNIFF_BYTES, sniff } from "./sniff.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

test.each(["png", "jpeg", "webp", "gif", "avif"] as const)(
  "a real %s file is recognized with and without alpha channel",
  async (format) => {
    for (const channels of [3, 4] as const) {
      const create = { width: 9, height: 7, channels, background: "#f808" };
      const bytes = await sharp({ create }).toFormat(format).toBuffer();
      expect(sniff(bytes.subarray(0, SNIFF_BYTES))).toBe(`image/${format}`);
      expect(sniff(bytes)).toBe(`image/${format}`);
    }
  },
);

test("lossless and animated WebP files are recognized as WebP", async () => {
  const create = { width: 8, height: 8, channels: 3, background: "red" } as const;
  expect(sniff(await sharp({ create }).webp({ lossless: true }).toBuffer())).toBe("image/webp");
  expect(sniff(latin1("RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x02"))).toBe("image/webp");
});

test.each([
  ["MP4 of ffmpeg", "\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "video/mp4"],
  ["MP4 of phones", "\0\0\0\x18ftypmp42\0\0\0\0isommp42", "video/mp4"],
  ["fragmented MP4", "\0\0\0\x1cftypiso5\0\0\x02\0iso5iso6mp41", "video/mp4"],
  ["AVIF with the general HEIF brand", "\0\0\0\x20ftypmif1\0\0\0\0mif1miafavifMA1B", "image/avif"],
  ["an AVIF image sequence", "\0\0\0\x1cftypavis\0\0\0\0avismsf1", "image/avif"],
  [
    "WebM of ffmpeg and browsers",
    "\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04",
    "video/webm",
  ],
])("%s is recognized", (_, head, type) => {
  expect(sniff(latin1(head))).toBe(type);
});

test.each([
  ["empty input", ""],
  ["an HTML page", "<!doctype html><html>"],
  ["an HTML page after a byte order mark", "\xef\xbb\xbf<html>"],
  ["SVG", '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">'],
  ["SVG after an XML declaration", '<?xml version="1.0"?><svg>'],
  ["JSON", '{"error":{"message":"image not found"}}'],
  ["PDF", "%PDF-1.7"],
  ["script", "import('x')"],
  ["BMP", "BM\x36\0\0\0"],
  ["TIFF", "II*\0"],
  ["an icon", "\0\0\x01\0\x01\0"],
  ["half a PNG signature", "\x89PNG\r\n"],
  ["an HTML page after a PNG signature", "\x89PNG\r\n\x1a\n<html>"],
  ["RIFF audio", "RIFF\x24\0\0\0WAVEfmt "],
  ["script after a WebP signature", "RIFF\x24\0\0\0WEBP<script>"],
  ["HEIC", "\0\0\0\x18ftypheic\0\0\0\0mif1heic"],
  ["HEIC with the general HEIF brand", "\0\0\0\x18ftypmif1\0\0\0\0mif1heic"],
  ["HEIF with the AVIF brand after the end of the box", "\0\0\0\x14ftypmif1\0\0\0\0mif1avif"],
  ["QuickTime", "\0\0\0\x14ftypqt  \0\0\0\0qt  "],
  ["MP4 audio", "\0\0\0\x18ftypM4A \0\0\0\0isommp42"],
  ["Matroska", "\x1aE\xdf\xa3\xa3B\x82\x88matroskaB\x87\x81\x04"],
  ["a truncated box", "\0\0\0\x20ftyp"],
])("%s is not recognized", (_, head) => {
  expect(sniff(latin1(head))).toBeUndefined();
});
