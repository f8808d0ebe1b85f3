/** Consumes the submit queue. Each message can lead to one paid call to a vendor. */
import { handleSubmitMessage } from "@mjflow/engine/submit";
import { consume } from "@mjflow/queue/consume";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { composeSubmit } from "./composition/submit.ts";

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const deps = composeSubmit();
  try {
    return await consume(event, (message) => handleSubmitMessage(deps, message), deps);
  } finally {
    deps.log.flush();
  }
}
