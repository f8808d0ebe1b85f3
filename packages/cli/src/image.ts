/** Reads the user's image files in the form that the API accepts. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "./usage-error.ts";

const SIGNATURES: readonly (readonly [type: string, at: number, bytes: string])[] = [
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF8"],
  ["image/webp", 8, "WEBP"],
];

/**
 * Returns a link unchanged and a file as a data URI.
 *
 * @throws UsageError if the file cannot be read or is not an image
 */
export function imageOf(text: string, cwd: string, option: string): string {
  return /^https?:\/\//i.test(text) ? text : dataUri(read(text, cwd, option), option);
}

/**
 * Returns a PNG file as a data URI. White regions of a mask are regenerated, black regions are kept.
 *
 * @throws UsageError if the file cannot be read or is not a PNG
 */
export function maskOf(path: string, cwd: string, option: string): string {
  const uri = dataUri(read(path, cwd, option), option);
  if (!uri.startsWith("data:image/png;")) throw new UsageError(`${option} must be a PNG.`);
  return uri;
}

function dataUri(bytes: Buffer, option: string): string {
  const head = bytes.subarray(0, 16).toString("latin1");
  const type = SIGNATURES.find(([, at, signature]) => head.startsWith(signature, at))?.[0];
  if (!type) throw new UsageError(`${option} must be a PNG, JPEG, GIF or WebP.`);
  return `data:${type};base64,${bytes.toString("base64")}`;
}

function read(path: string, cwd: string, option: string): Buffer {
  try {
    return readFileSync(resolve(cwd, path));
  } catch (error) {
    throw new UsageError(`${option}: the file cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}
