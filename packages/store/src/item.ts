/**
 * Converts between rows and flows, tasks, health records and dead-letter messages. Pure in both directions. No item type
 * leaves this package.
 *
 * A task's row is usually written four times. The result is stored in the same row, because a row of its own would need a
 * second request for each task.
 */

import type { AccountHealth } from "@mjflow/core/account-health";
import type { DeadLetter } from "@mjflow/core/dead-letter";
import { DUE_SHARDS, type DueRow, duePartitionOf } from "@mjflow/core/due";
import type { Flow } from "@mjflow/core/flow";
import type { Due } from "@mjflow/core/port";
import { hasOwnDueEntry, type Task } from "@mjflow/core/task";
import { type Fields, fieldsOf, type Item, ItemError, keyOf, REV_ATTRIBUTE, row } from "./codec.ts";
import { ATTRIBUTE, deadLetterKey, expiresAt, flowKey, healthKey, listedAt, refOf, taskKey } from "./keys.ts";

/** `flowId` and `path` are in the key. */
const TASK = {
  rev: [REV_ATTRIBUTE, "number"],
  status: ["st", "text"],
  action: ["ac", "text"],
  provider: ["pr", "text"],
  account: ["acc", "text"],
  pace: ["pa", "text"],
  appId: ["app", "text"],
  press: ["bt", "text"],
  customId: ["cid", "text"],
  inputsRef: ["in", "text"],
  linkField: ["lf", "text"],
  optionalFields: ["of", "json"],
  modal: ["mo", "json"],
  then: ["th", "json"],
  resubmit: ["rs", "text"],
  taskCount: ["tc", "number"],
  mjTaskId: ["mj", "text"],
  eventMask: ["hr", "number"],
  archive: ["ar", "flag"],
  pendingEffects: ["ow", "json"],
  copies: ["co", "json"],
  copyFailures: ["cf", "json"],
  archivedAt: ["aa", "number"],
  attempt: ["at", "count"],
  phase: ["ph", "text"],
  modals: ["ms", "count"],
  leaseUntil: ["le", "number"],
  busyAnswers: ["bu", "count"],
  busyAbout: ["ba", "text"],
  waits: ["wt", "text"],
  slot: ["sl", "json"],
  vendorOrigin: ["vo", "text"],
  vendorTaskId: ["id", "text"],
  vendorTaskIdFrom: ["idf", "text"],
  vendorSiblings: ["ids", "json"],
  progress: ["pg", "count"],
  previewUrl: ["pv", "text"],
  createdAt: ["cr", "number"],
  submittedAt: ["su", "number"],
  firstSubmittedAt: ["sf", "number"],
  endedAt: ["en", "number"],
  endedBy: ["eb", "number"],
  updatedAt: ["up", "number"],
  due: [ATTRIBUTE.dueAt, "number"],
  flowDue: ["fd", "number"],
  callbacks: ["cb", "count"],
  duplicates: ["du", "count"],
  lookups: ["lo", "count"],
  lookupMisses: ["mi", "count"],
  unprovenSince: ["us", "number"],
  fullProgressAt: ["fp", "number"],
  failure: ["fa", "json"],
  result: ["re", "json"],
  late: ["la", "json"],
  resultUpdatedAt: ["ru", "number"],
  retried: ["rd", "flag"],
  unknownStatus: ["od", "text"],
  orphans: ["or", "json"],
  previousLocations: ["pl", "json"],
} as const satisfies Fields<Exclude<keyof Task, "flowId" | "path">>;

/** `id` is in the key. `state` and the prompts are text and never JSON, because they must come back byte for byte (T5). */
const FLOW = {
  appId: [ATTRIBUTE.appId, "text"],
  rev: [REV_ATTRIBUTE, "number"],
  status: ["st", "text"],
  action: ["ac", "text"],
  provider: ["pr", "text"],
  account: ["acc", "text"],
  anyProvider: ["ro", "flag"],
  onVendorLoss: ["vl", "text"],
  template: ["tp", "text"],
  rerunOf: ["rr", "text"],
  restartOf: ["rf", "text"],
  restartedAs: ["ra", "text"],
  prompt: ["prompt", "text"],
  originalPrompt: ["op", "text"],
  dimensions: ["di", "text"],
  video: ["vi", "json"],
  mode: ["mo", "text"],
  botType: ["bo", "text"],
  accountFilter: ["af", "json"],
  state: ["state", "text"],
  notifyHook: ["hook", "text"],
  events: ["ev", "json"],
  eventMask: ["hr", "number"],
  logRows: ["lg", "number"],
  archive: ["ar", "flag"],
  pendingEffects: ["ow", "json"],
  progress: ["pg", "flag"],
  createdAt: ["cr", "number"],
  endedAt: ["en", "number"],
  canceledAt: ["ca", "number"],
  deletedAt: ["dl", "number"],
  endCount: ["es", "number"],
  hasCreditHold: ["he", "flag"],
  credit: ["ch", "json"],
  reopened: ["rp", "flag"],
  due: [ATTRIBUTE.dueAt, "number"],
} as const satisfies Fields<Exclude<keyof Flow, "id">>;

