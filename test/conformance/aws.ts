// biome-ignore-all lint/correctness/noUndeclaredDependencies: the adapters' packages declare the SDK, the root does not.
/** The parts of the AWS SDK that the suites use. */
export type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
export { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
export {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
