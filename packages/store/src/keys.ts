/**
 * All keys of the table. `schema.ts` and `infra/table.ts` create the table and its indexes from these names.
 *
 *     pk                             sk                          row
 *     flow#<flowId>                  flow                        the flow with its request
 *     flow#<flowId>                  log#<n>                     a row of the flow's delivery log
 *     flow#<flowId>                  task#<path>                 one task with its result, usually written four times
 *     account#<provider>#<account>   health                      account health: callbacks, look-ups, circuit breaker
 *     account#<provider>#<account>   tasks#<row>                 slots of an account with a concurrency limit, by task
 *     account#<provider>#<account>   calls#<row>                 slots of submit workers that wait for a response of the account
 *     account#<provider>#<account>   wait-list                   state of the account's wait list
 *     waiting#<provider>#<account>   <appId>#<time>#<flowId>#<path>   a task in the wait list of the account
 *     account#<provider>#<account>   slots                       slots of an earlier version, only read
 *     vendors                        <provider>#<account>        a vendor account stored through the API
 *     endpoints#<appId>              <endpointId>                a webhook endpoint; `hook` for the notifyHooks of flows
 *     uploads#<appId>                <hour>                      numbers of the uploads of an hour
 *     templates#<appId>              <name>                      a plan that the app stores under a name
 *     folders#<appId>                <folderId>                  a named list of pictures
 *     marks#<appId>                  <flowId>#<path>#<n>#<list>  says that a picture is a favorite, or in a folder
 *     tokens#<appId or flowId>       <tokenId>                   a session, a sign-in link or a share link, as a hash
 *     deliveries#<flowId>            <place>#<name>#<listener>   one event for one subscriber, after a failed attempt
 *     replays#<appId>                <replayId>                  a job that sends many deliveries again, or parked events
 *     stage                          banned                      the operator's list of banned words
 *     stage                          health                      the row that health checks write
 *     stage                          import                      the import of a self-hosted server, see `import-rows.ts`
 *     app#<appId>                    app                         an app and its limits
 *     app#<appId>                    key#<keyId>                 an API key of the app, as a hash
 *     app#<appId>                    credit                      the credit row of earlier versions; frozen when the app has a counter
 *     credit#<appId>#<0..15>         counter                     the app's credit: sums, the rate limit and open entries
 *     credit#<appId>#<0..15>         day#<date>                  the app's usage on one day
 *     app#<appId>                    grant#<reference>           credit added by the operator, one row per reference
 *     mj#<appId>                     <16 digits>                 a compat task id: its task and the fields of its request
 *     mj#<appId>#<0..7>              <16 digits>                 the same, of a deployment that spreads them
 *     idem#<appId>#<key>             idem                        the flow or task created with an Idempotency-Key
 *     sweep#<due partition>          <slice>                     the lease of the sweep worker that handles this part
 *     streams#<group>                slots                       open event streams of an app, or of a part of the deployment
 *     dead                           <deadLetterId>              a dead-letter message and the operator's decision
 *
 * `<place>` is the event subject: a task path or `flow`. `<listener>` is the subscriber.
 *
 *     index   partition                              sort                               rows
 *     due     dueShard  due#<class>#<0..31>, due#0-3 dueAt     epoch ms                 flows, tasks, deliveries, replays, endpoints and counters with a due time
 *     app     appId     <appId>                      listedAt  <ISO time>#<flowId>      flows
 *                       apps                                   <ISO time>#<appId>       apps
 *                       banned                                 <revision>              the list of banned words
 *                       marks#<appId>#<list>                   <ISO time>#<flowId>#…  marks of pictures
 *                       deliveries#<appId>#<listener>          <ISO time>#<deliveryId>  deliveries
 *                       deliveries#<appId>#<listener>#<1 to 3>                          more partitions of the same list
 *
 * `core/due.ts` chooses the partition of a due entry. Both indexes project keys only. `expiresAt` (epoch seconds) is the TTL attribute of the table.
 */
