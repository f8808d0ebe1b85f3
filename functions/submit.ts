/** Consumes the submit queue: each message may lead to one vendor call. */
import { submit, taken } from "@mjflow/engine/submit";
import { consume } from "@mjflow/queue/consume";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { wireSubmit } from "./wire.ts";

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const deps = wireSubmit();
  try {
    return await consume(
      event,
      (message) => (message.type === "taken" ? taken(deps, message) : submit(deps, message)),
      deps,
    );
  } finally {
    deps.log.flush();
  }
}
