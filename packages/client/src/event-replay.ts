/**
 * Combines events and read flows. `applyEvents` updates a flow with events; `EventReplay` derives missing events from
 * read flows.
 */
import type { Flow, FlowBody, PlanStep, Task, TaskEvent, TaskEventType, TaskStatus } from "./types.ts";

/** An event of a flow. `id` is for resuming a stream; it is null for an event that was derived from a read flow. */
export type FlowEvent = FlowBody & { id: string | null };

const ENDED: ReadonlySet<TaskStatus> = new Set(["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"]);
const TYPES: Partial<Record<TaskStatus, TaskEventType>> = {
  SUBMITTED: "task.submitted",
  IN_PROGRESS: "task.progress",
  MODAL: "task.modal",
  SUCCESS: "task.completed",
  FAILURE: "task.failed",
  CANCEL: "task.failed",
  EXPIRED: "task.failed",
};

export function isTaskEvent(event: FlowBody): event is TaskEvent {
  return event.type.startsWith("task.");
}

/**
 * Returns the flow updated with the events. Events can be late but a task never goes back, so an older event changes
 * nothing.
 */
export function applyEvents(flow: Flow, events: readonly FlowBody[]): Flow {
  const tasks = new Map(flow.tasks.map((task) => [task.id, task]));
  for (const event of events) {
    if (!isTaskEvent(event)) continue;
    const { state: _, ...task } = event.data;
    const known = tasks.get(task.id);
    // The copies come after the end, in an event of their own.
    if (!known || event.type === "task.archived" || isNewer(task, known)) tasks.set(task.id, task);
  }
  return {
    ...flow,
    ...(flow.plan && { plan: flow.plan.map((step) => withStatus(step, tasks.get(step.taskId))) }),
    tasks: [...tasks.values()].sort(compareByPath),
    counts: { ...flow.counts, ...countsOf([...tasks.values()]) },
  };
}

/** A step whose task is not known keeps its status. The next read says which steps are skipped. */
function withStatus(step: PlanStep, task: Task | undefined): PlanStep {
  if (!task || step.status === "skipped") return step;
  if (!ENDED.has(task.status)) return { ...step, status: "running" };
  return { ...step, status: task.status === "SUCCESS" ? "done" : "failed" };
}

function isNewer(task: Task, known: Task): boolean {
  return !ENDED.has(known.status) && (ENDED.has(task.status) || task.progress >= known.progress);
}

/** Sorts tasks in the order of the plan: a task id ends with the task's path. */
function compareByPath(a: Task, b: Task): number {
  return a.id.localeCompare(b.id, "en", { numeric: true });
}

/** Sums the counts of the tasks. Counts that events do not contain keep their read value. */
function countsOf(tasks: readonly Task[]): Omit<Flow["counts"], "writes"> {
  const sum = (of: (task: Task) => number) => tasks.reduce((total, task) => total + of(task), 0);
  return {
    submissions: sum((task) => task.attempts),
    modals: sum((task) => task.modals),
    callbacks: sum((task) => task.callbacks),
    duplicates: sum((task) => task.duplicates),
    lookups: sum((task) => task.lookups),
  };
}

/**
 * Remembers the reported state of each task, so that a read flow yields only the missing events. A stream may have lost
 * events, or there may be no stream.
 */
export class EventReplay {
  readonly #tasks = new Map<string, string>();
  #end = "";
  #isResumed: boolean;

  /**
   * @param isResumed true if the caller has already received events of this flow. Then the first read only sets the
   * starting state and yields no task events.
   */
  constructor(isResumed = false) {
    this.#isResumed = isResumed;
  }

  record(event: FlowBody): void {
    if (isTaskEvent(event)) this.#tasks.set(event.data.id, stateOf(event.data));
    else this.#end = event.data.status;
  }

  /**
   * Returns the events between the reported state and this flow, and records them as reported. Intermediate states are
   * not visible.
   */
  missing(flow: Flow, nowMs: number): FlowEvent[] {
    const events: FlowEvent[] = [];
    for (const task of flow.tasks) {
      const type = TYPES[task.status];
      if (!type || this.#tasks.get(task.id) === stateOf(task)) continue;
      this.#tasks.set(task.id, stateOf(task));
      if (this.#isResumed) continue;
      const at = type === "task.submitted" ? task.submittedAt : task.endedAt;
      events.push({ id: null, type, timestamp: at ?? iso(nowMs), data: { ...task, state: flow.state } });
    }
    this.#isResumed = false;
    // A flow can end more than once: a press reopens an ended flow.
    if (flow.status === "running") this.#end = "";
    else if (this.#end !== flow.status) {
      this.#end = flow.status;
      const { id, status, state, action, provider, prompt, createdAt, endedAt, counts } = flow;
      const { restartOf, restartedAs, template, rerunOf, urls } = flow;
      const newer = { ...(template !== undefined && { template }), ...(rerunOf !== undefined && { rerunOf }) };
      const links = { restartOf, restartedAs, ...newer, ...(urls && { urls }) };
      const data = { id, status, state, action, provider, prompt, createdAt, endedAt, ...links, counts };
      // A canceled flow is reported as failed.
      const type = flow.status === "completed" ? "flow.completed" : "flow.failed";
      events.push({ id: null, type, timestamp: flow.endedAt ?? iso(nowMs), data });
    }
    return events;
  }
}

function stateOf({ status, progress }: Task): string {
  return ENDED.has(status) ? status : `${status} ${progress}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
