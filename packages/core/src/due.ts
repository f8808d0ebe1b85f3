/**
 * Partitions of the due index: what the sweeper handles together, and in which order. Each row with a due time is in the
 * partition of its class and of its shard.
 */
import { parseDeliveryId } from "./delivery.ts";
import type { Flow } from "./flow.ts";
import { hashOf } from "./hash.ts";
import type { DueRef } from "./port.ts";
import type { Task } from "./task.ts";

/**
 * Classes in the order of their importance. `repair`: a lost message, a passed lease, an unclear submission, a pending
 * effect, the credit of an app after a crash. `flow`: the look at a flow, with the tasks that its due time covers. `poll`: a task whose vendor is asked.
 * `delivery`: a delivery attempt, a step of a replay, an endpoint with parked events.
 */
export const DUE_CLASSES = ["repair", "flow", "poll", "delivery"] as const;
export type DueClass = (typeof DUE_CLASSES)[number];

/** Number of shards of each class that readers ask. Writers use fewer, by a setting. */
export const MAX_DUE_SHARDS = 32;
/** Number of shards of each class that are written unless a deployment sets another number. */
export const DUE_SHARDS = 4;
/** Number of shards of the layout of earlier versions, which had no classes. */
const PLAIN_SHARDS = 4;
/** One account's tasks are in at most this many partitions, so that one request can ask about many of them. */
const SHARDS_PER_ACCOUNT = 4;

/** A row with a due time. */
export type DueRow =
  | { kind: "flow"; flow: Pick<Flow, "id"> }
  | { kind: "task"; task: Pick<Task, "flowId" | "status" | "provider" | "account"> }
  | { kind: "delivery"; flowId: string }
  | { kind: "credit"; appId: string }
  | { kind: "replay"; appId: string }
  | { kind: "endpoint"; appId: string }
  | { kind: "waitList"; provider: string; account: string };

export interface DuePartition {
  /** Value of the index's partition key. */
  name: string;
  dueClass: DueClass;
}

/** Returns the class of a row. It follows from the row alone, so every writer puts a row into the same class. */
export function dueClassOf(row: DueRow): DueClass {
  switch (row.kind) {
    case "delivery":
    case "replay":
    case "endpoint":
      return "delivery";
    case "credit":
      return "repair";
    case "flow":
      return "flow";
    case "waitList":
      return "repair";
    case "task":
      return row.task.status === "SUBMITTED" || row.task.status === "IN_PROGRESS" ? "poll" : "repair";
  }
}

/**
 * Returns the partition of a row in the due index.
 *
 * @param shards number of shards of each class; 0: the layout of earlier versions, which cannot read any other
 */
export function duePartitionOf(row: DueRow, shards: number): string {
  const hash = hashOf(idOf(row));
  if (shards === 0) return plainPartition(hash % PLAIN_SHARDS);
  const dueClass = dueClassOf(row);
  if (dueClass !== "poll" || row.kind !== "task") return classPartition(dueClass, hash % shards);
  // The tasks of one account are together, so that the look-ups of a partition need few requests.
  const spread = Math.min(SHARDS_PER_ACCOUNT, shards);
  const start = hashOf(`${row.task.provider}/${row.task.account}`) % shards;
  return classPartition("poll", (start + (hash % spread)) % shards);
}

/** Returns the id that chooses the shard. The rows of a flow are together. */
function idOf(row: DueRow): string {
  if (row.kind === "flow") return row.flow.id;
  if (row.kind === "credit" || row.kind === "replay" || row.kind === "endpoint") return row.appId;
  if (row.kind === "waitList") return `${row.provider}/${row.account}`;
  return row.kind === "task" ? row.task.flowId : row.flowId;
}

/** All partitions that any version writes, in the order of their classes. */
export const DUE_PARTITIONS: readonly DuePartition[] = [
  // Entries of earlier versions can be of any class, so none may wait behind another class.
  ...Array.from({ length: PLAIN_SHARDS }, (_, shard) => ({ name: plainPartition(shard), dueClass: "repair" as const })),
  ...DUE_CLASSES.flatMap((dueClass) =>
    Array.from({ length: MAX_DUE_SHARDS }, (_, shard) => ({ name: classPartition(dueClass, shard), dueClass })),
  ),
];

const BY_NAME = new Map(DUE_PARTITIONS.map((partition) => [partition.name, partition]));

/** Returns the partition of this name; undefined if no version writes it. */
export function duePartition(name: string): DuePartition | undefined {
  return BY_NAME.get(name);
}

function idOfRef(ref: DueRef): string {
  if (ref.kind === "credit" || ref.kind === "replay" || ref.kind === "endpoint") return ref.appId;
  if (ref.kind === "waitList") return `${ref.provider}/${ref.account}`;
  return ref.kind === "delivery" ? (parseDeliveryId(ref.deliveryId)?.flowId ?? "") : ref.flowId;
}

/** Returns which of `slices` parts of a partition an entry belongs to. The rows of a flow are in one part. */
export function sliceOf(ref: DueRef, slices: number): number {
  // Other bits than those of the shard, which are equal for all entries of a partition.
  return (hashOf(idOfRef(ref)) >>> 16) % slices;
}

function plainPartition(shard: number): string {
  return `due#${shard}`;
}

function classPartition(dueClass: DueClass, shard: number): string {
  return `due#${dueClass}#${shard}`;
}
