/**
 * The bucket of images. An object is stored completely or not at all, and has its own checksum. Its content type comes
 * from its bytes, so browsers show the object and never run it.
 *
 * The S3 client is loaded on first use. The role needs s3:GetObject, s3:PutObject, s3:AbortMultipartUpload and
 * s3:ListBucket; without s3:ListBucket, S3 returns 403 for a missing object. The bucket needs a lifecycle rule that ends
 * multipart uploads after a day, because a process that is killed during an upload cannot end the upload.
 */
import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import type { UploadedImage } from "@mjflow/core/port";
import { MediaError } from "./error.ts";
import { CONTENT_TYPES, type ContentType } from "./sniff.ts";
import type { Source } from "./temp-file.ts";

export interface Bucket {
  /** Returns the S3 client; called on first use. */
  client: () => Promise<S3Client>;
  name: string;
}

export interface Stored {
  key: string;
  bytes: number;
  /** Checksum of the whole object, hex. */
  sha256: string;
  contentType: ContentType;
}

/** Part size of larger objects, and therefore the memory that an upload needs. The minimum of S3 is 5 MiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * Returns what this package stored under the key; undefined if there is no object, or an object of another writer.
 *
 * @throws MediaError `unavailable` if S3 fails
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
    throw toMediaError(error);
  }
}

/**
 * Stores an object under a key that has no object of ours. If two writers store at the same time, the first one wins and
 * both return the object of the first. This needs conditional writes: S3 has them. The embedded S3 has none, so there
 * the last writer wins.
 *
 * @throws MediaError `unavailable` if S3 fails. After an error neither an object nor an upload remains.
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
    // The object under a key never changes.
    CacheControl: "max-age=31536000, immutable",
    Metadata: { sha256, bytes: String(bytes) },
  };
  try {
    if (bytes <= PART_BYTES) await putWhole(bucket, object, source);
    else await putParts(bucket, object, source);
    return { key, bytes, sha256, contentType };
  } catch (error) {
    // 412: another writer stored first. 409: another writer stores at this moment.
    if (statusOf(error) !== 412 && statusOf(error) !== 409) throw toMediaError(error);
    const first = await findStored(bucket, key);
    if (first) return first;
    throw new MediaError("unavailable", "another writer uses the same key", { cause: error });
  }
}

/** @throws MediaError `gone`, `too_large` (before any byte is read) or `unavailable` */
export async function readStored(bucket: Bucket, key: string, maxBytes: number): Promise<Uint8Array> {
  return (await readVersion(bucket, key, maxBytes)).bytes;
}

/** @throws MediaError as `readStored` */
export async function readVersion(
  bucket: Bucket,
  key: string,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; etag: string }> {
  const [client, { GetObjectCommand }] = await s3(bucket);
  try {
    const command = new GetObjectCommand({ Bucket: bucket.name, Key: key });
    const { Body, ContentLength = 0, ETag: etag = "" } = await client.send(command);
    if (ContentLength > maxBytes) {
      await Body?.transformToWebStream().cancel();
      throw new MediaError("too_large", `${ContentLength} bytes`);
    }
    return { bytes: (await Body?.transformToByteArray()) ?? new Uint8Array(), etag };
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchKey") throw new MediaError("gone", "not in the bucket");
    throw toMediaError(error);
  }
}

/**
 * Returns the start of an object of any writer, with its size and its declared type; undefined if there is no object.
 *
 * @throws MediaError `unavailable` if S3 fails
 */
export async function readStart(bucket: Bucket, key: string, bytes: number): Promise<UploadedImage | undefined> {
  const [client, { GetObjectCommand }] = await s3(bucket);
  try {
    const object = await client.send(
      new GetObjectCommand({ Bucket: bucket.name, Key: key, Range: `bytes=0-${bytes - 1}` }),
    );
    const head = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    // `bytes 0-63/40000000`: the size of the whole object.
    const total = Number(/\/(\d+)$/.exec(object.ContentRange ?? "")?.[1] ?? head.length);
    return {
      bytes: total,
      contentType: object.ContentType ?? "",
      head,
      storedAt: object.LastModified?.getTime() ?? 0,
      etag: object.ETag ?? "",
    };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw toMediaError(error);
  }
}

