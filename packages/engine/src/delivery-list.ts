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
import { readLog } from "./sweep-log.ts";

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
  /** Bounds of the creation of the delivery, epoch ms, both included; unset: no bound. */
  since?: number | undefined;
  until?: number | undefined;
  limit: number;
  cursor?: string | undefined;
}

export interface DeliveryPage {
  deliveries: Delivery[];
  cursor?: string;
}

/** Maximum number of flows that one call reads. It returns what it found, with a cursor for the rest. */
const MAX_FLOWS_READ = 500;
/** Number of flows whose logs are read in one request. */
const FLOWS_AT_ONCE = 50;
/** A delivery is listed by the time of its flow. An event later than this after the creation of its flow is a press by hand. */
const FLOW_LASTS_MS = 3 * 24 * 3_600_000;

/**
 * Lists the deliveries of an app by their flows, the newest flow first, and within a flow the newest delivery first. A page can
 * be short or empty although more follow.
 *
 * @throws MjflowError `invalid_request` if the cursor is broken or belongs to another listing
 */
export async function listDeliveriesByFlow(deps: DeliveryListDeps, query: DeliveryListQuery): Promise<DeliveryPage> {
  const { appId, listener, status, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, limit } = query;
  const start = query.cursor === undefined ? undefined : decodeCursor(appId, query.cursor);
  const matches = (d: Delivery) =>
    (listener === undefined || d.listener === listener) &&
    (status === undefined || d.status === status) &&
    d.createdAt >= since &&
    d.createdAt <= until;
  const bounds = {
    ...(Number.isFinite(since) && { since: since - FLOW_LASTS_MS }),
    ...((start || Number.isFinite(until)) && { until: Math.min(until, start?.createdAt ?? until) }),
  };
  const page: Delivery[] = [];
  let flowCursor: string | undefined;
  let position: Position | undefined;
  for (let read = 0; read < MAX_FLOWS_READ; read += FLOWS_AT_ONCE) {
    const listed = await deps.store.listFlows(appId, FLOWS_AT_ONCE, flowCursor, bounds);
    const flows = listed.flows.filter((flow) => !start || isAtOrAfter(flow, start));
    const deliveries = await Promise.all(flows.map((flow) => newestFirst(deps, flow)));
    for (const [i, { id: flowId, createdAt }] of flows.entries()) {
      const after = start?.flowId === flowId ? start.after : undefined;
      for (const delivery of deliveries[i]!.filter(matches)) {
        if (after !== undefined && !isOlder(delivery, after)) continue;
        if (page.length >= limit) return { deliveries: page, cursor: encodeCursor(appId, position!) };
        page.push(delivery);
        position = { createdAt, flowId, after: sortKeyOf(delivery.createdAt, deliveryIdOf(delivery)) };
      }
      position = { createdAt, flowId, after: WHOLE_FLOW };
    }
    flowCursor = listed.cursor;
    if (flowCursor === undefined) return { deliveries: page };
  }
  return { deliveries: page, ...(position && { cursor: encodeCursor(appId, position) }) };
}

/** No delivery is older than the empty sort key. */
const WHOLE_FLOW = "";

/** Subscribers that are no endpoints. A list without a filter contains the deliveries of all subscribers of the app. */
const LISTENERS_WITHOUT_ENDPOINT = [FLOW_HOOK_LISTENER, MJ_HOOK_LISTENER, BUS_LISTENER];

/**
 * Lists the deliveries that have rows, newest first: those whose first attempt failed, and those that were replayed. A page can
 * be short or empty although more follow.
 *
 * @throws MjflowError `invalid_request` if the cursor is broken or belongs to another listing
 */
export async function listRows({ webhookStore }: DeliveryListDeps, query: DeliveryListQuery): Promise<DeliveryPage> {
  const { appId, listener, status, since, until, limit, cursor } = query;
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
  });
  return { ...page, deliveries: page.deliveries.filter((delivery) => !status || delivery.status === status) };
}

/** Where a page ended: a flow, and the sort key of its last delivery, or `WHOLE_FLOW`. */
interface Position {
  createdAt: number;
  flowId: string;
  after: string;
}

/** Flows are listed by creation time and id, newest first. */
function isAtOrAfter({ createdAt, id }: Flow, position: Position): boolean {
  return createdAt < position.createdAt || (createdAt === position.createdAt && id <= position.flowId);
}

function sortKeyOf(createdAt: number, id: string): string {
  return `${String(createdAt).padStart(15, "0")} ${id}`;
}

function isOlder(delivery: Delivery, after: string): boolean {
  return sortKeyOf(delivery.createdAt, deliveryIdOf(delivery)) < after;
}

async function newestFirst(deps: DeliveryListDeps, flow: Flow): Promise<Delivery[]> {
  if (!flow.eventMask) return [];
  const log = hasDeliveryLog(flow.eventMask) ? await readLog(deps, flow) : undefined;
  // Most flows have no row, and the log says so.
  const hasRows = !log || [...log.records.values()].some(({ outcomes }) => [...outcomes.values()].includes("row"));
  const rows = hasRows ? await deps.webhookStore.deliveriesOf(flow.id) : [];
  const all = log ? merged(flow, log, rows) : rows;
  const keyed = all.map((delivery) => [sortKeyOf(delivery.createdAt, deliveryIdOf(delivery)), delivery] as const);
  return keyed.toSorted(([a], [b]) => (a < b ? 1 : -1)).map(([, delivery]) => delivery);
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

function encodeCursor(appId: string, { createdAt, flowId, after }: Position): string {
  return Buffer.from(JSON.stringify([appId, createdAt, flowId, after])).toString("base64url");
}

function decodeCursor(appId: string, cursor: string): Position {
  const foreign = () =>
    new MjflowError("invalid_request", { field: "cursor", detail: "The cursor is not valid for this listing." });
  try {
    const [owner, createdAt, flowId, after] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    const isOwn = owner === appId && typeof flowId === "string" && isFlowId(flowId) && typeof after === "string";
    if (!isOwn || !Number.isSafeInteger(createdAt)) throw foreign();
    return { createdAt: createdAt as number, flowId, after };
  } catch {
    throw foreign();
  }
}
