/** Consumes the deliver queue: creates deliveries of events and sends them to their subscribers. */
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
        throw new MessageError(`a ${message.type} message on the deliver queue`);
      },
      deps,
    );
  } finally {
    deps.log.flush();
  }
}
