/**
 * What waits, for whoever looks after the stage: read off the due index, and never more than so much of it. Whatever waits
 * for something is in it (T4), so nothing else need be looked through.
 */
import { DUE_SHARDS } from "@mjflow/core/limit";
import type { Due, Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import type { Timings } from "@mjflow/core/timing";
import type { EngineDeps } from "./deps.ts";

/** Of each shard, and so of 800 in all: keys of 100 bytes for what is overdue, rows of 1 to 4 KB for what is in doubt. */
const SHARD_LIMIT = 200;
const MAX_LISTED = 50;

export interface OverdueResult {
  due: Due[];
  /** Nothing else is due by then. */
  isWhole: boolean;
}

/** What the sweeper will look at when it next runs, earliest first. */
export function findOverdue({ store, clock }: Pick<EngineDeps, "store" | "clock">): Promise<OverdueResult> {
  return dueBy(store, clock.now());
}

export interface UnclearSubmission {
  task: Task;
  appId: string;
}

/**
 * Tasks that the vendor may or may not have, those first that are settled first. Each waits out its grace at most, which
 * says how far to look.
 *
 * @returns how many that wait were looked at, and whether these are all
 */
export async function findUnclear({ store, clock, timings }: Pick<EngineDeps, "store" | "clock" | "timings">): Promise<{
  found: UnclearSubmission[];
  looked: number;
  isWhole: boolean;
}> {
  const { due, isWhole } = await dueBy(store, clock.now() + longestGraceMs(timings));
  const tasks = await store.getTasks(due.filter((one) => one.kind === "task"));
  const unclear = tasks.filter(({ status }) => status === "UNCLEAR");
  const shown = await Promise.all(unclear.slice(0, MAX_LISTED).map((task) => withApp(store, task)));
  const found = shown.filter((one) => one !== undefined);
  return { found, looked: tasks.length, isWhole: isWhole && unclear.length <= MAX_LISTED };
}

async function dueBy(store: Pick<Store, "due">, before: number): Promise<OverdueResult> {
  const shards = Array.from({ length: DUE_SHARDS }, (_, shard) => store.due(shard, before, SHARD_LIMIT));
  const found = await Promise.all(shards);
  return {
    due: found.flat().sort((a, b) => a.dueAt - b.dueAt),
    isWhole: found.every(({ length }) => length < SHARD_LIMIT),
  };
}

/** Whose it is stands in its flow; a root that was left without one is the sweeper's to remove. */
async function withApp(store: Pick<Store, "load">, task: Task): Promise<UnclearSubmission | undefined> {
  const { flow } = await store.load(task.flowId, []);
  return flow && { task, appId: flow.appId };
}

function longestGraceMs({ graceMs }: Pick<Timings, "graceMs">): number {
  return Math.max(...Object.values(graceMs));
}
