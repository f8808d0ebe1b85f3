/**
 * Consumes the dead-letter queue of all queues. If a submission failed too often, its task ends with a failure, so that
 * no flow stays unfinished (Q2). A message that cannot be parsed is stored until an operator redrives or discards it.
 */

import { saveDeadLetter } from "@mjflow/engine/dead-letter";
import { handleDeadLetter } from "@mjflow/engine/handle-dead-letter";
import { consume } from "@mjflow/queue/consume";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { composeDeadletter } from "./composition/deadletter.ts";

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const { log, ...deps } = composeDeadletter();
  try {
    return await consume(event, (message) => handleDeadLetter({ ...deps, log }, message), {
      log,
      async onUnreadable({ messageId, body, attributes }, { message: why }) {
        const sentAt = Number(attributes.SentTimestamp) || deps.clock.now();
        const receives = Number(attributes.ApproximateReceiveCount) || 0;
        const group = attributes.MessageGroupId;
        await saveDeadLetter({ ...deps, log }, { messageId, body, group, sentAt, receives, why });
        return "done" as const;
      },
    });
  } finally {
    log.flush();
  }
}
