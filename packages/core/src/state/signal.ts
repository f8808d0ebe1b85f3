/** The signals that a task can receive, and the decisions about them. Types only. */
import type { Slot } from "../concurrency-limiter.ts";
import type { Failure } from "../error.ts";
import type { ModalAnswer } from "../plan.ts";
import type { Report, Result } from "../report.ts";
import type { Copy, CopyFailure, Task, TaskStatus } from "../task.ts";
import type { Timings } from "../timing.ts";
import type { WaitReason } from "../wait-list.ts";

/**
 * Whether a callback can be expected for an accepted task. The time of the first look-up depends on it
 * (`firstLookupAt`).
 */
export type CallbackExpectation =
  | "calling"
  | "unknown"
  /** It is unknown whether the account sends callbacks, and the vendor would send none before the end. */
  | "unknown-until-end"
  | "silent"
  | "instant";

export type CallKind = Task["phase"];

export type Signal =
  /**
   * A worker has received the task's message and has prepared this call. The claim succeeds only for the prepared call.
   * If the task has reached its modal meanwhile, a claim to submit is ignored, because the press would be paid twice.
   * `at`: account of the prepared call. A root that has moved meanwhile is not called there, because its callbacks and look-ups
   * would belong to the other account. Unset: no call follows. `repeat`: the call is unclear and is sent again with its
   * idempotency key.
   */
  | {
      kind: "claim";
      call: CallKind;
      at?: AccountRef;
      customId?: string;
      vendorOrigin?: string;
      slot?: Slot;
      repeat?: boolean;
    }
  // The outcomes of a call name in `call` the call that they belong to, if it is known. A slow response to the
  // submission must not count as the response to the modal answer that another worker has sent since.
  | {
      kind: "accepted";
      attempt: number;
      call?: CallKind;
      vendorTaskId: string;
      siblings?: string[];
      expect: CallbackExpectation;
    }
  /** The vendor accepted the task and waits for a prompt or mask. */
  | { kind: "modalOpened"; attempt: number; call?: CallKind; vendorTaskId: string; finalPrompt?: string }
  /** The vendor rejected the call. `to`: the failover account for a root after a vendor loss, if its app wants one. */
  | { kind: "refused"; attempt: number; call?: CallKind; failure: Failure; to?: AccountRef }
  /**
   * The vendor has no capacity and clearly did not accept the call. `to`: an account with a free slot for a root.
   * @param afterMs pause that the vendor requested; unset if the vendor named none
   * @param chance 0 to 1, for jitter
   * @param about what the response was about (`SubmitOutcome` in port.ts); unset: the capacity of the account
   * @param until end of the wait for a parent that is not ready at the vendor, epoch ms; unset: the usual waiting time
   */
  | {
      kind: "busy";
      attempt: number;
      call?: CallKind;
      afterMs?: number;
      chance: number;
      to?: AccountRef;
      about?: "parent" | "connection";
      until?: number;
    }
  /**
   * No call was made: the account `at` is busy or full, or other tasks wait for it. `to`: an account that is free for a root.
   * It is ignored if the root has moved meanwhile.
   */
  | { kind: "wait"; why: WaitReason; at?: AccountRef; to?: AccountRef }
  /** The work cannot start yet, and no message may be sent for it: the sweeper starts it again after `byMs`. */
  | { kind: "postponed"; byMs: number }
  /** The vendor may or may not have accepted the call. `canRepeat`: an idempotency key makes it harmless to send it again. */
  | { kind: "unclear"; attempt: number; call?: CallKind; canRepeat?: boolean }
  // A look-up names in `rev` the revision of the task when the look-up was made: the task may have been submitted again
  // before the vendor responded. A callback names in `at` the account of its attempt, from its callback token.
  | { kind: "report"; attempt: number; from: "callback" | "lookup"; rev?: number; at?: AccountRef; report: Report }
  /**
   * A look-up did not find the task. `unproven`: the vendor's list may have ended before the task, so the look-up says
   * nothing about it.
   */
  | { kind: "lookupMiss"; rev?: number; unproven?: boolean }
  /**
   * The due time has passed. `canSearch`: the vendor can be looked up without its task id (trueai-org lists tasks by
   * state). `canRepeat`: an unclear call may be sent again with its idempotency key. `endOnly`: the vendor sends no callback before the end. `askAt`: time of the earliest next look-up, epoch ms; set while
   * the look-ups at this account fail.
   * `queueLate`: true if the submit queue is long, so that a waiting task gets no further message.
   */
  | {
      kind: "due";
      canSearch?: boolean;
      canRepeat?: boolean;
      endOnly?: boolean;
      askAt?: number;
      queueLate?: boolean;
    }
  /** All follow-ups are stored, and their messages are sent. */
  | { kind: "followUpsStarted" }
  /**
   * A delivery for every subscriber is stored, for the events of the task up to `status`. `archivedAt`: that of the task that
   * the worker has read.
   */
  | { kind: "notified"; status: TaskStatus; archivedAt?: number | undefined }
  /** The archiving is finished. `failures` says what can never be copied; unset: nothing failed. */
  | { kind: "archived"; copies: Copy[]; failures?: CopyFailure[] }
  /** mjflow has cut the tile from the grid of its parent, without a vendor. */
  | { kind: "tileCut"; result: Result; copies: Copy[] }
  /** The app submitted a modal answer. */
  | { kind: "answer"; modal: ModalAnswer }
  /** The stored late success becomes the end of the task (docs/decisions/0020). */
  | { kind: "adopt" }
  /**
   * The effect `adopt` is completed: the flow of the adopted task runs again. Or the late success stays stored, because
   * mjflow does not adopt it by itself.
   */
  | { kind: "adoptionDone" }
  /** The app retries the task, so a new task takes its place. */
  | { kind: "retried" }
  /** The app canceled the flow. A task that the vendor does not have is not submitted any more. */
  | { kind: "cancel" }
  /**
   * The task cannot be submitted or has expired: missing button, failed parent, dead-letter message, deadline. `at`: account
   * to which the failure belongs; a task at another one goes on. Unset: any.
   */
  | { kind: "abandon"; failure: Failure; at?: AccountRef; to?: AccountRef };

