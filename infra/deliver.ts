/** Consumes the deliver queue. It is the only function that sends webhooks to URLs of apps. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { api } from "./api.ts";
import { busEnvironment, busPut } from "./bus.ts";
import { consume, deliverQueue, limitRecursion, queueConsume, queueSend } from "./queue.ts";
import { previousVaultKey, vaultKey } from "./secret.ts";
import { environment } from "./setting.ts";
import { reservedFor, stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const deliver = new sst.aws.Function("Deliver", {
  handler: "functions/deliver.handler",
  timeout: `${FUNCTION_TIMEOUT_S.deliver} seconds`,
  // The function mostly waits for receivers, and AWS charges the waiting time by memory.
  memory: "192 MB",
  ...reservedFor(stage.deliverConcurrency),
  environment: { ...environment.deliver, ...busEnvironment },
  // Events contain links to archived images, and these links start with the URL of the API.
  link: [api, table, deliverQueue, vaultKey, previousVaultKey],
  permissions: [tableAccess, queueSend(deliverQueue), queueConsume(deliverQueue), ...busPut],
});

consume(deliverQueue, deliver, QUEUE.deliver.batchSize, stage.deliverConcurrency);
limitRecursion("Deliver", deliver);
