/** The steps of a flow's plan, with the state of each: also those whose tasks do not exist yet. */
import type { Flow } from "./flow.ts";
import { childPath, isPlannedChild, retriedPath, retryPath, rootPath } from "./id.ts";
import type { ModalAnswer, Press } from "./plan.ts";
import { isEnded, type Task } from "./task.ts";

/**
 * `planned`: the task will be created when its parent has succeeded. `running`: the task exists. `done` and `failed`: the task
 * has ended. `skipped`: the task will not be submitted, because its parent failed or the flow was canceled.
 */
export const STEP_STATUSES = ["planned", "running", "done", "failed", "skipped"] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

export interface PlanStep {
  /** Path that the task has, or will have. */
  path: string;
  parentPath: string;
  press: string;
  modal?: ModalAnswer;
  status: StepStatus;
}

/**
 * Returns the steps of a flow, parents before children: those of its plan, and those below presses of the app. A retry takes
 * the place of the task that it retries.
 */
export function planSteps({ canceledAt }: Pick<Flow, "canceledAt">, tasks: readonly Task[]): PlanStep[] {
  const byPath = new Map(tasks.map((task) => [task.path, task]));
  const isCanceled = canceledAt !== undefined;
  return tasks
    .filter((task) => isStart(task) && retriedPath(task.path) === undefined)
    .flatMap(({ path, then = [] }) => stepsBelow({ byPath, isCanceled }, latestPath(byPath, path), then));
}

/** A root, or a press of the app. All other tasks are steps of a plan themselves. */
function isStart({ path }: Task): boolean {
  const parent = path.slice(0, path.lastIndexOf("-"));
  return path === rootPath(path) || !isPlannedChild(path, parent);
}

interface Lineage {
  byPath: ReadonlyMap<string, Task>;
  isCanceled: boolean;
}

function stepsBelow(lineage: Lineage, parentPath: string, then: readonly Press[]): PlanStep[] {
  return then.flatMap(({ press, modal, then: next = [] }, i) => {
    const path = latestPath(lineage.byPath, childPath(parentPath, i));
    const status = statusOf(lineage, path, parentPath);
    const step: PlanStep = { path, parentPath, press, ...(modal && { modal }), status };
    return [step, ...stepsBelow(lineage, path, next)];
  });
}

function statusOf({ byPath, isCanceled }: Lineage, path: string, parentPath: string): StepStatus {
  const task = byPath.get(path);
  if (!task) return isCanceled || !mayStart(byPath, parentPath) ? "skipped" : "planned";
  if (!isEnded(task)) return "running";
  if (task.status === "SUCCESS") return "done";
  return task.failure?.code === "canceled" ? "skipped" : "failed";
}

/** True if every task above the step can still succeed. A task that does not exist yet depends on its own parent. */
function mayStart(byPath: ReadonlyMap<string, Task>, path: string): boolean {
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("-")))) {
    const task = byPath.get(at);
    if (task) return !isEnded(task) || task.status === "SUCCESS";
  }
  return true;
}

/** Returns the path of the newest retry of a task, or its own path. */
function latestPath(byPath: ReadonlyMap<string, Task>, path: string): string {
  let latest = path;
  for (let next = retryPath(path); next !== undefined && byPath.has(next); next = retryPath(next)) {
    if (byPath.get(latest)?.status === "SUCCESS") break;
    latest = next;
  }
  return latest;
}
