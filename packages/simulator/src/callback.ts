/**
 * Callbacks of a task and their faults.
 *
 *   C1  The callbacks of a task are sent in order, one after the other, unless a fault changes the order. Real vendors
 *       guarantee less (docs/protocol.md 5.2). Here only a fault causes disorder, so that a test knows about it.
 *   C2  Every callback is sent once, except at a vendor with several attempts. The response of the receiver is
 *       recorded.
 */
import type { Clock } from "./clock.ts";
import type { Dialect } from "./dialect.ts";
import type { FaultEvent, FaultKind, Faults } from "./fault.ts";
import type { Fields } from "./json.ts";
import type { LedgerBook } from "./ledger.ts";
import type { Poster } from "./post.ts";
import type { Random } from "./random.ts";
import { advanceTo, isEnded, type Task, type TimelineStep } from "./task.ts";
import { type Origin, toWireTask } from "./wire-format.ts";

export interface CallbackSender {
  /** Sends a callback for the new state of the task. */
  notify(task: Task): void;
  /** Resolves when all callbacks queued so far for this task were sent and answered. */
  settled(taskId: string): Promise<void>;
  /** Resolves when all callbacks queued so far, of all tasks, were sent and answered. */
  allSettled(): Promise<void>;
  /** Sends no more callbacks, and resolves when the callbacks in flight are recorded. */
  stop(): Promise<void>;
}

export interface CallbackSenderDeps {
  clock: Clock;
  faults: Faults;
  ledger: LedgerBook;
  poster: Poster;
  random: Random;
  speed: number;
  origin(): Origin;
  formatOf(task: Task): CallbackFormat;
}

/** What a vendor sends to the callback URL of a task. */
export interface CallbackFormat {
  contentType: string;
  /** True if final callbacks are sent twice (docs/protocol.md 5.2, trueai). */
  doublesTerminal: boolean;
  /** Number of attempts in all if the receiver does not answer with 200. */
  attempts: number;
  /** Returns false for states that the vendor does not report. */
  sends(task: Task): boolean;
  /** @param withoutImage true for a success that has no picture yet */
  bodyOf(task: Task, origin: Origin, withoutImage: boolean): Fields;
}

/** Callbacks of the midjourney-proxy family: every state, one attempt. */
export function dialectCallbacks(dialect: Dialect): CallbackFormat {
  return {
    contentType: dialect.callbackShape === "trueai" ? "application/json; charset=utf-8" : "application/json",
    doublesTerminal: dialect.doublesTerminal,
    attempts: 1,
    sends: () => true,
    bodyOf(task, origin, withoutImage) {
      const wire = toWireTask({ task }, dialect, origin, dialect.callbackShape);
      return withoutImage ? { ...wire, imageUrl: "", imageUrls: null } : wire;
    },
  };
}

/** A callback with the fault that caused it; null: none. `withoutImage`: the SUCCESS has no picture yet. */
interface Queued {
  task: Task;
  fault: FaultKind | null;
  withoutImage?: true;
  /** Number of earlier attempts without the response 200. */
  attempts?: number;
}

/** trueai sends the final callback again about 3 s later. At speed 1 the simulator uses a tenth of that. */
const SECOND_TERMINAL_MS = 300;
/** Pause before a vendor repeats a callback. No vendor documents it. */
const REPEAT_MS = 1_000;

