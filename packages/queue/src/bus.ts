/** Events onto EventBridge: for whoever would rather have a rule than a webhook. */
import type { Bus } from "@mjflow/core/port";

/** Of our events; `detail-type` is the event's type, `detail` a webhook's body with its id. */
export const EVENT_SOURCE = "mjflow";

/**
 * The client is loaded with the first event: most stages have no bus.
 *
 * @param endpoint only for a local one
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
      // It answers 200 also when it took nothing.
      if (FailedEntryCount > 0) throw new BusError(Entries?.[0]?.ErrorCode ?? "refused");
    },
  };
}

export class BusError extends Error {
  override readonly name = "BusError";
}
