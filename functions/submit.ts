/** Consumes the submit queue: each message may lead to one vendor call. */
import { handleSubmitMessage } from "@mjflow/engine/submit";
import { consume } from "@mjflow/queue/consume";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { wireSubmit } from "./wire/submit.ts";

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const deps = wireSubmit();
  try {
    return await consume(event, (message) => handleSubmitMessage(deps, message), deps);
  } finally {
    deps.log.flush();
  }
}
