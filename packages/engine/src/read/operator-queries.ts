/**
 * Queries for the operator: overdue work and unclear submissions. Everything that waits has an entry in the due index
 * (T4), so these queries read only this index, and a limited part of it.
 */
import type { Due, Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import type { Timings } from "@mjflow/core/timing";
import type { EngineDeps } from "../deps.ts";

/**
 * Maximum number of index entries per partition. An entry has about 100 bytes. For unclear submissions the
 * rows are read too, 1 to 4 KB each.
 */
const PARTITION_LIMIT = 200;
const MAX_LISTED = 50;

export interface OverdueResult {
  /** Entries that a task or an event waits for. A credit counter, a wait list or a job that waits is not late. */
  due: Extract<Due, { kind: "task" | "flow" | "delivery" }>[];
  /** True if there are no further entries. */
  isWhole: boolean;
}

/** Returns the entries whose due time has passed, earliest first. */
export function findOverdue({ store, clock }: Pick<EngineDeps, "store" | "clock">): Promise<OverdueResult> {
  return dueBy(store, clock.now());
}

export interface UnclearSubmission {
  task: Task;
  appId: string;
}

/**
 * Returns UNCLEAR tasks, the next one to be resolved first. Each waits at most for its grace period, which limits the
 * range of due times to read.
 *
 * @returns `looked`: number of waiting tasks that were read; `isWhole`: true if `found` is complete
 */
export async function findUnclear({ store, clock, timings }: Pick<EngineDeps, "store" | "clock" | "timings">): Promise<{
  found: UnclearSubmission[];
  looked: number;
  isWhole: boolean;
}> {
  const { due, isWhole } = await dueBy(store, clock.now() + longestGraceMs(timings));
  const tasks = await store.getTasks(due.filter((entry) => entry.kind === "task"));
  const unclear = tasks.filter(({ status }) => status === "UNCLEAR");
  const shown = await Promise.all(unclear.slice(0, MAX_LISTED).map((task) => withApp(store, task)));
  const found = shown.filter((submission) => submission !== undefined);
  return { found, looked: tasks.length, isWhole: isWhole && unclear.length <= MAX_LISTED };
}

async function dueBy(store: Pick<Store, "due" | "duePartitions">, before: number): Promise<OverdueResult> {
  const partitions = await store.duePartitions(before);
  const found = await Promise.all(partitions.map(({ name }) => store.due(name, before, PARTITION_LIMIT)));
  return {
    due: found
      .flatMap(({ due }) => due)
      .filter((entry) => entry.kind === "task" || entry.kind === "flow" || entry.kind === "delivery")
      .sort((a, b) => a.dueAt - b.dueAt),
    isWhole: found.every(({ next }) => next === undefined),
  };
}

/** Adds the app id of the flow. A root without a flow is left out; the sweeper deletes it. */
async function withApp(store: Pick<Store, "load">, task: Task): Promise<UnclearSubmission | undefined> {
  const { flow } = await store.load(task.flowId, []);
  return flow && { task, appId: flow.appId };
}

function longestGraceMs({ graceMs }: Pick<Timings, "graceMs">): number {
  return Math.max(...Object.values(graceMs));
}
