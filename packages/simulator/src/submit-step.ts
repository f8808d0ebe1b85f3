/**
 * Steps of a submission that are the same at every vendor, whatever its protocol. These are the start of a task, a slow
 * response and the credit of the account. The faults that may affect a submission and its ledger row are here, too.
 */
import type { CallbackSender } from "./callback.ts";
import type { Clock } from "./clock.ts";
import type { SubmitVerb, Verb } from "./dialect.ts";
import type { FaultKind, Faults } from "./fault.ts";
import type { Fields } from "./json.ts";
import type { Submission } from "./ledger.ts";
import type { TaskLifecycle } from "./lifecycle.ts";
import type { ProviderId } from "./provider.ts";
import type { Scenario } from "./scenario.ts";
import { isEnded, type Task, type TaskOutcome } from "./task.ts";

export const SUBMIT_FAULTS: readonly FaultKind[] = [
  "drop-before-accept",
  "accept-then-drop",
  "accept-then-hang",
  "answer-5xx",
  "answer-garbage",
  "answer-429",
  "answer-overloaded",
  "answer-challenge",
  "queue-full",
  "out-of-credit",
  "account-refused",
  "not-success",
];

export interface SubmitSteps {
  /**
   * Starts the task. With the fault early-callback, callbacks up to its `status` are sent and answered before the submit
   * response (docs/protocol.md 5.4).
   */
  start(task: Task, verb: SubmitVerb): Promise<void>;
  /** Waits if the fault slow-answer affects this response. */
  pause(event: { provider: ProviderId; verb: Verb }): Promise<void>;
  /** Returns the ending that the fault fail-task gives to a new task; undefined if none does. */
  failure(event: { provider: ProviderId; action: Task["action"] }): TaskOutcome | undefined;
  /** Returns false if the credit of the scenario is used up. Every created task needs one unit. */
  canPay(provider: ProviderId, scenario: Scenario): boolean;
  /** Takes one unit of credit for each created task. */
  pay(provider: ProviderId, tasks: number): void;
  /** Gives a vendor its full credit again, because it has another scenario. */
  resetCredit(provider: ProviderId): void;
}

export function createSubmitSteps(parts: {
  clock: Clock;
  life: TaskLifecycle;
  faults: Faults;
  notifier: CallbackSender;
}): SubmitSteps {
  const { clock, life, faults, notifier } = parts;
  const paid = new Map<ProviderId, number>();
  return {
    async start(task, verb) {
      const event = { provider: task.provider, verb, action: task.action };
      const fault = task.plan.length > 0 ? faults.take(["early-callback"], event) : undefined;
      if (fault) {
        const until = fault.status ?? "SUBMITTED";
        for (let next = life.hurry(task.id); next; next = life.hurry(task.id)) {
          if (next.status === until || (until === "terminal" && isEnded(next.status))) break;
        }
        await notifier.settled(task.id);
      }
      life.start(task.id);
    },

    async pause(event) {
      const slow = faults.take(["slow-answer"], event);
      if (slow) await new Promise<void>((resume) => clock.setTimer(resume, slow.delayMs ?? 1_000));
    },

    failure(event) {
      const reason = "Midjourney could not finish this image";
      return faults.take(["fail-task"], event) ? { kind: "failure", share: 0.4, reason, cause: "vendor" } : undefined;
    },

    canPay: (provider, { credit }) => credit === undefined || (paid.get(provider) ?? 0) < credit,
    pay: (provider, tasks) => void paid.set(provider, (paid.get(provider) ?? 0) + tasks),
    resetCredit: (provider) => void paid.delete(provider),
  };
}

/** Fields of a ledger row before anything is known about the result. */
export function blankRow(
  call: Pick<Submission, "provider" | "verb" | "mode" | "at"> & Partial<Submission>,
): Omit<Submission, "seq"> {
  return {
    parentId: null,
    customId: null,
    action: null,
    prompt: null,
    state: null,
    hasHook: false,
    images: [],
    taskId: null,
    code: null,
    httpStatus: null,
    outcome: "refused",
    fault: null,
    ...call,
  };
}

/** Returns the images of a body as the ledger shows them. @param names fields that hold an image or a list of images */
export function imagesOf(fields: Fields, names: readonly string[]): string[] {
  const values = names.flatMap((name) => fields[name]);
  return values.filter((value) => typeof value === "string").map(shortImage);
}

function shortImage(image: string): string {
  const [, head, data] = /^(data:[^,]*),(.*)$/s.exec(image) ?? [];
  return data === undefined
    ? (cut(image) ?? "")
    : `${head},${Math.floor((data.replace(/(?<!=)=+$/, "").length * 3) / 4)} bytes`;
}

const LEDGER_TEXT = 2_000;

/** Returns a text that is short enough for the ledger. */
export const cut = (text: string | null): string | null =>
  text !== null && text.length > LEDGER_TEXT ? `${text.slice(0, LEDGER_TEXT)}…` : text;
