/**
 * Creates what `sst deploy` creates on AWS: table, queues and bucket. It runs at each start and keeps existing
 * resources.
 */
import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, HeadBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { QUEUE } from "@mjflow/core/limit";
import type { QueueName } from "@mjflow/core/message";
import type { QueueDepth } from "@mjflow/core/port";
import { tableDefinition } from "@mjflow/store/schema";

export const TABLE = "mjflow";
export const BUCKET = "mjflow-blobs";

/**
 * Visibility timeout of the queues, seconds. It is shorter than deployed: after a crash of the local server, a message
 * that a worker held would otherwise be missing for ten minutes. It is still longer than any vendor response on this
 * machine.
 */
export const VISIBILITY_S = 100;

/** Resolves when the table is active: the engines answer a creation before, and reject writes until then. */
export async function createTable(client: DynamoDBClient): Promise<void> {
  try {
    await client.send(new CreateTableCommand(tableDefinition(TABLE)));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: TABLE });
}

export type Queues = Record<QueueDepth["name"], string>;

/** @returns the queues' URLs */
export async function createQueues(client: SQSClient): Promise<Queues> {
  const deadLetters = await createQueue(client, "mjflow-dead-letters", {
    MessageRetentionPeriod: String(QUEUE.deadLetters.retentionS),
  });
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ["QueueArn"] }),
  );
  const make = (name: QueueName) =>
    createQueue(client, `mjflow-${name}`, {
      VisibilityTimeout: String(VISIBILITY_S),
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: Attributes?.["QueueArn"],
        maxReceiveCount: QUEUE[name].maxReceiveCount,
      }),
    });
  const [submit, deliver, archive] = await Promise.all([make("submit"), make("deliver"), make("archive")]);
  return { submit, deliver, archive, "dead-letters": deadLetters };
}

/**
 * Creates a queue in two steps. SQS rejects the creation of an existing queue with other attributes, and a data folder
 * from before a change of limits must still start.
 */
async function createQueue(client: SQSClient, QueueName: string, Attributes: Record<string, string>): Promise<string> {
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName }));
  await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  return QueueUrl!;
}

export async function createBucket(client: S3Client): Promise<void> {
  const exists = await client.send(new HeadBucketCommand({ Bucket: BUCKET })).then(
    () => true,
    () => false,
  );
  if (!exists) await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
}
