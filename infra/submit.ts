/** Consumes the submit queue. It is the only function that submits tasks to vendors. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { blobs, inputsRead } from "./bucket.ts";
import { callback } from "./callback.ts";
import { consume, deliverQueue, limitRecursion, queueConsume, queueSend, submitQueue } from "./queue.ts";
import { callbackTokenKey, previousCallbackTokenKey, previousVaultKey, providers, vaultKey } from "./secret.ts";
import { environment, setting } from "./setting.ts";
import { reservedFor, stage } from "./stage.ts";
import { table, tableAccess, tableDelete } from "./table.ts";

export const submit = new sst.aws.Function("Submit", {
  handler: "functions/submit.handler",
  timeout: `${FUNCTION_TIMEOUT_S.submit} seconds`,
  // The function mostly waits for vendors, and AWS charges the waiting time by memory. It sends one request
  // with images at a time (functions/composition/submit.ts): the process has up to 130 MB without, and 171 MB with 5 MB of images.
  memory: "192 MB",
  ...reservedFor(stage.submitConcurrency),
  environment: {
    ...environment.submit,
    // The accounts of one vendor host may hold half of the workers (packages/engine/src/submit/call-slots.ts).
    ...(setting.callSlots && { MJFLOW_SUBMIT_WORKERS: String(stage.submitConcurrency) }),
  },
  // The vault decrypts the API keys of vendor accounts that the operator stored.
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
  permissions: [
    tableAccess,
    // The dispatcher of a wait list removes the entries that it has taken.
    tableDelete,
    queueSend(submitQueue, deliverQueue),
    queueConsume(submitQueue),
    ...inputsRead,
  ],
});

consume(submitQueue, submit, QUEUE.submit.batchSize, stage.submitConcurrency);
limitRecursion("Submit", submit);