const HEALTH = {
  provider: ["pr", "text"],
  account: ["acc", "text"],
  rev: [REV_ATTRIBUTE, "number"],
  callbacks: ["cb", "text"],
  heardAt: ["he", "number"],
  misses: ["mi", "count"],
  changedAt: ["ch", "number"],
  failures: ["fl", "count"],
  askAt: ["as", "number"],
  faults: ["fc", "count"],
  fault: ["fa", "text"],
  faultAt: ["ft", "number"],
  opens: ["op", "count"],
  openUntil: ["ou", "number"],
  probing: ["pb", "flag"],
  busyUntil: ["bu", "number"],
  fullUntil: ["fu", "number"],
  lookupFault: ["lf", "text"],
  probeId: ["pi", "text"],
  durations: ["td", "json"],
} as const satisfies Fields<keyof AccountHealth>;

/** `id` is in the key. */
const DEAD_LETTER = {
  rev: [REV_ATTRIBUTE, "number"],
  state: ["st", "text"],
  body: ["body", "text"],
  group: ["gr", "text"],
  why: ["why", "text"],
  receives: ["rc", "count"],
  createdAt: ["cr", "number"],
} as const satisfies Fields<Exclude<keyof DeadLetter, "id">>;

/** @param dueShards number of shards of each class of due entries (core/due.ts) */
export function taskToItem(task: Task, dueShards = DUE_SHARDS): Item {
  const item = row(taskKey(task.flowId, task.path), TASK, task);
  return { ...item, ...times(task, { kind: "task", task }, dueShards) };
}

export function flowToItem(flow: Flow, dueShards = DUE_SHARDS): Item {
  const item = row(flowKey(flow.id), FLOW, flow);
  const due = times(flow, { kind: "flow", flow }, dueShards);
  // Without the attribute a deleted flow is in no listing.
  if (flow.deletedAt !== undefined) return { ...item, ...due };
  return { ...item, ...due, [ATTRIBUTE.listedAt]: { S: listedAt(flow.createdAt, flow.id) } };
}

/** The row has no expiry, because the health of an account is needed as long as the account is used. */
export function healthToItem(health: AccountHealth): Item {
  return row(healthKey(health.provider, health.account), HEALTH, health);
}

export function deadLetterToItem(deadLetter: DeadLetter): Item {
  const item = row(deadLetterKey(deadLetter.id), DEAD_LETTER, deadLetter);
  return { ...item, [ATTRIBUTE.expiresAt]: { N: String(expiresAt(deadLetter.createdAt)) } };
}

/** @throws ItemError if newer code wrote the row */
export function itemToDeadLetter(item: Item): DeadLetter {
  return { id: keyOf(item).sk, ...fieldsOf(item, DEAD_LETTER) } as DeadLetter;
}

/**
 * Decoded tasks by row. Several reads can share one request and get the same row, and the local table returns the rows that
 * it stores. Callers share the tasks, so the tasks are frozen.
 */
const tasks = new WeakMap<Item, Task>();

/** @throws ItemError if newer code wrote the row, or the row is not a task */
export function itemToTask(item: Item): Task {
  const known = tasks.get(item);
  if (known) return known;
  const ref = refOf(keyOf(item));
  if (ref?.kind !== "task") throw new ItemError(`"${keyOf(item).sk}" is not a task's row`);
  const task = Object.freeze({ flowId: ref.flowId, path: ref.path, ...fieldsOf(item, TASK) } as Task);
  tasks.set(item, task);
  return task;
}

/** @throws ItemError if newer code wrote the row, or the row is not a flow */
export function itemToFlow(item: Item): Flow {
  const ref = refOf(keyOf(item));
  if (ref?.kind !== "flow") throw new ItemError(`"${keyOf(item).sk}" is not a flow's row`);
  return { id: ref.flowId, ...fieldsOf(item, FLOW) } as Flow;
}

/** @throws ItemError if newer code wrote the row */
export function itemToHealth(item: Item): AccountHealth {
  return fieldsOf(item, HEALTH) as unknown as AccountHealth;
}

/** Returns the reference and due time of an entry in the due index; undefined if its key is none of ours. */
export function dueOf(item: Item): Due | undefined {
  const ref = refOf(keyOf(item));
  return ref && { ...ref, dueAt: Number(item[ATTRIBUTE.dueAt]?.N) };
}

/** Returns the attributes for due index and TTL. A row without `dueShard` is not in the index, which keeps the index small. */
function times(row: Pick<Task, "due" | "flowDue" | "createdAt">, dueRow: DueRow, dueShards: number): Item {
  return {
    [ATTRIBUTE.expiresAt]: { N: String(expiresAt(row.createdAt)) },
    ...(hasOwnDueEntry(row) && { [ATTRIBUTE.dueShard]: { S: duePartitionOf(dueRow, dueShards) } }),
  };
}
