/**
 * Consumes the dead-letter queue of all other queues. It ends the tasks of these messages as failed, so their flows
 * end.
 */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { consume, deadLetters, deliverQueue, queueConsume, queueSend } from "./queue.ts";
import { stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const deadletter = new sst.aws.Function("Deadletter", {
  handler: "functions/deadletter.handler",
  timeout: `${FUNCTION_TIMEOUT_S.deadletter} seconds`,
  memory: "256 MB",
  // The function notifies subscribers of the failed task. It does not repeat the work of the message.
  link: [table, deliverQueue],
  permissions: [tableAccess, queueSend(deliverQueue), queueConsume(deadLetters)],
});

consume(deadLetters, deadletter, QUEUE.deadLetters.batchSize, stage.deadletterConcurrency);
