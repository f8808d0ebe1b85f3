/** Copies a vendor's image, whose link expires, to our bucket, where it does not expire. */
import { type Fetched, type Outbound, OutboundError } from "@mjflow/core/port";
import { type Bucket, findStored, putStored, type Stored } from "./bucket.ts";
import { MediaError } from "./error.ts";
import { type ContentType, SNIFF_BYTES, sniff } from "./sniff.ts";
import { openTempFile, type TempFile } from "./temp-file.ts";

export interface CopyRequest {
  url: string;
  /** Key in the bucket. It is deterministic, so a repeated copy stores nothing new (T3). */
  key: string;
  maxBytes: number;
  /** Time limit of the download in ms, from the request to the last byte. */
  timeoutMs: number;
}

/**
 * Copies an image to the bucket. If our object is already there, it returns at once. The upload starts only when the
 * download is complete. Memory holds at most one part of `PART_BYTES`, and the disk one file of at most `maxBytes`.
 *
 * @throws MediaError with any code except `not_a_grid`; after an error nothing remains in the bucket or on disk
 */
export async function copyToBucket(
  { outbound, bucket }: { outbound: Outbound; bucket: Bucket },
  { url, key, maxBytes, timeoutMs }: CopyRequest,
): Promise<Stored> {
  const existing = await findStored(bucket, key);
  if (existing) return existing;
  const tempFile = await openTempFile();
  try {
    const contentType = await download(outbound, { url, maxBytes, timeoutMs }, tempFile);
    return await putStored(bucket, key, contentType, tempFile.end());
  } finally {
    await tempFile.close();
  }
}

async function download(
  outbound: Outbound,
  { url, maxBytes, timeoutMs }: Omit<CopyRequest, "key">,
  tempFile: TempFile,
): Promise<ContentType> {
  const fetched = await outbound.get(url, { timeoutMs }).catch(rethrow);
  const error = errorOf(fetched, maxBytes);
  if (error) {
    discardResponse(fetched.body);
    throw error;
  }
  let head = new Uint8Array();
  let tail = Buffer.alloc(0);
  let contentType: ContentType | undefined;
  // Any error that leaves this loop closes the connection.
  for await (const chunk of bodyOf(fetched)) {
    if (tempFile.bytes + chunk.length > maxBytes) throw new MediaError("too_large", `more than ${maxBytes} bytes`);
    if (contentType === undefined) {
      head = Buffer.concat([head, chunk.subarray(0, SNIFF_BYTES)]);
      if (head.length >= SNIFF_BYTES) contentType = typeOf(head);
    }
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    await tempFile.write(chunk);
  }
  if (tempFile.bytes < (fetched.contentLength ?? 0)) throw new MediaError("unavailable", "the body is incomplete");
  const found = contentType ?? typeOf(head);
  if (!hasEnd(found, tail)) throw new MediaError("incomplete");
  return found;
}

/** Some programs append their own data to an image, so its end is searched for in the last bytes. */
const TAIL_BYTES = 64 * 1024;

/** Last chunk of a PNG (PNG specification, 11.2.5), and the end marker of a JPEG (ITU T.81, B.2.1). */
const ENDS: Partial<Record<ContentType, Buffer>> = {
  "image/png": Buffer.from("IEND"),
  "image/jpeg": Buffer.from([0xff, 0xd9]),
};

/** False if the format has an end mark and the last bytes do not contain it. */
function hasEnd(contentType: ContentType, tail: Buffer): boolean {
  const end = ENDS[contentType];
  return end === undefined || tail.includes(end);
}

function typeOf(head: Uint8Array): ContentType {
  const contentType = sniff(head);
  if (contentType === undefined) throw new MediaError("not_media");
  return contentType;
}

/** Returns the error that status and length of the response already imply; undefined if there is none. */
export function errorOf({ status, contentLength = 0 }: Fetched, maxBytes: number): MediaError | undefined {
  if (status !== 200) {
    // 408, 425 and 429 say nothing about the link, so a retry may succeed.
    const isTemporary = status < 400 || status >= 500 || [408, 425, 429].includes(status);
    return new MediaError(isTemporary ? "unavailable" : "gone", `HTTP ${status}`);
  }
  return contentLength > maxBytes ? new MediaError("too_large", `${contentLength} bytes`) : undefined;
}

/** Yields the body and converts its errors, so that they differ from errors of the disk. */
export async function* bodyOf({ body }: Fetched): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    rethrow(error);
  }
}

/**
 * Ends a body that is not read, and its connection. `next` is called first, because a generator that never started does
 * not run its `finally`. The result is not awaited, because the server may be slow.
 */
export function discardResponse(body: AsyncIterable<Uint8Array>): void {
  const chunks = body[Symbol.asyncIterator]();
  Promise.allSettled([chunks.next(), chunks.return?.()]);
}

export function rethrow(error: unknown): never {
  const forbidden = error instanceof OutboundError && error.kind === "forbidden";
  throw new MediaError(forbidden ? "forbidden" : "unavailable", undefined, { cause: error });
}
