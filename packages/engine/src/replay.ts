/** Deliveries sent once more, under the ids they had: one, or all of an endpoint's within a time. */
import { type Delivery, deliveryIdOf, restartDelivery } from "@mjflow/core/delivery";
import { MjflowError } from "@mjflow/core/error";
import { deliverMessage } from "@mjflow/core/message";
import type { WebhookStore } from "@mjflow/core/port";
import type { EngineDeps } from "./deps.ts";

type ReplayDeps = Pick<EngineDeps, "queue" | "clock" | "log"> & { webhookStore: WebhookStore };

/** @throws MjflowError not_found, conflict when it changes at this moment */
export async function replayDelivery(deps: ReplayDeps, appId: string, id: string): Promise<Delivery> {
  const delivery = await deps.webhookStore.delivery(id);
  if (delivery?.appId !== appId) throw new MjflowError("not_found");
  const again = await replay(deps, delivery);
  if (!again) throw new MjflowError("conflict", { detail: "The delivery is being tried at this moment." });
  return again;
}

export interface Range {
  since?: number;
  until?: number;
  only: "failed" | "all";
  cursor?: string;
}

/** In one request: more are told by the cursor. */
const PER_REQUEST = 200;
const PAGE = 50;

/** @returns how many were sent again, and where to go on, if there may be more */
export async function replayEndpoint(
  deps: ReplayDeps,
  appId: string,
  listener: string,
  { since, until, only, cursor }: Range,
): Promise<{ replayed: number; cursor?: string }> {
  let count = 0;
  let at = cursor;
  for (let seen = 0; seen < PER_REQUEST; seen += PAGE) {
    const query = { appId, listeners: [listener], since, until, limit: PAGE, cursor: at };
    const page = await deps.webhookStore.listDeliveries(query);
    const wanted = page.deliveries.filter(({ status }) => only === "all" || status === "failed");
    const again = await Promise.all(wanted.map((delivery) => replay(deps, delivery)));
    count += again.filter((delivery) => delivery !== undefined).length;
    at = page.cursor;
    if (at === undefined) break;
  }
  deps.log.info("deliveries.replayed", { app: appId, endpoint: listener, count });
  return { replayed: count, ...(at !== undefined && { cursor: at }) };
}

/** Row first, message second: a crash between leaves a due time (Q3). */
async function replay(deps: ReplayDeps, delivery: Delivery): Promise<Delivery | undefined> {
  const saved = await deps.webhookStore.saveDelivery(restartDelivery(delivery, deps.clock.now()));
  if (!saved.ok) return undefined;
  await deps.queue.send([{ message: deliverMessage(deliveryIdOf(delivery)) }]);
  return saved.item;
}
