/**
 * Endpoints, deliveries and replays in the table. A delivery is a row in its flow's partition of deliveries. It is in the due index
 * while it is pending, and in the listing of its subscriber.
 */
import { DELIVERY_RETENTION_MS, type Delivery, deliveryIdOf, parseDeliveryId } from "@mjflow/core/delivery";
import { DUE_SHARDS, duePartitionOf } from "@mjflow/core/due";
import type { Endpoint } from "@mjflow/core/endpoint";
import { MjflowError } from "@mjflow/core/error";
import { hashOf } from "@mjflow/core/hash";
import type { WebhookStore } from "@mjflow/core/port";
import type { Replay } from "@mjflow/core/replay";
import { type Fields, fieldsOf, type Item, isExpired, keyOf, REV_ATTRIBUTE, row } from "./codec.ts";
import { createDeliveryLogRows } from "./delivery-log.ts";
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
import { save } from "./save.ts";
import type { Table } from "./table.ts";

/** More rows than the log of the largest plan has. */
const MAX_LOG_ROWS = 100;

/** `id` and `appId` are in the key. */
const ENDPOINT = {
  rev: [REV_ATTRIBUTE, "number"],
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
} as const satisfies Fields<Exclude<keyof Endpoint, "id" | "appId">>;

/** The ids of flow, subject, event name and subscriber are in the key. */
const DELIVERY = {
  appId: ["app", "text"],
  rev: [REV_ATTRIBUTE, "number"],
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
} as const satisfies Fields<Exclude<keyof Delivery, "flowId" | "subject" | "name" | "listener">>;

/** `id` and `appId` are in the key. */
const REPLAY = {
  rev: [REV_ATTRIBUTE, "number"],
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
} as const satisfies Fields<Exclude<keyof Replay, "id" | "appId">>;

/** Number of replays that are listed. */
const MAX_REPLAYS_LISTED = 100;

export interface WebhookStoreDeps {
  table: Table;
  now?: () => number;
  /** Number of shards of each class of due entries that are written (core/due.ts). */
  dueShards?: number;
}

export function createWebhookStore({ table, now = Date.now, dueShards = DUE_SHARDS }: WebhookStoreDeps): WebhookStore {
  const isLive = (item: Item) => !isExpired(item, now());
  const logs = createDeliveryLogRows({ table, now });

  return {
    async endpoints(appId) {
      return (await table.partition(endpointPk(appId))).map(endpointOf);
    },
    async endpoint(appId, id) {
      const item = await table.get(endpointKey(appId, id));
      return item && endpointOf(item);
    },
    saveEndpoint: (endpoint) => save(table, endpoint, (next) => endpointItem(next, dueShards), endpointOf),
    deleteEndpoint: ({ appId, id, rev }) => table.delete(endpointKey(appId, id), rev),
    async deliveriesOf(flowId, subject) {
      const items =
        subject === undefined
          ? await table.partition(deliveryPk(flowId))
          : await table.list({ partition: deliveryPk(flowId), from: `${subject}#`, to: `${subject}#~`, limit: 1_000 });
      return items.filter(isLive).map(deliveryOf);
    },
    async delivery(id) {
      const key = parseDeliveryId(id);
      const item = key && (await table.get(deliveryKey(key)));
      return item && isLive(item) ? deliveryOf(item) : undefined;
    },
    async deleteDeliveries(flowId) {
      const rows = await Promise.all([
        table.partition(deliveryPk(flowId)),
        table.list({ partition: flowPk(flowId), ...DELIVERY_LOGS, limit: MAX_LOG_ROWS }),
      ]);
      await Promise.all(rows.flat().map((item) => table.delete(keyOf(item), Number(item[REV_ATTRIBUTE]?.N))));
    },
    saveDelivery: (delivery) => save(table, delivery, (next) => deliveryItem(next, dueShards), deliveryOf),
    deliveryLog: (flowId, row) => logs.read(flowId, row),
    saveDeliveryRecords: (flowId, row, change) =>
      logs.add(flowId, row, change, Math.ceil((now() + DELIVERY_RETENTION_MS) / 1_000)),
    changeOutcome: (flowId, row, change) => logs.changeOutcome(flowId, row, change),
    claimProgress: (flowId, row, subject, at, pauseMs) => logs.claimProgress(flowId, row, subject, at, pauseMs),
    async replay(appId, id) {
      const item = await table.get(replayKey(appId, id));
      return item && isLive(item) ? replayOf(item) : undefined;
    },
    saveReplay: (replay) => save(table, replay, (next) => replayItem(next, dueShards), replayOf),
    async replays(appId) {
      const items = await table.list({ partition: replayPk(appId), descending: true, limit: MAX_REPLAYS_LISTED });
      return items.filter(isLive).map(replayOf);
    },
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
      const listed = pages.flat().filter((item) => item[ATTRIBUTE.listedAt]!.S !== ended);
      const sign = oldestFirst ? -1 : 1;
      listed.sort((a, b) => (a[ATTRIBUTE.listedAt]!.S! < b[ATTRIBUTE.listedAt]!.S! ? sign : -sign));
      const page = listed.slice(0, limit);
      const deliveries = (await table.getAll(page.map(keyOf))).filter(isLive).map(deliveryOf);
      const last = listed.length > limit ? page.at(-1)![ATTRIBUTE.listedAt]!.S! : undefined;
      return { deliveries, ...(last !== undefined && { cursor: encodeCursor(appId, last) }) };
    },
  };
}

