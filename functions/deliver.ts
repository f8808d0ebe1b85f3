/** Consumes the deliver queue: sends events to their subscribers, and sends them again. */
import { MessageError } from "@mjflow/core/message";
import { continueChain } from "@mjflow/engine/chain";
import { deliver } from "@mjflow/engine/deliver";
import { notifySubscribers } from "@mjflow/engine/notify";
import { consume } from "@mjflow/queue/consume";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { composeDeliver } from "./composition/deliver.ts";

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const deps = composeDeliver();
  try {
    return await consume(
      event,
      async (message, record) => {
        const receives = Number(record.attributes?.ApproximateReceiveCount ?? 1);
        if (message.type === "tell") return notifySubscribers(continueChain(deps, message), message, receives);
        if (message.type === "deliver") return deliver(continueChain(deps, message), message.deliveryId);
        if (message.type === "replay") {
          // Most invocations make no replay, so a cold start does not read its code.
          const { runReplay } = await import("@mjflow/engine/replay-job");
          return runReplay(continueChain(deps, message), message);
        }
        throw new MessageError(`a ${message.type} message on the deliver queue`);
      },
      deps,
    );
  } finally {
    deps.log.flush();
  }
}
