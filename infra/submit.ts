/** Consumes the submit queue: the only function that sends work to vendors. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { blobs, inputsRead } from "./bucket.ts";
import { callback } from "./callback.ts";
import { consume, deliverQueue, queueConsume, queueSend, submitQueue } from "./queue.ts";
import { callbackTokenKey, previousCallbackTokenKey, previousVaultKey, providers, vaultKey } from "./secret.ts";
import { stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const submit = new sst.aws.Function("Submit", {
  handler: "functions/submit.handler",
  timeout: `${FUNCTION_TIMEOUT_S.submit} seconds`,
  // It mostly waits for vendors, and waiting is billed by memory; images are sent a few at a time (wire/submit.ts).
  memory: "256 MB",
  // The vault opens keys of vendors' accounts that the operator stored.
  link: [
    callback,
    table,
    submitQueue,
    deliverQueue,
    blobs,
    callbackTokenKey,
    previousCallbackTokenKey,
    vaultKey,
    previousVaultKey,
    providers,
  ],
  permissions: [tableAccess, queueSend(submitQueue, deliverQueue), queueConsume(submitQueue), ...inputsRead],
});

consume(submitQueue, submit, QUEUE.submit.batchSize, stage.submitConcurrency);
