/** Who listens to an app's flows: asked once for each flow that is created, believed for a while. */
import { combinedEventMask } from "@mjflow/core/endpoint";
import { DEFAULT_EVENTS, EVENT_TYPES, type EventType, eventMaskOf } from "@mjflow/core/event";
import type { Clock, WebhookStore } from "@mjflow/core/port";

export interface Subscriptions {
  /** What anyone listens to in a new flow, as `HEARS`; 0: nobody. */
  eventMask(appId: string, hook: { notifyHook?: string; events?: readonly EventType[] }): Promise<number>;
}

export interface SubscriptionsDeps {
  webhookStore: Pick<WebhookStore, "endpoints">;
  clock: Clock;
  /** An endpoint made or changed is heard of by new flows this much later, at most. */
  cacheTtlMs: number;
  /** The stage has an event bus. */
  bus: boolean;
}

/** An app's endpoints change rarely; a map this large is emptied rather than tended. */
const MAX_CACHED = 1_000;

export function createSubscriptions({ webhookStore, clock, cacheTtlMs, bus }: SubscriptionsDeps): Subscriptions {
  const known = new Map<string, { mask: number; until: number }>();

  async function endpointsHear(appId: string): Promise<number> {
    const now = clock.now();
    const belief = known.get(appId);
    if (belief && belief.until > now) return belief.mask;
    const mask = combinedEventMask(await webhookStore.endpoints(appId));
    if (known.size >= MAX_CACHED) known.clear();
    known.set(appId, { mask, until: now + cacheTtlMs });
    return mask;
  }

  return {
    async eventMask(appId, { notifyHook, events = DEFAULT_EVENTS }) {
      const hook = notifyHook === undefined ? 0 : eventMaskOf(events);
      const all = bus ? eventMaskOf(EVENT_TYPES) : 0;
      return (await endpointsHear(appId)) | hook | all;
    },
  };
}
