import { createSqsDepths } from "@mjflow/queue/depth";
import { createSqsSweepJobs } from "@mjflow/queue/sweep-job";
import { createSweepLeases } from "@mjflow/store/sweep-lease";
import { Resource } from "sst/resource";
import { baseDeps, lazy, queueDepths, queueUrls, sqs, table, withAccounts } from "./base.ts";
import { webhookStore } from "./outgoing.ts";
import { withVendors } from "./vendor.ts";

export const composeSweep = /* @__PURE__ */ lazy(() =>
  withAccounts({
    ...withVendors(baseDeps("sweep")),
    webhookStore: webhookStore(),
    // The sweeper needs only the depth of the submit queue.
    queueDepths: queueDepths() ?? createSqsDepths({ client: sqs, urls: { submit: queueUrls.submit } }),
    /** False on the local server, where one run of the sweeper does everything. */
    hasSweepQueues: Resource.SweepQueue.url !== "",
    sweepLeases: createSweepLeases(table()),
    sweepJobs: createSqsSweepJobs({
      client: sqs,
      urls: { repair: () => Resource.RepairQueue.url, other: () => Resource.SweepQueue.url },
    }),
  }),
);
