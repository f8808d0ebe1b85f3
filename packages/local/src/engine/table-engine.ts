/** Interface of a running table engine. */
export type TableEngineName = "dynoxide" | "dynalite";

export interface TableEngine {
  name: TableEngineName;
  endpoint: string;
  /** Process id of the child process; unset for dynalite, which runs in this process. */
  pid?: number;
  /** Registers a callback for an unexpected end of the table engine. Nothing works after such an end. */
  onCrash(callback: (why: string) => void): void;
  stop(): Promise<void>;
}
