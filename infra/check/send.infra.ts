/**
 * Computes from the state machine which function sends to which queue: every task state, every signal that the function
 * applies, and the messages of the resulting effects. A function must be linked to exactly these queues.
 */
import { expect, test } from "vitest";
import { TILE_ACTION } from "../../packages/core/src/button.ts";
import { failure } from "../../packages/core/src/error.ts";
import { EVENT_TYPES, eventMaskOf } from "../../packages/core/src/event.ts";
import { outgoingWork, QUEUE_OF, type QueueName } from "../../packages/core/src/message.ts";
import { decide, type Effect, IllegalTransition, type Signal } from "../../packages/core/src/state.ts";
import { newTask, type PendingEffect, STATUSES, type Task } from "../../packages/core/src/task.ts";
import { TIMINGS } from "../../packages/core/src/timing.ts";
import { LINKS } from "./rule/function.ts";

const NOW = 1_000 * 3_600_000;
const ctx = { now: NOW, timings: TIMINGS };

/** Yields legal states and many illegal ones; this check needs no distinction between them. */
function* tasks(actions: readonly string[]): Generator<Task> {
  const pending: (PendingEffect[] | undefined)[] = [
    undefined,
    ["tell"],
    ["archive"],
    ["archive", "tell"],
    ["follow", "tell"],
  ];
  for (const action of actions)
    for (const status of STATUSES)
      for (const mask of [undefined, eventMaskOf(EVENT_TYPES)])
        for (const pendingEffects of pending)
          for (const archive of [undefined, true])
            for (const rest of REST) {
              const fields = { flowId: "flow_1", path: "0", provider: "p", account: "a", pace: "fast" as const };
              const task = newTask({ ...fields, action, eventMask: mask, archive }, NOW - 60_000, NOW);
              // The write that ends a task, or makes it wait, releases its slot.
              const slot = HOLDING.has(status) ? { row: 0, at: NOW - 1 } : undefined;
              yield { ...task, status, pendingEffects, ...(slot && { slot }), ...rest };
            }
}

const HOLDING: ReadonlySet<Task["status"]> = new Set(["SUBMITTING", "UNCLEAR", "SUBMITTED", "IN_PROGRESS"]);
const THEN = [{ press: "upscale:1" }];
const REST: Partial<Task>[] = [
  {},
  { then: THEN },
  { attempt: 1, leaseUntil: NOW + 1 },
  { attempt: 1, then: THEN },
  { attempt: 1, modal: { prompt: "x" }, submittedAt: NOW - 1 },
  { attempt: 1, modals: 1, phase: "modal", modal: { prompt: "x" }, leaseUntil: NOW + 1 },
  { attempt: 2, orphans: [{ attempt: 1, vendorTaskId: "v", at: NOW - 1 }] },
  // A task long after every deadline.
  { attempt: 1, then: THEN, createdAt: 0, submittedAt: 1 },
  { createdAt: 0 },
];

const why = failure("deadline_passed");
const reports = (from: "callback" | "lookup"): Signal[] =>
  ["IN_PROGRESS", "MODAL", "SUCCESS", "FAILURE"].flatMap((status) =>
    [1, 2].map((attempt) => {
      const report = { status, progress: 50, vendorTaskId: "v", result: { imageUrl: "https://v.example/1" } };
      return { kind: "report", from, attempt, report } as Signal;
    }),
  );
const answers: Signal[] = [1, 2].flatMap((attempt): Signal[] => [
  { kind: "accepted", attempt, vendorTaskId: "v", expect: "calling" },
  { kind: "modalOpened", attempt, vendorTaskId: "v" },
  { kind: "refused", attempt, failure: why },
  { kind: "busy", attempt, chance: 0 },
  { kind: "unclear", attempt },
]);
const abandon: Signal[] = [
  { kind: "abandon", failure: why },
  { kind: "abandon", failure: failure("dead_letter") },
];
const archived: Signal[] = [
  { kind: "archived", copies: [] },
  { kind: "archived", copies: [{ key: "k", bytes: 1, sha256: "0", contentType: "image/png", source: "s" }] },
];

