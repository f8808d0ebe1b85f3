/** Consumes the submit queue: the only function that sends work to vendors. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { blobs, blobsRead } from "./bucket.ts";
import { callback } from "./callback.ts";
import { queueConsume, queueSend, submitQueue } from "./queue.ts";
import { hookKey, previousHookKey, providers } from "./secret.ts";
import { stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const submit = new sst.aws.Function("Submit", {
  handler: "functions/submit.handler",
  timeout: `${FUNCTION_TIMEOUT_S.submit} seconds`,
  memory: "512 MB",
  link: [callback, table, submitQueue, blobs, hookKey, previousHookKey, providers],
  permissions: [tableAccess, queueSend, queueConsume(submitQueue), ...blobsRead],
});

submitQueue.subscribe(submit.arn, {
  // Without partial responses one failed message brings its whole batch back, and with it submissions that were paid.
  batch: { size: QUEUE.submit.batchSize, partialResponses: true },
  transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: stage.submitConcurrency } } },
});
