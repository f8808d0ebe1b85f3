/** Consumes the deliver queue: the only function that posts to apps' addresses. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { api } from "./api.ts";
import { busEnvironment, busPut } from "./bus.ts";
import { consume, deliverQueue, queueConsume, queueSend } from "./queue.ts";
import { previousVaultKey, vaultKey } from "./secret.ts";
import { environment } from "./setting.ts";
import { stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const deliver = new sst.aws.Function("Deliver", {
  handler: "functions/deliver.handler",
  timeout: `${FUNCTION_TIMEOUT_S.deliver} seconds`,
  memory: "512 MB",
  environment: { ...environment.deliver, ...busEnvironment },
  // The API's address is in the links to pictures that events carry.
  link: [api, table, deliverQueue, vaultKey, previousVaultKey],
  permissions: [tableAccess, queueSend(deliverQueue), queueConsume(deliverQueue), ...busPut],
});

consume(deliverQueue, deliver, QUEUE.deliver.batchSize, stage.deliverConcurrency);