/** What is known of an object without reading it. Names of metadata are in lower case. */
export interface ObjectHead {
  bytes: number;
  contentType: string;
  metadata: Record<string, string>;
}

/**
 * Returns undefined if there is no object.
 * @throws MediaError `unavailable` if S3 fails
 */
export async function readObjectHead(bucket: Bucket, key: string): Promise<ObjectHead | undefined> {
  const [client, { HeadObjectCommand }] = await s3(bucket);
  try {
    const {
      ContentLength = 0,
      ContentType = "",
      Metadata = {},
    } = await client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));
    return { bytes: ContentLength, contentType: ContentType, metadata: Metadata };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw toMediaError(error);
  }
}

/**
 * Stores a small object with its metadata. Writers of one key write the same, so the last one wins.
 *
 * @param object `sha256` in base64
 * @throws MediaError `unavailable` if S3 fails
 */
export async function storeObject(
  bucket: Bucket,
  object: { key: string; contentType: string; bytes: Uint8Array; sha256: string; metadata: Record<string, string> },
): Promise<void> {
  const [client, { PutObjectCommand }] = await s3(bucket);
  const { key, contentType, bytes, sha256, metadata } = object;
  const put = { Bucket: bucket.name, Key: key, ContentType: contentType, Metadata: metadata };
  try {
    await client.send(new PutObjectCommand({ ...put, Body: bytes, ChecksumSHA256: sha256 }));
  } catch (error) {
    throw toMediaError(error);
  }
}

/**
 * Deletes all objects whose keys begin with `prefix`. Without such objects nothing happens.
 *
 * @throws MediaError `unavailable` if S3 fails; some of the objects may be deleted then
 */
export async function deleteAll(bucket: Bucket, prefix: string): Promise<void> {
  const [client, { DeleteObjectsCommand, ListObjectsV2Command }] = await s3(bucket);
  try {
    for (let token: string | undefined; ; ) {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: bucket.name, Prefix: prefix, ...(token && { ContinuationToken: token }) }),
      );
      const Objects = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
      if (Objects.length > 0) {
        const { Errors = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Objects, Quiet: true } }),
        );
        if (Errors.length > 0) throw new MediaError("unavailable", `${Errors.length} objects could not be deleted`);
      }
      token = page.NextContinuationToken;
      if (!page.IsTruncated || token === undefined) return;
    }
  } catch (error) {
    throw toMediaError(error);
  }
}

// ── uploads ────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Put {
  Bucket: string;
  Key: string;
  Metadata: Record<string, string>;
}

/** Uploads in one request. S3 computes the checksum of the received bytes and rejects a difference. */
async function putWhole(bucket: Bucket, object: Put, source: Source): Promise<void> {
  const [client, { PutObjectCommand }] = await s3(bucket);
  const Body = await source.read(0, source.bytes);
  const ChecksumSHA256 = Buffer.from(source.sha256, "hex").toString("base64");
  await client.send(new PutObjectCommand({ ...object, Body, ChecksumSHA256, IfNoneMatch: "*" }));
}

/** Uploads parts in sequence, each with a checksum. The checksum of the object is then that of the part checksums. */
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
    // If the abort fails too, the bucket's lifecycle rule ends the upload. The first error is the cause, so it is thrown.
    await client.send(new commands.AbortMultipartUploadCommand(upload)).catch(() => {});
    throw error;
  }
}

async function s3(bucket: Bucket) {
  return Promise.all([bucket.client(), import("@aws-sdk/client-s3")]);
}

// ── S3 errors ──────────────────────────────────────────────────────────────────────────────────────────────────────

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/**
 * Converts an S3 error. The SDK has already retried. A rejection (403, no such bucket) is an error of our configuration
 * and is returned unchanged.
 */
function toMediaError(error: unknown): unknown {
  if (!(error instanceof Error) || !("$metadata" in error)) return error;
  const status = statusOf(error);
  const isTemporary = status === undefined || status === 429 || status >= 500;
  return isTemporary ? new MediaError("unavailable", "the bucket does not respond", { cause: error }) : error;
}
