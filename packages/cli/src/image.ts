/** Reads the user's image files in the form that the API accepts. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { INPUT_HEAD_BYTES, inputTypeOf, otherFormatOf } from "@mjflow/core/image-type";
import { isUploadId } from "@mjflow/core/upload";
import { UsageError } from "./usage-error.ts";

/** Larger files are uploaded: a request has at most 6 MB, and several images share it. */
const DATA_URI_BYTES = 1024 * 1024;

/**
 * Returns a link or the id of an upload unchanged. A small file becomes a data URI; a larger one is returned as its bytes, which
 * the client uploads.
 *
 * @throws UsageError if the file cannot be read or is not an image
 */
export function imageOf(text: string, cwd: string, option: string): string | Uint8Array {
  if (/^https?:\/\//i.test(text) || isUploadId(text)) return text;
  const bytes = read(text, cwd, option);
  const uri = dataUri(bytes, option);
  return bytes.length > DATA_URI_BYTES ? bytes : uri;
}

/** Reads an image file. @throws UsageError if the file cannot be read or is not an image */
export function imageFile(path: string, cwd: string, option: string): Uint8Array {
  const bytes = read(path, cwd, option);
  typeOf(bytes, option);
  return bytes;
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
  return `data:${typeOf(bytes, option)};base64,${bytes.toString("base64")}`;
}

function typeOf(bytes: Buffer, option: string): string {
  const head = bytes.subarray(0, INPUT_HEAD_BYTES);
  const type = inputTypeOf(head);
  if (type !== undefined) return type;
  const isHeic = otherFormatOf(head) === "HEIC";
  throw new UsageError(
    `${option} must be a PNG, JPEG, GIF or WebP.${isHeic ? " It is a HEIC: convert it first." : ""}`,
  );
}

function read(path: string, cwd: string, option: string): Buffer {
  try {
    return readFileSync(resolve(cwd, path));
  } catch (error) {
    throw new UsageError(`${option}: the file cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}
