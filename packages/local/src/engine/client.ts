/**
 * SDK clients for the local engines. The endpoint is always given: without it the SDK takes a queue URL's host, or real
 * AWS. Credentials are placeholders that no engine checks, so that nobody's real ones are read or sent.
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

/** Path-style addresses: there is no DNS name for a bucket on this machine. */
export function bucketClient(endpoint: string): S3Client {
  return new S3Client({ ...LOCAL, endpoint, forcePathStyle: true });
}
