/** Shows a started flow or task immediately, or follows its flow until it ends. */
import { type Flow, MjflowError, type Task } from "@mjflow/client";
import type { Context } from "./context.ts";
import { flowLines } from "./draw/flow.ts";
import { isSuperseded, nameOf } from "./draw/task.ts";
import { EXIT } from "./exit.ts";
import { follow } from "./follow.ts";
import { parseTimeout } from "./option.ts";

export interface WaitOptions {
  /** False returns immediately; default: wait. */
  wait?: boolean | undefined;
  timeout: string | undefined;
}

/**
 * Follows a flow until it ends, then prints its tree.
 *
 * @returns 0, or 1 if the flow failed or was canceled; with `strict` also 1 if a branch failed
 */
export async function waitForFlow(
  context: Context,
  flowId: string,
  { timeout, strict }: WaitOptions & { strict?: boolean | undefined },
) {
  const flow = await follow(context, flowId, { timeoutMs: parseTimeout(timeout) });
  context.show(flow, () => flowLines(flow, context.paint, context.columns));
  const failed = flow.tasks.filter((task) => task.status !== "SUCCESS" && !isSuperseded(task, flow.tasks));
  if (failed.length > 0) {
    context.note(
      `  ${context.paint("yellow", `${failed.length} of ${flow.tasks.length} did not succeed`)}: ${failed.map(nameOf).join(", ")}`,
    );
  }
  return flow.status !== "completed" || (strict && failed.length > 0) ? EXIT.failed : EXIT.ok;
}

/**
 * Follows the flow of a task until the flow ends.
 *
 * @returns 0 if the task succeeded. The status of the flow is not used, because it is the result of the root
 */
export async function waitForTask(context: Context, task: Task, waiting: WaitOptions): Promise<number> {
  if (waiting.wait === false) return started(context, task);
  const flow = await follow(context, task.flowId, { timeoutMs: parseTimeout(waiting.timeout) });
  const ended = taskOf(flow, task.id);
  context.show(ended, () => flowLines(flow, context.paint, context.columns));
  return ended.status === "SUCCESS" ? EXIT.ok : EXIT.failed;
}

function started(context: Context, task: Task): number {
  context.show(task, () => [
    `${task.id}  ${nameOf(task)} ${task.status.toLowerCase()}`,
    context.paint("dim", `  mjflow watch ${task.flowId}`),
  ]);
  return EXIT.ok;
}

function taskOf(flow: Flow, id: string): Task {
  const task = flow.tasks.find((each) => each.id === id);
  if (!task)
    throw new MjflowError({ code: "unexpected_answer", detail: "The server's response does not contain the task." });
  return task;
}
