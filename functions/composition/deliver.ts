import { createMjHookListener } from "@mjflow/engine/mj-compat";
import { createEventBus } from "@mjflow/queue/bus";
import { Resource } from "sst";
import { baseDeps, endpoint, lazy, random } from "./base.ts";
import {
  apiUrl,
  busName,
  mediaLinks,
  mjTaskIds,
  newWebhookSecret,
  outbound,
  vault,
  webhookStore,
  webhooks,
} from "./outgoing.ts";

export const composeDeliver = /* @__PURE__ */ lazy(() => {
  const mediaUrl = mediaLinks(apiUrl() ?? Resource.Api.url).url;
  return {
    ...baseDeps("deliver"),
    webhookStore: webhookStore(),
    random,
    vault: vault(),
    outbound: outbound(),
    webhooks,
    bus: busName === undefined ? undefined : createEventBus({ name: busName, ...endpoint("EVENTBRIDGE") }),
    newWebhookSecret,
    mediaUrl,
    mjHook: createMjHookListener(mjTaskIds(), mediaUrl),
  };
});
