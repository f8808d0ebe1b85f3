import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { QueueDepth } from "@mjflow/core/port";
import { bucketClient } from "@mjflow/local/engine/client";
import { startQueueEngine } from "@mjflow/local/engine/queue";
import { createSqsDepths } from "@mjflow/queue/depth";
import { createSqsQueue } from "@mjflow/queue/sqs";
import { createS3Blobs } from "@mjflow/store/blob";
import { vi } from "vitest";
import { queueClient } from "../support/emulator/client.ts";
import {
  CreateBucketCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from "./aws.ts";
import { blobCase } from "./blob.case.ts";
import { MAX_RECEIVES, queueCase } from "./queue.case.ts";

const VISIBILITY_S = 30;
/** The queue engine runs in this process and uses this clock, so the test can move the time. */
const realNow = Date.now;
let aheadMs = 0;
vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);

for (const kept of ["in memory", "on disk"] as const) {
  queueCase(
    `fauxqs ${kept}`,
    async () => {
      const dataDir = kept === "on disk" ? mkdtempSync(join(tmpdir(), "mjflow-fauxqs-")) : undefined;
      const engine = await startQueueEngine({ dataDir });
      const client = queueClient(engine.endpoint);
      const deadLetters = await client.send(new CreateQueueCommand({ QueueName: "dead" }));
      const of = { QueueUrl: deadLetters.QueueUrl, AttributeNames: ["QueueArn" as const] };
      const deadLetterTargetArn = (await client.send(new GetQueueAttributesCommand(of))).Attributes?.["QueueArn"];
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: MAX_RECEIVES });
      const Attributes = { VisibilityTimeout: String(VISIBILITY_S), RedrivePolicy };
      const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "submit", Attributes }));

      const receive = async (url: string | undefined) => {
        const { Messages } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: 10,
            MessageSystemAttributeNames: ["ApproximateReceiveCount"],
          }),
        );
        return (Messages ?? []).map(({ Body, ReceiptHandle, Attributes: attributes }) => {
          return {
            body: Body!,
            receiptHandle: ReceiptHandle!,
            receives: Number(attributes?.["ApproximateReceiveCount"]),
          };
        });
      };
      return {
        ...createSqsQueue({
          client: async () => client,
          urls: { submit: () => QueueUrl!, deliver: () => QueueUrl!, archive: () => QueueUrl! },
        }),
        receive: () => receive(QueueUrl),
        delete: async (ReceiptHandle) =>
          void (await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))),
        async afterVisibility() {
          aheadMs += VISIBILITY_S * 1_000;
        },
        async depth() {
          const url = () => QueueUrl!;
          const urls = { submit: url, deliver: url, archive: url, "dead-letters": () => deadLetters.QueueUrl! };
          const [{ name: _, ...depth }] = (await createSqsDepths({ client: async () => client, urls })()) as [
            QueueDepth,
          ];
          return depth;
        },
        deadLetters: async () => (await receive(deadLetters.QueueUrl)).map(({ body }) => JSON.parse(body)),
        async stop() {
          client.destroy();
          await engine.stop();
          if (dataDir !== undefined) rmSync(dataDir, { recursive: true });
        },
      };
    },
    { isFair: false },
  );
}

blobCase("fauxqs", async () => {
  const engine = await startQueueEngine();
  const client = bucketClient(engine.endpoint);
  await client.send(new CreateBucketCommand({ Bucket: "mjflow-inputs" }));
  return {
    blobs: createS3Blobs({ client: async () => client, bucket: "mjflow-inputs" }),
    async stop() {
      client.destroy();
      await engine.stop();
    },
  };
});