/** A vendor account. */
export type AccountRef = Pick<Task, "provider" | "account">;

export interface Context {
  /** Current time, epoch ms. */
  now: number;
  timings: Timings;
  /** True if no message may be sent for the task's work: the chain of its messages is over. Then its due time starts it. */
  chainOver?: boolean;
}

export type Effect =
  /** Call the vendor now. The worker holds the claim. */
  | { kind: "call" }
  /** Put the task's work message on its queue: a submit message, for a tile an archive message. */
  | { kind: "enqueue"; delayMs: number }
  /** Put the task in the wait list of its account. */
  | { kind: "wait" }
  /** Release the slot that the task does not need any more. */
  | { kind: "release"; from: AccountRef; slot: Slot }
  /** Store the follow-ups and send their messages. */
  | { kind: "follow" }
  /** Look the task up at the vendor. */
  | { kind: "lookup" }
  /** Check whether the flow has ended, and record its end. */
  | { kind: "settle" }
  /** Notify the subscribers of new events. `events`: their names; unset: of all events without a record. */
  | { kind: "tell"; events?: readonly string[] }
  /** Archive the result images. */
  | { kind: "archive" }
  /** Check whether the stored late success is to be adopted. */
  | { kind: "adopt" };

export type DecisionReason =
  | "ended"
  | "duplicate"
  | "stale"
  | "leased"
  | "not-waiting"
  | "superseded"
  | "unknown-attempt"
  | "unknown-status"
  | "no-news";

export type Decision =
  /** The status changes. Save `next` under its revision, then run `effects`. */
  | { kind: "move"; next: Task; effects: Effect[] }
  /** The status stays, but the row changes: for example a counted duplicate, an orphan or a late report. */
  | { kind: "record"; next: Task; why: DecisionReason; effects: Effect[] }
  /** Nothing to save. */
  | { kind: "ignore"; why: DecisionReason };
