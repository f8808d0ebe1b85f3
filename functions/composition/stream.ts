import { parseCorsOrigins } from "@mjflow/core/cors";
import { STREAMS } from "@mjflow/core/limit";
import { createStreamLimiter } from "@mjflow/engine/stream-limit";
import { createStreamSlots } from "@mjflow/store/stream-slots";
import { Resource } from "sst/resource";
import { apiKeyOf } from "../http/operator-key.ts";
import { baseDeps, clock, lazy, random, sleep, table, withAccounts } from "./base.ts";
import { apiUrl, consoleUrl, mediaLinks } from "./link.ts";

const env = process.env;

export const composeStream = /* @__PURE__ */ lazy(() => ({
  ...withAccounts(baseDeps("stream")),
  random,
  apiKeys: [apiKeyOf("app_default", Resource.ApiKey.value)],
  mediaLinks,
  apiUrl: apiUrl(),
  consoleUrl: consoleUrl(),
  apiUrlFrom: "query" as const,
  corsOrigins: parseCorsOrigins(env["MJFLOW_CORS_ORIGINS"] ?? ""),
  sleep,
  streams: {
    follow: "read" as const,
    limiter: createStreamLimiter({
      slots: createStreamSlots(table()),
      clock,
      random,
      perApp: Number(env["MJFLOW_STREAMS_PER_APP"] || STREAMS.perApp),
      perDeployment: Number(env["MJFLOW_STREAMS_PER_DEPLOYMENT"] || STREAMS.perDeployment),
    }),
  },
}));
