/** A queue of an engine that speaks SQS's protocol, worked off as AWS's event-source mapping does. */
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { MessageSource } from "../event-source-mapping.ts";

/** Short, and never cut off: such a poll would swallow the next message until its visibility ends (fauxqs). */
const WAIT_S = 1;

export function createSqsSource(client: SQSClient, QueueUrl: string): MessageSource {
  return {
    async receive(max) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: max,
          WaitTimeSeconds: WAIT_S,
          MessageSystemAttributeNames: ["All"],
        }),
      );
      return Messages.map(({ MessageId = "", ReceiptHandle = "", Body = "", Attributes = {} }) => {
        return { id: MessageId, receipt: ReceiptHandle, body: Body, attributes: Attributes };
      });
    },
    async delete(receipts) {
      const Entries = receipts.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    },
  };
}
