/** Consumes the dead letters: their tasks end with a failure, so that no flow hangs. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { queueConsume, queueSend, submitDeadLetters, submitQueue } from "./queue.ts";
import { table, tableAccess } from "./table.ts";

export const deadletter = new sst.aws.Function("Deadletter", {
  handler: "functions/deadletter.handler",
  timeout: `${FUNCTION_TIMEOUT_S.deadletter} seconds`,
  memory: "256 MB",
  link: [table, submitQueue],
  permissions: [tableAccess, queueSend, queueConsume(submitDeadLetters)],
});

submitDeadLetters.subscribe(deadletter.arn, {
  batch: { size: QUEUE.submit.batchSize, partialResponses: true },
});