import { counterIdOf, parseCounterId } from "@mjflow/core/credit";
import { type DeliveryKey, deliveryIdOf, parseDeliveryId } from "@mjflow/core/delivery";
import { isFlowId } from "@mjflow/core/id";
import { FLOW_RETENTION_MS } from "@mjflow/core/limit";
import type { PictureRef } from "@mjflow/core/mark";
import { mjIdShardOf } from "@mjflow/core/mj-task";
import type { DueRef, SlotRowRef } from "@mjflow/core/port";

export const INDEX = { due: "due", app: "app" } as const;

/** Attributes that the table and its indexes use. The other attributes of an item are defined in `item.ts`. */
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

/**
 * Retention of flows and tasks after their creation. TTL deletes hours or days late, so readers leave out expired rows. It is
 * longer than that of deliveries: a replay reads the flow (docs/decisions/0035).
 */
export const RETENTION_MS = FLOW_RETENTION_MS;

export interface Key {
  pk: string;
  sk: string;
}

/** Returns one text for the whole key, for use in maps. */
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

export function accountPk(provider: string, account: string): string {
  return `account#${provider}#${account}`;
}

/** Reads the account back from the partition of its rows or of its wait list. */
export function accountOfPk(pk: string): { provider: string; account: string } {
  const [, provider = "", account = ""] = pk.split("#");
  return { provider, account };
}

export function healthKey(provider: string, account: string): Key {
  return { pk: accountPk(provider, account), sk: "health" };
}

export function slotsKey(provider: string, account: string): Key {
  return { pk: accountPk(provider, account), sk: "slots" };
}

const WAIT_LIST_SK = "wait-list";

export function waitListKey({ provider, account }: Pick<SlotRowRef, "provider" | "account">): Key {
  return { pk: accountPk(provider, account), sk: WAIT_LIST_SK };
}

/** The entries have their own partition, so that reading an account does not read all waiting tasks. */
export function waitingPk({ provider, account }: Pick<SlotRowRef, "provider" | "account">): string {
  return `waiting#${provider}#${account}`;
}

export function slotRowKey({ provider, account, kind, row }: SlotRowRef): Key {
  return { pk: accountPk(provider, account), sk: `${kind}#${row}` };
}

/** @param startedAt beginning of the hour, epoch ms */
export function uploadCountKey(appId: string, startedAt: number): Key {
  return { pk: `uploads#${appId}`, sk: String(startedAt) };
}

export function streamSlotsKey(group: string): Key {
  return { pk: `${STREAMS_PK}${group}`, sk: "slots" };
}

/** One partition for the accounts of all vendors: they are few, so one request reads all of them. */
export const VENDORS_PK = "vendors";

export function storedAccountKey(provider: string, account: string): Key {
  return { pk: VENDORS_PK, sk: `${provider}#${account}` };
}

export const BANNED_KEY: Key = { pk: "stage", sk: "banned" };
/** Partition of its entry in the index of listings, whose sort key is the revision. No app has this id. */
export const BANNED_LISTING = "banned";
export const HEALTH_CHECK_KEY: Key = { pk: "stage", sk: "health" };
export const IMPORT_KEY: Key = { pk: "stage", sk: "import" };

export function appKey(appId: string): Key {
  return { pk: `app#${appId}`, sk: "app" };
}

const APP_KEY_SK = "key#";

export function appKeyKey(appId: string, keyId: string): Key {
  return { pk: appKey(appId).pk, sk: `${APP_KEY_SK}${keyId}` };
}

/** Bounds of the sort keys of an app's API keys. */
export const APP_KEYS = { from: APP_KEY_SK, to: `${APP_KEY_SK}~` };

export function creditKey(appId: string): Key {
  return { pk: appKey(appId).pk, sk: "credit" };
}

const CREDIT_PK = "credit#";
const COUNTER_SK = "counter";
const DAY_SK = "day#";

/** Each counter has a partition of its own, because every request of the app reads the partition of the app. */
export function creditPk(counterId: string): string {
  const { appId, no } = parseCounterId(counterId);
  return `${CREDIT_PK}${appId}#${no}`;
}

export function counterKey(counterId: string): Key {
  return { pk: creditPk(counterId), sk: COUNTER_SK };
}

export function creditDayKey(counterId: string, date: string): Key {
  return { pk: creditPk(counterId), sk: `${DAY_SK}${date}` };
}

