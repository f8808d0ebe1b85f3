/** Consumes the submit queue's dead letters: their tasks end with a typed failure, so that no flow hangs (Q2). */
import { bury } from "@mjflow/engine/bury";
import { consume } from "@mjflow/queue/consume";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { wireDeadletter } from "./wire.ts";

export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const deps = wireDeadletter();
  try {
    return await consume(event, (message) => bury(deps, message), deps);
  } finally {
    deps.log.flush();
  }
}
