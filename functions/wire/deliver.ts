import { createMjHookListener } from "@mjflow/engine/mj-compat";
import { createEventBus } from "@mjflow/queue/bus";
import { Resource } from "sst";
import { base, endpoint, once, random } from "./base.ts";
import {
  apiUrl,
  busName,
  facade,
  hookStore,
  mediaLinks,
  newWebhookSecret,
  outbound,
  vault,
  webhooks,
} from "./outgoing.ts";

export const wireDeliver = /* @__PURE__ */ once(() => {
  const mediaUrl = mediaLinks(apiUrl() ?? Resource.Api.url).url;
  return {
    ...base("deliver"),
    hookStore: hookStore(),
    random,
    vault: vault(),
    outbound: outbound(),
    webhooks,
    bus: busName === undefined ? undefined : createEventBus({ name: busName, ...endpoint("EVENTBRIDGE") }),
    newWebhookSecret,
    mediaUrl,
    facade: createMjHookListener(facade(), mediaUrl),
  };
});
