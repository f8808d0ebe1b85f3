/** Results of the doctor's checks; the doctor prints one line for each. */
export type Level = "ok" | "warn" | "bad" | "unknown";

export interface Finding {
  level: Level;
  /** The checked part, for example `key` or a provider id. */
  subject: string;
  message: string;
  /** What the user can do; unset if nothing has to be done. */
  advice?: string;
}
