/**
 * Sample tasks, reports and signals for core's tests. `play` applies a list of signals to a task, one after another.
 */
import type { Report, ReportStatus } from "../src/report.ts";
import { type Context, type Decision, decide, type Signal } from "../src/state.ts";
import { type NewTask, newTask, type Task } from "../src/task.ts";
import { TIMINGS } from "../src/timing.ts";

export const NOW = 1_800_000_000_000;
export const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;

export function ctx(now = NOW): Context {
  return { now, timings: TIMINGS };
}

export function pending(more: Partial<NewTask> = {}): Task {
  const fields = {
    flowId: FLOW,
    path: "0",
    action: "IMAGINE",
    provider: "sim",
    account: "default",
    pace: "fast",
  } as const;
  return newTask({ ...fields, ...more }, NOW, NOW + 5 * minute);
}

/** Returns a task in any status, with only the fields that the status needs. */
export function taskIn(status: Task["status"], more: Partial<Task> = {}): Task {
  return { ...pending(), attempt: status === "PENDING" ? 0 : 1, status, ...more };
}

export function report(status: ReportStatus | undefined, more: Partial<Report> = {}): Report {
  return { ...(status && { status }), result: {}, ...more };
}

export function callback(status: ReportStatus | undefined, attempt = 1, more: Partial<Report> = {}): Signal {
  return { kind: "report", attempt, from: "callback", report: report(status, more) };
}

export function lookup(status: ReportStatus | undefined, attempt = 1, more: Partial<Report> = {}): Signal {
  return { kind: "report", attempt, from: "lookup", report: report(status, more) };
}

/**
 * The claim of a worker that prepared the call that the task needs now. `play` sets `call` to `modal` for an open
 * modal.
 */
export const claim: Signal = { kind: "claim", call: "submit" };
export const lookupMiss: Signal = { kind: "lookupMiss" };
export const due: Signal = { kind: "due" };
export const followUpsStarted: Signal = { kind: "followUpsStarted" };

export function accepted(attempt = 1, vendorTaskId = `v${attempt}`): Extract<Signal, { kind: "accepted" }> {
  return { kind: "accepted", attempt, vendorTaskId, expect: "calling" };
}

export function modalOpened(attempt = 1, vendorTaskId = `v${attempt}`): Signal {
  return { kind: "modalOpened", attempt, vendorTaskId };
}

export function busy(attempt = 1, afterMs?: number): Signal {
  return { kind: "busy", attempt, chance: 0, ...(afterMs !== undefined && { afterMs }) };
}

export function unclear(attempt = 1): Signal {
  return { kind: "unclear", attempt };
}

/** Returns the stored task after a decision. An ignored signal leaves the task unchanged. */
export function after(task: Task, decision: Decision): Task {
  return decision.kind === "ignore" ? task : decision.next;
}

/** A signal to apply, or a number of ms by which the clock moves. */
export type Step = Signal | number;

export function play(start: Task, ...steps: Step[]): { task: Task; last: Decision; now: number } {
  let task = start;
  let now = NOW;
  let last: Decision = { kind: "ignore", why: "no-news" };
  for (const step of steps) {
    if (typeof step === "number") now += step;
    else {
      const prepared = step === claim && task.status === "MODAL" ? ({ kind: "claim", call: "modal" } as const) : step;
      last = decide(task, prepared, ctx(now));
      task = after(task, last);
    }
  }
  return { task, last, now };
}

export function effects(decision: Decision): string[] {
  return decision.kind === "ignore" ? [] : decision.effects.map((effect) => effect.kind);
}
