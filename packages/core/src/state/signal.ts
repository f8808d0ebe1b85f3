/** What can happen to a task, and what a decision about it can be. Types only. */
import type { Failure } from "../error.ts";
import type { ModalAnswer } from "../plan.ts";
import type { Report, Result } from "../report.ts";
import type { Copy, Task, TaskStatus } from "../task.ts";
import type { Timings } from "../timing.ts";

/** Whether callbacks can be expected for an accepted task: how soon the sweeper looks depends on it. */
export type CallbackExpectation = "calling" | "unknown" | "silent" | "instant";

export type CallKind = Task["phase"];

export type Signal =
  /**
   * A worker has the task's message and would make this call. What it prepared is what it may do: should the task have
   * moved on to its window meanwhile, a claim to submit it gets nothing, or the press would be paid twice.
   */
  | { kind: "claim"; call: CallKind; customId?: string }
  // The vendor's answers say which call they answer, where that is known: a slow answer to the press must not be taken
  // for the answer to the window that another worker has sent since.
  | {
      kind: "accepted";
      attempt: number;
      call?: CallKind;
      vendorTaskId: string;
      siblings?: string[];
      expect: CallbackExpectation;
    }
  /** The vendor took it and waits for a prompt or mask. */
  | { kind: "modalOpened"; attempt: number; call?: CallKind; vendorTaskId: string }
  /** `to`: where a root goes on whose vendor is lost, if its app wants that. */
  | { kind: "refused"; attempt: number; call?: CallKind; failure: Failure; to?: AccountRef }
  /**
   * Definitely not taken; `afterMs` where the vendor said when to return. `to`: an account that would take a root now.
   * @param chance 0 to 1, for jitter
   */
  | { kind: "busy"; attempt: number; call?: CallKind; afterMs?: number; chance: number; to?: AccountRef }
  /** Not asked: its account runs as many of our tasks as it may. */
  | { kind: "accountFull"; chance: number; to?: AccountRef }
  /** May or may not have been taken. */
  | { kind: "unclear"; attempt: number; call?: CallKind }
  // A look-up says of which revision it was asked: the task may have been sent again while the vendor was thinking.
  // A callback says by its token at which account its attempt was made.
  | { kind: "report"; attempt: number; from: "callback" | "lookup"; rev?: number; at?: AccountRef; report: Report }
  /** A look-up found no such task. */
  | { kind: "lookupMiss"; rev?: number }
  /**
   * The due time has passed. `canSearch`: the vendor can be asked without its task id (trueai-org's list by state).
   * `askAt`: not before then, for its look-ups fail.
   */
  | { kind: "due"; canSearch?: boolean; askAt?: number }
  /** All follow-ups are stored and sent. */
  | { kind: "followUpsStarted" }
  /** What had happened to the task while it was in `status` is stored for every listener. */
  | { kind: "notified"; status: TaskStatus }
  /** Its pictures are copied; none where they could not be, for good. */
  | { kind: "archived"; copies: Copy[] }
  /** Made here, without a vendor: a tile cut from its parent's grid. */
  | { kind: "tileCut"; result: Result; copies: Copy[] }
  /** The app answered the window. */
  | { kind: "answer"; modal: ModalAnswer }
  /** The app called its flow off: what the vendor does not have is not sent any more. */
  | { kind: "cancel" }
  /** It cannot be submitted at all: no such button, parent failed, message poisoned. */
  | { kind: "abandon"; failure: Failure; to?: AccountRef };

/** A vendor's account. */
export type AccountRef = Pick<Task, "provider" | "account">;

export interface Context {
  /** Epoch ms. */
  now: number;
  timings: Timings;
}

export type Effect =
  /** Call the vendor now: the claim is ours. */
  | { kind: "call" }
  /** Put a submit message on the queue. */
  | { kind: "enqueue"; delayMs: number }
  /** Store and send the follow-ups. */
  | { kind: "follow" }
  /** Ask the vendor. */
  | { kind: "lookup" }
  /** See whether the flow has ended. */
  | { kind: "settle" }
  /** Somebody listens, and has something to hear. */
  | { kind: "tell" }
  /** Copy the result's pictures. */
  | { kind: "archive" };

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
  /** A new state. */
  | { kind: "move"; next: Task; effects: Effect[] }
  /** The state stays; something is noted on the row (a duplicate counted, an orphan, a late end). */
  | { kind: "record"; next: Task; why: DecisionReason; effects: Effect[] }
  | { kind: "ignore"; why: DecisionReason };
