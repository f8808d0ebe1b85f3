/** The HTTP API, for apps' servers: a function URL, without an API Gateway's price and its 30 seconds. */
import { apiCors } from "../packages/console/site.ts";
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { blobs, inputsWrite, mediaRead } from "./bucket.ts";
import { busEnvironment } from "./bus.ts";
import { archiveQueue, deadLetters, deliverQueue, queueCount, queueSend, submitQueue } from "./queue.ts";
import { apiKey, previousVaultKey, providers, vaultKey } from "./secret.ts";
import { environment, setting } from "./setting.ts";
import { indexAccess, table, tableAccess, tableDelete } from "./table.ts";

export const api = new sst.aws.Function("Api", {
  handler: "functions/api.handler",
  // Anyone may knock: the code asks for the API key. A key has no business in a browser, but for the stage's own console.
  url: { authorization: "none", cors: setting.console ? apiCors(setting.console.origin) : false },
  // What happens in a flow is told as it happens, for as long as the function may run.
  streaming: true,
  timeout: `${FUNCTION_TIMEOUT_S.api} seconds`,
  memory: "512 MB",
  environment: { ...environment.api, ...busEnvironment },
  link: [
    table,
    submitQueue,
    deliverQueue,
    archiveQueue,
    deadLetters,
    blobs,
    apiKey,
    vaultKey,
    previousVaultKey,
    providers,
  ],
  permissions: [
    tableAccess,
    tableDelete,
    indexAccess("app"),
    // What is overdue is read, and what is in the queues counted, for the operator.
    indexAccess("due"),
    queueSend(submitQueue, deliverQueue, archiveQueue),
    queueCount(submitQueue, deliverQueue, archiveQueue, deadLetters),
    inputsWrite,
    mediaRead,
  ],
});
