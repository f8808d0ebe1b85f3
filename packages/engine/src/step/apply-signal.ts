/**
 * Applies one signal to a task: decide, save under the task's revision, and decide again on the stored row if another
 * writer was first. When the call returns, everything that must not be lost is durable (D3).
 */
import { type Decision, decide, type Effect, type Signal } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import { contextOf, type EngineDeps } from "../deps.ts";
import { startWith, updateWithRetry } from "./update-with-retry.ts";

export interface AppliedSignal {
  task: Task;
  decision: Decision;
}

/**
 * Few entry points write to the same task at one time. More write conflicts in a row mean that something else is wrong.
 */
const MAX_CONFLICT_RETRIES = 20;
/**
 * Limit for writes that only count something, and for progress, which the next report replaces. Under a flood of
 * duplicate callbacks every retry would cause conflicts for all others, and requests would fail in the end.
 */
const MAX_CONFLICT_RETRIES_LOW_PRIORITY = 5;
const LOW_PRIORITY_FIELDS: ReadonlySet<string> = new Set<keyof Task>([
  "callbacks",
  "duplicates",
  "unknownStatus",
  "progress",
  "updatedAt",
]);

/**
 * @throws MjflowError `overloaded` if the table rejects the write or other writers are first each time; a later retry
 *   is right
 */
export async function applySignal(
  deps: Pick<EngineDeps, "store" | "clock" | "timings" | "chain">,
  task: Task,
  signal: Signal,
): Promise<AppliedSignal> {
  let decision: Decision = { kind: "ignore", why: "ended" };
  const { kind, read, row } = await updateWithRetry<Task, Task>({
    read: startWith(task),
    to(current, retry) {
      decision = decide(current, signal, contextOf(deps, current));
      if (decision.kind === "ignore") return undefined;
      if (retry < MAX_CONFLICT_RETRIES_LOW_PRIORITY || !isLowPriorityChange(current, decision)) return decision.next;
      decision = { kind: "ignore", why: decision.why };
      return undefined;
    },
    // Revision 0 means that the task has no row yet (follow-ups.ts).
    save: (next) => (next.rev === 0 ? deps.store.createTask(next) : deps.store.saveTask(next)),
    maxRetries: MAX_CONFLICT_RETRIES,
    detail: "Other requests changed the task at the same time.",
  });
  if (kind === "missing") return { task: read ?? task, decision: { kind: "ignore", why: "ended" } };
  return { task: row ?? read ?? task, decision };
}

function isLowPriorityChange(task: Task, decision: Decision): decision is Extract<Decision, { kind: "record" }> {
  if (decision.kind !== "record") return false;
  const before: Partial<Record<string, unknown>> = { ...task };
  return Object.entries(decision.next).every(
    ([name, value]) => LOW_PRIORITY_FIELDS.has(name) || value === before[name],
  );
}

export function effectsOf(decision: Decision): readonly Effect[] {
  return decision.kind === "ignore" ? [] : decision.effects;
}
