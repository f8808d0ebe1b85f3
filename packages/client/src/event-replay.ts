/** What events say and what a read flow says, brought together: a view kept current, and events told from two reads. */
import type { Flow, FlowBody, Task, TaskEvent, TaskEventType, TaskStatus } from "./types.ts";

/** `id` is for resuming; an event told from two reads has none. */
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

/** The flow with what events told of its tasks. Events can be late, tasks never go back: an older word changes nothing. */
export function applyEvents(flow: Flow, events: readonly FlowBody[]): Flow {
  const tasks = new Map(flow.tasks.map((task) => [task.id, task]));
  for (const event of events) {
    if (!isTaskEvent(event)) continue;
    const { state: _, ...task } = event.data;
    const known = tasks.get(task.id);
    if (!known || isNewer(task, known)) tasks.set(task.id, task);
  }
  return {
    ...flow,
    tasks: [...tasks.values()].sort(compareByPath),
    counts: { ...flow.counts, ...countsOf([...tasks.values()]) },
  };
}

function isNewer(task: Task, known: Task): boolean {
  return !ENDED.has(known.status) && (ENDED.has(task.status) || task.progress >= known.progress);
}

/** As the plan has them; an id ends with the task's place. */
function compareByPath(a: Task, b: Task): number {
  return a.id.localeCompare(b.id, "en", { numeric: true });
}

/** What no event tells stays as it was read. */
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

/** Remembers what was told, so that reading the flow tells only the rest: what a stream lost, or what it never had. */
export class EventReplay {
  readonly #tasks = new Map<string, string>();
  #end = "";
  #isResumed: boolean;

  /** @param isResumed somebody was told of the tasks before: the first read only says how far that was */
  constructor(isResumed = false) {
    this.#isResumed = isResumed;
  }

  heard(event: FlowBody): void {
    if (isTaskEvent(event)) this.#tasks.set(event.data.id, wordOf(event.data));
    else this.#end = event.data.status;
  }

  /** The events between what was told and this flow, and from now on they are told. Steps in between are not seen. */
  rest(flow: Flow, nowMs: number): FlowEvent[] {
    const events: FlowEvent[] = [];
    for (const task of flow.tasks) {
      const type = TYPES[task.status];
      if (!type || this.#tasks.get(task.id) === wordOf(task)) continue;
      this.#tasks.set(task.id, wordOf(task));
      if (this.#isResumed) continue;
      const at = type === "task.submitted" ? task.submittedAt : task.endedAt;
      events.push({ id: null, type, timestamp: at ?? iso(nowMs), data: { ...task, state: flow.state } });
    }
    this.#isResumed = false;
    // A flow can end twice: a button pressed by hand wakes it.
    if (flow.status === "running") this.#end = "";
    else if (this.#end !== flow.status) {
      this.#end = flow.status;
      const { id, status, state, action, provider, prompt, createdAt, endedAt, counts } = flow;
      const { restartOf, restartedAs } = flow;
      const links = { restartOf, restartedAs };
      const data = { id, status, state, action, provider, prompt, createdAt, endedAt, ...links, counts };
      // A flow that was called off did not complete.
      const type = flow.status === "completed" ? "flow.completed" : "flow.failed";
      events.push({ id: null, type, timestamp: flow.endedAt ?? iso(nowMs), data });
    }
    return events;
  }
}

function wordOf({ status, progress }: Task): string {
  return ENDED.has(status) ? status : `${status} ${progress}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
