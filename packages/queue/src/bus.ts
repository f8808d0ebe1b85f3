/** Sends events to EventBridge, for apps and operators that use rules there instead of webhooks. */
import type { Bus } from "@mjflow/core/port";

/** `source` of our events. `detail-type` is the event's type and `detail` is a webhook body with its id. */
export const EVENT_SOURCE = "mjflow";

/**
 * The client is loaded with the first event, because most deployments have no event bus.
 *
 * @param endpoint URL of a local event bus; unset: AWS
 */
export function createEventBus({ name, endpoint }: { name: string; endpoint?: string }): Bus {
  let loaded: ReturnType<typeof load> | undefined;
  async function load() {
    const { EventBridgeClient, PutEventsCommand } = await import("@aws-sdk/client-eventbridge");
    return { client: new EventBridgeClient(endpoint ? { endpoint } : {}), PutEventsCommand };
  }
  return {
    async put({ type, at, detail }) {
      loaded ??= load();
      const { client, PutEventsCommand } = await loaded;
      const entry = { EventBusName: name, Source: EVENT_SOURCE, DetailType: type, Time: new Date(at), Detail: detail };
      const { FailedEntryCount = 0, Entries } = await client.send(new PutEventsCommand({ Entries: [entry] }));
      // EventBridge answers 200 even if it rejected the entry.
      if (FailedEntryCount > 0) throw new BusError(Entries?.[0]?.ErrorCode ?? "rejected");
    },
  };
}

export class BusError extends Error {
  override readonly name = "BusError";
}
