/**
 * Every key of the table, and nowhere else. `schema.ts` and `infra/table.ts` create what is named here.
 *
 *     pk                               sk             what
 *     flow#<flowId>                    flow           the flow: what the app asked for
 *     flow#<flowId>                    task#<path>    one task with its result: hot row, written four times
 *     account#<provider>#<account>     health         whether a vendor account calls back, and whether it is trusted
 *     account#<provider>#<account>     slots          the tasks that an account with a cap may be running
 *     vendors                          <provider>#<account>   an account stored through the API
 *     endpoints#<appId>                <endpointId>   an address that hears of an app's flows
 *     deliveries#<flowId>              <place>#<name>#<listener>   one event on its way to one listener
 *     stage                            banned         the operator's list of banned words
 *     app#<appId>                      app            an app and its limits
 *     app#<appId>                      key#<keyId>    one of its keys, hashed
 *     mj#<appId>                       <16 digits>    a facade number: the task it stands for, the request's own fields
 *     app#<appId>                      credit         what it has spent, and holds for what runs
 *     app#<appId>                      grant#<reference>   money put in, once for each reference
 *     idem#<appId>#<key>               idem           what a request with an Idempotency-Key makes
 *     dead                             <letterId>     a message nobody could read, and what was decided on it
 *
 *     index   partition              sort                             holds
 *     due     dueShard  due#0..3     dueAt     epoch ms               flows and tasks that wait for something, no others
 *     app     appId                  listedAt  <ISO time>#<flowId>    flows, for listing
 *             apps                     <ISO time>#<appId>     apps
 *             deliveries#<appId>#<listener>    <ISO time>#<deliveryId>
 *
 * Both indexes project keys only. `expiresAt` (epoch seconds) is the table's TTL attribute.
 */
import { type DeliveryKey, deliveryIdOf, parseDeliveryId } from "@mjflow/core/delivery";
import { isFlowId } from "@mjflow/core/id";
import { DUE_SHARDS } from "@mjflow/core/limit";
import type { DueRef } from "@mjflow/core/port";

export const INDEX = { due: "due", app: "app" } as const;

/** Attributes that the table and its indexes are built on; the rest of an item is `item.ts`'s own affair. */
export const ATTRIBUTE = {
  pk: "pk",
  sk: "sk",
  dueShard: "dueShard",
  dueAt: "dueAt",
  appId: "appId",
  listedAt: "listedAt",
  expiresAt: "expiresAt",
} as const;

/** Partition and sort attribute of each index. */
export const INDEX_KEYS = {
  due: [ATTRIBUTE.dueShard, ATTRIBUTE.dueAt],
  app: [ATTRIBUTE.appId, ATTRIBUTE.listedAt],
} as const;

/** Flows and their tasks are kept this long after they were created. TTL deletes late by hours or days: readers filter. */
export const RETENTION_MS = 90 * 24 * 3_600_000;

export interface Key {
  pk: string;
  sk: string;
}

/** One text for both, for maps. */
export function keyText({ pk, sk }: Key): string {
  return `${pk} ${sk}`;
}

const FLOW_SK = "flow";
const TASK_SK = "task#";

export function flowKey(flowId: string): Key {
  return { pk: flowPk(flowId), sk: FLOW_SK };
}

export function taskKey(flowId: string, path: string): Key {
  return { pk: flowPk(flowId), sk: `${TASK_SK}${path}` };
}

export function healthKey(provider: string, account: string): Key {
  return { pk: `account#${provider}#${account}`, sk: "health" };
}

export function slotsKey(provider: string, account: string): Key {
  return { pk: healthKey(provider, account).pk, sk: "slots" };
}

/** One partition for all vendors: they are few, and one request tells of them all. */
export const VENDORS_PK = "vendors";

export function storedAccountKey(provider: string, account: string): Key {
  return { pk: VENDORS_PK, sk: `${provider}#${account}` };
}

export const BANNED_KEY: Key = { pk: "stage", sk: "banned" };

