/** Receives the callbacks of vendors. It has its own function and URL, so requests of apps cannot delay callbacks. */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { addressOf } from "./address.ts";
import { archiveQueue, deliverQueue, queueSend, submitQueue } from "./queue.ts";
import { callbackTokenKey, previousCallbackTokenKey } from "./secret.ts";
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const callback = new sst.aws.Function("Callback", {
  handler: "functions/callback.handler",
  // Vendors send no signature and have no AWS credentials. The token in the path authenticates the callback.
  url: { authorization: "none", cors: false, ...addressOf("Callback", { domain: setting.domains.callback }) },
  timeout: `${FUNCTION_TIMEOUT_S.callback} seconds`,
  memory: "256 MB",
  // Too many API requests cannot starve callbacks, and too many callbacks cannot starve the rest.
  ...(stage.callbackConcurrency && { concurrency: { reserved: stage.callbackConcurrency } }),
  link: [table, submitQueue, deliverQueue, archiveQueue, callbackTokenKey, previousCallbackTokenKey],
  permissions: [tableAccess, queueSend(submitQueue, deliverQueue, archiveQueue)],
});
