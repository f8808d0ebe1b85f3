/**
 * When a client should read a task or a flow again (core/read-hint.ts). The durations of the account come from its health,
 * which a process reads at most once in `beliefMs`. A hint is no promise: if the health cannot be read, defaults are used.
 */
import { flowHintMs, taskHintMs } from "@mjflow/core/read-hint";
import type { Task } from "@mjflow/core/task";
import type { TaskDurations } from "@mjflow/core/task-duration";
import type { Accounts } from "../account/account.ts";
import type { EngineDeps } from "../deps.ts";

export type ReadHintDeps = Pick<EngineDeps, "clock"> & { accounts: Pick<Accounts, "health"> };

/** Returns the pause before the next read, ms; null if the task has ended. */
export async function readHintOfTask(deps: ReadHintDeps, task: Task): Promise<number | null> {
  return taskHintMs(task, await durationsOf(deps, [task]), deps.clock.now());
}

/**
 * Returns the pause before the next read, ms; null if the end of the flow is recorded.
 *
 * @param ended whether the end is recorded
 */
export async function readHintOfFlow(
  deps: ReadHintDeps,
  tasks: readonly Task[],
  ended: boolean,
): Promise<number | null> {
  return ended ? null : flowHintMs(tasks, await durationsOf(deps, tasks), deps.clock.now(), ended);
}

/** The durations of the account of the first task. All tasks of a flow are at the account of its root. */
async function durationsOf({ accounts }: ReadHintDeps, tasks: readonly Task[]): Promise<TaskDurations | undefined> {
  const [task] = tasks;
  if (!task) return undefined;
  const health = await accounts.health(task.provider, task.account).catch(() => undefined);
  return health?.durations;
}
