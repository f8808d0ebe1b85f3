/**
 * The bucket of images. An object is there whole or not at all, names its own checksum, and is told to browsers as what
 * its bytes are: shown, never run.
 *
 * S3's code is loaded on first use. The role needs s3:ListBucket besides Get and Put, or S3 answers 403 for what is
 * absent; and s3:AbortMultipartUpload. The bucket wants a lifecycle rule that ends multipart uploads after a day: a
 * process killed in the middle of one cannot.
 */
import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { MediaError } from "./error.ts";
import { CONTENT_TYPES, type ContentType } from "./sniff.ts";
import type { Source } from "./temp-file.ts";

export interface Bucket {
  /** Asked for on first use. */
  client: () => Promise<S3Client>;
  name: string;
}

export interface Stored {
  key: string;
  bytes: number;
  /** Of the whole, hex. */
  sha256: string;
  contentType: ContentType;
}

/** Larger objects go in parts of this size, which is also what memory holds of them. S3's least is 5 MiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * What this package stored under the key; undefined when there is nothing, or something of somebody else's.
 *
 * @throws MediaError unavailable
 */
export async function findStored(bucket: Bucket, key: string): Promise<Stored | undefined> {
  const [client, { HeadObjectCommand }] = await s3(bucket);
  try {
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));
    const { sha256 = "", bytes } = head.Metadata ?? {};
    const contentType = CONTENT_TYPES.find((type) => type === head.ContentType);
    if (contentType === undefined || !/^[0-9a-f]{64}$/.test(sha256) || bytes !== String(head.ContentLength)) return;
    return { key, bytes: Number(bytes), sha256, contentType };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw consequenceOf(error);
  }
}

/**
 * Stores under a key that had nothing of ours. Of two writers at once the first wins and both answer what it stored, as
 * far as the engine knows conditional writes (S3 does, the embedded one does not: there the last wins).
 *
 * @throws MediaError unavailable. After any error nothing is there, visible or in parts.
 */
export async function putStored(
  bucket: Bucket,
  key: string,
  contentType: ContentType,
  source: Source,
): Promise<Stored> {
  const { bytes, sha256 } = source;
  const object = {
    Bucket: bucket.name,
    Key: key,
    ContentType: contentType,
    ContentDisposition: "inline",
    // What is under a key never changes.
    CacheControl: "max-age=31536000, immutable",
    Metadata: { sha256, bytes: String(bytes) },
  };
  try {
    if (bytes <= PART_BYTES) await putWhole(bucket, object, source);
    else await putParts(bucket, object, source);
    return { key, bytes, sha256, contentType };
  } catch (error) {
    // 412: another was first. 409: another is about to be.
    if (statusOf(error) !== 412 && statusOf(error) !== 409) throw consequenceOf(error);
    const first = await findStored(bucket, key);
    if (first) return first;
    throw new MediaError("unavailable", "the key is taken, or about to be", { cause: error });
  }
}

/** @throws MediaError gone, too_large (before a byte is read), unavailable */
export async function readStored(bucket: Bucket, key: string, maxBytes: number): Promise<Uint8Array> {
  const [client, { GetObjectCommand }] = await s3(bucket);
  try {
    const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand({ Bucket: bucket.name, Key: key }));
    if (ContentLength > maxBytes) {
      await Body?.transformToWebStream().cancel();
      throw new MediaError("too_large", `${ContentLength} bytes`);
    }
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchKey") throw new MediaError("gone", "not in the bucket");
    throw consequenceOf(error);
  }
}

// ── two ways in ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Put {
  Bucket: string;
  Key: string;
  Metadata: Record<string, string>;
}

/** S3 computes the checksum of what arrived and refuses what differs. */
async function putWhole(bucket: Bucket, object: Put, source: Source): Promise<void> {
  const [client, { PutObjectCommand }] = await s3(bucket);
  const Body = await source.read(0, source.bytes);
  const ChecksumSHA256 = Buffer.from(source.sha256, "hex").toString("base64");
  await client.send(new PutObjectCommand({ ...object, Body, ChecksumSHA256, IfNoneMatch: "*" }));
}

/** In parts one after the other, each with its own checksum; for the whole S3 then holds the sum of those sums. */
async function putParts(bucket: Bucket, object: Put, source: Source): Promise<void> {
  const [client, commands] = await s3(bucket);
  const { Bucket, Key } = object;
  const create = new commands.CreateMultipartUploadCommand({ ...object, ChecksumAlgorithm: "SHA256" });
  const { UploadId } = await client.send(create);
  const upload = { Bucket, Key, UploadId };
  try {
    const Parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string }[] = [];
    for (let offset = 0; offset < source.bytes; offset += PART_BYTES) {
      const Body = await source.read(offset, PART_BYTES);
      const part = { PartNumber: Parts.length + 1, ChecksumSHA256: createHash("sha256").update(Body).digest("base64") };
      const { ETag } = await client.send(new commands.UploadPartCommand({ ...upload, ...part, Body }));
      Parts.push({ ...part, ETag });
    }
    const whole = { MultipartUpload: { Parts }, MpuObjectSize: source.bytes, IfNoneMatch: "*" };
    await client.send(new commands.CompleteMultipartUploadCommand({ ...upload, ...whole }));
  } catch (error) {
    // Should this fail too, the bucket's lifecycle rule ends it; the first error is the one that says what happened.
    await client.send(new commands.AbortMultipartUploadCommand(upload)).catch(() => {});
    throw error;
  }
}

async function s3(bucket: Bucket) {
  return Promise.all([bucket.client(), import("@aws-sdk/client-s3")]);
}

// ── what S3's errors mean ──────────────────────────────────────────────────────────────────────────────────────────

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** The SDK has retried by now. A refusal (403, no such bucket) is ours to mend, and is thrown as it is. */
function consequenceOf(error: unknown): unknown {
  if (!(error instanceof Error) || !("$metadata" in error)) return error;
  const status = statusOf(error);
  const passing = status === undefined || status === 429 || status >= 500;
  return passing ? new MediaError("unavailable", "the bucket", { cause: error }) : error;
}
