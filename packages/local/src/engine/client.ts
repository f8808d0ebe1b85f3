/**
 * SDK client of the object store. The endpoint is always set: otherwise the SDK would use real AWS. The credentials are
 * placeholders, so that the user's real credentials are neither read nor sent.
 */
import { S3Client } from "@aws-sdk/client-s3";

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
