/**
 * The HTTP API for apps. It uses a function URL: an API Gateway would cost more and end each request after 30 seconds.
 */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { addressOf } from "./address.ts";
import { blobs, flowDelete, inputsWrite, mediaRead, uploadAccess } from "./bucket.ts";
import { busEnvironment } from "./bus.ts";
import { archiveQueue, deadLetters, deliverQueue, queueCount, queueSend, submitQueue } from "./queue.ts";
import { reduce, reduceCall } from "./reduce.ts";
import { apiKey, previousVaultKey, providers, translateKey, vaultKey } from "./secret.ts";
import { environment, setting } from "./setting.ts";
import { stream } from "./stream.ts";
import { indexAccess, table, tableAccess, tableDelete } from "./table.ts";

export const api = new sst.aws.Function("Api", {
  handler: "functions/api.handler",
  // AWS lets every request through. The code checks the API key, and it sends the CORS headers for the origins in
  // MJFLOW_CORS_ORIGINS. CORS settings of the function URL would add the same headers a second time.
  url: {
    authorization: "none",
    cors: false,
    ...addressOf("Api", { domain: setting.domains.api, rateLimit: setting.apiRateLimit }),
  },
  // The handler writes its response as a stream (functions/http/function-url.ts).
  streaming: true,
  timeout: `${FUNCTION_TIMEOUT_S.api} seconds`,
  memory: "512 MB",
  environment: { ...environment.api, ...busEnvironment },
  // Responses name the URL of a flow's event stream.
  link: [
    stream,
    table,
    submitQueue,
    deliverQueue,
    archiveQueue,
    deadLetters,
    blobs,
    reduce,
    apiKey,
    vaultKey,
    previousVaultKey,
    providers,
    translateKey,
  ],
  permissions: [
    tableAccess,
    tableDelete,
    indexAccess("app"),
    // For the operator the API reads overdue rows and the depths of the queues.
    indexAccess("due"),
    queueSend(submitQueue, deliverQueue, archiveQueue),
    queueCount(submitQueue, deliverQueue, archiveQueue, deadLetters),
    inputsWrite,
    ...uploadAccess,
    reduceCall,
    flowDelete,
    mediaRead,
  ],
});
