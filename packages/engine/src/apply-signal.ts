/**
 * One signal, applied: decide, save under the task's revision, and when another writer was first, decide again on what
 * it left. Whoever calls this has what was learned durable when it returns (D3).
 */
import { MjflowError } from "@mjflow/core/error";
import { type Decision, decide, type Effect, type Signal } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import { contextOf, type EngineDeps } from "./deps.ts";

export interface AppliedSignal {
  task: Task;
  decision: Decision;
}

/** Doors that meet on one task are few; more lost races than this in a row mean that something else is wrong. */
const MAX_CONFLICT_RETRIES = 20;
/**
 * What is only counted, and progress that the next report passes, does not fight for longer than this: under a flood of
 * copies every lost race would be a write of each of the others, and a refusal in the end.
 */
const MAX_CONFLICT_RETRIES_LOW_PRIORITY = 5;
const LOW_PRIORITY_FIELDS: ReadonlySet<string> = new Set<keyof Task>([
  "callbacks",
  "duplicates",
  "unknownStatus",
  "progress",
  "updatedAt",
]);

/** @throws MjflowError overloaded when the table refuses or the task is fought over without end; trying later is right. */
export async function applySignal(
  deps: Pick<EngineDeps, "store" | "clock" | "timings">,
  task: Task,
  signal: Signal,
): Promise<AppliedSignal> {
  let current = task;
  for (let race = 0; race < MAX_CONFLICT_RETRIES; race++) {
    const decision = decide(current, signal, contextOf(deps));
    if (decision.kind === "ignore") return { task: current, decision };
    if (race >= MAX_CONFLICT_RETRIES_LOW_PRIORITY && isLowPriorityChange(current, decision)) {
      return { task: current, decision: { kind: "ignore", why: decision.why } };
    }
    const saved = await deps.store.saveTask(decision.next);
    if (saved.ok) return { task: saved.item, decision };
    if (!saved.current) return { task: current, decision: { kind: "ignore", why: "ended" } };
    current = saved.current;
  }
  throw new MjflowError("overloaded", { detail: "Too many writers on one task." });
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
