/** Creates table and queues in the emulators, as `sst deploy` does on AWS. It keeps existing resources. */
import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { QUEUE } from "@mjflow/core/limit";
import type { QueueName } from "@mjflow/core/message";
import type { QueueDepth } from "@mjflow/core/port";
import { TABLE, VISIBILITY_S } from "@mjflow/local/provision";
import { tableDefinition } from "@mjflow/store/schema";

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

async function createQueue(client: SQSClient, QueueName: string, Attributes: Record<string, string>): Promise<string> {
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
  return QueueUrl!;
}
