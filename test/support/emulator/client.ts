/**
 * SDK clients for the emulators. The endpoint is always set: otherwise the SDK would use the host of a queue URL, or
 * real AWS. The credentials are placeholders, so that the user's real credentials are neither read nor sent.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { LOCAL } from "@mjflow/local/engine/client";

export function tableClient(endpoint: string, { maxAttempts }: { maxAttempts?: number } = {}): DynamoDBClient {
  return new DynamoDBClient({ ...LOCAL, endpoint, ...(maxAttempts !== undefined && { maxAttempts }) });
}

export function queueClient(endpoint: string): SQSClient {
  return new SQSClient({ ...LOCAL, endpoint });
}
