/** Name, symbol, style and result text of a task, for all outputs. Pure. */
import type { Task, TaskStatus, Waits } from "@mjflow/client";
import type { Style } from "../paint.ts";
import { stripControlCharacters } from "../text.ts";

const ENDED: ReadonlySet<TaskStatus> = new Set(["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"]);

export function isEnded({ status }: Pick<Task, "status">): boolean {
  return ENDED.has(status);
}

/** True if another task is a retry of this task. */
export function isSuperseded({ id }: Pick<Task, "id">, tasks: readonly Task[]): boolean {
  return tasks.some(({ retryOf }) => retryOf === id);
}

/** Returns the press that created the task; for a root its action. */
export function nameOf({ press, action, retryOf }: Pick<Task, "press" | "action" | "retryOf">): string {
  const name = stripControlCharacters(press ?? action.toLowerCase().replaceAll("_", "-"));
  return retryOf ? `${name} (retry)` : name;
}

export function styleOf({ status }: Pick<Task, "status">): Style {
  if (status === "SUCCESS") return "green";
  if (status === "FAILURE" || status === "EXPIRED" || status === "CANCEL") return "red";
  return status === "MODAL" || status === "UNCLEAR" ? "yellow" : "cyan";
}

export function symbolOf({ status }: Pick<Task, "status">): string {
  if (status === "SUCCESS") return "✓";
  if (status === "FAILURE" || status === "EXPIRED" || status === "CANCEL") return "✗";
  return status === "MODAL" || status === "UNCLEAR" ? "?" : "…";
}

/**
 * Returns the URL of the image, the reason of the failure, or the progress. An archived copy has priority over the
 * vendor's link.
 */
export function resultText(task: Task): string {
  const { copies, imageUrl, videos, text, failReason, status, progress } = task;
  if (status === "SUCCESS") return stripControlCharacters(copies[0]?.url ?? imageUrl ?? videos[0]?.url ?? text ?? "");
  if (isEnded(task)) return stripControlCharacters(failReason ?? task.failure?.message ?? status.toLowerCase());
  return `${status.toLowerCase()}${progress > 0 ? ` ${progress}%` : ""}${waitText(task)}`;
}

const WAIT_REASONS: Readonly<Record<Waits["reason"], string>> = {
  busy: "the vendor is busy",
  full: "the account is full",
  calls: "too many open calls at the vendor",
  order: "other tasks came first",
};

/** Returns why the task waits and how many tasks come first; empty if it does not wait for its account. */
function waitText({ waits }: Pick<Task, "waits">): string {
  if (!waits) return "";
  const { reason, ahead, atLeast } = waits;
  // A newer server may have more reasons.
  const why = WAIT_REASONS[reason] ?? stripControlCharacters(reason);
  if (ahead === null) return ` · waits: ${why}`;
  return ` · waits: ${why}, ${ahead === 0 && !atLeast ? "next in turn" : `${atLeast ? "at least " : ""}${ahead} ahead`}`;
}
