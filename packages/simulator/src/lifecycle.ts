/**
 * Lifecycle of tasks, the only code that changes tasks over time. It creates tasks from drafts, advances each task along its
 * timeline, assigns free slots and continues after a restart. It contains no protocol rules and sends no callbacks.
 */
import type { Clock } from "./clock.ts";
import type { Draft } from "./protocol.ts";
import type { ProviderId } from "./provider.ts";
import { type Random, uuidOf } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { Store } from "./store.ts";
import { advanceTo, isEnded, type Task, type TaskOutcome, type TimelineStep, timelineOf } from "./task.ts";

/** What the lifecycle needs to know about a vendor. */
export interface TaskSource {
  id: ProviderId;
  /** True for ids with 17 digits by default. */
  longIds: boolean;
  /** Status that a canceled task reports. */
  cancelStatus: "CANCEL" | "FAILURE";
  /** Returns a new id; unset: epoch ms and random digits. */
  newId?(draft: Draft, atMs: number, random: Random): string;
}

export interface TaskLifecycle {
  get(provider: ProviderId, id: string): Task | undefined;
  find(id: string): Task | undefined;
  all(provider: ProviderId): Task[];
  load(provider: ProviderId): { running: number; waiting: number };
  /** Creates and stores the task. The task does not advance before `start`. */
  create(draft: Draft, source: TaskSource, scenario: Scenario, waits: boolean): Task;
  start(id: string): void;
  /** Advances the task by one step at once, independent of the clock; undefined if no step is left. */
  hurry(id: string): Task | undefined;
  /** Takes a task out of MODAL: the same id with a new timeline. */
  reopen(task: Task, prompt: string | null, ending: TaskOutcome, pace: number): Task;
  cancel(task: Task, source: TaskSource): Task;
  /** Loads stored tasks. Steps that became due while the simulator was stopped are applied without callbacks. */
  resume(): void;
  stop(): void;
}

export interface TaskLifecycleDeps {
  clock: Clock;
  store: Store;
  random: Random;
  speed: number;
  scenarioOf(provider: ProviderId): Scenario;
  /** The simulator calls this function after each step that a vendor would report with a callback. */
  moved(task: Task): void;
}

