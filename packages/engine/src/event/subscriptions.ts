/**
 * The event mask of new flows. It is computed once per flow from the app's endpoints, which are cached for a short
 * time.
 */
import { combinedEventMask } from "@mjflow/core/endpoint";
import { DEFAULT_EVENTS, EVENT_TYPES, type EventType, eventMaskOf } from "@mjflow/core/event";
import type { Clock, WebhookStore } from "@mjflow/core/port";

export interface Subscriptions {
  /** Returns the mask of the events of a new flow that have a subscriber; 0: none. */
  eventMask(appId: string, hook: { notifyHook?: string; events?: readonly EventType[] }): Promise<number>;
  /** Reads the endpoints of the app again for its next flow. Call it after a change of an endpoint. */
  forget(appId: string): void;
}

export interface SubscriptionsDeps {
  webhookStore: Pick<WebhookStore, "endpoints">;
  clock: Clock;
  /** Cache time of the endpoints, ms: flows that another process creates use a changed endpoint at most this much later. */
  cacheTtlMs: number;
  /** Whether the deployment has an event bus, which receives all events. */
  bus: boolean;
}

/** Maximum number of cached apps. Endpoints change rarely, so the full cache is simply cleared. */
const MAX_CACHED = 1_000;

export function createSubscriptions({ webhookStore, clock, cacheTtlMs, bus }: SubscriptionsDeps): Subscriptions {
  const cache = new Map<string, { mask: number; until: number }>();

  async function endpointMask(appId: string): Promise<number> {
    const now = clock.now();
    const cached = cache.get(appId);
    if (cached && cached.until > now) return cached.mask;
    const mask = combinedEventMask(await webhookStore.endpoints(appId));
    if (cache.size >= MAX_CACHED) cache.clear();
    // Without a subscription the next flow reads again: the events of a flow after the first endpoint would be lost.
    if (mask !== 0) cache.set(appId, { mask, until: now + cacheTtlMs });
    return mask;
  }

  return {
    async eventMask(appId, { notifyHook, events = DEFAULT_EVENTS }) {
      const hook = notifyHook === undefined ? 0 : eventMaskOf(events);
      const all = bus ? eventMaskOf(EVENT_TYPES) : 0;
      return (await endpointMask(appId)) | hook | all;
    },
    forget(appId) {
      cache.delete(appId);
    },
  };
}
