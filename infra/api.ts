/** The HTTP API, for apps' servers: a function URL, without an API Gateway's price and its 30 seconds. */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { blobs, blobsWrite } from "./bucket.ts";
import { queueSend, submitQueue } from "./queue.ts";
import { apiKey, providers } from "./secret.ts";
import { indexAccess, table, tableAccess } from "./table.ts";

export const api = new sst.aws.Function("Api", {
  handler: "functions/api.handler",
  // Anyone may knock: the code asks for the API key. No CORS, since a key has no business in a browser.
  url: { authorization: "none", cors: false },
  timeout: `${FUNCTION_TIMEOUT_S.api} seconds`,
  memory: "512 MB",
  link: [table, submitQueue, blobs, apiKey, providers],
  permissions: [tableAccess, indexAccess("app"), queueSend, blobsWrite],
});
