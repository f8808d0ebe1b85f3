import { CreateQueueCommand, GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { QUEUE } from "@mjflow/core/limit";
import { expect, test } from "vitest";
import { queueClient } from "./engine/client.ts";
import { startQueueEngine } from "./engine/queue.ts";
import { createQueues } from "./provision.ts";

test("createQueues sets the current limits on queues that an earlier version created", async () => {
  const engine = await startQueueEngine();
  try {
    const client = queueClient(engine.endpoint);
    const earlier = { QueueName: "mjflow-submit", Attributes: { VisibilityTimeout: "30" } };
    await client.send(new CreateQueueCommand(earlier));
    for (let start = 1; start <= 2; start++) {
      const { submit } = await createQueues(client);
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: submit, AttributeNames: ["All"] }),
      );
      expect(Attributes["VisibilityTimeout"]).toBe("100");
      expect(JSON.parse(Attributes["RedrivePolicy"]!)).toMatchObject({ maxReceiveCount: QUEUE.submit.maxReceiveCount });
    }
  } finally {
    await engine.stop();
  }
});
