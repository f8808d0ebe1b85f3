/** The kinds of flows whose use is counted. Each has one imagine and four upscales. */
export interface Scenario {
  name: string;
  /** Webhook endpoints of the app. */
  endpoints?: number;
  /** Limits of the app; unset: the flows belong to the operator's key. */
  limits?: object;
  /** Further fields of the request. */
  request?: object;
  /** True if every progress callback is stored. */
  storesProgress?: boolean;
  /** True if the tasks are created and read through the compat API. */
  isCompat?: boolean;
}

const LIMITS = { creditsUsd: 1_000, runningFlows: 500, flowsPerMinute: 6_000 };

export const SCENARIOS = {
  plain: { name: "no listener" },
  limits: { name: "no listener, an app with all limits", limits: LIMITS },
  oneListener: { name: "one listener", endpoints: 1 },
  limitsOneListener: { name: "one listener, an app with all limits", endpoints: 1, limits: LIMITS },
  threeListeners: { name: "three listeners", endpoints: 3 },
  progress: { name: "no listener, progress stored", request: { progress: true }, storesProgress: true },
  archive: { name: "no listener, images archived", request: { archive: true } },
  archiveOneListener: { name: "one listener, images archived", endpoints: 1, request: { archive: true } },
  archiveLater: { name: "one listener, copies sent later", endpoints: 1, request: { archive: "later" } },
  compat: { name: "compat API, polled", isCompat: true, storesProgress: true },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
