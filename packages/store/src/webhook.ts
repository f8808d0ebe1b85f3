/**
 * Endpoints, deliveries and replays in the table. A delivery is a row in its flow's partition of deliveries. It is in the due index
 * while it is pending, and in the listing of its subscriber.
 */
import { DELIVERY_RETENTION_MS, type Delivery, deliveryIdOf, parseDeliveryId } from "@mjflow/core/delivery";
import { DUE_SHARDS } from "@mjflow/core/due";
import type { Endpoint } from "@mjflow/core/endpoint";
import { MjflowError } from "@mjflow/core/error";
import { hashOf } from "@mjflow/core/hash";
import type { WebhookStore } from "@mjflow/core/port";
import type { Replay } from "@mjflow/core/replay";
import { keyOf } from "./codec.ts";
import { createDeliveryLogRows } from "./delivery-log.ts";
import { dueEntry, entity, expiring, listed } from "./entity.ts";
import {
  ATTRIBUTE,
  DELIVERY_LOGS,
  deliveryKey,
  deliveryPk,
  endpointKey,
  endpointPk,
  flowPk,
  replayKey,
  replayPk,
} from "./keys.ts";
import { createRows } from "./rows.ts";
import { deleteItems, type Table } from "./table.ts";

/** More rows than the log of the largest plan has. */
const MAX_LOG_ROWS = 100;

const ENDPOINT = entity<Endpoint, "appId" | "id">()({
  key: ({ appId, id }) => endpointKey(appId, id),
  idOf: ({ pk, sk }) => ({ appId: pk.slice(endpointPk("").length), id: sk }),
  attributes: ({ appId, due }, dueShards) => dueEntry(due !== undefined, { kind: "endpoint", appId }, dueShards),
  fields: {
    url: ["url", "text"],
    scheme: ["sc", "text"],
    events: ["ev", "json"],
    description: ["de", "text"],
    secrets: ["se", "json"],
    publicKey: ["pk_", "text"],
    disabledAt: ["da", "number"],
    disabledWhy: ["dw", "text"],
    failingSince: ["fs", "number"],
    faults: ["fc", "number"],
    opens: ["op", "number"],
    openUntil: ["ou", "number"],
    trial: ["tl", "flag"],
    createdAt: ["cr", "number"],
    parkedFrom: ["pf", "number"],
    recoverFrom: ["rf", "number"],
    recovery: ["rc", "text"],
    due: [ATTRIBUTE.dueAt, "number"],
  },
});

const DELIVERY = entity<Delivery, "flowId" | "subject" | "name" | "listener">()({
  key: deliveryKey,
  idOf({ pk, sk }) {
    const [subject = "", name = "", listener = ""] = sk.split("#");
    return { flowId: pk.slice(deliveryPk("").length), subject, name, listener };
  },
  defaults: { attempts: [] },
  attributes(delivery, dueShards) {
    const { createdAt, appId, listener, flowId, due } = delivery;
    const shard = dueShards < LIST_SHARDS ? 0 : hashOf(flowId) % LIST_SHARDS;
    return {
      ...listed(listPartition(appId, listener, shard), `${isoOf(createdAt)}#${deliveryIdOf(delivery)}`),
      ...expiring(createdAt + DELIVERY_RETENTION_MS),
      ...dueEntry(due !== undefined, { kind: "delivery", flowId }, dueShards),
    };
  },
  fields: {
    appId: ["app", "text"],
    type: ["ty", "text"],
    happenedAt: ["ha", "number"],
    status: ["st", "text"],
    tries: ["tr", "count"],
    attempts: ["at", "json"],
    leaseUntil: ["le", "number"],
    failure: ["fa", "text"],
    createdAt: ["cr", "number"],
    endedAt: ["en", "number"],
    due: [ATTRIBUTE.dueAt, "number"],
    replayId: ["ri", "text"],
  },
});

const REPLAY = entity<Replay, "appId" | "id">()({
  key: ({ appId, id }) => replayKey(appId, id),
  idOf: ({ pk, sk }) => ({ appId: pk.slice(replayPk("").length), id: sk }),
  attributes: ({ appId, createdAt, due }, dueShards) => ({
    ...expiring(createdAt + DELIVERY_RETENTION_MS),
    ...dueEntry(due !== undefined, { kind: "replay", appId }, dueShards),
  }),
  fields: {
    listener: ["li", "text"],
    only: ["on", "text"],
    since: ["si", "number"],
    until: ["un", "number"],
    status: ["st", "text"],
    failure: ["fa", "text"],
    found: ["fo", "count"],
    sent: ["se", "count"],
    failed: ["fd", "count"],
    skipped: ["sk_", "count"],
    cursor: ["cu", "text"],
    position: ["po", "number"],
    leaseUntil: ["le", "number"],
    waitsUntil: ["wu", "number"],
    due: [ATTRIBUTE.dueAt, "number"],
    createdAt: ["cr", "number"],
    endedAt: ["en", "number"],
  },
});

/** Number of replays that are listed. */
const MAX_REPLAYS_LISTED = 100;

