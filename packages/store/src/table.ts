/**
 * The requests of this store to DynamoDB, with the client's low-level commands. There is no document library, because this
 * code is part of every function's cold start. This file knows items and keys; `item.ts` knows their content.
 *
 * - W1 Every write is one conditional PutItem, UpdateItem or DeleteItem of one item.
 * - W2 A write whose response was lost is recognized by its nonce. The SDK's repetition fails its condition, because the
 *      first try was stored. Without the nonce the caller would take its own write for that of another writer.
 * - W5 Throttling beyond the client's retries, and an item that a transaction holds, are MjflowError `overloaded`. All other
 *      errors are thrown unchanged.
 */
import {
  BatchGetItemCommand,
  type ConsumedCapacity,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { MjflowError } from "@mjflow/core/error";
import { assertReadable, type Item, itemBytes, keyOf, NONCE_ATTRIBUTE, REV_ATTRIBUTE } from "./codec.ts";
import { ATTRIBUTE, INDEX, INDEX_KEYS, type Key, keyText } from "./keys.ts";
import { addRejectedWrite, addUnits, type Meter } from "./meter.ts";
import {
  assertOnce,
  checkUpdate,
  conditionsOf,
  holds,
  mapsOf,
  type Update,
  type UpdateResult,
  valueAt,
} from "./update.ts";
import { expressionsOf } from "./update-expression.ts";

export interface TableDeps {
  client: DynamoDBClient;
  table: string;
  /** Returns a short text that no other write has. */
  random?: () => string;
  sleep?: (ms: number) => Promise<void>;
  /** Adds up the cost of requests. If it is set, each request asks for its consumed capacity. */
  meter?: Meter;
}

export type PutResult = { ok: true } | { ok: false; current: Item | undefined };

export interface Table {
  /** Length of JSON from which on rows store it deflated, characters. Unset: `DEFLATE_FROM` of `codec.ts`. */
  readonly deflateFrom?: number;
  /** Writes an item. `rev` undefined: only if no item exists. Otherwise only if the item has this revision. */
  put(item: Item, rev: number | undefined): Promise<PutResult>;
  /**
   * Changes single attributes of an item with one conditional write and without a read (update.ts). The item gets the next
   * revision and a new nonce, so a `put` by an older revision fails. An absent item is created.
   *
   * An `ok` update was applied exactly once, if it has a condition `once`. A refused one returns the item that did not meet
   * the conditions. If an earlier request of the caller was applied although its response was lost, the item shows it.
   *
   * @throws RangeError or TypeError if the update itself is wrong
   * @throws ItemError if newer code wrote the item (W4)
   * @throws MjflowError `overloaded` if the table throttles, or if writers of the same maps were first five times. Every
   *   other error means that the outcome is not known; the caller may send the same update again.
   */
  update(key: Key, update: Update): Promise<UpdateResult>;
  /** Deletes the item if it has this revision; otherwise nothing happens. */
  delete(key: Key, rev: number): Promise<void>;
  /** Reads one item. All reads here are strongly consistent, except those of an index. */
  get(key: Key): Promise<Item | undefined>;
  /**
   * Reads items in the order of `keys`; missing ones are left out. Calls in the same turn of the event loop share their
   * requests, one per 100 keys.
   */
  getAll(keys: readonly Key[]): Promise<Item[]>;
  /** Reads all items of one partition, ordered by sort key. */
  partition(pk: string): Promise<Item[]>;
  /** Reads one page of a partition, ordered by sort key. */
  list(listing: ListQuery): Promise<Item[]>;
}

export interface ListQuery {
  /** Partition of the table, or of `index`. An index is eventually consistent and contains keys only. */
  partition: string;
  index?: keyof typeof INDEX;
  /** Bounds of the sort key, both included; unset: no bound. */
  from?: string | number;
  to?: string | number;
  descending?: boolean;
  limit: number;
  /** The page begins after this item; only its keys of the table and of the index are needed. */
  after?: Item;
}

const BATCH_GET = 100;
/** Requests of one update. More than one is needed only if a map of the item is absent or the engine did not return the item. */
const UPDATE_TRIES = 5;
/** Number of repetitions for keys that DynamoDB left unprocessed, with pauses of 25, 50, 100 … ms. */
const LEFTOVER_TRIES = 6;
const LEFTOVER_PAUSE_MS = 25;

export function createTable({
  client,
  table: TableName,
  random = () => crypto.randomUUID().slice(0, 8),
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  meter,
}: TableDeps): Table {
  const ReturnConsumedCapacity = meter ? ("INDEXES" as const) : undefined;

  async function run<T extends { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] }>(
    kind: "read" | "write",
    request: Promise<T>,
  ): Promise<T> {
    if (meter) meter.requests++;
    const response = await request.catch((error: unknown) => {
      throw isThrottling(error) ? new MjflowError("overloaded", { cause: error }) : error;
    });
    if (meter) addUnits(meter, kind, response.ConsumedCapacity);
    return response;
  }

  async function get(key: Key): Promise<Item | undefined> {
    const input = { TableName, Key: attributes(key), ConsistentRead: true, ReturnConsumedCapacity };
    return (await run("read", client.send(new GetItemCommand(input)))).Item;
  }

  async function getBatch(keys: readonly Key[]): Promise<Item[]> {
    const found: Item[] = [];
    let Keys: Item[] = keys.map(attributes);
    for (let tries = 0; ; tries++) {
      const RequestItems = { [TableName]: { Keys, ConsistentRead: true } };
      const response = await run(
        "read",
        client.send(new BatchGetItemCommand({ RequestItems, ReturnConsumedCapacity })),
      );
      found.push(...(response.Responses?.[TableName] ?? []));
      Keys = response.UnprocessedKeys?.[TableName]?.Keys ?? [];
      if (Keys.length === 0) return found;
      if (tries >= LEFTOVER_TRIES)
        throw new MjflowError("overloaded", { detail: "The table did not process all reads." });
      await sleep(LEFTOVER_PAUSE_MS * 2 ** tries);
    }
  }

  /** Reads each key once, because DynamoDB rejects a request with duplicate keys. */
  async function getEach(keys: ReadonlyMap<string, Key>): Promise<ReadonlyMap<string, Item>> {
    const left = [...keys.values()];
    const batches: Promise<Item[]>[] = [];
    while (left.length > 0) batches.push(getBatch(left.splice(0, BATCH_GET)));
    const items = (await Promise.all(batches)).flat();
    return new Map(items.map((item) => [keyText(keyOf(item)), item]));
  }

  let round: { keys: Map<string, Key>; items: Promise<ReadonlyMap<string, Item>> } | undefined;

  /** Collects the keys of the next request. The messages of a batch are mostly of one flow and need the same rows. */
  function nextRound() {
    const keys = new Map<string, Key>();
    const items = Promise.resolve().then(() => {
      round = undefined;
      return getEach(keys);
    });
    return { keys, items };
  }

  return {
    get,
    async put(item, rev) {
      const nonce = random();
      const Item = { ...item, [NONCE_ATTRIBUTE]: { S: nonce } };
      const request = client.send(
        new PutItemCommand({
          TableName,
          Item,
          ...revisionCondition(rev),
          // Returns the current item to the loser (W3). Not every engine supports it, so a missing item proves nothing.
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          ReturnConsumedCapacity,
        }),
      );
      try {
        await run("write", request);
        return { ok: true };
      } catch (error) {
        const conditionFailed = isConditionFailure(error);
        if (!conditionFailed && !isUnknownOutcome(error)) throw error;
        const current =
          (conditionFailed && error.Item) ||
          (await get(keyOf(item)).catch((readError: unknown) => {
            // If the condition failed, the read error is thrown. Otherwise the error of the write is the important one.
            throw conditionFailed ? readError : error;
          }));
        if (meter && conditionFailed) addRejectedWrite(meter, itemBytes(current || {}));
        if (current?.[NONCE_ATTRIBUTE]?.S === nonce) return { ok: true };
        if (!conditionFailed) throw error;
        return { ok: false, current };
      }
    },
    async update(key, update) {
      checkUpdate(update);
      const nonce = random();
      // DynamoDB cannot set an entry of an absent map. The first request assumes which maps are absent.
      let absentMaps = update.isNewRow ? mapsOf(update) : new Set<string>();
      let sentOnce = true;
      for (let tries = 0; tries < UPDATE_TRIES; tries++) {
        const result = await tryUpdate(key, update, nonce, absentMaps);
        sentOnce &&= result.sentOnce;
        if (result.ok) assertOnce(update, result.item);
        if (result.ok || !meetsConditions(result.current, update)) return { ...result, sentOnce };
        absentMaps = new Set([...mapsOf(update)].filter((map) => valueAt(result.current, map) === undefined));
      }
      throw new MjflowError("overloaded", { detail: "Other writers of the row were first each time." });
    },
    async delete(key, rev) {
      const input = { TableName, Key: attributes(key), ...revisionCondition(rev), ReturnConsumedCapacity };
      await run("write", client.send(new DeleteItemCommand(input))).catch((error: unknown) => {
        if (!isConditionFailure(error)) throw error;
      });
    },
    async getAll(keys) {
      if (keys.length === 0) return [];
      round ??= nextRound();
      for (const key of keys) round.keys.set(keyText(key), key);
      const found = await round.items;
      return keys.map((key) => found.get(keyText(key))).filter((item) => item !== undefined);
    },
    async partition(pk) {
      const items: Item[] = [];
      let ExclusiveStartKey: Item | undefined;
      do {
        const page: Awaited<ReturnType<typeof queryPage>> = await queryPage({
          KeyConditionExpression: "#pk = :pk",
          ExpressionAttributeNames: { "#pk": ATTRIBUTE.pk },
          ExpressionAttributeValues: { ":pk": { S: pk } },
          ConsistentRead: true,
          ExclusiveStartKey,
        });
        items.push(...(page.Items ?? []));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return items;
    },
    async list({ partition, index, from, to, descending = false, limit, after }) {
      // DynamoDB rejects such a range instead of finding nothing in it.
      if (from !== undefined && to !== undefined && from > to) return [];
      const [hash, range] = index ? INDEX_KEYS[index] : ([ATTRIBUTE.pk, ATTRIBUTE.sk] as const);
      const value = (sort: string | number) => (typeof sort === "number" ? { N: String(sort) } : { S: sort });
      const bounds = [from !== undefined && "#range >= :from", to !== undefined && "#range <= :to"];
      // Two bounds must be a BETWEEN, because DynamoDB accepts only one condition on a sort key.
      const sortCondition =
        from !== undefined && to !== undefined ? "#range BETWEEN :from AND :to" : bounds.find(Boolean) || undefined;
      const query = {
        IndexName: index && INDEX[index],
        KeyConditionExpression: ["#hash = :hash", ...(sortCondition ? [sortCondition] : [])].join(" AND "),
        ExpressionAttributeNames: { "#hash": hash, ...(sortCondition && { "#range": range }) },
        ExpressionAttributeValues: {
          ":hash": { S: partition },
          ...(from !== undefined && { ":from": value(from) }),
          ...(to !== undefined && { ":to": value(to) }),
        },
        ScanIndexForward: !descending,
        ConsistentRead: index === undefined,
      };
      const items: Item[] = [];
      let ExclusiveStartKey = after;
      // A response of DynamoDB ends after 1 MB, so large rows come in several.
      do {
        const Limit = limit - items.length;
        const page: Awaited<ReturnType<typeof queryPage>> = await queryPage({ ...query, Limit, ExclusiveStartKey });
        items.push(...(page.Items ?? []));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey && items.length < limit);
      return items;
    },
  };

  /** Sends one request. A refused result may meet the conditions of the update, if only the assumption on its maps was wrong. */
  async function tryUpdate(
    key: Key,
    update: Update,
    nonce: string,
    absentMaps: ReadonlySet<string>,
  ): Promise<UpdateResult> {
    const request = client.send(
      new UpdateItemCommand({
        TableName,
        Key: attributes(key),
        ...expressionsOf(update, nonce, absentMaps),
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        ReturnConsumedCapacity,
      }),
    );
    try {
      const { Attributes, $metadata } = await run("write", request);
      return { ok: true, item: Attributes!, sentOnce: $metadata?.attempts === 1 };
    } catch (error) {
      const conditionFailed = isConditionFailure(error);
      const isRefused = conditionFailed || isAbsentMap(error);
      if (!isRefused && !isUnknownOutcome(error)) throw error;
      const current =
        (conditionFailed && error.Item) ||
        (await get(key).catch((readError: unknown) => {
          throw isRefused ? readError : error;
        }));
      if (meter && conditionFailed) addRejectedWrite(meter, itemBytes(current || {}));
      if (current?.[NONCE_ATTRIBUTE]?.S === nonce) return { ok: true, item: current, sentOnce: false };
      assertReadable(current);
      // Without a response, the row proves only that `once` is false: then this update or an equal one was applied.
      if (!isRefused && (update.once === undefined || holds(current, update.once))) throw error;
      return { ok: false, current, sentOnce: isRefused && (error as SentError).$metadata?.attempts === 1 };
    }
  }

  function queryPage(input: Omit<QueryCommandInput, "TableName">) {
    return run("read", client.send(new QueryCommand({ ...input, TableName, ReturnConsumedCapacity })));
  }
}

type Condition = Pick<
  PutItemCommandInput,
  "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;

function attributes({ pk, sk }: Key): Item {
  return { [ATTRIBUTE.pk]: { S: pk }, [ATTRIBUTE.sk]: { S: sk } };
}

function revisionCondition(rev: number | undefined): Condition {
  if (rev === undefined) {
    return { ConditionExpression: "attribute_not_exists(#pk)", ExpressionAttributeNames: { "#pk": ATTRIBUTE.pk } };
  }
  return {
    ConditionExpression: "#rev = :rev",
    ExpressionAttributeNames: { "#rev": REV_ATTRIBUTE },
    ExpressionAttributeValues: { ":rev": { N: String(rev) } },
  };
}

// ── errors are recognized by name, because two copies of the SDK have two classes ──────────────────────────────────

const THROTTLING = new Set([
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "ThrottledException",
  "TooManyRequestsException",
  // A transaction of another request, or a write of another region, holds the item for a moment.
  "TransactionConflictException",
  "TransactionInProgressException",
  "ReplicatedWriteConflictException",
]);

function isThrottling(error: unknown): boolean {
  return error instanceof Error && THROTTLING.has(error.name);
}

function isConditionFailure(error: unknown): error is Error & { Item?: Item } {
  return error instanceof Error && error.name === "ConditionalCheckFailedException";
}

/** An error of the SDK, with the number of requests that it sent. */
type SentError = Error & { $metadata?: { attempts?: number } };

/** Returns true if an update names an entry of a map that the item does not have. Nothing was written. */
function isAbsentMap(error: unknown): boolean {
  return error instanceof Error && error.name === "ValidationException" && /document path/i.test(error.message);
}

function meetsConditions(item: Item | undefined, update: Update): boolean {
  return conditionsOf(update).every((condition) => holds(item, condition));
}

/**
 * Returns true if the write may have happened: there was no response, or the server failed. A response with a status below
 * 500, or throttling, proves that nothing was written.
 */
function isUnknownOutcome(error: unknown): boolean {
  if (error instanceof MjflowError) return false;
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return !($metadata?.httpStatusCode !== undefined && $metadata.httpStatusCode < 500);
}

/** Deletes items that were read, each at the revision that it had then: what has changed since stays. */
export async function deleteItems(table: Pick<Table, "delete">, items: readonly Item[]): Promise<void> {
  await Promise.all(items.map((item) => table.delete(keyOf(item), Number(item[REV_ATTRIBUTE]?.N))));
}
