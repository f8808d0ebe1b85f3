/** A system under test: a process that accepts plans at `POST /v1/flows`, like mjflow. */

/** Settings of one row of the table. */
export interface RowOptions {
  /** True if the server syncs its log before it acknowledges a write; false if it syncs later. */
  isSynced: boolean;
  /** True if each step of progress is stored; false if it is dropped. */
  storesProgress: boolean;
}

export interface SystemOptions extends RowOptions {
  vendorUrl: string;
  dataDir: string;
}

export interface Ready {
  url: string;
  key: string;
}

/** What a peer did since its start. */
export interface Counts {
  /** Commands that were sent to Redis, or records that were appended to the file. */
  requests: number;
}

/** What mjflow's process says about itself. */
export interface ServerState {
  rssMb: number;
  /** Longest pause of the event loop since the last question, ms; 0 at the first one. */
  longestPauseMs: number;
}
