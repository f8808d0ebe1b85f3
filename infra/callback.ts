/** Where vendors call back: its own function and address, so that nothing an app does can hold a callback up. */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { archiveQueue, deliverQueue, queueSend, submitQueue } from "./queue.ts";
import { callbackTokenKey, previousCallbackTokenKey } from "./secret.ts";
import { stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const callback = new sst.aws.Function("Callback", {
  handler: "functions/callback.handler",
  // Vendors sign nothing and know no AWS: the token in the path is the proof.
  url: { authorization: "none", cors: false },
  timeout: `${FUNCTION_TIMEOUT_S.callback} seconds`,
  memory: "256 MB",
  ...(stage.callbackConcurrency && { concurrency: { reserved: stage.callbackConcurrency } }),
  link: [table, submitQueue, deliverQueue, archiveQueue, callbackTokenKey, previousCallbackTokenKey],
  permissions: [tableAccess, queueSend(submitQueue, deliverQueue, archiveQueue)],
});
