/**
 * Counts what the functions use at AWS. Every command of the SDK's clients is counted when it is sent, and the table reports
 * the capacity units of each. Reads and writes are also counted by the kind of their key, because AWS limits each key.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type Item, itemBytes } from "@mjflow/store/codec";

/** Units by kind of key, for example `flow`, `credit` or `index due`. */
export type UnitsByKey = Record<string, { writes: number; reads: number }>;

export interface Counted {
  /** Requests as AWS charges them: a batch counts as one. */
  tableRequests: number;
  writeUnits: number;
  readUnits: number;
  /** Write units of writes that lost a write conflict; `writeUnits` has them too. */
  refusedWriteUnits: number;
  /**
   * Requests that send messages, and requests that receive and delete a batch. Idle polls are not counted, as flows
   * share them.
   */
  queueSends: number;
  queueReceives: number;
  queueDeletes: number;
  /** Batches that were handled, which are invocations, by queue. */
  submit: number;
  deliver: number;
  archive: number;
  /** Bytes of our own log lines and metrics, as a deployed function writes them. */
  logBytes: number;
  keys: UnitsByKey;
}

/** Bytes of the rows that exist, by key. */
export type Rows = Map<string, number>;

interface Sent {
  input: Record<string, unknown>;
  constructor: { name: string };
}
interface Units {
  CapacityUnits?: number;
  Table?: { CapacityUnits?: number };
  GlobalSecondaryIndexes?: Record<string, { CapacityUnits?: number }>;
}
type Response = { ConsumedCapacity?: Units | Units[]; Messages?: unknown[]; Attributes?: Item };
type Attributes = Record<string, { S?: string } | undefined>;

const WRITES = new Set(["PutItemCommand", "DeleteItemCommand", "UpdateItemCommand"]);
/** Marks a client of the measurement itself, whose requests are not counted. */
const OWN = Symbol("not counted");

export function asOwn<T extends object>(client: T): T {
  return Object.assign(client, { [OWN]: true });
}

/** Starts to count. `stop` restores the clients and the standard output. */
export function startMeter(): { count: Counted; rows: Rows; stop(): void } {
  const count: Counted = {
    tableRequests: 0,
    writeUnits: 0,
    readUnits: 0,
    refusedWriteUnits: 0,
    queueSends: 0,
    queueReceives: 0,
    queueDeletes: 0,
    submit: 0,
    deliver: 0,
    archive: 0,
    logBytes: 0,
    keys: {},
  };
  const rows: Rows = new Map();
  const restore = [countTable(count, rows), countQueue(count), countLog(count)];
  return {
    count,
    rows,
    stop() {
      for (const restoreOne of restore) restoreOne();
    },
  };
}

function countTable(count: Counted, rows: Rows): () => void {
  return intercept(DynamoDBClient.prototype, async (client, command, send) => {
    if (OWN in client) return send();
    count.tableRequests++;
    command.input["ReturnConsumedCapacity"] = "INDEXES";
    const isWrite = WRITES.has(command.constructor.name);
    const of = keyKindOf(command);
    const response = await send().catch((error: Error & { Item?: Item }) => {
      if (error.name !== "ConditionalCheckFailedException") throw error;
      // DynamoDB also charges a write whose condition fails, by the size of the row that exists.
      const units = Math.max(1, Math.ceil(itemBytes(error.Item ?? {}) / 1_024));
      count.writeUnits += units;
      count.refusedWriteUnits += units;
      add(count, of.table, true, units);
      throw error;
    });
    for (const units of [response.ConsumedCapacity ?? []].flat()) {
      const { CapacityUnits = 0, Table, GlobalSecondaryIndexes = {} } = units;
      if (isWrite) count.writeUnits += CapacityUnits;
      else count.readUnits += CapacityUnits;
      const indexes = Object.entries(GlobalSecondaryIndexes);
      const inIndexes = indexes.reduce((sum, [, index]) => sum + (index.CapacityUnits ?? 0), 0);
      add(count, of.table, isWrite, Table?.CapacityUnits ?? CapacityUnits - inIndexes);
      for (const [name, index] of indexes)
        add(count, name === "app" ? of.appIndex : `index ${name}: ${of.table}`, isWrite, index.CapacityUnits ?? 0);
    }
    const stored = (command.input["Item"] ?? response.Attributes) as Item | undefined;
    if (isWrite && stored?.["pk"]?.S !== undefined)
      rows.set(`${stored["pk"].S} ${stored["sk"]?.S}`, itemBytes(stored) + listingBytes(stored));
    return response;
  });
}

