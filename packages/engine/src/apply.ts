/**
 * One signal, applied: decide, save under the task's revision, and when another writer was first, decide again on what
 * it left. Whoever calls this has what was learned durable when it returns (D3).
 */
import { MjflowError } from "@mjflow/core/error";
import { type Decision, decide, type Effect, type Signal } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import { contextOf, type Deps } from "./deps.ts";

export interface Applied {
  task: Task;
  decision: Decision;
}

/** Doors that meet on one task are few; more lost races than this in a row mean that something else is wrong. */
const RACES = 20;

/** @throws MjflowError overloaded when the table refuses or the task is fought over without end; trying later is right. */
export async function apply(
  deps: Pick<Deps, "store" | "clock" | "timings">,
  task: Task,
  signal: Signal,
): Promise<Applied> {
  let current = task;
  for (let race = 0; race < RACES; race++) {
    const decision = decide(current, signal, contextOf(deps));
    if (decision.kind === "ignore") return { task: current, decision };
    const saved = await deps.store.saveTask(decision.next);
    if (saved.ok) return { task: saved.item, decision };
    if (!saved.current) return { task: current, decision: { kind: "ignore", why: "ended" } };
    current = saved.current;
  }
  throw new MjflowError("overloaded", { detail: "Too many writers on one task." });
}

export function effectsOf(decision: Decision): readonly Effect[] {
  return decision.kind === "ignore" ? [] : decision.effects;
}