export function appKey(appId: string): Key {
  return { pk: `app#${appId}`, sk: "app" };
}

const APP_KEY_SK = "key#";

export function appKeyKey(appId: string, keyId: string): Key {
  return { pk: appKey(appId).pk, sk: `${APP_KEY_SK}${keyId}` };
}

/** Where an app's keys begin and end among its rows. */
export const APP_KEYS = { from: APP_KEY_SK, to: `${APP_KEY_SK}~` };

export function creditKey(appId: string): Key {
  return { pk: appKey(appId).pk, sk: "credit" };
}

const GRANT_SK = "grant#";

export function grantKey(appId: string, reference: string): Key {
  return { pk: appKey(appId).pk, sk: `${GRANT_SK}${reference}` };
}

/** A partition for each key, so that an app's requests do not meet in one. An app's id has no "#". */
export function idempotencyKey(appId: string, key: string): Key {
  return { pk: `idem#${appId}#${key}`, sk: "idem" };
}

/** The partition of the `app` index that lists apps; no app has this id. */
export const APPS = "apps";

/** Its sort keys begin with their time: the newest are found without an index. */
export function mjTaskIdPk(appId: string): string {
  return `mj#${appId}`;
}

export function mjTaskIdKey(appId: string, id: string): Key {
  return { pk: mjTaskIdPk(appId), sk: id };
}

export const DEAD_LETTERS_PK = "dead";

export function deadLetterKey(id: string): Key {
  return { pk: DEAD_LETTERS_PK, sk: id };
}

export function endpointPk(appId: string): string {
  return `endpoints#${appId}`;
}

export function endpointKey(appId: string, id: string): Key {
  return { pk: endpointPk(appId), sk: id };
}

export function deliveryPk(flowId: string): string {
  return `deliveries#${flowId}`;
}

export function deliveryKey({ flowId, subject, name, listener }: DeliveryKey): Key {
  return { pk: deliveryPk(flowId), sk: `${subject}#${name}#${listener}` };
}

export function flowPk(flowId: string): string {
  return `flow#${flowId}`;
}

/** What a key of a flow's partition, or of its deliveries, names; nothing for a key that is neither's. */
export function refOf({ pk, sk }: Key): DueRef | undefined {
  if (pk.startsWith(deliveryPk(""))) return deliveryRefOf(pk.slice(deliveryPk("").length), sk);
  const flowId = pk.startsWith("flow#") ? pk.slice("flow#".length) : "";
  if (!isFlowId(flowId)) return undefined;
  if (sk === FLOW_SK) return { kind: "flow", flowId };
  return sk.startsWith(TASK_SK) ? { kind: "task", flowId, path: sk.slice(TASK_SK.length) } : undefined;
}

function deliveryRefOf(flowId: string, sk: string): DueRef | undefined {
  const [place = "", name = "", listener = ""] = sk.split("#");
  const deliveryId = deliveryIdOf({ flowId, subject: place, name, listener });
  return parseDeliveryId(deliveryId) ? { kind: "delivery", deliveryId } : undefined;
}

/** A flow and its tasks share a shard. FNV-1a: stable for as long as rows live, and spreads ULIDs evenly. */
export function shardOf(flowId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < flowId.length; i++) hash = Math.imul(hash ^ flowId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % DUE_SHARDS;
}

export function dueShard(shard: number): string {
  return `due#${shard}`;
}

/** Sorts as time does; the id makes it unique. */
export function listedAt(createdAt: number, flowId: string): string {
  return `${new Date(createdAt).toISOString()}#${flowId}`;
}

export function flowIdOfListed(listed: string): string | undefined {
  const at = listed.indexOf("#");
  const flowId = listed.slice(at + 1);
  return at > 0 && isFlowId(flowId) ? flowId : undefined;
}

/** Epoch seconds, as TTL wants them. */
export function expiresAt(createdAt: number): number {
  return Math.ceil((createdAt + RETENTION_MS) / 1_000);
}
