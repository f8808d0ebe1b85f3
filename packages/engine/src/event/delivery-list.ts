/**
 * Reads deliveries as apps see them. A delivery whose first attempt succeeded is a record in the delivery log of its flow;
 * every other one has a row. Both have the same shape and ids.
 */
import {
  BUS_LISTENER,
  type Delivery,
  type DeliveryStatus,
  deliveryIdOf,
  FLOW_HOOK_LISTENER,
  MJ_HOOK_LISTENER,
  parseDeliveryId,
} from "@mjflow/core/delivery";
import { type DeliveryLog, deliveriesOfRecord, logRowOf, recordKeyOf } from "@mjflow/core/delivery-log";
import { MjflowError } from "@mjflow/core/error";
import { hasDeliveryLog } from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import { isFlowId } from "@mjflow/core/id";
import type { Store, WebhookStore } from "@mjflow/core/port";
import { readLog } from "../sweep/sweep-log.ts";

export interface DeliveryListDeps {
  store: Pick<Store, "load" | "listFlows">;
  webhookStore: Pick<WebhookStore, "endpoints" | "deliveriesOf" | "delivery" | "deliveryLog" | "listDeliveries">;
}

/** Returns all deliveries of a flow, in the order of their ids. Empty if the flow belongs to another app. */
export async function deliveriesOfFlow(deps: DeliveryListDeps, appId: string, flowId: string): Promise<Delivery[]> {
  if (!isFlowId(flowId)) return [];
  const [{ flow }, rows] = await Promise.all([deps.store.load(flowId, []), deps.webhookStore.deliveriesOf(flowId)]);
  const own = rows.filter((delivery) => delivery.appId === appId);
  if (!flow || flow.appId !== appId || !hasDeliveryLog(flow.eventMask)) return own;
  return merged(flow, await readLog(deps, flow), own);
}

/**
 * Returns one delivery.
 * @throws MjflowError `not_found` also for a delivery of another app (D6)
 */
export async function getDelivery(deps: DeliveryListDeps, appId: string, id: string): Promise<Delivery> {
  const key = parseDeliveryId(id);
  const row = key && (await deps.webhookStore.delivery(id));
  const found = row ?? (key && (await deliveryOfRecord(deps, id)));
  if (found?.appId !== appId) throw new MjflowError("not_found");
  return found;
}

async function deliveryOfRecord(deps: DeliveryListDeps, id: string): Promise<Delivery | undefined> {
  const { flowId, subject, name, listener } = parseDeliveryId(id)!;
  const { flow } = await deps.store.load(flowId, []);
  if (!flow || !hasDeliveryLog(flow.eventMask)) return undefined;
  const { records } = await deps.webhookStore.deliveryLog(flowId, logRowOf(subject, flow));
  const record = records.get(recordKeyOf(subject, name));
  return record && deliveriesOfRecord(flow, record).find((delivery) => delivery.listener === listener);
}

export interface DeliveryListQuery {
  appId: string;
  /** Unset: all subscribers of the app. */
  listener?: string | undefined;
  status?: DeliveryStatus | undefined;
  /** Further condition. Unset: none. */
  matches?(delivery: Delivery): boolean;
  /** Bounds of the creation of the delivery, epoch ms, both included; unset: no bound. */
  since?: number | undefined;
  until?: number | undefined;
  /** Creation of the first flow that is read, epoch ms. Unset: flows that may have a delivery within the bounds. */
  flowsSince?: number | undefined;
  /** True: the rows of every flow are read, also if no record names one. Unset: false. */
  readsRows?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
  /** True: the oldest first. Unset: the newest first. A cursor belongs to one order. */
  oldestFirst?: boolean | undefined;
}

export interface DeliveryPage {
  deliveries: Delivery[];
  cursor?: string;
  /** Creation of the flow at which the page ended, epoch ms. Unset: on the last page, or if no flows were read. */
  position?: number;
}