export interface WebhookStoreDeps {
  table: Table;
  now?: () => number;
  /** Number of shards of each class of due entries that are written (core/due.ts). */
  dueShards?: number;
}

export function createWebhookStore({ table, now = Date.now, dueShards = DUE_SHARDS }: WebhookStoreDeps): WebhookStore {
  const deps = { table, now, dueShards };
  const endpoints = createRows(deps, ENDPOINT);
  const rows = createRows(deps, DELIVERY);
  const replays = createRows(deps, REPLAY);
  const logs = createDeliveryLogRows({ table, now });

  return {
    endpoints: (appId) => endpoints.partition(endpointPk(appId)),
    endpoint: (appId, id) => endpoints.get({ appId, id }),
    saveEndpoint: (endpoint) => endpoints.save(endpoint),
    deleteEndpoint: (endpoint) => endpoints.delete(endpoint),
    deliveriesOf: (flowId, subject) =>
      subject === undefined
        ? rows.partition(deliveryPk(flowId))
        : rows.list({ partition: deliveryPk(flowId), from: `${subject}#`, to: `${subject}#~`, limit: 1_000 }),
    async delivery(id) {
      const key = parseDeliveryId(id);
      return key && (await rows.get(key));
    },
    async deleteDeliveries(flowId) {
      const items = await Promise.all([
        table.partition(deliveryPk(flowId)),
        table.list({ partition: flowPk(flowId), ...DELIVERY_LOGS, limit: MAX_LOG_ROWS }),
      ]);
      await deleteItems(table, items.flat());
    },
    saveDelivery: (delivery) => rows.save(delivery),
    deliveryLog: (flowId, row) => logs.read(flowId, row),
    saveDeliveryRecords: (flowId, row, change) =>
      logs.add(flowId, row, change, Math.ceil((now() + DELIVERY_RETENTION_MS) / 1_000)),
    changeOutcome: (flowId, row, change) => logs.changeOutcome(flowId, row, change),
    claimProgress: (flowId, row, subject, at, pauseMs) => logs.claimProgress(flowId, row, subject, at, pauseMs),
    replay: (appId, id) => replays.get({ appId, id }),
    saveReplay: (replay) => replays.save(replay),
    replays: (appId) => replays.list({ partition: replayPk(appId), descending: true, limit: MAX_REPLAYS_LISTED }),
    async listDeliveries({ appId, listeners, since, until, limit, cursor, oldestFirst = false }) {
      const ended = cursor === undefined ? undefined : decodeCursor(appId, cursor);
      const from = [since === undefined ? undefined : isoOf(since), oldestFirst ? ended : undefined].filter(isSet);
      const to = [until === undefined ? undefined : `${isoOf(until)}~`, oldestFirst ? undefined : ended].filter(isSet);
      const pages = await Promise.all(
        listeners
          .flatMap((listener) => listPartitionsOf(appId, listener))
          .map((partition) =>
            table.list({
              index: "app",
              partition,
              descending: !oldestFirst,
              ...(from.length > 0 && { from: from.sort().at(-1)! }),
              ...(to.length > 0 && { to: to.sort()[0]! }),
              // Two more than shown: the delivery named by the cursor, which is read again, and one that proves a next page.
              limit: limit + 2,
            }),
          ),
      );
      const found = pages.flat().filter((item) => item[ATTRIBUTE.listedAt]!.S !== ended);
      const sign = oldestFirst ? -1 : 1;
      found.sort((a, b) => (a[ATTRIBUTE.listedAt]!.S! < b[ATTRIBUTE.listedAt]!.S! ? sign : -sign));
      const page = found.slice(0, limit);
      const deliveries = await rows.getKeys(page.map(keyOf));
      const last = found.length > limit ? page.at(-1)![ATTRIBUTE.listedAt]!.S! : undefined;
      return { deliveries, ...(last !== undefined && { cursor: encodeCursor(appId, last) }) };
    },
  };
}

/**
 * Number of partitions of the listing of one subscriber. A receiver that fails at a high rate writes all its rows there, and one
 * partition takes 1,000 writes per second. A deployment with fewer due shards is small and writes only the first one, which
 * is also the only one that earlier versions know.
 */
const LIST_SHARDS = 4;

function listPartition(appId: string, listener: string, shard: number): string {
  return `deliveries#${appId}#${listener}${shard === 0 ? "" : `#${shard}`}`;
}

function listPartitionsOf(appId: string, listener: string): string[] {
  return Array.from({ length: LIST_SHARDS }, (_, shard) => listPartition(appId, listener, shard));
}

function isSet<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function encodeCursor(appId: string, listedAt: string): string {
  return Buffer.from(JSON.stringify([appId, listedAt])).toString("base64url");
}

function decodeCursor(appId: string, cursor: string): string {
  const foreign = () =>
    new MjflowError("invalid_request", { field: "cursor", detail: "The cursor is not valid for this listing." });
  try {
    const [owner, listedAt] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    if (owner !== appId || typeof listedAt !== "string" || !listedAt.includes("#dlv_")) throw foreign();
    return listedAt;
  } catch {
    throw foreign();
  }
}