function endpointItem(endpoint: Endpoint, dueShards: number): Item {
  const { appId, id, due } = endpoint;
  return {
    ...row(endpointKey(appId, id), ENDPOINT, endpoint),
    ...(due !== undefined && { [ATTRIBUTE.dueShard]: { S: duePartitionOf({ kind: "endpoint", appId }, dueShards) } }),
  };
}

function endpointOf(item: Item): Endpoint {
  const { pk, sk } = keyOf(item);
  return { appId: pk.slice(endpointPk("").length), id: sk, ...fieldsOf(item, ENDPOINT) } as Endpoint;
}

function deliveryItem(delivery: Delivery, dueShards: number): Item {
  const { createdAt, appId, listener, flowId, due } = delivery;
  const partition = duePartitionOf({ kind: "delivery", flowId }, dueShards);
  return {
    ...row(deliveryKey(delivery), DELIVERY, delivery),
    [ATTRIBUTE.appId]: {
      S: listPartition(appId, listener, dueShards < LIST_SHARDS ? 0 : hashOf(flowId) % LIST_SHARDS),
    },
    [ATTRIBUTE.listedAt]: { S: `${isoOf(createdAt)}#${deliveryIdOf(delivery)}` },
    [ATTRIBUTE.expiresAt]: { N: String(Math.ceil((createdAt + DELIVERY_RETENTION_MS) / 1_000)) },
    ...(due !== undefined && { [ATTRIBUTE.dueShard]: { S: partition } }),
  };
}

function replayItem(replay: Replay, dueShards: number): Item {
  const { appId, id, createdAt, due } = replay;
  return {
    ...row(replayKey(appId, id), REPLAY, replay),
    [ATTRIBUTE.expiresAt]: { N: String(Math.ceil((createdAt + DELIVERY_RETENTION_MS) / 1_000)) },
    ...(due !== undefined && { [ATTRIBUTE.dueShard]: { S: duePartitionOf({ kind: "replay", appId }, dueShards) } }),
  };
}

function replayOf(item: Item): Replay {
  const { pk, sk } = keyOf(item);
  return { appId: pk.slice(replayPk("").length), id: sk, ...fieldsOf(item, REPLAY) } as Replay;
}

function deliveryOf(item: Item): Delivery {
  const { pk, sk } = keyOf(item);
  const [subject, name, listener] = sk.split("#");
  const { attempts = [], ...fields } = fieldsOf(item, DELIVERY);
  return { flowId: pk.slice(deliveryPk("").length), subject, name, listener, attempts, ...fields } as Delivery;
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
