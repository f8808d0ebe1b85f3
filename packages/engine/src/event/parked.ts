/**
 * Parked events: while the circuit breaker of an endpoint is open, an event for it has only its record in the delivery log. No
 * row, message or attempt is made for it. The endpoint's row stands for all of them, and a recovery sends them later.
 */
import { type Delivery, restartDelivery } from "@mjflow/core/delivery";
import {
  type DeliveryLog,
  type DeliveryRecord,
  deliveriesOfRecord,
  logRowOf,
  parkedListenersOf,
} from "@mjflow/core/delivery-log";
import { type Endpoint, isParking } from "@mjflow/core/endpoint";
import type { EventSubject } from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import { outgoingDelivery } from "@mjflow/core/message";
import type { Queue, WebhookStore } from "@mjflow/core/port";
import { isReplayEnded, sentUntil } from "@mjflow/core/replay";
import type { EngineDeps } from "../deps.ts";
import { type DeliveryListDeps, listDeliveriesByFlow } from "./delivery-list.ts";
import { saveWithRecord } from "./delivery-row.ts";

type ParkDeps = Pick<EngineDeps, "clock"> & {
  queue: Pick<Queue, "send">;
  webhookStore: Pick<WebhookStore, "endpoint" | "delivery" | "saveDelivery" | "changeOutcome">;
};

/**
 * Makes sure that a recovery will find the parked events of a subject. A worker calls it after it has written the record. If the
 * endpoint parks nothing any more, its recovery may have passed this flow, so the event gets a delivery row at once.
 */
export async function sendIfRecovered(
  deps: ParkDeps,
  flow: Flow,
  subject: EventSubject,
  log: DeliveryLog,
): Promise<void> {
  const parked = [...log.records.values()].filter((record) => record.subject === subject && isParked(record));
  for (const record of parked)
    for (const listener of parkedListenersOf(record)) {
      const endpoint = await deps.webhookStore.endpoint(flow.appId, listener);
      if (endpoint && !isParking(endpoint, flow)) await sendNow(deps, flow, record, listener);
    }
}

function isParked(record: DeliveryRecord): boolean {
  return parkedListenersOf(record).length > 0;
}

async function sendNow(deps: ParkDeps, flow: Flow, record: DeliveryRecord, listener: string): Promise<void> {
  const parked = deliveriesOfRecord(flow, record).find((delivery) => delivery.listener === listener);
  if (!parked) return;
  const saved = await saveWithRecord(deps, flow, parked, restartDelivery(parked, deps.clock.now()));
  if (saved.ok) await deps.queue.send([outgoingDelivery(parked)]);
}

/** Records the first attempt of a parked event, if it succeeded. Its delivery then has no row, like most others. */
export async function recordParkedSuccess(
  { webhookStore }: Pick<ParkDeps, "webhookStore">,
  flow: Flow,
  { subject, name, listener }: Delivery,
  status: number,
): Promise<void> {
  const change = { subject, name, listener, from: "parked" as const, to: status };
  await webhookStore.changeOutcome(flow.id, logRowOf(subject, flow), change);
}

export interface ParkedCount {
  /** Creation of the first flow that may have a parked event, epoch ms. */
  since: number;
  count: number;
  /** True if no event is left out: the count reads a limited number of flows. */
  isWhole: boolean;
}

/** Maximum number of parked events that one call counts. */
const MAX_COUNTED = 1_000;

/** Counts the parked events of an endpoint. @returns undefined if none can be parked */
export async function countParked(
  deps: DeliveryListDeps & { webhookStore: Pick<WebhookStore, "replay"> },
  { appId, id, parkedFrom, recoverFrom, recovery }: Endpoint,
): Promise<ParkedCount | undefined> {
  const replay = recovery === undefined ? undefined : await deps.webhookStore.replay(appId, recovery);
  const running = replay && !isReplayEnded(replay) ? sentUntil(replay) : undefined;
  const from = [parkedFrom, recoverFrom, running].filter((time) => time !== undefined);
  if (from.length === 0) return undefined;
  const since = Math.min(...from);
  const query = { appId, listener: id, status: "parked" as const, flowsSince: since, limit: MAX_COUNTED };
  const { deliveries, cursor } = await listDeliveriesByFlow(deps, { ...query, oldestFirst: true });
  return { since, count: deliveries.length, isWhole: cursor === undefined };
}
