/**
 * A dead-letter message that no version could parse. It is stored until an operator redrives or discards it, and afterwards
 * as a record of that decision.
 */

export interface DeadLetter {
  /** Id that sorts by the time at which the message was sent. */
  id: string;
  rev: number;
  /** `kept`: undecided; `redriven`: sent again; `dropped`: discarded. */
  state: "kept" | "redriven" | "dropped";
  /** The message text as received. It is untrusted: any sender with access to the queue may have written it. */
  body: string;
  /** Message group of the queue message. Unset if it had none, and in rows of earlier versions. */
  group?: string;
  /** The reason why it could not be parsed. */
  why: string;
  /** Number of times that the queue delivered the message. */
  receives: number;
  /** Time of storing, epoch ms. */
  createdAt: number;
}

/** The id contains the queue's message id, so a message that is delivered twice is stored once (T3). */
export function deadLetterIdOf(sentAtMs: number, messageId: string): string {
  return `${String(sentAtMs).padStart(15, "0")}_${messageId.replace(/[^\w-]/g, "").slice(0, 80)}`;
}