export function createTaskLifecycle(parts: TaskLifecycleDeps): TaskLifecycle {
  const { clock, store, random, speed } = parts;
  const tasks = new Map<string, Task>();
  const timers = new Map<string, () => void>();
  let stopped = false;
  /** Ids of unfinished tasks by vendor, oldest first, so that no code iterates over all past tasks. */
  const open = new Map<ProviderId, Set<string>>();

  function put(task: Task, durable: boolean): Task {
    tasks.set(task.id, task);
    const ids = open.get(task.provider) ?? new Set();
    open.set(task.provider, ids);
    if (isEnded(task.status)) ids.delete(task.id);
    else ids.add(task.id);
    if (durable) store.save(task);
    return task;
  }

  /** Applies a step. Progress is not stored, because the timeline already contains it (task.ts, L1). */
  function move(task: Task, step: TimelineStep): Task {
    const next = advanceTo(task, step);
    return put(next, isEnded(next.status));
  }

  function schedule(id: string): void {
    timers.get(id)?.();
    timers.delete(id);
    const task = tasks.get(id);
    const step = task?.plan[0];
    if (!task || !step || stopped) return;
    const run = () => {
      timers.delete(id);
      const current = tasks.get(id);
      if (!current || current.plan[0] !== step) return;
      const next = move(current, step);
      schedule(id);
      parts.moved(next);
      if (isEnded(next.status)) admit(next.provider);
    };
    timers.set(id, clock.setTimer(run, step.at - clock.now()));
  }

  function planned(task: Task): Task {
    return { ...task, waiting: false, plan: timelineOf(task, clock.now(), speed, random.next()) };
  }

  function load(provider: ProviderId) {
    let running = 0;
    let waiting = 0;
    for (const id of open.get(provider) ?? []) {
      const task = tasks.get(id);
      if (!task || task.status === "MODAL") continue;
      if (task.waiting) waiting++;
      else running++;
    }
    return { running, waiting };
  }

  /** Starts waiting tasks, oldest first, while slots are free. */
  function admit(provider: ProviderId): void {
    const limit = parts.scenarioOf(provider).queue?.running ?? Number.POSITIVE_INFINITY;
    for (const id of open.get(provider) ?? []) {
      const task = tasks.get(id);
      if (!task?.waiting) continue;
      if (load(provider).running >= limit) return;
      put(planned(task), true);
      schedule(id);
    }
  }

  function newId(draft: Draft, source: TaskSource, { idDigits }: Scenario): string {
    const long = idDigits ? idDigits === 17 : source.longIds;
    for (;;) {
      const id = source.newId?.(draft, clock.now(), random) ?? numberedId(long);
      if (!tasks.has(id)) return id;
    }
  }

  /** Creates an id of epoch ms and random digits, like novicezk and trueai (docs/protocol.md 7). */
  function numberedId(long: boolean): string {
    const digits = String(random.int(long ? 10_000 : 1_000)).padStart(long ? 4 : 3, "0");
    return `${Math.trunc(clock.now())}${digits}`;
  }

  return {
    get: (provider, id) => {
      const task = tasks.get(id);
      return task?.provider === provider ? task : undefined;
    },
    find: (id) => tasks.get(id),
    all: (provider) => [...tasks.values()].filter((task) => task.provider === provider),
    load,

    create(draft, source, scenario, waits) {
      const now = clock.now();
      const id = newId(draft, source, scenario);
      const base: Task = {
        id,
        provider: source.id,
        action: draft.action,
        result: draft.result,
        prompt: draft.prompt,
        state: draft.state,
        notifyHook: draft.notifyHook,
        parentId: draft.parent?.id ?? null,
        customId: draft.customId ?? null,
        label: draft.label,
        index: draft.index,
        ...(draft.videos !== undefined && { videos: draft.videos }),
        ...(draft.request && { request: draft.request }),
        ...(draft.sendsProgress !== undefined && { sendsProgress: draft.sendsProgress }),
        jobId: uuidOf(`${id}:job`),
        scene: sceneOf(draft, id),
        botType: draft.botType,
        mode: draft.mode,
        status: draft.modal ? "MODAL" : "NOT_START",
        progress: null,
        failReason: null,
        submitTime: now,
        startTime: null,
        finishTime: null,
        ending: endingFor(draft.ending, source),
        pace: draft.pace,
        waiting: waits,
        plan: [],
        history: [{ at: now, status: draft.modal ? "MODAL" : "NOT_START", progress: null }],
      };
      if (draft.modal) return put({ ...base, waiting: false }, true);
      if (draft.failsAtOnce) return move(base, { at: now, status: "FAILURE", progress: "" });
      if (scenario.instantUpscale && draft.action === "UPSCALE") {
        return move(base, { at: now, status: "SUCCESS", progress: "100%" });
      }
      return put(waits ? base : planned(base), true);
    },

    start: schedule,

    hurry(id) {
      const task = tasks.get(id);
      const step = task?.plan[0];
      if (!task || !step) return undefined;
      const next = move({ ...task, plan: task.plan.slice(1) }, { ...step, at: clock.now() });
      parts.moved(next);
      if (isEnded(next.status)) admit(next.provider);
      return next;
    },

    reopen(task, prompt, ending, pace) {
      const reopened = advanceTo(task, { at: clock.now(), status: "NOT_START", progress: null });
      const next = { ...reopened, prompt, ending, pace, failReason: null, startTime: null, finishTime: null };
      return put(planned(next), true);
    },

    cancel(task, source) {
      timers.get(task.id)?.();
      timers.delete(task.id);
      const ending = endingFor({ kind: "cancel" }, source);
      const next = move({ ...task, ending }, { at: clock.now(), status: source.cancelStatus, progress: "" });
      parts.moved(next);
      admit(task.provider);
      return next;
    },

    resume() {
      for (const stored of store.tasks()) {
        let task = stored;
        const due = task.plan.filter((step) => step.at <= clock.now());
        for (const step of due) task = advanceTo({ ...task, plan: task.plan.slice(1) }, step);
        put(task, due.length > 0);
        schedule(task.id);
      }
      for (const provider of open.keys()) admit(provider);
    },

    stop() {
      stopped = true;
      for (const cancel of timers.values()) cancel();
      timers.clear();
    },
  };
}

/** Returns the scene name. An upscale has the scene of its tile; other children get a new scene with the same color mood. */
function sceneOf(draft: Draft, id: string): string {
  if (!draft.parent) return `${draft.prompt ?? id}`.replaceAll("/", " ").concat(`/${id}`);
  const { parent } = draft;
  if (draft.result === "single") return parent.result === "grid" ? `${parent.scene}/${draft.index}` : parent.scene;
  return `${parent.scene}/${draft.index}~${id}`;
}

/** Returns the outcome at a vendor: trueai reports a cancellation as a failure (docs/protocol.md 1.13). */
function endingFor(ending: TaskOutcome, source: TaskSource): TaskOutcome {
  return ending.kind === "cancel" && source.cancelStatus === "FAILURE"
    ? { kind: "failure", share: 0.5, reason: "取消任务" }
    : ending;
}
