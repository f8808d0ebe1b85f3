/** What a list of flows says about the tasks of each flow: their number, their cost and a picture. */
import { type Flow, listedStatus, rootOf } from "@mjflow/core/flow";
import { ROOT_PATH } from "@mjflow/core/id";
import { planSteps } from "@mjflow/core/plan-step";
import { costMicroUsd, planMicroUsd } from "@mjflow/core/price";
import { isEnded, type Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import { inParallel } from "../parallel.ts";
import { flowSummary, type Links } from "./view.ts";

/** Flows whose tasks are read at one time. */
const PARALLEL = 20;

/** An entry of the list. The fields of the tasks are null if the list was read without details. */
export function flowListEntry(flow: Flow, links: Links, tasks?: readonly Task[]) {
  const details = tasks && detailsOf(flow, tasks, links);
  return {
    ...flowSummary(flow, links),
    status: listedStatus(flow),
    /** Number of tasks in each state. `planned`: steps of the plan that have no task yet. */
    taskCounts: details?.taskCounts ?? null,
    /** Estimated price of the whole plan, USD. */
    estimatedUsd: details?.estimatedUsd ?? null,
    /** Estimated price of what vendors have accepted so far, USD. */
    costUsd: details?.costUsd ?? null,
    /** Picture of the root: its archived copy, the vendor's image, or the preview while it draws. */
    previewUrl: details?.previewUrl ?? null,
  };
}

/**
 * Reads the tasks of each flow: one query a flow.
 * @throws MjflowError `overloaded`
 */
export async function flowsWithDetails(
  { store }: Pick<EngineDeps, "store">,
  flows: readonly Flow[],
  links: Links,
): Promise<ReturnType<typeof flowListEntry>[]> {
  const entries: ReturnType<typeof flowListEntry>[] = [];
  await inParallel(flows, PARALLEL, async (flow, position) => {
    // Only the entry is kept, because the tasks of many flows can be large.
    entries[position] = flowListEntry(flow, links, (await store.loadFlow(flow.id)).tasks);
  });
  return entries;
}

function detailsOf(flow: Flow, tasks: readonly Task[], links: Links) {
  const root = rootOf(tasks);
  const first = tasks.find(({ path }) => path === ROOT_PATH);
  const ended = tasks.filter(isEnded);
  const done = ended.filter(({ status }) => status === "SUCCESS").length;
  return {
    taskCounts: {
      planned: planSteps(flow, tasks).filter(({ status }) => status === "planned").length,
      running: tasks.length - ended.length,
      done,
      failed: ended.length - done,
    },
    estimatedUsd: first ? planMicroUsd(first, first.then) / 1e6 : 0,
    costUsd: costMicroUsd(tasks) / 1e6,
    previewUrl: root ? pictureOf(root, links) : null,
  };
}

function pictureOf(task: Task, { media }: Links): string | null {
  const copy = task.copies?.find(({ contentType }) => contentType.startsWith("image/"));
  if (copy) return media(copy.key);
  if (!isEnded(task)) return task.previewUrl ?? null;
  const { result } = task;
  const thumbnail = result?.images?.[0]?.thumbnail ?? result?.videos?.[0]?.thumbnail;
  return thumbnail ?? result?.imageUrl ?? null;
}
