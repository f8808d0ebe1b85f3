/**
 * Consumes the submit queue's dead letters: their tasks end with a typed failure, so that no flow hangs (Q2); what cannot
 * be read is kept for a person to decide on.
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
        await saveDeadLetter({ ...deps, log }, { messageId, body, sentAt, receives, why });
        return "done" as const;
      },
    });
  } finally {
    log.flush();
  }
}
