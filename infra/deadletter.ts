/** Consumes the dead letters of every queue: their tasks end with a failure, so that no flow hangs. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { consume, deadLetters, deliverQueue, queueConsume, queueSend } from "./queue.ts";
import { table, tableAccess } from "./table.ts";

export const deadletter = new sst.aws.Function("Deadletter", {
  handler: "functions/deadletter.handler",
  timeout: `${FUNCTION_TIMEOUT_S.deadletter} seconds`,
  memory: "256 MB",
  // An end is told like any other; nothing that has died is worked on.
  link: [table, deliverQueue],
  permissions: [tableAccess, queueSend(deliverQueue), queueConsume(deadLetters)],
});

consume(deadLetters, deadletter, QUEUE.submit.batchSize);
