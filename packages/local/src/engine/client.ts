/**
 * SDK clients for the emulators. The endpoint is always set: otherwise the SDK would use the host of a queue URL, or
 * real AWS. The credentials are placeholders, so that the user's real credentials are neither read nor sent.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";

const LOCAL = {
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
} as const;

export function tableClient(endpoint: string, { maxAttempts }: { maxAttempts?: number } = {}): DynamoDBClient {
  return new DynamoDBClient({ ...LOCAL, endpoint, ...(maxAttempts !== undefined && { maxAttempts }) });
}

export function queueClient(endpoint: string): SQSClient {
  return new SQSClient({ ...LOCAL, endpoint });
}

/**
 * Uses path-style URLs, because a bucket has no DNS name on this machine.
 *
 * @param secret secret of an object store that checks signatures
 */
export function bucketClient(endpoint: string, secret: string = LOCAL.credentials.secretAccessKey): S3Client {
  const credentials = { ...LOCAL.credentials, secretAccessKey: secret };
  return new S3Client({ ...LOCAL, credentials, endpoint, forcePathStyle: true });
}