/** Bounds of the sort keys of an app's days. */
export const CREDIT_DAYS = { from: DAY_SK, to: `${DAY_SK}~` };

/** Returns the id of the counter of a key; undefined for other keys. */
export function counterIdOfKey({ pk, sk }: Key): string | undefined {
  if (!pk.startsWith(CREDIT_PK) || sk !== COUNTER_SK) return undefined;
  const [appId = "", no] = pk.slice(CREDIT_PK.length).split("#");
  return counterIdOf(appId, Number(no));
}

const GRANT_SK = "grant#";

export function grantKey(appId: string, reference: string): Key {
  return { pk: appKey(appId).pk, sk: `${GRANT_SK}${reference}` };
}

/** Each Idempotency-Key has its own partition, so that the requests of one app are spread. An app id contains no "#". */
export function idempotencyKey(appId: string, key: string): Key {
  return { pk: `idem#${appId}#${key}`, sk: "idem" };
}

/** Partition of the `app` index that lists apps. No app has this id. */
export const APPS = "apps";

const MJ_PK = "mj#";

/**
 * The sort keys in this partition begin with their time, so the newest ids are found without an index.
 *
 * @param shard number of the partition of spread ids; unset: the partition of the other ids
 */
export function mjTaskIdPk(appId: string, shard?: number): string {
  return `${MJ_PK}${appId}${shard === undefined ? "" : `#${shard}`}`;
}

export function mjTaskIdKey(appId: string, id: string): Key {
  return { pk: mjTaskIdPk(appId, mjIdShardOf(id)), sk: id };
}

/** Returns the app of a compat task id. An app id contains no "#". */
export function appIdOfMjTaskId({ pk }: Key): string {
  return pk.slice(MJ_PK.length).split("#")[0]!;
}

const SWEEP_PK = "sweep#";
const STREAMS_PK = "streams#";

/** Each lease has its own partition, because many workers write at the same second. */
export function sweepLeaseKey(partition: string, slice: string): Key {
  return { pk: `${SWEEP_PK}${partition}`, sk: slice };
}

/**
 * True for rows that say what the processes of one deployment do at this moment: leases, open streams, slots of submit
 * workers, health checks, imports, sessions of browsers. They mean nothing in another table.
 */
export function isOfProcesses({ pk, sk }: Key): boolean {
  if (pk === HEALTH_CHECK_KEY.pk) return sk === HEALTH_CHECK_KEY.sk || sk === IMPORT_KEY.sk;
  // The share links of flows move with their flows.
  if (pk.startsWith(`${TOKENS_PK}app_`)) return true;
  return pk.startsWith(SWEEP_PK) || pk.startsWith(STREAMS_PK) || (pk.startsWith("account#") && sk.startsWith("calls#"));
}

/** True for the account health, which an account in use writes again by itself. */
export function isHealth({ pk, sk }: Key): boolean {
  return pk.startsWith("account#") && sk === "health";
}

