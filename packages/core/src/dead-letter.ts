/** A dead letter nobody could read: kept until a person decides, then kept as a record of what was decided. */

export interface DeadLetter {
  /** Sorts by when it died. */
  id: string;
  rev: number;
  state: "kept" | "redriven" | "dropped";
  /** The message as it came. Untrusted: whoever can write to the queue wrote it. */
  body: string;
  /** Why it could not be read. */
  why: string;
  receives: number;
  createdAt: number;
}

/** The queue's own id makes it unique: delivered twice, it is kept once (T3). */
export function deadLetterIdOf(sentAtMs: number, messageId: string): string {
  return `${String(sentAtMs).padStart(15, "0")}_${messageId.replace(/[^\w-]/g, "").slice(0, 80)}`;
}
