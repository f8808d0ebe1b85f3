/** Reads the body that the next attempt of a delivery would post, for an operator who looks for a fault of a receiver. */
import { BUS_LISTENER, type Delivery, MJ_HOOK_LISTENER } from "@mjflow/core/delivery";
import type { WebhookStore } from "@mjflow/core/port";
import type { EngineDeps } from "../deps.ts";
import type { Links } from "../read/view.ts";
import { eventContextOf, loadSubject } from "./deliver.ts";
import { busDetailOf, type MjHookListener, payloadOf } from "./subscriber.ts";

export interface PayloadDeps {
  store: EngineDeps["store"];
  webhookStore: Pick<WebhookStore, "endpoint">;
  /** Where the links in events lead. */
  links: Links;
  mjHook: MjHookListener;
}

/**
 * Returns the JSON text that the next attempt would post, without headers and signature. Null if the flow or the task is not
 * stored any more, or if no URL is set for the compat API's hook.
 */
export async function nextPayloadOf(deps: PayloadDeps, delivery: Delivery): Promise<string | null> {
  const { flowId, subject, listener } = delivery;
  const loaded = await loadSubject({ store: deps.store }, flowId, subject);
  if (!loaded) return null;
  if (listener === MJ_HOOK_LISTENER)
    return (loaded.task && (await deps.mjHook.hookOf(loaded.flow, loaded.task))?.body) ?? null;
  const context = await eventContextOf(deps, delivery, loaded);
  return listener === BUS_LISTENER ? busDetailOf(deps.links, context) : payloadOf(deps.links, context);
}
