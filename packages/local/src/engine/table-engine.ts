/** A running table engine, whichever it is. */
export type TableEngineName = "dynoxide" | "dynalite";

export interface TableEngine {
  name: TableEngineName;
  endpoint: string;
  /** Of the child process; dynalite has none, it runs in this one. */
  pid?: number;
  /** Calls back should the engine end by itself: nothing works from then on, and nobody else would say so. */
  onDeath(tell: (why: string) => void): void;
  stop(): Promise<void>;
}
