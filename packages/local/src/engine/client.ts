/**
 * SDK client of the object store, loaded with the first image: it takes 4 MB of memory. The endpoint is always set: otherwise the SDK would use real AWS. The credentials are
 * placeholders, so that the user's real credentials are neither read nor sent.
 */
import { CreateBucketCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BUCKET } from "../provision.ts";

export const LOCAL = {
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
} as const;

/**
 * Uses path-style URLs, because a bucket has no DNS name on this machine.
 *
 * @param secret secret of an object store that checks signatures
 */
export function bucketClient(endpoint: string, secret: string = LOCAL.credentials.secretAccessKey): S3Client {
  const credentials = { ...LOCAL.credentials, secretAccessKey: secret };
  return new S3Client({ ...LOCAL, credentials, endpoint, forcePathStyle: true });
}

/** Keeps an existing bucket. */
export async function createBucket(client: S3Client): Promise<void> {
  const exists = await client.send(new HeadBucketCommand({ Bucket: BUCKET })).then(
    () => true,
    () => false,
  );
  if (!exists) await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
}
