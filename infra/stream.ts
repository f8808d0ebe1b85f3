/**
 * Event streams and long polls. Each holds an execution while it waits, so they have a function of their own. It reserves
 * what they may use, and no other function loses an execution to them.
 */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { addressOf } from "./address.ts";
import { apiKey, previousVaultKey, vaultKey } from "./secret.ts";
import { environment, setting } from "./setting.ts";
import { reservedFor, stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

/**
 * Highest number of open streams and long polls. A tenth of a reservation is left for the requests that are refused, so
 * that they get a clear response and not Lambda's own.
 */
const open = stage.reservesWorkers ? Math.ceil(0.9 * stage.streamConcurrency) : stage.streamConcurrency;

export const stream = new sst.aws.Function("Stream", {
  handler: "functions/stream.handler",
  // AWS lets every request through. The code checks the API key and sends the CORS headers, as in the API.
  url: { authorization: "none", cors: false, ...addressOf("Stream", { domain: setting.domains.stream }) },
  streaming: true,
  timeout: `${FUNCTION_TIMEOUT_S.stream} seconds`,
  // The function waits nearly all the time, and AWS charges the waiting time by memory.
  memory: "256 MB",
  ...reservedFor(stage.streamConcurrency),
  environment: { ...environment.stream, MJFLOW_STREAMS_PER_DEPLOYMENT: String(open) },
  // The vault keys sign the links to archived images.
  link: [table, apiKey, vaultKey, previousVaultKey],
  permissions: [tableAccess],
});
