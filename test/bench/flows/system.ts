/** A system under test: a process that accepts plans at `POST /v1/flows`, like mjflow. */

export interface SystemOptions {
  vendorUrl: string;
  dataDir: string;
  /** True if the server syncs its log before it acknowledges a write; false if it syncs later. */
  isSynced: boolean;
}

export interface Ready {
  url: string;
  key: string;
}
