import { describe, expect, it } from "vitest";
import { INPUT_EXTENSIONS, INPUT_TYPES, inputTypeOf, otherFormatOf } from "./image-type.ts";

const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const boxed = (brand: string) => bytes(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1`);

describe("the type of an input image", () => {
  it.each([
    ["image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    ["image/jpeg", "\xff\xd8\xff\xe0\0\x10JFIF"],
    ["image/webp", "RIFF\x10\0\0\0WEBPVP8 "],
    ["image/gif", "GIF89a"],
    ["image/gif", "GIF87a"],
  ])("is %s by its first bytes", (type, start) => {
    expect(inputTypeOf(bytes(start))).toBe(type);
    expect(otherFormatOf(bytes(start))).toBeUndefined();
  });

  it.each([
    ["HEIC", boxed("heic")],
    ["HEIC", boxed("heix")],
    ["HEIC", boxed("mif1")],
    ["AVIF", boxed("avif")],
    ["MP4", boxed("isom")],
    ["TIFF", bytes("II*\0")],
    ["TIFF", bytes("MM\0*")],
    ["BMP", bytes("BM6\0")],
    ["PDF", bytes("%PDF-1.7")],
    ["PSD", bytes("8BPS")],
    ["JPEG XL", bytes("\xff\x0a")],
    ["WebM", bytes("\x1aE\xdf\xa3")],
    ["SVG", bytes("\n<svg xmlns='")],
    ["HTML", bytes("<!DOCTYPE html>")],
  ])("%s is known and is no input image", (name, head) => {
    expect(inputTypeOf(head)).toBeUndefined();
    expect(otherFormatOf(head)).toBe(name);
  });

  it.each(["", "\x89PN", "RIFF\x10\0\0\0WAVE", "hello"])("%j is unknown", (start) => {
    expect(inputTypeOf(bytes(start))).toBeUndefined();
    expect(otherFormatOf(bytes(start))).toBeUndefined();
  });

  it("every type has an ending for links", () => {
    for (const type of INPUT_TYPES) expect(INPUT_EXTENSIONS[type]).toMatch(/^[a-z]+$/);
  });
});