/** Maximum number of flows that one call reads. It returns what it found, with a cursor for the rest. */
const MAX_FLOWS_READ = 500;
/** Number of flows whose logs are read in one request. */
const FLOWS_AT_ONCE = 50;
/** A delivery is listed by the time of its flow. An event later than this after the creation of its flow is a press by hand. */
const FLOW_LASTS_MS = 3 * 24 * 3_600_000;

/**
 * Lists the deliveries of an app by their flows, the newest flow first, and within a flow the newest delivery first; or the
 * oldest first in both. A page can be short or empty although more follow.
 *
 * @throws MjflowError `invalid_request` if the cursor is broken or belongs to another listing
 */
export async function listDeliveriesByFlow(deps: DeliveryListDeps, query: DeliveryListQuery): Promise<DeliveryPage> {
  const { appId, listener, status, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, limit } = query;
  const { oldestFirst = false, flowsSince = since - FLOW_LASTS_MS } = query;
  const start = query.cursor === undefined ? undefined : decodeCursor(appId, query.cursor);
  const matches = (d: Delivery) =>
    (listener === undefined || d.listener === listener) &&
    (status === undefined || d.status === status) &&
    (query.matches?.(d) ?? true) &&
    d.createdAt >= since &&
    d.createdAt <= until;
  const from = oldestFirst ? Math.max(flowsSince, start?.createdAt ?? flowsSince) : flowsSince;
  const to = oldestFirst ? until : Math.min(until, start?.createdAt ?? until);
  const bounds = {
    ...(Number.isFinite(from) && { since: from }),
    ...(Number.isFinite(to) && { until: to }),
    ...(oldestFirst && { oldestFirst }),
  };
  const page: Delivery[] = [];
  const pageUntil = (end: Position) => ({
    deliveries: page,
    cursor: encodeCursor(appId, end),
    position: end.createdAt,
  });
  let flowCursor: string | undefined;
  let position: Position | undefined;
  let size = Math.min(limit, FLOWS_AT_ONCE);
  for (let read = 0; read < MAX_FLOWS_READ; size = Math.min(2 * size, FLOWS_AT_ONCE)) {
    read += size;
    const listed = await deps.store.listFlows(appId, size, flowCursor, bounds);
    const flows = listed.flows.filter((flow) => !start || isAtOrAfter(flow, start, oldestFirst));
    const deliveries = await Promise.all(flows.map((flow) => deliveriesInOrder(deps, flow, query)));
    for (const [i, { id: flowId, createdAt }] of flows.entries()) {
      const after = start?.flowId === flowId ? start.after : undefined;
      for (const delivery of deliveries[i]!.filter(matches)) {
        if (after !== undefined && !isAfter(delivery, after, oldestFirst)) continue;
        if (page.length >= limit) return pageUntil(position!);
        page.push(delivery);
        position = { createdAt, flowId, after: sortKeyOf(delivery.createdAt, deliveryIdOf(delivery)) };
      }
      position = { createdAt, flowId, after: oldestFirst ? WHOLE_FLOW_OLDEST_FIRST : WHOLE_FLOW };
    }
    flowCursor = listed.cursor;
    if (flowCursor === undefined) return { deliveries: page };
  }
  return position ? pageUntil(position) : { deliveries: page };
}

/** No delivery is older than the empty sort key, and none is newer than the other one. */
const WHOLE_FLOW = "";
const WHOLE_FLOW_OLDEST_FIRST = "~";

/** Subscribers that are no endpoints. A list without a filter contains the deliveries of all subscribers of the app. */
const LISTENERS_WITHOUT_ENDPOINT = [FLOW_HOOK_LISTENER, MJ_HOOK_LISTENER, BUS_LISTENER];

/**
 * Lists the deliveries that have rows, newest first: those whose first attempt failed, and those that were replayed. A page can
 * be short or empty although more follow.
 *
 * @throws MjflowError `invalid_request` if the cursor is broken or belongs to another listing
 */
