/** Reads a queue of an emulator over SQS's protocol, like AWS's event-source mapping. */
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { MessageSource } from "@mjflow/local/event-source-mapping";

/**
 * Wait time of a poll, seconds. It is short and never aborted: an aborted poll of fauxqs would take the next message,
 * which then stays invisible until its visibility timeout.
 */
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