/** True for the row of an app. Without it the keys of the app are unknown. */
export function isApp({ pk, sk }: Key): boolean {
  return pk.startsWith("app#") && sk === "app";
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

export function templatePk(appId: string): string {
  return `templates#${appId}`;
}

export function templateKey(appId: string, name: string): Key {
  return { pk: templatePk(appId), sk: name };
}

export function folderPk(appId: string): string {
  return `folders#${appId}`;
}

export function folderKey(appId: string, id: string): Key {
  return { pk: folderPk(appId), sk: id };
}

const MARKS_PK = "marks#";

/** The marks of an app, by flow: the marks of a page of pictures are one range. Flow ids sort by time. */
export function markPk(appId: string): string {
  return `${MARKS_PK}${appId}`;
}

export function markKey(appId: string, { flowId, path, number }: PictureRef, list: string): Key {
  return { pk: markPk(appId), sk: `${flowId}#${path}#${number}#${list}` };
}

/** Bounds of the sort keys of the marks of one picture. */
export function marksOfPicture({ flowId, path, number }: PictureRef): { from: string; to: string } {
  return boundsOf(`${flowId}#${path}#${number}#`);
}

/** Bounds of the sort keys of the marks of all flows between two, both included. */
export function marksOfFlows(from: string, to: string): { from: string; to: string } {
  return { from: boundsOf(`${from}#`).from, to: boundsOf(`${to}#`).to };
}

/** Reads the picture and the list of a mark from its key. */
export function markOfKey({ pk, sk }: Key): PictureRef & { appId: string; list: string } {
  const [flowId = "", path = "", number, list = ""] = sk.split("#");
  return { appId: pk.slice(MARKS_PK.length), flowId, path, number: Number(number), list };
}

/** Partition of the `app` index with the marks of one list. */
export function markListing(appId: string, list: string): string {
  return `${markPk(appId)}#${list}`;
}

/** "~" sorts after every character of an id. */
function boundsOf(start: string): { from: string; to: string } {
  return { from: start, to: `${start}~` };
}

const TOKENS_PK = "tokens#";

export function accessTokenPk(owner: string): string {
  return `${TOKENS_PK}${owner}`;
}

export function accessTokenKey(owner: string, id: string): Key {
  return { pk: accessTokenPk(owner), sk: id };
}

export function replayPk(appId: string): string {
  return `replays#${appId}`;
}

export function replayKey(appId: string, id: string): Key {
  return { pk: replayPk(appId), sk: id };
}

export function deliveryPk(flowId: string): string {
  return `deliveries#${flowId}`;
}

export function deliveryKey({ flowId, subject, name, listener }: DeliveryKey): Key {
  return { pk: deliveryPk(flowId), sk: `${subject}#${name}#${listener}` };
}

const LOG_SK = "log#";

export function deliveryLogKey(flowId: string, row: number): Key {
  return { pk: flowPk(flowId), sk: `${LOG_SK}${row}` };
}

/** Bounds of the sort keys of a flow's delivery log. */
export const DELIVERY_LOGS = { from: LOG_SK, to: `${LOG_SK}~` };

export function flowPk(flowId: string): string {
  return `flow#${flowId}`;
}

/** Returns what a key with a due time refers to; undefined for other keys. */
export function refOf({ pk, sk }: Key): DueRef | undefined {
  if (sk === WAIT_LIST_SK) return waitListRefOf(pk);
  const counterId = counterIdOfKey({ pk, sk });
  if (counterId !== undefined) return { kind: "credit", appId: counterId };
  if (pk.startsWith(replayPk(""))) return { kind: "replay", appId: pk.slice(replayPk("").length), replayId: sk };
  if (pk.startsWith(endpointPk("")))
    return { kind: "endpoint", appId: pk.slice(endpointPk("").length), endpointId: sk };
  if (pk.startsWith(deliveryPk(""))) return deliveryRefOf(pk.slice(deliveryPk("").length), sk);
  const flowId = pk.startsWith("flow#") ? pk.slice("flow#".length) : "";
  if (!isFlowId(flowId)) return undefined;
  if (sk === FLOW_SK) return { kind: "flow", flowId };
  return sk.startsWith(TASK_SK) ? { kind: "task", flowId, path: sk.slice(TASK_SK.length) } : undefined;
}

function waitListRefOf(pk: string): DueRef | undefined {
  const [, provider, account] = /^account#([^#]+)#([^#]+)$/.exec(pk) ?? [];
  return provider !== undefined && account !== undefined ? { kind: "waitList", provider, account } : undefined;
}

function deliveryRefOf(flowId: string, sk: string): DueRef | undefined {
  const [subject = "", name = "", listener = ""] = sk.split("#");
  const deliveryId = deliveryIdOf({ flowId, subject, name, listener });
  return parseDeliveryId(deliveryId) ? { kind: "delivery", deliveryId } : undefined;
}

/** Sort key that sorts by time; the id makes it unique. */
export function listedAt(createdAt: number, flowId: string): string {
  return `${new Date(createdAt).toISOString()}#${flowId}`;
}

export function flowIdOfListed(listed: string): string | undefined {
  const at = listed.indexOf("#");
  const flowId = listed.slice(at + 1);
  return at > 0 && isFlowId(flowId) ? flowId : undefined;
}

/** Expiry in epoch seconds, the unit of TTL. */
export function expiresAt(createdAt: number): number {
  return Math.ceil((createdAt + RETENTION_MS) / 1_000);
}