/** Queues of sweep jobs, which hold no messages about tasks. */
type JobQueueName = "sweep" | "repair";

const ANY = ["IMAGINE", TILE_ACTION];

/**
 * For each function: signals that its code in packages/engine applies, to which tasks, and what it also sends itself.
 */
const ENTRY_POINTS: Record<string, { signals: Signal[]; actions?: string[]; sends?: (QueueName | JobQueueName)[] }> = {
  Callback: { signals: reports("callback") },
  // Messages of the submit queue are never about tiles.
  Submit: {
    signals: [...answers, ...abandon, { kind: "claim", call: "submit" }, { kind: "claim", call: "modal" }],
    actions: ["IMAGINE"],
    sends: ["submit"],
  },
  Deliver: { signals: STATUSES.map((status) => ({ kind: "notified", status })), sends: ["deliver"] },
  Archive: {
    signals: [...archived, ...abandon, { kind: "tileCut", result: {}, copies: [] }],
    sends: ["archive"],
  },
  Sweep: {
    signals: [{ kind: "due" }, { kind: "lookupMiss" }, ...reports("lookup"), ...abandon],
    // Its own jobs have queues of their own.
    sends: ["deliver", "sweep", "repair"],
  },
  // It ends no task that a vendor may have, so it releases no slot.
  Deadletter: { signals: [{ kind: "abandon", failure: failure("dead_letter") }, ...archived] },
  // They only read, or have no table at all.
  Stream: { signals: [] },
  Reduce: { signals: [] },
  // The API presses buttons of finished tasks, submits modal answers and redrives dead-letter messages to any queue.
  Api: { signals: [{ kind: "answer", modal: { prompt: "x" } }, ...abandon], sends: Object.values(QUEUE_OF) },
};

/** Queues of each effect. Follow-ups are presses and tiles; recording the flow end notifies subscribers. */
const EFFECTS: Record<Effect["kind"], (task: Task) => QueueName[]> = {
  enqueue: (task) => [QUEUE_OF[outgoingWork(task).message.type]],
  follow: () => ["submit", "archive"],
  settle: () => ["deliver"],
  tell: () => ["deliver"],
  archive: () => ["archive"],
  // The process that stored a late success adopts it, and then runs the effects of the adopted end.
  adopt: (task) => [...legalQueuesOf(task, { kind: "adopt" }), ...legalQueuesOf(task, { kind: "adoptionDone" })],
  call: () => [],
  lookup: () => [],
  // A released slot wakes the tasks that wait for one.
  release: () => ["submit"],
  // The worker that stores the task also dispatches the list.
  wait: () => [],
};

function queuesOf(task: Task, signal: Signal): QueueName[] {
  const decision = decide(task, signal, ctx);
  return decision.kind === "ignore" ? [] : decision.effects.flatMap(({ kind }) => EFFECTS[kind](decision.next));
}

function legalQueuesOf(task: Task, signal: Signal): QueueName[] {
  try {
    return queuesOf(task, signal);
  } catch (error) {
    if (error instanceof IllegalTransition) return [];
    throw error;
  }
}

test.each(Object.keys(LINKS))("%s is linked to exactly the queues that it sends to", (name) => {
  const { signals, actions = ANY, sends = [] } = ENTRY_POINTS[name]!;
  const queues = new Set<string>(sends);
  for (const task of tasks(actions)) {
    for (const signal of signals) for (const queue of legalQueuesOf(task, signal)) queues.add(queue);
  }
  const linked = LINKS[name]!.filter((link) => link.endsWith("Queue"));
  const needed = [...queues].map((queue) => `${queue[0]!.toUpperCase()}${queue.slice(1)}Queue`);
  expect(needed.sort()).toEqual(linked.sort());
});
