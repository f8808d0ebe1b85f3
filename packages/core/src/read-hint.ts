/**
 * Read hints: when a client that waits for a task or a flow should read it again. A client that follows them reads a flow
 * of a minute about six times, and no connection is held meanwhile. Pure: the clock is an argument.
 */
import { actionOfPress } from "./button.ts";
import { flowStatus } from "./flow.ts";
import { isPlannedChild } from "./id.ts";
import type { Press } from "./plan.ts";
import { isEnded, type Task } from "./task.ts";
import { expectedMs, runningSince, type TaskDurations } from "./task-duration.ts";
import type { Pace } from "./timing.ts";

export const HINT_MIN_MS = 1_000;
/** Longest pause while the end is near. Six seconds of a flow cost one read, and a change is seen at most this late. */
export const HINT_MAX_MS = 6_000;
/** Longest pause of all: for a relaxed task, for a plan with many levels, and for a task that is long overdue. */
export const HINT_FAR_MS = 60_000;

/** Returns the pause before the next read, ms; null if the task has ended. */
export function taskHintMs(task: Task, durations: TaskDurations | undefined, now: number): number | null {
  return isEnded(task) ? null : pauseMs(remainingMs(task, durations, now));
}

/**
 * Returns the pause before the next read, ms; null if the recorded end will not change any more.
 *
 * @param ended whether the end of the flow is recorded
 */
export function flowHintMs(
  tasks: readonly Task[],
  durations: TaskDurations | undefined,
  now: number,
  ended: boolean,
): number | null {
  if (ended) return null;
  // Every task has ended. Only the record of the end is missing, which follows at once.
  if (flowStatus(tasks) !== "running") return HINT_MIN_MS;
  const ends = tasks.map((task) => {
    const { then = [], path, pace } = task;
    if (!isEnded(task)) return remainingMs(task, durations, now) + planMs(then, pace, durations);
    if (task.status !== "SUCCESS") return 0;
    const started = tasks.filter((other) => isPlannedChild(other.path, path)).length;
    return started < then.length ? planMs(then, pace, durations) : 0;
  });
  return pauseMs(Math.max(0, ...ends));
}

/**
 * Returns the time in which the task probably ends, ms: the 80th percentile minus its age. A task that is older has no
 * expected end, so the rest is a quarter of its age. The time in which the task waits does not count as age.
 */
function remainingMs(task: Task, durations: TaskDurations | undefined, now: number): number {
  const expected = expectedMs(durations, task.pace, task.action);
  const age = isWaiting(task) ? 0 : Math.max(0, now - runningSince(task));
  return age < expected ? expected - age : age / 4;
}

/** True while the task waits: in a queue, for a free slot, after a busy response, or for a modal answer. */
function isWaiting({ status, submittedAt }: Task): boolean {
  return status === "MODAL" || (status === "PENDING" && submittedAt === undefined);
}

/** Expected time of the longest branch of a plan, ms. */
function planMs(plan: readonly Press[], pace: Pace, durations: TaskDurations | undefined): number {
  return Math.max(
    0,
    ...plan.map(({ press, then = [] }) => {
      const action = actionOfPress(press);
      const ownPace = action === "VIDEO" ? "video" : pace;
      return expectedMs(durations, ownPace, action) + planMs(then, ownPace, durations);
    }),
  );
}

/** A quarter of a long remaining time is used, so that a change of the task is seen long before its end. */
function pauseMs(remaining: number): number {
  const most = Math.min(HINT_FAR_MS, Math.max(HINT_MAX_MS, remaining / 4));
  return Math.round(Math.min(most, Math.max(HINT_MIN_MS, remaining)));
}