export async function listRows({ webhookStore }: DeliveryListDeps, query: DeliveryListQuery): Promise<DeliveryPage> {
  const { appId, listener, status, since, until, limit, cursor, oldestFirst, matches = () => true } = query;
  const endpoints = listener === undefined ? await webhookStore.endpoints(appId) : [];
  const listeners =
    listener === undefined ? [...LISTENERS_WITHOUT_ENDPOINT, ...endpoints.map(({ id }) => id)] : [listener];
  const page = await webhookStore.listDeliveries({
    appId,
    listeners: [...new Set(listeners)],
    since,
    until,
    limit,
    cursor,
    oldestFirst,
  });
  return { ...page, deliveries: page.deliveries.filter((d) => (!status || d.status === status) && matches(d)) };
}

/** Where a page ended: a flow, and the sort key of its last delivery, or `WHOLE_FLOW`. */
interface Position {
  createdAt: number;
  flowId: string;
  after: string;
}

/** Flows are listed by creation time and id. */
function isAtOrAfter({ createdAt, id }: Flow, position: Position, oldestFirst: boolean): boolean {
  if (createdAt !== position.createdAt) return createdAt > position.createdAt === oldestFirst;
  return id === position.flowId || id > position.flowId === oldestFirst;
}

function sortKeyOf(createdAt: number, id: string): string {
  return `${String(createdAt).padStart(15, "0")} ${id}`;
}

function isAfter(delivery: Delivery, after: string, oldestFirst: boolean): boolean {
  const key = sortKeyOf(delivery.createdAt, deliveryIdOf(delivery));
  return oldestFirst ? key > after : key < after;
}

async function deliveriesInOrder(
  deps: DeliveryListDeps,
  flow: Flow,
  { oldestFirst = false, readsRows = false }: Pick<DeliveryListQuery, "oldestFirst" | "readsRows">,
): Promise<Delivery[]> {
  if (!flow.eventMask) return [];
  const log = hasDeliveryLog(flow.eventMask) ? await readLog(deps, flow) : undefined;
  // Most flows have no row, and the log says so.
  const hasRows =
    readsRows || !log || [...log.records.values()].some(({ outcomes }) => [...outcomes.values()].includes("row"));
  const rows = hasRows ? await deps.webhookStore.deliveriesOf(flow.id) : [];
  const all = log ? merged(flow, log, rows) : rows;
  const keyed = all.map((delivery) => [sortKeyOf(delivery.createdAt, deliveryIdOf(delivery)), delivery] as const);
  const sign = oldestFirst ? -1 : 1;
  return keyed.toSorted(([a], [b]) => (a < b ? sign : -sign)).map(([, delivery]) => delivery);
}

/** A row has more than the record of the same delivery: all its attempts, also those of a replay. */
function merged(flow: Flow, log: DeliveryLog, rows: readonly Delivery[]): Delivery[] {
  const byId = new Map([...log.records.values()].flatMap((record) => deliveriesOfRecord(flow, record)).map(entryOf));
  for (const row of rows) byId.set(...entryOf(row));
  return [...byId].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, delivery]) => delivery);
}

function entryOf(delivery: Delivery): [string, Delivery] {
  return [deliveryIdOf(delivery), delivery];
}

function isTime(ms: number): boolean {
  return !Number.isNaN(new Date(ms).getTime());
}

function encodeCursor(appId: string, { createdAt, flowId, after }: Position): string {
  return Buffer.from(JSON.stringify([appId, createdAt, flowId, after])).toString("base64url");
}

function decodeCursor(appId: string, cursor: string): Position {
  const foreign = () =>
    new MjflowError("invalid_request", { field: "cursor", detail: "The cursor is not valid for this listing." });
  try {
    const [owner, createdAt, flowId, after] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    const isOwn = owner === appId && typeof flowId === "string" && isFlowId(flowId) && typeof after === "string";
    // A cursor that an app has made up itself may have no valid time.
    if (!isOwn || !Number.isSafeInteger(createdAt) || !isTime(createdAt as number)) throw foreign();
    return { createdAt: createdAt as number, flowId, after };
  } catch {
    throw foreign();
  }
}
