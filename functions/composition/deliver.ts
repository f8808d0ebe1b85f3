import type { Timings } from "@mjflow/core/timing";
import { createMjHookListener } from "@mjflow/engine/mj-read";
import { createReceiverLimiter } from "@mjflow/engine/receiver-limiter";
import { linksOf } from "@mjflow/engine/view";
import { createEventBus } from "@mjflow/queue/bus";
import { Resource } from "sst/resource";
import { baseDeps, endpoint, lazy, random, timings } from "./base.ts";
import { apiUrl, consoleUrl, mediaLinks } from "./link.ts";
import { busName, mjTaskIds, newWebhookSecret, outbound, vault, webhookStore, webhooks } from "./outgoing.ts";

const env = process.env;

/** `MJFLOW_WEBHOOK_FIRST_TIMEOUT_S` replaces the timeout of the first attempt of a delivery. */
function withFirstTimeout(timings: Timings): Timings {
  const seconds = Number(env["MJFLOW_WEBHOOK_FIRST_TIMEOUT_S"] ?? "");
  return seconds > 0 ? { ...timings, webhookFirstMs: seconds * 1_000 } : timings;
}

export const composeDeliver = /* @__PURE__ */ lazy(() => {
  const api = apiUrl() ?? Resource.Api.url;
  const mediaUrl = mediaLinks(api).url;
  return {
    ...baseDeps("deliver"),
    timings: withFirstTimeout(timings()),
    webhookStore: webhookStore(),
    random,
    vault: vault(),
    outbound: outbound(),
    webhooks,
    bus: busName === undefined ? undefined : createEventBus({ name: busName, ...endpoint("EVENTBRIDGE") }),
    newWebhookSecret,
    links: linksOf(api, consoleUrl(), mediaUrl),
    receiverLimiter: createReceiverLimiter(),
    mjHook: createMjHookListener(mjTaskIds(), mediaUrl),
  };
});
