/** What the doctor found, one line each. */
export type Level = "ok" | "warn" | "bad" | "unknown";

export interface Finding {
  level: Level;
  /** What was looked at. */
  subject: string;
  message: string;
  /** What to do about it. */
  advice?: string;
}
