/** The list of webhook deliveries: its filter, the merge of what was read, and the newest outcomes of an endpoint. Pure. */
import type { Delivery, DeliveryQuery, DeliveryStatus, EventType, Page } from "@mjflow/client";
import { EVENT_TYPES } from "@mjflow/core/event";
import { quoted } from "./snippet.ts";

/** Fields of the address. An empty text is no filter. */
export interface DeliveryFilter {
  /** Endpoint id, or `hook`. */
  endpoint: string;
  event: "" | EventType;
  status: "" | DeliveryStatus;
  /** Flow id. */
  flow: string;
  /** Newest days by the creation of the delivery. */
  days: string;
}

export const DELIVERY_STATUSES: readonly DeliveryStatus[] = ["pending", "delivered", "failed", "parked"];
/** Progress events have no record, so they are never listed. */
export const LISTED_EVENTS = EVENT_TYPES.filter((type) => type !== "task.progress");
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Returns the filter of a route's query. Unknown values are ignored. */
export function deliveryFilterOf(query: Readonly<Record<string, string>>): DeliveryFilter {
  const { endpoint = "", flow = "", days = "" } = query;
  const event = LISTED_EVENTS.find((type) => type === query["event"]) ?? "";
  const status = DELIVERY_STATUSES.find((each) => each === query["status"]) ?? "";
  return { endpoint, event, status, flow, days: Number(days) > 0 && Number(days) <= 30 ? days : "" };
}

/** Returns the query for the API. The start of the time is a whole hour, so the same address asks the same for a while. */
export function deliveryQueryOf({ endpoint, event, status, flow, days }: DeliveryFilter, nowMs: number): DeliveryQuery {
  const since = Math.floor((nowMs - Number(days) * DAY_MS) / HOUR_MS) * HOUR_MS;
  return {
    ...(endpoint && { endpoint }),
    ...(event && { event }),
    ...(status && { status }),
    ...(flow && { flow }),
    ...(days && !flow && { since: new Date(since).toISOString() }),
  };
}

/** Ids of a task, an event and a delivery contain the id of their flow. Any other text is returned unchanged. */
export function flowIdIn(text: string): string {
  const [, ulid] = /\b(?:flow|task|evt|dlv)_([0-9A-HJKMNP-TV-Z]{26})/.exec(text) ?? [];
  return ulid === undefined ? text.trim() : `flow_${ulid}`;
}

/** Read pages of deliveries. */
export interface ReadDeliveries {
  pages: readonly Page<Delivery>[];
}

/**
 * Merges a new read of the newest page. A known delivery gets its new state in its place, so no row moves.
 *
 * @param adds true: new deliveries come first. False: they are only counted, because they would move the rows under the user.
 */
export function withNewest(
  known: ReadDeliveries,
  newest: readonly Delivery[],
  adds: boolean,
): { read: ReadDeliveries; added: number; waiting: number } {
  const byId = new Map(newest.map((delivery) => [delivery.id, delivery]));
  const ids = new Set(known.pages.flatMap(({ data }) => data.map(({ id }) => id)));
  const fresh = newest.filter(({ id }) => !ids.has(id));
  const pages = known.pages.map((page, i) => {
    const data = page.data.map((delivery) => byId.get(delivery.id) ?? delivery);
    return { ...page, data: i === 0 && adds ? [...fresh, ...data] : data };
  });
  return { read: { ...known, pages }, added: adds ? fresh.length : 0, waiting: adds ? 0 : fresh.length };
}

/** Returns true if the delivery still matches: its status changes while it is shown. */
export function matchesDelivery({ status, type, endpoint }: Delivery, filter: DeliveryFilter): boolean {
  return (
    (!filter.status || status === filter.status) &&
    (!filter.event || type === filter.event) &&
    (!filter.endpoint || endpoint === filter.endpoint)
  );
}

/** Returns the id `step` rows below the row `id`; the first or last row if `id` is not listed. Undefined: the list is empty. */
export function neighborOf(rows: readonly Delivery[], id: string | undefined, step: number): string | undefined {
  const at = rows.findIndex((row) => row.id === id);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
  return rows[next]?.id;
}

/** The newest known outcomes of an endpoint. */
export interface Outcomes {
  /** Oldest first. */
  statuses: DeliveryStatus[];
  delivered: number;
  ended: number;
  /** Median of the last attempts, ms; undefined if no attempt has a time. */
  medianMs: number | undefined;
}

/** @param most number of deliveries that count */
export function outcomesOf(deliveries: readonly Delivery[], endpoint: string, most = 40): Outcomes {
  const newest = deliveries.filter((delivery) => delivery.endpoint === endpoint).slice(0, most);
  const times = newest.flatMap(({ attempts }) => attempts.at(-1)?.tookMs ?? []).sort((a, b) => a - b);
  return {
    statuses: newest.map(({ status }) => status).reverse(),
    delivered: newest.filter(({ status }) => status === "delivered").length,
    ended: newest.filter(({ status }) => status === "delivered" || status === "failed").length,
    medianMs: times[Math.floor((times.length - 1) / 2)],
  };
}

/** The attempt as a shell command. It has no signature, because the page does not know the secret. */
export function deliveryCurl(url: string, eventId: string, payload: string): string {
  return `curl -i ${quoted(url)} -H 'Content-Type: application/json' \\
  -H ${quoted(`webhook-id: ${eventId}`)} --data-raw ${quoted(payload)}`;
}
