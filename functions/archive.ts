/** Consumes the archive queue: copies result images to our bucket and cuts tiles from grids. One message at a time. */
import { MessageError } from "@mjflow/core/message";
import { archive } from "@mjflow/engine/archive";
import { continueChain } from "@mjflow/engine/chain";
import { consume } from "@mjflow/queue/consume";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { composeArchive } from "./composition/archive.ts";

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const deps = composeArchive();
  try {
    return await consume(
      event,
      async (message) => {
        if (message.type === "archive") return archive(continueChain(deps, message), message);
        throw new MessageError(`a ${message.type} message on the archive queue`);
      },
      deps,
    );
  } finally {
    deps.log.flush();
  }
}
