/** What a flow has done and what it still plans: the nodes of its tree, its progress and its estimated cost. Pure. */
import type { Flow, PlanStep, Task } from "@mjflow/client";
import { actionOf, canonicalPress } from "@mjflow/core/button";
import { estimateUsd } from "@mjflow/core/price";
import type { Node } from "./tree.ts";

/** A task, or a step of the plan that has no task yet. */
export type FlowNode = Node & ({ task: Task; step?: undefined } | { task?: undefined; step: PlanStep });

type PlannedFlow = Pick<Flow, "tasks" | "plan" | "mode">;

/** Returns the tasks and the steps without a task, in the order of the plan. A step keeps its place when its task starts. */
export function nodesOf({ tasks, plan = [] }: PlannedFlow): FlowNode[] {
  const ids = new Set(tasks.map(({ id }) => id));
  const nodes: FlowNode[] = [
    ...tasks.map((task) => ({ id: task.id, parentId: task.parentId, task })),
    ...plan
      .filter(({ taskId }) => !ids.has(taskId))
      .map((step) => ({ id: step.taskId, parentId: step.parentId, step })),
  ];
  return nodes.sort((a, b) => comparePaths(a.id, b.id));
}

/** Compares the paths at the end of two task ids, number by number. Presses of the app come after those of the plan. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a, b].map((id) => id.slice(id.lastIndexOf("_") + 1).split("-")) as [string[], string[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const [m, n] = [Number(x), Number(y)];
    if (!Number.isNaN(m) && !Number.isNaN(n)) return m - n;
    if (Number.isNaN(m) !== Number.isNaN(n)) return Number.isNaN(m) ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return 0;
}

export interface Progress {
  done: number;
  running: number;
  failed: number;
  /** Steps that will get a task. */
  planned: number;
  total: number;
}

/** Counts each piece of work once: a task that was retried counts as its retry, and skipped steps do not count. */
export function progressOf({ tasks, plan = [] }: PlannedFlow): Progress {
  const retried = new Set(tasks.map(({ retryOf }) => retryOf));
  const counted = tasks.filter(({ id }) => !retried.has(id));
  const ids = new Set(tasks.map(({ id }) => id));
  const planned = plan.filter(({ taskId, status }) => status === "planned" && !ids.has(taskId)).length;
  const done = counted.filter(({ status }) => status === "SUCCESS").length;
  const running = counted.filter(({ endedAt }) => endedAt === null).length;
  return { done, running, failed: counted.length - done - running, planned, total: counted.length + planned };
}

/** Codes of failures of tasks that the vendor had accepted. */
const ACCEPTED_THEN_LOST: ReadonlySet<string> = new Set(["deadline_passed", "vendor_lost", "vendor_stalled"]);

/** Estimated cost so far, and at most: when every step of the plan succeeds. USD. */
export function costOf(flow: PlannedFlow): { soFar: number; atMost: number } {
  const { tasks, mode } = flow;
  const soFar = tasks.reduce((sum, task) => sum + costOfTask(task, mode), 0);
  const open = nodesOf(flow).reduce((sum, { task, step }) => {
    if (step) return step.status === "planned" ? sum + priceOfPress(step.press, mode) : sum;
    return task.endedAt === null && task.submittedAt === null ? sum + priceOfTask(task, mode) : sum;
  }, 0);
  return { soFar, atMost: soFar + open };
}

/** What a resume costs at most: the failed tasks again, and the steps that were not started. USD. */
export function priceOfResume({ tasks, plan = [], mode }: PlannedFlow): number {
  const [ids, retried] = [new Set(tasks.map(({ id }) => id)), new Set(tasks.map(({ retryOf }) => retryOf))];
  const again = tasks.filter(({ id, status, endedAt }) => endedAt !== null && status !== "SUCCESS" && !retried.has(id));
  const steps = plan.filter(({ taskId, status }) => status === "skipped" && !ids.has(taskId));
  return (
    again.reduce((sum, task) => sum + priceOfTask(task, mode), 0) +
    steps.reduce((sum, { press }) => sum + priceOfPress(press, mode), 0)
  );
}

/** What retries of these failed tasks cost at most, with the steps below them that were not started. USD. */
export function priceOfRetries({ tasks, plan = [], mode }: PlannedFlow, failed: readonly Task[]): number {
  const [ids, again] = [new Set(tasks.map(({ id }) => id)), new Set(failed.map(({ id }) => id))];
  let sum = failed.reduce((total, task) => total + priceOfTask(task, mode), 0);
  // A parent comes before its steps.
  for (const { taskId, parentId, press, status } of plan) {
    if (!again.has(parentId)) continue;
    again.add(taskId);
    if (status === "skipped" && !ids.has(taskId)) sum += priceOfPress(press, mode);
  }
  return sum;
}

/** Estimated cost of what the vendor has accepted of a task, USD. */
export function costOfTask(task: Task, mode: Flow["mode"]): number {
  const { status, submittedAt, endedAt, failure, orphans } = task;
  const orphaned = orphans.reduce((sum, { estimatedUsd }) => sum + estimatedUsd, 0);
  const isAccepted =
    status === "SUCCESS" || (submittedAt !== null && (endedAt === null || ACCEPTED_THEN_LOST.has(failure?.code ?? "")));
  return orphaned + (isAccepted ? priceOfTask(task, mode) : 0);
}

function priceOfTask({ action }: Task, mode: Flow["mode"]): number {
  return estimateUsd({ action, pace: action === "VIDEO" ? "video" : (mode ?? "fast") });
}

/** Estimated price of a press, USD. @param press press name, or a button's label; null: unknown */
export function priceOfPress(press: string | null, mode: Flow["mode"]): number {
  const action = actionOf(press === null ? undefined : canonicalPress(press));
  return estimateUsd({ action, pace: action === "VIDEO" ? "video" : (mode ?? "fast") });
}