/** The entry of a row in the index of listings: four attributes and what DynamoDB adds to each entry. */
function listingBytes(item: Item): number {
  const { pk, sk, appId, listedAt } = item;
  return pk && sk && appId && listedAt ? itemBytes({ pk, sk, appId, listedAt }) + ENTRY_OVERHEAD_BYTES : 0;
}

const ENTRY_OVERHEAD_BYTES = 100;

function add(count: Counted, kind: string, isWrite: boolean, units: number): void {
  count.keys[kind] ??= { writes: 0, reads: 0 };
  count.keys[kind][isWrite ? "writes" : "reads"] += units;
}

/** Kinds of the keys that a request uses: of the table, and of the index of listings. */
function keyKindOf({ input }: Sent): { table: string; appIndex: string } {
  const item = (input["Item"] ?? input["Key"] ?? firstOfBatch(input)) as Attributes | undefined;
  const values = (input["ExpressionAttributeValues"] ?? {}) as Attributes;
  const pk = item?.["pk"]?.S ?? values[":hash"]?.S ?? values[":pk"]?.S ?? "";
  const sk = item?.["sk"]?.S ?? "";
  const kind = pk.split("#")[0] || "other";
  const listed = item?.["appId"]?.S ?? pk;
  return {
    table: kind === "app" && (sk === "credit" || sk === "") ? "credit" : kind,
    appIndex: /^(?:deliveries|failures)#/.test(listed) ? "index app: deliveries" : "index app: flows",
  };
}

function firstOfBatch(input: Record<string, unknown>): unknown {
  const tables = Object.values((input["RequestItems"] ?? {}) as Record<string, { Keys?: unknown[] }>);
  return tables[0]?.Keys?.[0];
}

function countQueue(count: Counted): () => void {
  return intercept(SQSClient.prototype, async (client, command, send) => {
    if (OWN in client) return send();
    const response = await send();
    const { name } = command.constructor;
    if (name.startsWith("SendMessage")) count.queueSends++;
    if (name.startsWith("DeleteMessage")) {
      count.queueDeletes++;
      const queue = /mjflow-(submit|deliver|archive)/.exec(String(command.input["QueueUrl"]))?.[1];
      if (queue) count[queue as "submit" | "deliver" | "archive"]++;
    }
    if (name === "ReceiveMessageCommand" && (response.Messages?.length ?? 0) > 0) count.queueReceives++;
    return response;
  });
}

/** Counts standard output instead of printing it. Only functions write to it. */
function countLog(count: Counted): () => void {
  const { write } = process.stdout;
  process.stdout.write = (text: string | Uint8Array) => {
    count.logBytes += Buffer.byteLength(text);
    return true;
  };
  return () => {
    process.stdout.write = write;
  };
}

/** @returns a function that restores the original `send` */
function intercept(
  prototype: object,
  around: (client: object, command: Sent, send: () => Promise<Response>) => Promise<Response>,
): () => void {
  const original = (prototype as { send: (this: object, command: Sent, ...rest: unknown[]) => Promise<Response> }).send;
  Object.assign(prototype, {
    send(this: object, command: Sent, ...rest: unknown[]) {
      return around(this, command, () => original.call(this, command, ...rest));
    },
  });
  return () => {
    delete (prototype as { send?: unknown }).send;
  };
}
