/** A system under test: a process that takes plans at `POST /v1/flows`, as mjflow does. */

export interface SystemOptions {
  vendorUrl: string;
  dataDir: string;
  /** Of its server's log: synced before anything is acknowledged, or a moment later. */
  isSynced: boolean;
}

export interface Ready {
  url: string;
  key: string;
}