export function createCallbackSender(parts: CallbackSenderDeps): CallbackSender {
  const { clock, faults, ledger, poster, random } = parts;
  const chains = new Map<string, Promise<void>>();
  const inFlight = new Set<Promise<void>>();
  let stopped = false;
  const shuffled = new Map<string, Queued[]>();

  function post(queued: Queued): Promise<void> {
    const posting = attempt(queued);
    inFlight.add(posting);
    return posting.finally(() => inFlight.delete(posting));
  }

  async function attempt(queued: Queued): Promise<void> {
    const { task, fault, withoutImage = false, attempts = 0 } = queued;
    if (task.notifyHook === null || stopped) return;
    const format = parts.formatOf(task);
    const body = JSON.stringify(format.bodyOf(task, parts.origin(), withoutImage));
    const posted = await poster.post(task.notifyHook, body, format.contentType);
    ledger.callback({ ...rowOf(task), at: clock.now(), ...posted, fault });
    if (posted.httpStatus === 200 || attempts + 1 >= format.attempts || stopped) return;
    clock.setTimer(() => queue({ ...queued, attempts: attempts + 1 }), REPEAT_MS * parts.speed);
  }

  function queue(queued: Queued): void {
    const { task } = queued;
    const chain = (chains.get(task.id) ?? Promise.resolve()).then(() => post(queued));
    chains.set(task.id, chain);
    void chain.finally(() => {
      if (chains.get(task.id) === chain) chains.delete(task.id);
    });
  }

  function lose(task: Task): void {
    ledger.callback({ ...rowOf(task), at: clock.now(), outcome: "lost", httpStatus: null, fault: "lose-callback" });
  }

  return {
    notify(task) {
      // Only the submit response reports MODAL (docs/protocol.md 5.2). NOT_START is never sent.
      if (task.notifyHook === null || task.status === "MODAL" || task.status === "NOT_START") return;
      if (!parts.formatOf(task).sends(task)) return;
      const event: FaultEvent = { provider: task.provider, action: task.action, status: task.status };
      const end = isEnded(task.status);

      const shuffling = shuffled.get(task.id) ?? (faults.take(["shuffle-callbacks"], event) ? [] : undefined);
      if (shuffling) shuffled.set(task.id, shuffling);
      const lost = faults.take(["lose-callback"], event);
      if (lost) lose(task);

      const copies = lost ? undefined : faults.take(["copy-callback"], event);
      const posts: Queued[] = lost ? [] : [{ task, fault: null }];
      for (let i = 0; copies && i < (copies.copies ?? 1); i++) posts.push({ task, fault: "copy-callback" });
      if (task.status === "SUCCESS") {
        const [success] = posts;
        if (success && faults.take(["failure-before-success"], event))
          posts.unshift({ task: overdue(task), fault: "failure-before-success" });
        if (success && faults.take(["image-after-success"], event))
          posts.splice(posts.indexOf(success), 0, { task, fault: "image-after-success", withoutImage: true });
        if (faults.take(["progress-after-success"], event))
          posts.push({ task: stale(task), fault: "progress-after-success" });
        if (faults.take(["failure-after-success"], event))
          posts.push({ task: overdue(task), fault: "failure-after-success" });
      }

      const late = shuffling ? undefined : faults.take(["late-callback"], event);
      if (shuffling) {
        shuffling.push(...posts.map((each) => ({ ...each, fault: "shuffle-callbacks" as const })));
        if (end) {
          shuffled.delete(task.id);
          for (const each of random.shuffle(shuffling)) queue(each);
        }
      } else if (late) {
        // A late callback is not part of the chain, so later callbacks overtake it.
        clock.setTimer(
          () => void Promise.all(posts.map((each) => post({ ...each, fault: "late-callback" }))),
          late.delayMs ?? 1_000,
        );
      } else {
        for (const each of posts) queue(each);
      }
      if (end && parts.formatOf(task).doublesTerminal) {
        const again = () => (faults.take(["lose-callback"], event) ? lose(task) : queue({ task, fault: null }));
        clock.setTimer(again, SECOND_TERMINAL_MS * parts.speed);
      }
    },
    async settled(taskId) {
      await chains.get(taskId);
    },
    async allSettled() {
      while (chains.size > 0 || inFlight.size > 0) await Promise.allSettled([...chains.values(), ...inFlight]);
    },
    async stop() {
      stopped = true;
      await Promise.allSettled(inFlight);
    },
  };
}

function rowOf(task: Task) {
  return { provider: task.provider, taskId: task.id, status: task.status, progress: task.progress };
}

/** Returns an older snapshot that is sent after the end: novicezk ranks "100%" in progress as an end (docs/protocol.md 5.2). */
function stale(task: Task): Task {
  const step: TimelineStep = { at: task.finishTime ?? task.submitTime, status: "IN_PROGRESS", progress: "93%" };
  return advanceTo({ ...task, finishTime: null }, step);
}

/** Returns a FAILURE of the vendor's timeout check, which races the completion (docs/protocol.md 3.3). Look-ups still return SUCCESS. */
function overdue(task: Task): Task {
  const step: TimelineStep = { at: (task.finishTime ?? task.submitTime) + 1, status: "FAILURE", progress: "" };
  return advanceTo({ ...task, ending: { kind: "failure", share: 1, reason: "任务超时", cause: "timeout" } }, step);
}
