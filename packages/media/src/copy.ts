/** A vendor's image, which will expire, into our bucket, where it does not. */
import { type Fetched, type Outbound, OutboundError } from "@mjflow/core/port";
import { type Bucket, findStored, putStored, type Stored } from "./bucket.ts";
import { MediaError } from "./error.ts";
import { type ContentType, SNIFF_BYTES, sniff } from "./sniff.ts";
import { openTempFile, type TempFile } from "./temp-file.ts";

export interface CopyRequest {
  url: string;
  /** Deterministic, so that copying twice is copying once (T3). */
  key: string;
  maxBytes: number;
  /** For `Outbound`: from the request to the last byte fetched. */
  timeoutMs: number;
}

/**
 * Answers at once when the key is already ours. Until the last byte has come the bucket hears nothing; memory holds one
 * part of `PART_BYTES` at most, the disk one file of `maxBytes` at most.
 *
 * @throws MediaError every code but not_a_grid; nothing is left behind
 */
export async function copyToBucket(
  { outbound, bucket }: { outbound: Outbound; bucket: Bucket },
  { url, key, maxBytes, timeoutMs }: CopyRequest,
): Promise<Stored> {
  const there = await findStored(bucket, key);
  if (there) return there;
  const spool = await openTempFile();
  try {
    const contentType = await download(outbound, { url, maxBytes, timeoutMs }, spool);
    return await putStored(bucket, key, contentType, spool.end());
  } finally {
    await spool.close();
  }
}

async function download(
  outbound: Outbound,
  { url, maxBytes, timeoutMs }: Omit<CopyRequest, "key">,
  spool: TempFile,
): Promise<ContentType> {
  const fetched = await outbound.get(url, { timeoutMs }).catch(rethrow);
  const refusal = refusalOf(fetched, maxBytes);
  if (refusal) {
    discardResponse(fetched.body);
    throw refusal;
  }
  let head = new Uint8Array();
  let contentType: ContentType | undefined;
  // Leaving this loop by any error closes the connection.
  for await (const chunk of bodyOf(fetched)) {
    if (spool.bytes + chunk.length > maxBytes) throw new MediaError("too_large", `more than ${maxBytes} bytes`);
    if (contentType === undefined) {
      head = Buffer.concat([head, chunk.subarray(0, SNIFF_BYTES)]);
      if (head.length >= SNIFF_BYTES) contentType = typeOf(head);
    }
    await spool.write(chunk);
  }
  if (spool.bytes < (fetched.contentLength ?? 0)) throw new MediaError("unavailable", "cut short");
  return contentType ?? typeOf(head);
}

function typeOf(head: Uint8Array): ContentType {
  const contentType = sniff(head);
  if (contentType === undefined) throw new MediaError("not_media");
  return contentType;
}

/** What the answer's head already says. */
function refusalOf({ status, contentLength = 0 }: Fetched, maxBytes: number): MediaError | undefined {
  if (status !== 200) {
    // Too early, too often, too slow: the link itself may be good.
    const passing = status < 400 || status >= 500 || [408, 425, 429].includes(status);
    return new MediaError(passing ? "unavailable" : "gone", `HTTP ${status}`);
  }
  return contentLength > maxBytes ? new MediaError("too_large", `${contentLength} bytes`) : undefined;
}

/** The body; what goes wrong in it is told from what goes wrong with the disk. */
async function* bodyOf({ body }: Fetched): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    rethrow(error);
  }
}

/**
 * Ends a body that nobody reads, and with it the connection. `next` first: a generator that was never entered would not
 * run its own end. Not awaited: the server may be in no hurry.
 */
function discardResponse(body: AsyncIterable<Uint8Array>): void {
  const chunks = body[Symbol.asyncIterator]();
  Promise.allSettled([chunks.next(), chunks.return?.()]);
}

function rethrow(error: unknown): never {
  const forbidden = error instanceof OutboundError && error.kind === "forbidden";
  throw new MediaError(forbidden ? "forbidden" : "unavailable", undefined, { cause: error });
}
