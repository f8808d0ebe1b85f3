/** A running table engine, whichever it is. */
export type TableEngineName = "dynoxide" | "dynalite";

export interface TableEngine {
  name: TableEngineName;
  endpoint: string;
  /** Of the child process; dynalite has none, it runs in this one. */
  pid?: number;
  stop(): Promise<void>;
}
