/**
 * Images that requests name, in our bucket or behind links of apps. A link is fetched only through the URL guard (D5), and only
 * for a vendor that takes no links.
 *
 * The role needs s3:PutObject and s3:GetObject below `uploads/`, and s3:ListBucket; without s3:ListBucket, S3 returns 403 for a
 * missing object.
 */
import { INPUT_HEAD_BYTES } from "@mjflow/core/image-type";
import type { InputImages, Outbound, ReducedImage, UploadVersion } from "@mjflow/core/port";
import { type Bucket, readStart, readStored } from "./bucket.ts";
import { bodyOf, discardResponse, errorOf, rethrow } from "./copy.ts";
import { MediaError } from "./error.ts";
import { findReduced } from "./reduced.ts";
import { presignedPut } from "./sign.ts";

/** Time limit of one link, from the request to the last byte, ms. The API function has 30 s. */
const LINK_TIMEOUT_MS = 10_000;
/** Images that one process reads at one time, because each is in memory. */
const MAX_READS = 8;

/** Images that one process scales down at one time, because a local server decodes them itself. */
const MAX_REDUCTIONS = 1;

/**
 * @param signing the bucket at the address that clients reach; it can differ from ours on a local server
 * @param reduce scales an upload down, where the image library is
 */
export function createInputImages({
  bucket,
  signing = bucket,
  outbound,
  reduce,
}: {
  bucket: Bucket;
  signing?: Bucket;
  outbound: Outbound;
  reduce(upload: UploadVersion): Promise<ReducedImage>;
}): InputImages {
  const limited = limiter(MAX_READS);
  const reducing = limiter(MAX_REDUCTIONS);
  return {
    presign: (upload) => presignedPut({ bucket: signing }, upload),
    findUpload: (key) => readStart(bucket, key, INPUT_HEAD_BYTES),
    readUpload: (key, maxBytes) => limited(() => readStored(bucket, key, maxBytes)),
    reduceUpload: (upload) => reducing(async () => (await findReduced(bucket, upload)) ?? (await reduce(upload))),
    readLink: (url, maxBytes) => limited(() => readLink(outbound, url, maxBytes)),
  };
}

async function readLink(outbound: Outbound, url: string, maxBytes: number): Promise<Uint8Array> {
  const fetched = await outbound.get(url, { timeoutMs: LINK_TIMEOUT_MS }).catch(rethrow);
  const error = errorOf(fetched, maxBytes);
  if (error) {
    discardResponse(fetched.body);
    throw error;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // An error that leaves this loop closes the connection.
  for await (const chunk of bodyOf(fetched)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new MediaError("too_large", `more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  if (bytes < (fetched.contentLength ?? 0)) throw new MediaError("unavailable", "the body is incomplete");
  return Buffer.concat(chunks);
}

/** Runs at most `max` calls at one time. The others wait in order. */
function limiter(max: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
