/**
 * The few requests this store makes of DynamoDB, with the client's low-level commands: no document library, because
 * this code is in every function's cold start. Knows items and keys; what is in them is `item.ts`'s affair.
 *
 * - W1 every write is one conditional PutItem (or DeleteItem) of one item.
 * - W2 a write whose answer was lost is recognised by its nonce: the SDK's repetition fails against what the first try
 *      stored, and a caller told "you lost" would act on its own work as if it were another's.
 * - W3 throttling beyond the client's retries, and an item held by somebody's transaction, are MjflowError overloaded; all
 *      else is thrown as it came.
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
} from "@aws-sdk/client-dynamodb";
import { MjflowError } from "@mjflow/core/error";
import { type Item, itemBytes, keyOf, NONCE_ATTRIBUTE, REV_ATTRIBUTE } from "./codec.ts";
import { ATTRIBUTE, INDEX, INDEX_KEYS, type Key, keyText } from "./keys.ts";
import { addRejectedWrite, addUnits, type Meter } from "./meter.ts";

export interface TableDeps {
  client: DynamoDBClient;
  table: string;
  /** A few characters that no other write has. */
  random?: () => string;
  sleep?: (ms: number) => Promise<void>;
  /** Adds up what requests cost; each then asks for its consumed capacity. */
  meter?: Meter;
}

export type PutResult = { ok: true } | { ok: false; current: Item | undefined };

export interface Table {
  /** `rev` undefined: only where no item is yet. Otherwise: only over an item with this revision. */
  put(item: Item, rev: number | undefined): Promise<PutResult>;
  /** Only with this revision; otherwise nothing happens. */
  delete(key: Key, rev: number): Promise<void>;
  /** Strongly consistent, as all reads here but those of an index. */
  get(key: Key): Promise<Item | undefined>;
  /** In the order asked for; absent ones are left out. One request for each 100 keys, for all that ask in one breath. */
  getAll(keys: readonly Key[]): Promise<Item[]>;
  /** All items of one partition, in the order of their sort keys. */
  partition(pk: string): Promise<Item[]>;
  /** One page of a partition, in the order of its sort keys. */
  list(listing: ListQuery): Promise<Item[]>;
}

export interface ListQuery {
  /** Of the table, or of the index named; an index is read eventually consistent and holds keys only. */
  partition: string;
  index?: keyof typeof INDEX;
  /** Sort keys from and up to here, both included. */
  from?: string | number;
  to?: string | number;
  descending?: boolean;
  limit: number;
  /** Begins after this item, of which the keys of the table, and of the index, are enough. */
  after?: Item;
}

const BATCH_GET = 100;
/** What DynamoDB left over is asked for again this often, after 25, 50, 100 … ms. */
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
    const answer = await request.catch((error: unknown) => {
      throw isThrottling(error) ? new MjflowError("overloaded", { cause: error }) : error;
    });
    if (meter) addUnits(meter, kind, answer.ConsumedCapacity);
    return answer;
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
      const answer = await run("read", client.send(new BatchGetItemCommand({ RequestItems, ReturnConsumedCapacity })));
      found.push(...(answer.Responses?.[TableName] ?? []));
      Keys = answer.UnprocessedKeys?.[TableName]?.Keys ?? [];
      if (Keys.length === 0) return found;
      if (tries >= LEFTOVER_TRIES) throw new MjflowError("overloaded", { detail: "The table left reads undone." });
      await sleep(LEFTOVER_PAUSE_MS * 2 ** tries);
    }
  }

  /** Each key once, or DynamoDB refuses the request. */
  async function getEach(keys: ReadonlyMap<string, Key>): Promise<ReadonlyMap<string, Item>> {
    const left = [...keys.values()];
    const batches: Promise<Item[]>[] = [];
    while (left.length > 0) batches.push(getBatch(left.splice(0, BATCH_GET)));
    const items = (await Promise.all(batches)).flat();
    return new Map(items.map((item) => [keyText(keyOf(item)), item]));
  }

  let round: { keys: Map<string, Key>; items: Promise<ReadonlyMap<string, Item>> } | undefined;

  /** What the next request asks for. The messages of a batch are mostly of one flow, and want the same rows. */
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
          // Tells the loser what it lost to. Not every engine does: its absence says nothing about the item's.
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          ReturnConsumedCapacity,
        }),
      );
      try {
        await run("write", request);
        return { ok: true };
      } catch (error) {
        const refused = isConditionFailure(error);
        if (!refused && !isUnknownOutcome(error)) throw error;
        const current =
          (refused && error.Item) ||
          (await get(keyOf(item)).catch((readError: unknown) => {
            // Of two errors the write's is the one to know, unless it was a plain "no".
            throw refused ? readError : error;
          }));
        if (meter && refused) addRejectedWrite(meter, itemBytes(current || {}));
        if (current?.[NONCE_ATTRIBUTE]?.S === nonce) return { ok: true };
        if (!refused) throw error;
        return { ok: false, current };
      }
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
      const [hash, range] = index ? INDEX_KEYS[index] : ([ATTRIBUTE.pk, ATTRIBUTE.sk] as const);
      const value = (sort: string | number) => (typeof sort === "number" ? { N: String(sort) } : { S: sort });
      const bounds = [from !== undefined && "#range >= :from", to !== undefined && "#range <= :to"];
      // Both at once must be a BETWEEN: DynamoDB takes one condition on a sort key.
      const sortCondition =
        from !== undefined && to !== undefined ? "#range BETWEEN :from AND :to" : bounds.find(Boolean) || undefined;
      const page = await queryPage({
        IndexName: index && INDEX[index],
        KeyConditionExpression: ["#hash = :hash", ...(sortCondition ? [sortCondition] : [])].join(" AND "),
        ExpressionAttributeNames: { "#hash": hash, ...(sortCondition && { "#range": range }) },
        ExpressionAttributeValues: {
          ":hash": { S: partition },
          ...(from !== undefined && { ":from": value(from) }),
          ...(to !== undefined && { ":to": value(to) }),
        },
        ScanIndexForward: !descending,
        Limit: limit,
        ConsistentRead: index === undefined,
        ExclusiveStartKey: after,
      });
      return page.Items ?? [];
    },
  };

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

// ── errors: by name, because two copies of the SDK would have two classes ──────────────────────────────────────────

const THROTTLING = new Set([
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "ThrottledException",
  "TooManyRequestsException",
  // Another's transaction, or another region's write, holds the item for a moment.
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

/** No answer, or a fault on the other side: the write may have happened. A fault of ours it cannot have survived. */
function isUnknownOutcome(error: unknown): boolean {
  if (error instanceof MjflowError) return false;
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return !($metadata?.httpStatusCode !== undefined && $metadata.httpStatusCode < 500);
}
