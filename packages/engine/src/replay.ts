/** Replays deliveries under their original `webhook-id`: one delivery, or those of an endpoint within a time range. */
import { type Delivery, restartDelivery } from "@mjflow/core/delivery";
import { MjflowError } from "@mjflow/core/error";
import { outgoingDelivery } from "@mjflow/core/message";
import type { WebhookStore } from "@mjflow/core/port";
import { getDelivery, listDeliveriesByFlow, listRows } from "./delivery-list.ts";
import type { EngineDeps } from "./deps.ts";

type ReplayDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "log"> & { webhookStore: WebhookStore };

/**
 * A delivery without a row gets one, which has its further attempts.
 * @throws MjflowError `not_found`; `wrong_state` if an attempt of the delivery runs at this moment
 */
export async function replayDelivery(deps: ReplayDeps, appId: string, id: string): Promise<Delivery> {
  const delivery = await getDelivery(deps, appId, id);
  const again = await replay(deps, delivery);
  if (!again)
    throw new MjflowError("wrong_state", {
      detail: "An attempt of the delivery is running. Send the request again when it has ended.",
      retry: "later",
    });
  return again;
}

export interface Range {
  since?: number;
  until?: number;
  only: "failed" | "all";
  cursor?: string;
}

/** Maximum number of deliveries per request; the cursor leads to the rest. */
const PER_REQUEST = 200;
const PAGE = 50;

/** @returns the number of replayed deliveries, and the cursor if there may be more */
export async function replayEndpoint(
  deps: ReplayDeps,
  appId: string,
  listener: string,
  { since, until, only, cursor }: Range,
): Promise<{ replayed: number; cursor?: string }> {
  let count = 0;
  let next = cursor;
  for (let seen = 0; seen < PER_REQUEST; seen += PAGE) {
    const query = { appId, listener, since, until, limit: PAGE, cursor: next };
    const page = await (only === "failed"
      ? listRows(deps, { ...query, status: "failed" })
      : listDeliveriesByFlow(deps, query));
    const wanted = page.deliveries;
    const again = await Promise.all(wanted.map((delivery) => replay(deps, delivery)));
    count += again.filter((delivery) => delivery !== undefined).length;
    next = page.cursor;
    if (next === undefined) break;
  }
  deps.log.info("deliveries.replayed", { app: appId, endpoint: listener, count });
  return { replayed: count, ...(next !== undefined && { cursor: next }) };
}

/**
 * Saves the row first and sends the message second. After a crash between the two, the delivery is due and the sweeper
 * sends the message (Q3).
 */
async function replay(deps: ReplayDeps, delivery: Delivery): Promise<Delivery | undefined> {
  const saved = await deps.webhookStore.saveDelivery(restartDelivery(delivery, deps.clock.now()));
  if (!saved.ok) return undefined;
  await deps.queue.send([outgoingDelivery(delivery)]);
  return saved.item;
}
